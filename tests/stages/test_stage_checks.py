"""The checks grade rightly: stubs fail, solutions and alternatives pass, mistakes are caught."""

from __future__ import annotations

import pytest
from many_checks import grade
from support import STAGES, mistakes, submission

from workshop.cloud import LocalCloud
from workshop.grading.outcomes import FAILED, PASSED
from workshop.grading.report import is_stub, text
from workshop.grading.runner import checks, run_checks
from workshop.grading.stub import write_stub
from workshop.paths import repository


@pytest.fixture(scope="module", params=STAGES, ids=lambda stage: stage.name)
def stage(request):
    return request.param


@pytest.fixture(scope="module")
def submissions(stage, tmp_path_factory):
    """What is graded of a stage: folders by name."""
    top = tmp_path_factory.mktemp(stage.name)
    write_stub(stage, top / "stub")
    found = {"stub": top / "stub", "solution": repository() / "solutions"}
    for handler in sorted((repository() / "tests" / "alternatives" / stage.name).glob("*.py")):
        name = f"alternative {handler.stem}"
        found[name] = submission(top / name, stage, handler)
    for name, mistake in mistakes(stage.name).items():
        found[name] = mistake.submission(top / name, stage)
    return found


@pytest.fixture(scope="module")
def sent():
    """What the checks sent to each submission, by its folder, once it is graded."""
    return {}


@pytest.fixture(scope="module")
def graded(stage, submissions, sent):
    """The results of each submission, by its name."""
    results = grade(stage, list(submissions.values()), sent)
    return {name: results[str(folder)] for name, folder in submissions.items()}


def test_every_check_has_a_result(stage, graded):
    names = [check.name for check in checks(stage)]
    for name, results in graded.items():
        assert [r.name for r in results] == names, name
        assert {r.outcome for r in results} <= {PASSED, FAILED}, name
        assert [r.extra for r in results] == [check.extra for check in checks(stage)]


def test_solution_and_alternatives_pass(graded):
    right = [name for name in graded if name == "solution" or name.startswith("alternative ")]
    assert len(right) >= 3
    for name in right:
        wrong = {r.name: r.message for r in graded[name] if r.outcome != PASSED}
        assert wrong == {}, f"{name} is correct, and these say otherwise"


def test_each_run_sends_something_else(graded, submissions, sent):
    """So nobody passes with a table of the answers; `{}` and the like tell nothing."""
    right = [name for name in graded if name == "solution" or name.startswith("alternative ")]
    runs = [{each for each in sent[str(submissions[name])] if len(each) > 30} for name in right]
    assert all(len(run) >= 10 for run in runs)
    for number, run in enumerate(runs):
        assert not run & set.union(*runs[:number], *runs[number + 1 :])


def test_stub_fails_every_check_and_says_that_it_is_meant_to(stage, graded, submissions):
    results, folder = graded["stub"], submissions["stub"]
    assert [r.name for r in results if r.outcome != FAILED] == []
    assert is_stub(stage, folder)
    report = text(stage, results, folder)
    assert "it is meant to fail" in report
    assert "Traceback" not in report
    for result in results:
        assert "look at:" in result.message, f"{result.name} does not say where to look"


def test_each_mistake_is_caught_by_the_checks_that_it_names(stage, graded):
    known = mistakes(stage.name)
    assert len(known) >= 8
    found = {name: {r.name for r in graded[name] if r.outcome == FAILED} for name in known}
    assert found == {name: each.caught_by for name, each in known.items()}


def test_solution_passes_on_another_endpoint(stage, monkeypatch):
    """As on AWS: the checks speak to it by its URL alone."""
    with LocalCloud() as cloud:
        for name, value in cloud.environ().items():
            monkeypatch.setenv(name, value)
        results = run_checks([stage], repository() / "solutions", cloud.endpoint_url)
    assert {r.name: r.message for r in results if r.outcome != PASSED} == {}
