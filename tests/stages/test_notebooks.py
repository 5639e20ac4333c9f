"""The notebooks follow the chapters, run as stored, and stay runnable while nothing is solved."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import nbformat
import pytest
from jupyter_core.utils import run_sync
from nbclient import NotebookClient
from support import chapters, stubs

from workshop.notebook.errors import GO_ON
from workshop.notebook.refresh import SEED, exercises_for
from workshop.paths import repository

NOTEBOOKS = sorted((repository() / "notebooks").glob("*.ipynb"))
SKIP = "nbval-skip"  # nbval's own tag
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


@pytest.mark.parametrize("file", NOTEBOOKS[1:], ids=lambda file: file.stem)
def test_your_turn_shows_the_function_before_it_is_graded(file):
    code = [cell.source for cell in your_turn(nbformat.read(file, as_version=4).cells)]
    shows = [number for number, source in enumerate(code) if "invoke_exercise(" in source]
    grades = [number for number, source in enumerate(code) if source.startswith("%check ")]
    assert len(shows) == len(grades) == 1
    assert shows < grades


@each_notebook
def test_asks_before_it_runs(file):
    predictions = [c for c in cells(file, "markdown") if "> **Predict.**" in c.source]
    assert len(predictions) >= 3


@each_notebook
def test_answers_each_prediction_after_the_run(file):
    said = []
    for cell in nbformat.read(file, as_version=4).cells:
        found = re.findall(r"^> \*\*(Predict|Answer)\.\*\*", cell.source, re.MULTILINE)
        said += ["run"] if cell.cell_type == "code" else found
    spoken = re.sub(r"(run )+", "run ", " ".join(said) + " ")
    assert re.fullmatch(r"(run )?((Predict run Answer )(run )?)+", spoken), spoken


@each_notebook
def test_a_fresh_run_gives_the_stored_outputs(file, tmp_path):
    """All but reports of checks: test_stage_checks.py compares them, from the checks it runs."""
    copy = without_reports(file, tmp_path / "notebooks")
    for folder in ("data", "exercises"):  # which notebooks read
        shutil.copytree(repository() / folder, tmp_path / folder)
    command = [sys.executable, "-m", "pytest", "-q", "-o", "addopts="]
    command += ["-p", "no:cacheprovider", "--nbval", "--nbval-current-env"]
    command += ["--nbval-sanitize-with", str(repository() / "tests" / "nbval.cfg"), str(copy)]
    environ = os.environ | {
        "WORKSHOP_EXERCISES": str(exercises_for(file, tmp_path / "stubs")),
        "WORKSHOP_SEED": SEED,
    }
    for name in ("PYTEST_ADDOPTS", "PYTEST_XDIST_WORKER", "PYTEST_XDIST_WORKER_COUNT"):
        environ.pop(name, None)
    done = subprocess.run(command, capture_output=True, text=True, env=environ, timeout=240)
    assert done.returncode == 0, f"`make notebooks` refreshes {file.name}:\n{done.stdout[-6000:]}"
    run = [cell for cell in cells(copy, "code") if SKIP not in cell.metadata.get("tags", [])]
    assert f"{len(run)} passed" in done.stdout


def without_reports(file: Path, folder: Path) -> Path:
    """A copy of a notebook, of which nbval leaves out what grades, but for the first reports."""
    notebook = nbformat.read(file, as_version=4)
    for cell in notebook.cells:
        if cell.source.startswith("%check ") and not cell.source.startswith("%check 01"):
            cell.metadata.tags = [*cell.metadata.get("tags", []), SKIP]
    folder.mkdir()
    nbformat.write(notebook, folder / file.name)
    return folder / file.name


@each_notebook
def test_cells_run_twice_and_your_turn_after_a_restart(file, monkeypatch, tmp_path):
    """With nothing solved, in one kernel: each cell twice in a row, a restart, and `Your turn`.

    A restart ends the cloud with all that is in it. Learners who come back run what is tagged.
    The fresh run has run every `%check`, and test_stage_checks.py grades the stubs: one is enough.
    """
    monkeypatch.setenv("WORKSHOP_EXERCISES", str(stubs(tmp_path)))
    notebook = nbformat.read(file, as_version=4)
    code = [cell for cell in notebook.cells if cell.cell_type == "code"]
    again = [cell for cell in your_turn(notebook.cells) if may_run_after_a_restart(file, cell)]
    stored = [text_of(cell) for cell in again]
    where = {"metadata": {"path": str(file.parent)}}
    client = NotebookClient(notebook, timeout=120, resources=where, allow_errors=True)
    with client.setup_kernel():
        for cell in code:
            if "%check" not in cell.source:  # it follows
                run_twice(client, cell)
        run_sync(client.km.restart_kernel)(now=True)
        run_sync(client.kc.wait_for_ready)(timeout=120)
        for cell in again:
            client.execute_cell(cell, 0)
            assert not errors_of(cell), f"after a restart:\n{cell.source}"
    for cell, before in zip(again, stored, strict=True):
        if "Traceback" not in before:  # one cell shows the log of a handler that raised
            assert "Traceback" not in text_of(cell)
        if "%check" in cell.source:
            assert "it is meant to fail" in text_of(cell)


def may_run_after_a_restart(file: Path, cell) -> bool:
    """Whether a cell is none that grades, or the one whose report is read."""
    return "%check" not in cell.source or file.stem == "01_hello_lambda"


def run_twice(client: NotebookClient, cell) -> None:
    """A cell may fail the second time where its tag says so, and then in a few words."""
    client.execute_cell(cell, 0)
    assert not errors_of(cell), f"the first time:\n{cell.source}\n{errors_of(cell)}"
    client.execute_cell(cell, 0)
    told = errors_of(cell)
    if "raises-exception" in cell.metadata.get("tags", []):
        assert GO_ON in told, f"says nothing of what is there already:\n{cell.source}"
        assert len(told.splitlines()) == 3
    else:
        assert not told, f"the second time:\n{cell.source}\n{told}"


def errors_of(cell) -> str:
    """What a cell shows of an error that it raised."""
    return "\n".join(line for o in cell.outputs for line in o.get("traceback", []))


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
    return found if wanted else []
