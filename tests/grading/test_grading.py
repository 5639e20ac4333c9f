"""Grading: outcomes, what a failure says, and that a missing result never passes."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import textwrap
from dataclasses import replace

import pytest
from support import STAGES

from workshop.grading import outcomes, report, runner, worker
from workshop.grading.outcomes import FAILED, PASSED, UNCHECKED, CheckResult
from workshop.grading.runner import passes
from workshop.grading.stub import write_stub
from workshop.grading.words import compare, failure, show
from workshop.paths import repository
from workshop.stages import UnknownStage, find

STAGE = STAGES[0]


@pytest.fixture
def checks(tmp_path, monkeypatch):
    """Puts a check file of one's own in place of a stage's."""
    folder = tmp_path / "checks" / STAGE.name
    folder.mkdir(parents=True)
    shutil.copy(repository() / "pyproject.toml", tmp_path)
    (folder.parent / "conftest.py").symlink_to(repository() / "checks" / "conftest.py")
    file = folder / "test_own.py"
    monkeypatch.setattr(runner, "check_folder", lambda stage: folder)

    def run(source: str, limit_s: float = 60) -> dict[str, CheckResult]:
        file.write_text(textwrap.dedent(source), encoding="utf-8")
        results = runner.run_checks([STAGE], repository() / "solutions", limit_s=limit_s)
        return {result.name: result for result in results}

    return run


def test_the_three_outcomes(checks):
    results = checks('''
        def test_passes(function):
            """It passes."""
            assert function.name, "no name"

        def test_fails(function):
            """It fails."""
            assert function.name == "x", "the teacher's words"

        def test_breaks(function):
            """It breaks."""
            {}["missing"]

        def test_is_skipped():
            """It skips."""
            import pytest
            pytest.skip("no")
    ''')
    assert [results[f"test_{n}"].outcome for n in ("passes", "fails", "breaks", "is_skipped")] == [
        *(PASSED, FAILED, UNCHECKED, UNCHECKED)
    ]
    assert results["test_fails"].message == "the teacher's words"
    assert results["test_fails"].means == "It fails."
    assert results["test_breaks"].message == "KeyError: 'missing'"


def test_a_check_that_ends_the_process_has_not_passed(checks):
    results = checks('''
        import os

        def test_first():
            """First."""

        def test_ends_everything():
            """Ends."""
            os._exit(0)

        def test_never_runs():
            """Never."""
    ''')
    assert results["test_first"].outcome == PASSED
    assert results["test_ends_everything"].outcome == FAILED
    assert results["test_never_runs"].outcome == FAILED
    assert "without a result" in results["test_never_runs"].message


def test_a_check_that_hangs_is_the_workshops_fault(checks):
    results = checks(
        '''
        import time

        def test_hangs():
            """Hangs."""
            time.sleep(600)
    ''',
        limit_s=2,
    )
    assert results["test_hangs"].outcome == UNCHECKED
    assert "did not end within 2 s" in results["test_hangs"].message


def test_a_check_file_that_does_not_load_is_the_workshops_fault(checks):
    results = checks('''
        import no_such_module

        def test_one():
            """One."""
    ''')
    assert results["test_one"].outcome == UNCHECKED
    assert "no_such_module" in results["test_one"].message


def test_a_stage_passes_when_its_core_does(checks):
    results = checks('''
        import pytest

        @pytest.mark.extra
        def test_further():
            """Goes further."""
            assert False, "not yet"

        def test_core():
            """Does it."""
    ''')
    assert {name: result.extra for name, result in results.items()} == {
        "test_further": True,
        "test_core": False,
    }
    graded = list(results.values())
    assert passes(graded)
    text = report.text(STAGE, graded, repository() / "solutions")
    assert "\n  ok    Does it.\n\nExtra\n\n  fail  Goes further.\n" in text
    assert "not yet" in text
    assert text.endswith(
        "All 1 core checks of stage 01 pass. Well done. Extras: 0 of 1 checks pass."
    )
    assert json.loads(report.as_json(graded))["passes"] == {STAGE.name: True}
    failed = [replace(result, outcome=FAILED) for result in graded]
    assert not passes(failed)
    assert "0 of 1 checks pass. Extras: 0 of 1 checks pass. Stuck?" in report.text(
        STAGE, failed, repository() / "solutions"
    )


def test_could_not_check_is_said_so():
    result = CheckResult(STAGE.name, "test_x", "X.", UNCHECKED, "OSError: no disk")
    text = report.text(STAGE, [result], repository() / "solutions")
    assert "The workshop could not check; this is its fault, not yours" in text
    assert "OSError: no disk" in text
    assert "workshop doctor" in text
    assert "Well done" not in text


def test_plain_pytest_speaks_the_same(tmp_path):
    write_stub(STAGE, tmp_path)
    environ = {k: v for k, v in os.environ.items() if not k.startswith(("PYTEST", "AWS"))}
    command = [sys.executable, "-m", "pytest", "checks", "-q", "--exercises", str(tmp_path)]
    done = subprocess.run(
        [*command, "-k", "rounds_minutes_up"],
        cwd=repository(),
        env=environ,
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert done.returncode == 1
    assert "The answer is not the object that the contract describes." in done.stdout
    assert "look at:" in done.stdout
    for noise in ("Traceback", "moto", "def test_", "conftest.py:"):
        assert noise not in done.stdout
    (tmp_path / "conftest.py").write_text("raise SystemExit('taken over')\n")
    again = subprocess.run(
        [*command, "-k", "rounds_minutes_up"], cwd=repository(), capture_output=True, text=True
    )
    assert "taken over" not in again.stdout + again.stderr
    assert again.returncode == 1
    missing = subprocess.run(
        [*command[:-1], "/no/such"], cwd=repository(), env=environ, capture_output=True, text=True
    )
    assert missing.returncode == 4
    assert "There is no folder /no/such" in missing.stderr


def test_checks_against_another_endpoint(lab):
    """The same checks, deployed to an AWS that runs elsewhere: another cloud's address."""
    variables = lab.cloud.environ()
    clean = {name: value for name, value in os.environ.items() if not name.startswith("AWS_")}
    keys = {name: variables[name] for name in worker.ELSEWHERE if name in variables}
    done = subprocess.run(
        [
            *(sys.executable, "-m", "workshop", "check", "01", "--exercises", "solutions"),
            *("--endpoint-url", variables["AWS_ENDPOINT_URL"]),
        ],
        cwd=repository(),
        env=clean | keys,
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    ran = {each.function_name for each in lab.cloud.invocations()}
    assert any(name.startswith(STAGE.name) for name in ran)
    assert lab.client.list_functions()["Functions"] == [], "it cleans up after itself"


def test_failure_says_what_was_done_expected_and_came():
    text = failure("It is wrong.", {"a": 1}, [1, 2], [1, 3], "line 5")
    assert text.splitlines() == [
        "It is wrong.",
        '  event:    {"a": 1}',
        "  expected: [1, 2]",
        "  got:      [1, 3]",
        "  look at:  line 5",
    ]


def test_long_values_are_cut_around_the_first_difference():
    left = "x" * 500 + "here" + "y" * 500
    right = "x" * 500 + "HERE" + "y" * 500
    first, second = compare(left, right).splitlines()
    assert "here" in first and "HERE" in second
    assert first.startswith("  expected: ...") and first.endswith("...")
    assert len(first) < 150


def test_values_that_are_no_json_are_shown():
    assert show({1, 2}) == "{1, 2}"
    assert show("Łódź") == '"Łódź"'


@pytest.mark.parametrize(
    "text", ["1", "01", "stage_01", "01_hello_lambda", "stage_01_hello_lambda"]
)
def test_names_of_a_stage(text):
    assert find(text).name == "stage_01_hello_lambda"


@pytest.mark.parametrize("text", ["", "2000", "hello", "../01"])
def test_no_names_of_a_stage(text):
    with pytest.raises(UnknownStage, match="The stages are"):
        find(text)


def test_plain_cuts_what_pytest_adds():
    assert outcomes.plain(AssertionError("the words\nassert 1 == 2\n +  where")) == "the words"
