"""The checks grade rightly: stubs fail, solutions and alternatives pass, mistakes are caught."""

from __future__ import annotations

import warnings

import nbformat
import pytest
from graded import STUB, enough, stale
from many_checks import Submission, grade
from support import STAGES, mistakes, submission

from workshop.grading.outcomes import FAILED, PASSED
from workshop.grading.report import is_stub, text
from workshop.grading.runner import checks
from workshop.grading.stub import write_stub
from workshop.paths import repository


@pytest.fixture(scope="module", params=STAGES, ids=lambda stage: stage.name)
def stage(request):
    return request.param


@pytest.fixture(scope="module")
def unrecorded(stage):
    """What the record does not know as it is now: it is graded in full, and a warning says so."""
    names = stale(repository(), stage.name)
    if names:
        warnings.warn(
            f"{stage.name}: {len(names)} of tests/mistakes/ are graded in full, since checks, "
            f"solution or mistake changed. `make record` records them: {', '.join(names)}",
            stacklevel=1,
        )
    return names


@pytest.fixture(scope="module")
def chosen(stage, unrecorded, pytestconfig):
    """The mistakes to grade: what changed, and enough of the others to trip each assertion."""
    known = mistakes(stage.name)
    if pytestconfig.getoption("every_mistake"):
        return known
    names = enough(repository(), stage.name).union(unrecorded)
    return {name: mistake for name, mistake in known.items() if name in names}


@pytest.fixture(scope="module")
def submissions(stage, unrecorded, chosen, tmp_path_factory):
    """What is graded of a stage, by name."""
    top = tmp_path_factory.mktemp(stage.name)
    write_stub(stage, top / STUB)
    solution = Submission(repository() / "solutions", elsewhere=True)
    found = {STUB: Submission(top / STUB), "solution, elsewhere": solution}
    for handler in sorted((repository() / "tests" / "alternatives" / stage.name).glob("*.py")):
        name = f"alternative {handler.stem}"
        found[name] = Submission(submission(top / name, stage, handler))
    for name, mistake in chosen.items():
        only = None if name in unrecorded else frozenset(mistake.caught_by)
        found[name] = Submission(mistake.submission(top / name, stage), only)
    return found


@pytest.fixture(scope="module")
def graded(stage, submissions):
    """What came of each submission, by its name."""
    return grade(stage, submissions)


@pytest.fixture(scope="module")
def right(graded):
    """What came of the solutions that must pass."""
    return {n: g for n, g in graded.items() if n.startswith(("solution", "alternative"))}


def test_every_check_has_a_result(stage, submissions, graded):
    for name, found in graded.items():
        only = submissions[name].only
        wanted = [each for each in checks(stage) if only is None or each.name in only]
        results = found.results
        assert [r.name for r in results] == [check.name for check in wanted], name
        assert {r.outcome for r in results} <= {PASSED, FAILED}, name
        assert [r.extra for r in results] == [check.extra for check in wanted]


def test_solution_and_alternatives_pass(right):
    """The solution as on AWS: the checks speak to it by its URL alone."""
    assert len(right) >= 3
    for name, found in right.items():
        wrong = {r.name: r.message for r in found.results if r.outcome != PASSED}
        assert wrong == {}, f"{name} is correct, and these say otherwise"


def test_the_notebook_stores_the_report_of_the_solution(stage, right):
    file = repository() / "notebooks" / f"{stage.name.removeprefix('stage_')}.ipynb"
    cells = nbformat.read(file, as_version=4).cells
    [report] = [cell.outputs for cell in cells if cell.source == f"%check {stage.number}"]
    told = text(stage, right["solution, elsewhere"].results, repository() / "solutions")
    assert [output.text.strip() for output in report] == [told]


def test_each_run_sends_something_else(right):
    """So nobody passes with a table of the answers; `{}` and the like tell nothing."""
    runs = [{each for each in found.sent if len(each) > 30} for found in right.values()]
    assert all(len(run) >= 10 for run in runs)
    for number, run in enumerate(runs):
        assert not run & set.union(*runs[:number], *runs[number + 1 :])


def test_stub_fails_every_check_and_says_that_it_is_meant_to(stage, graded, submissions):
    results, folder = graded[STUB].results, submissions[STUB].folder
    assert [r.name for r in results if r.outcome != FAILED] == []
    assert is_stub(stage, folder)
    report = text(stage, results, folder)
    assert "it is meant to fail" in report
    assert "Traceback" not in report
    for result in results:
        assert "look at:" in result.message, f"{result.name} does not say where to look"


def test_each_mistake_is_caught_by_the_checks_that_it_names(stage, graded, chosen):
    assert len(mistakes(stage.name)) >= 8
    found = {name: graded[name].failed for name in chosen}
    assert found == {name: each.caught_by for name, each in chosen.items()}
    for name, each in chosen.items():
        assert each.says in "\n".join(result.message for result in graded[name].results), name
