"""The record of what was graded in full notices what changes; assertions have names that stay."""

from __future__ import annotations

import json
import shutil

import pytest
from assertions import Assertions
from graded import (
    STUB,
    enough,
    fingerprints,
    never_tripped,
    read_record,
    record_file,
    stale,
    unguarded,
)
from support import STAGES, mistakes

from workshop.paths import repository

NAME = STAGES[0].name
CHECKS = """
def test_one():
    if True:
        assert 1 + 1 == 3, \\
            "the first"

def helper(value):
    assert value, "one"
    assert not value, "another"
"""


@pytest.fixture
def root(tmp_path):
    """A repository with one stage, all of whose mistakes are in the record."""
    for folder in (f"checks/{NAME}", f"solutions/{NAME}"):
        shutil.copytree(repository() / folder, tmp_path / folder)
    shutil.copy(repository() / "checks" / "conftest.py", tmp_path / "checks")
    (tmp_path / "tests" / "mistakes").mkdir(parents=True)
    shutil.copy(repository() / "tests" / "mistakes" / f"{NAME}.toml", tmp_path / "tests/mistakes")
    entries = {
        name: {"contents": contents, "tripped": []}
        for name, contents in fingerprints(tmp_path, NAME).items()
    }
    record_file(tmp_path).write_text(json.dumps({NAME: entries}))
    assert stale(tmp_path, NAME) == []
    return tmp_path


@pytest.mark.parametrize(
    "file",
    [
        "checks/conftest.py",
        f"checks/{NAME}/test_{NAME[9:]}.py",
        f"solutions/{NAME}/handler.py",
    ],
)
def test_checks_or_solution_that_changed_make_everything_stale(root, file):
    with (root / file).open("a") as changed:
        changed.write("\n# a change\n")
    assert set(stale(root, NAME)) == {*mistakes(NAME, root), STUB}


def test_a_docstring_that_changed_makes_nothing_stale(root):
    for file in (f"checks/{NAME}/test_{NAME[9:]}.py", f"solutions/{NAME}/handler.py"):
        text = (root / file).read_text(encoding="utf-8")
        (root / file).write_text(text.replace('"""', '"""In other words: ', 1), encoding="utf-8")
    assert stale(root, NAME) == []


def test_a_new_file_of_checks_makes_everything_stale(root):
    (root / "checks" / NAME / "more.py").write_text("")
    assert set(stale(root, NAME)) == {*mistakes(NAME, root), STUB}


def test_a_mistake_that_changed_is_stale_and_no_other(root):
    path = root / "tests" / "mistakes" / f"{NAME}.toml"
    text = path.read_text(encoding="utf-8")
    path.write_text(text.replace('caught_by = ["test_', 'caught_by = ["test_other_', 1), "utf-8")
    assert len(stale(root, NAME)) == 1
    path.write_text(text.replace("/ 100) * 100, 2)", "/ 100) * 100, 3)"), "utf-8")
    assert stale(root, NAME) == ["float_money"]
    path.write_text(text.replace('name = "float_money"', 'name = "other"'), "utf-8")
    assert stale(root, NAME) == ["other"]


def test_assertions_have_names_that_stay(tmp_path):
    file = tmp_path / "test_x.py"
    file.write_text(CHECKS)
    named = Assertions(tmp_path)
    assert named.names() == {"test_x.py test_one 1", "test_x.py helper 1", "test_x.py helper 2"}
    names: dict = {}
    exec(compile(CHECKS, str(file), "exec"), names)
    for call, expected in (
        (names["test_one"], "test_x.py test_one 1"),
        (lambda: names["helper"](1), "test_x.py helper 2"),
        (lambda: 1 / 0, None),
    ):
        with pytest.raises((AssertionError, ZeroDivisionError)) as raised:
            call()
        assert named.of(raised.traceback) == expected


@pytest.mark.parametrize("stage", STAGES, ids=lambda stage: stage.name)
def test_each_assertion_is_tripped_or_listed(stage):
    assert unguarded(repository(), stage.name) == []


def test_an_assertion_that_nothing_trips_is_noticed(root):
    names = sorted(Assertions(root / "checks" / NAME).names())
    assert len(names) >= 5
    note_as_tripped(root, names[1:])
    assert never_tripped(root, NAME) == {names[0]}
    (line,) = unguarded(root, NAME)
    assert "write a mistake" in line and names[0] in line
    list_as_untripped(root, names[0])
    assert unguarded(root, NAME) == []
    note_as_tripped(root, names)
    assert "take it off the list" in unguarded(root, NAME)[0]


def note_as_tripped(root, names):
    """Says in the record that a mistake trips these assertions."""
    table = json.loads(record_file(root).read_text(encoding="utf-8"))
    table[NAME]["float_money"]["tripped"] = names
    record_file(root).write_text(json.dumps(table), encoding="utf-8")


def list_as_untripped(root, name):
    """Puts an assertion on the list."""
    path = root / "tests" / "mistakes" / f"{NAME}.toml"
    _, mistake, rest = path.read_text(encoding="utf-8").partition("[[mistake]]")
    path.write_text(f'untripped = ["{name}"]\n{mistake}{rest}', encoding="utf-8")


@pytest.mark.parametrize("stage", STAGES, ids=lambda stage: stage.name)
def test_a_run_grades_enough_to_trip_each_assertion(stage):
    record, known = read_record(repository())[stage.name], mistakes(stage.name)
    few = enough(repository(), stage.name).union(stale(repository(), stage.name)) - {STUB}
    assert enough(repository(), stage.name) < set(known)
    assert tripped(record, few) == tripped(record, known)
    caught = {check for name in few for check in known[name].caught_by}
    assert caught == {check for each in known.values() for check in each.caught_by}


def tripped(record, names):
    """The assertions that these mistakes trip."""
    return {assertion for name in names for assertion in record.get(name, {}).get("tripped", [])}


def test_a_mistake_that_alone_trips_an_assertion_is_graded_in_each_run(root):
    note_as_tripped(root, ["test_x.py test_alone 1"])
    assert "float_money" in enough(root, NAME)
