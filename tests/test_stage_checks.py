"""The checks grade rightly: stubs fail, solutions and alternatives pass, mistakes are caught."""

from __future__ import annotations

import shutil

import pytest
from many_checks import grade
from support import STAGES, mistakes, submission

from workshop.cloud import LocalCloud
from workshop.grading.outcomes import FAILED, PASSED
from workshop.grading.report import is_stub, stub_folder, text
from workshop.grading.runner import check_names, run_checks
from workshop.paths import repository

stages = pytest.mark.parametrize("stage", STAGES, ids=lambda stage: stage.name)


@stages
def test_solution_passes_on_another_endpoint(stage, monkeypatch):
    """As on AWS: the checks speak to it by its URL alone."""
    with LocalCloud() as cloud:
        for name, value in cloud.environ().items():
            monkeypatch.setenv(name, value)
        results = run_checks([stage], repository() / "solutions", cloud.endpoint_url)
    assert {r.name: r.message for r in results if r.outcome != PASSED} == {}


@stages
def test_stub_fails_every_check_and_says_that_it_is_meant_to(stage, tmp_path):
    folder = tmp_path / "stubs"
    shutil.copytree(stub_folder(stage), folder / stage.name)
    results = run_checks([stage], folder)
    assert [r.name for r in results if r.outcome != FAILED] == []
    assert is_stub(stage, folder)
    report = text(stage, results, folder)
    assert "it is meant to fail" in report
    assert "Traceback" not in report
    for result in results:
        assert "look at:" in result.message, f"{result.name} does not say where to look"


@stages
def test_solution_and_alternatives_pass(stage, tmp_path):
    handlers = sorted((repository() / "tests" / "alternatives" / stage.name).glob("*.py"))
    assert len(handlers) >= 2
    folders = {each.name: submission(tmp_path / each.stem, stage, each) for each in handlers}
    folders["the solution"] = repository() / "solutions"
    graded = grade(stage, list(folders.values()))
    for name, folder in folders.items():
        results = graded[str(folder)]
        wrong = {r.name: r.message for r in results if r.outcome != PASSED}
        assert wrong == {}, f"{name} is correct, and these say otherwise"
        assert [r.name for r in results] == list(check_names(stage))


@stages
def test_each_mistake_is_caught_by_the_checks_that_it_names(stage, tmp_path):
    known = mistakes(stage)
    assert len(known) >= 8
    folders = {name: each.submission(tmp_path / name, stage) for name, each in known.items()}
    graded = grade(stage, list(folders.values()))
    found = {}
    for name, folder in folders.items():
        results = graded[str(folder)]
        assert {r.outcome for r in results} <= {PASSED, FAILED}, name
        assert len(results) == len(check_names(stage)), name
        found[name] = {r.name for r in results if r.outcome == FAILED}
    assert found == {name: each.caught_by for name, each in known.items()}
