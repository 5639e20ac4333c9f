"""The notebooks follow the chapters, run as stored, and stay runnable while nothing is solved."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import nbformat
import pytest
from nbclient import NotebookClient
from support import chapters, stubs

from workshop.notebook.refresh import SEED, exercises_for
from workshop.paths import repository

NOTEBOOKS = sorted((repository() / "notebooks").glob("*.ipynb"))
each_notebook = pytest.mark.parametrize("file", NOTEBOOKS, ids=lambda file: file.stem)


def cells(file: Path, kind: str) -> list:
    """A notebook's cells of one kind: "code" or "markdown"."""
    notebook = nbformat.read(file, as_version=4)
    return [cell for cell in notebook.cells if cell.cell_type == kind]


def text_of(cell) -> str:
    """Everything that a code cell printed or answered, as text."""
    parts = [out.get("text", "") + str(out.get("data", "")) for out in cell.outputs]
    return "\n".join(parts)


@pytest.mark.parametrize("chapter", chapters(), ids=lambda chapter: chapter.stage.name)
def test_headings_are_those_of_the_chapter(chapter):
    name = chapter.stage.name.removeprefix("stage_")
    file = repository() / "notebooks" / f"{name}.ipynb"
    text = "\n".join(cell.source for cell in cells(file, "markdown"))
    assert re.findall(r"^# (.+)$", text, re.MULTILINE) == [chapter.title]
    assert re.findall(r"^## (.+)$", text, re.MULTILINE) == chapter.headings, (
        f"{file.name} and its chapter in Activity.md must have the same headings"
    )


@each_notebook
def test_outputs_are_stored(file):
    for number, cell in enumerate(cells(file, "code"), 1):
        assert cell.execution_count == number, f"{file.name}: run `make notebooks`"
        assert not [out for out in cell.outputs if out.output_type == "error"]


@each_notebook
def test_asks_before_it_runs(file):
    predictions = [c for c in cells(file, "markdown") if "> **Predict.**" in c.source]
    assert len(predictions) >= 3


@each_notebook
def test_a_fresh_run_gives_the_stored_outputs(file, tmp_path):
    command = [sys.executable, "-m", "pytest", "-q", "-o", "addopts="]
    command += ["-p", "no:cacheprovider", "--nbval", "--nbval-current-env"]
    command += ["--nbval-sanitize-with", str(repository() / "tests" / "nbval.cfg"), str(file)]
    environ = os.environ | {
        "WORKSHOP_EXERCISES": str(exercises_for(file, tmp_path)),
        "WORKSHOP_SEED": SEED,
    }
    for name in ("PYTEST_ADDOPTS", "PYTEST_XDIST_WORKER", "PYTEST_XDIST_WORKER_COUNT"):
        environ.pop(name, None)
    done = subprocess.run(command, capture_output=True, text=True, env=environ, timeout=240)
    assert done.returncode == 0, f"`make notebooks` refreshes {file.name}:\n{done.stdout[-6000:]}"
    assert f"{len(cells(file, 'code'))} passed" in done.stdout


@pytest.mark.parametrize("file", NOTEBOOKS[1:], ids=lambda file: file.stem)
def test_your_turn_runs_with_the_stub_unsolved(file, monkeypatch, tmp_path):
    monkeypatch.setenv("WORKSHOP_EXERCISES", str(stubs(tmp_path)))
    notebook = nbformat.read(file, as_version=4)
    notebook.cells = your_turn(notebook.cells)
    stored = [text_of(cell) for cell in notebook.cells]
    where = {"metadata": {"path": str(file.parent)}}
    NotebookClient(notebook, timeout=120, resources=where, allow_errors=True).execute()
    for cell, before in zip(notebook.cells, stored, strict=True):
        errors = [out.ename for out in cell.outputs if out.output_type == "error"]
        assert not errors, f"{file.name} stops with {errors} at:\n{cell.source}"
        if "Traceback" not in before:  # one cell shows the log of a handler that raised
            assert "Traceback" not in text_of(cell)
    assert "it is meant to fail" in text_of(next(c for c in notebook.cells if "%check" in c.source))


def your_turn(cells: list) -> list:
    """The code from `Your turn` to `Cleanup`, and the code before it that is tagged as needed.

    What comes before has nothing to do with the exercise, and the fresh run has run it.
    """
    found, wanted = [], False
    for cell in cells:
        if cell.cell_type == "markdown":
            heading = cell.source.partition("\n")[0]
            wanted = wanted or heading == "## Your turn"
            if heading == "## Cleanup":
                break
        elif wanted or "your-turn" in cell.metadata.get("tags", []):
            found.append(cell)
    assert wanted, "there is no `## Your turn`"
    return found
