"""Runs notebooks with the solutions in place, and stores their outputs: `make notebooks`.

python -m workshop.notebook.refresh [NOTEBOOK ...]

The picture in README is that of a cell of the first notebook, and is stored with it.
"""

from __future__ import annotations

import base64
import os
import sys
import tempfile
from pathlib import Path

import nbformat
from nbclient import NotebookClient
from nbclient.exceptions import CellExecutionError

from ..grading.stub import write_stub
from ..paths import repository
from ..stages import exercises, find

PICTURE = 'timeline(cloud.invocations("slow"))'  # the cell that README shows
SEED = "a notebook"  # of what the checks send, so that every run stores the same
KEPT_METADATA = {
    "kernelspec": {"display_name": "Python 3 (ipykernel)", "language": "python", "name": "python3"},
    "language_info": {"name": "python"},
}


def main(names: list[str]) -> int:
    """Refreshes the notebooks that are named, or all of them; returns the exit code."""
    os.environ["WORKSHOP_SEED"] = SEED
    files = [Path(name) for name in names] or sorted((repository() / "notebooks").glob("*.ipynb"))
    for file in files:
        try:
            with tempfile.TemporaryDirectory() as folder:
                os.environ["WORKSHOP_EXERCISES"] = str(exercises_for(file, Path(folder)))
                refresh(file)
        except CellExecutionError as error:
            print(f"{file.name} stops at a cell, and is left as it was:\n{error}", file=sys.stderr)
            return 1
        print(f"{file.name} is fresh")
    return 0


def exercises_for(file: Path, unsolved: Path) -> Path:
    """The exercises folder that a notebook runs with: the solutions.

    A notebook of a stage without an exercise shows what the checks say before anything is solved.
    It gets the stubs, which are written to the folder `unsolved`.
    """
    if find(file.stem).exercise:
        return repository() / "solutions"
    for stage in exercises():
        write_stub(stage, unsolved)
    return unsolved


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
    for cell in notebook.cells:
        if PICTURE in cell.source:
            store_picture(cell, repository() / "images" / "timeline.png")


def store_picture(cell: nbformat.NotebookNode, target: Path) -> None:
    """Writes the picture that a cell drew."""
    (png,) = [o.data["image/png"] for o in cell.outputs if "image/png" in o.get("data", {})]
    target.parent.mkdir(exist_ok=True)
    target.write_bytes(base64.b64decode(png))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
