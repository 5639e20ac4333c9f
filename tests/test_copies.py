"""A learner's copies of the notebooks: made, brought up to date, and never lost."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from workshop.copies import bring, bring_back, originals
from workshop.paths import repository
from workshop.stages import find

NAME = "01_hello_lambda.ipynb"


@pytest.fixture
def root(tmp_path) -> Path:
    """A repository with one notebook, whose outputs are stored."""
    (tmp_path / "notebooks").mkdir()
    write_original(tmp_path, "1 + 1")
    return tmp_path


def write_original(root: Path, source: str) -> None:
    """The repository's notebook, with this source in its only code cell."""
    cell = {"cell_type": "code", "source": source, "metadata": {}, "execution_count": 1, "id": "a"}
    cell["outputs"] = [{"output_type": "stream", "name": "stdout", "text": "2"}]
    notebook = {"cells": [cell], "metadata": {}, "nbformat": 4, "nbformat_minor": 5}
    (root / "notebooks" / NAME).write_text(json.dumps(notebook), encoding="utf-8")


def copy(root: Path, name: str = NAME) -> Path:
    return root / "my_notebooks" / name


def change(root: Path, **of_the_cell) -> None:
    """What a learner's JupyterLab saves; it splits a cell's source into lines."""
    notebook = json.loads(copy(root).read_text(encoding="utf-8"))
    notebook["cells"][0].update(of_the_cell)
    notebook["cells"][0]["source"] = notebook["cells"][0]["source"].splitlines(keepends=True)
    copy(root).write_text(json.dumps(notebook), encoding="utf-8")


def source(file: Path) -> str:
    return "".join(json.loads(file.read_text(encoding="utf-8"))["cells"][0]["source"])


def test_a_missing_copy_is_made_without_outputs(root):
    assert bring(root) == [f"Made your notebooks in my_notebooks/: {NAME}."]
    (cell,) = json.loads(copy(root).read_text(encoding="utf-8"))["cells"]
    assert cell["source"] == "1 + 1"
    assert (cell["outputs"], cell["execution_count"]) == ([], None)


def test_copies_stay_as_they_are_while_nothing_is_new(root):
    bring(root)
    change(root, source="1 + 2")
    before = copy(root).read_bytes()
    assert bring(root) == ["Your notebooks are in my_notebooks/, as you left them."]
    assert copy(root).read_bytes() == before


def test_an_update_brings_a_new_notebook(root):
    bring(root)
    change(root, outputs=[{"output_type": "stream", "name": "stdout", "text": "2"}])
    write_original(root, "2 + 2")
    assert bring(root) == [f"An update brought new notebooks to my_notebooks/: {NAME}."]
    assert source(copy(root)) == "2 + 2"
    assert [file.name for file in copy(root).parent.iterdir()] == [NAME]


def test_an_update_keeps_what_the_learner_changed(root):
    for number, mine in ((1, "my first"), (2, "my second")):
        bring(root)
        change(root, source=mine)
        write_original(root, f"update {number}")
        kept = f"01_hello_lambda.kept-{number}.ipynb"
        assert f"You changed {NAME}: your copy is kept as my_notebooks/{kept}." in bring(root)
        assert source(copy(root)) == f"update {number}"
        assert source(copy(root, kept)) == mine


@pytest.mark.parametrize("text", ["{", "[]", '{"cells": 1}', "ĄÓ"])
def test_what_is_not_a_notebook_is_kept(root, text):
    copy(root).parent.mkdir()
    copy(root).write_text(text, encoding="utf-16")
    said = bring(root)
    assert f"You changed {NAME}: your copy is kept" in said[-1]
    assert copy(root, "01_hello_lambda.kept-1.ipynb").read_text(encoding="utf-16") == text
    assert source(copy(root)) == "1 + 1"


def test_one_copy_is_brought_back(root):
    bring(root)
    stage = find("01")
    assert bring_back(stage, root) == [f"my_notebooks/{NAME} is the original again."]
    change(root, source="1 + 2")
    kept, back = bring_back(stage, root)
    assert "your copy is kept as my_notebooks/01_hello_lambda.kept-1.ipynb" in kept
    assert back == f"my_notebooks/{NAME} is the original again."
    assert source(copy(root)) == "1 + 1"


def test_git_ignores_the_copies():
    lines = (repository() / ".gitignore").read_text(encoding="utf-8").splitlines()
    assert "my_notebooks/" in lines


def test_every_notebook_gets_a_copy(tmp_path):
    (tmp_path / "notebooks").mkdir()
    for file in originals(repository()):
        (tmp_path / "notebooks" / file.name).write_bytes(file.read_bytes())
    bring(tmp_path)
    made = sorted(file.name for file in copy(tmp_path).parent.iterdir())
    assert made == [file.name for file in originals(repository())]
