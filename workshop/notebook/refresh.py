"""Runs notebooks with the solutions in place, and stores their outputs: `make notebooks`.

python -m workshop.notebook.refresh [NOTEBOOK ...]
"""

from __future__ import annotations

import os
import sys
from pathlib import Path

import nbformat
from nbclient import NotebookClient
from nbclient.exceptions import CellExecutionError

from ..paths import repository

SEED = "a notebook"  # of what the checks send, so that every run stores the same
KEPT_METADATA = {
    "kernelspec": {"display_name": "Python 3 (ipykernel)", "language": "python", "name": "python3"},
    "language_info": {"name": "python"},
}


def main(names: list[str]) -> int:
    """Refreshes the notebooks that are named, or all of them; returns the exit code."""
    os.environ["WORKSHOP_EXERCISES"] = str(repository() / "solutions")
    os.environ["WORKSHOP_SEED"] = SEED
    files = [Path(name) for name in names] or sorted((repository() / "notebooks").glob("*.ipynb"))
    for file in files:
        try:
            refresh(file)
        except CellExecutionError as error:
            print(f"{file.name} stops at a cell, and is left as it was:\n{error}", file=sys.stderr)
            return 1
        print(f"{file.name} is fresh")
    return 0


def refresh(file: Path) -> None:
    """Executes one notebook from the top and writes it back. Raises CellExecutionError."""
    notebook = nbformat.read(file, as_version=4)
    folder = {"metadata": {"path": str(file.resolve().parent)}}
    NotebookClient(notebook, timeout=120, resources=folder, record_timing=False).execute()
    notebook.metadata = nbformat.from_dict(KEPT_METADATA)
    for number, cell in enumerate(notebook.cells, 1):
        cell.id = f"cell-{number:02}"
        tags = cell.metadata.get("tags")
        cell.metadata = nbformat.from_dict({"tags": tags} if tags else {})
    nbformat.write(notebook, file)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
