"""A table of the answers of one run is worth nothing in the next: the checks send other events."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest
from support import STAGES, submission

from workshop.cloud import LocalCloud
from workshop.grading.fresh import SEED
from workshop.grading.outcomes import FAILED, PASSED
from workshop.grading.runner import run_checks

STAGE = next(stage for stage in STAGES if stage.number == "01")
# What a table can pass without an answer: its error names the one field, its id is the context's.
WITHOUT_ANSWERS = {
    "test_refuses_a_ride_that_ends_before_it_starts",
    "test_request_id_is_the_invocations_own",
}
# The solution, which also writes down what it is asked and what it answers.
RECORDER = """
import json
import solved

def handler(event, context):
    answer = {"error": ""}
    try:
        answer = {**solved.handler(event, context), "request_id": None}
    except ValueError as error:
        answer = {"error": str(error)}
        raise
    finally:
        print("HEARD " + json.dumps([json.dumps(event, sort_keys=True), answer]))
    return {**answer, "request_id": context.aws_request_id}
"""
TABLE = """
import json

ANSWERS = dict(json.loads(%r))

def handler(event, context):
    answer = ANSWERS.get(json.dumps(event, sort_keys=True), {"error": "ended_at"})
    if "error" in answer:
        raise ValueError(answer["error"])
    return {**answer, "request_id": context.aws_request_id}
"""


def grade(folder: Path, seed: str, monkeypatch) -> tuple[dict[str, str], list]:
    """The outcome of each check, and what a function wrote down of it."""
    with LocalCloud() as cloud:
        for name, value in {**cloud.environ(), SEED: seed}.items():
            monkeypatch.setenv(name, value)
        results = run_checks([STAGE], folder, cloud.endpoint_url)
        pages = cloud.client("logs").get_paginator("filter_log_events")
        groups = cloud.client("logs").describe_log_groups()["logGroups"]
        lines = [
            event["message"]
            for group in groups
            for page in pages.paginate(logGroupName=group["logGroupName"])
            for event in page["events"]
        ]
    heard = [json.loads(line[len("HEARD ") :]) for line in lines if line.startswith("HEARD ")]
    return {result.name: result.outcome for result in results}, heard


@pytest.fixture(scope="module")
def table(tmp_path_factory):
    """A submission that is a table of what the checks sent in a run, and of the right answers."""
    top = tmp_path_factory.mktemp("replay")
    recorder = submission(top / "recorder", STAGE)
    shutil.move(recorder / STAGE.name / "handler.py", recorder / STAGE.name / "solved.py")
    (recorder / STAGE.name / "handler.py").write_text(RECORDER, encoding="utf-8")
    with pytest.MonkeyPatch.context() as monkeypatch:
        outcomes, heard = grade(recorder, "one", monkeypatch)
    assert set(outcomes.values()) == {PASSED}, outcomes
    assert len(heard) > 40, "each check asks something"
    replay = submission(top / "table", STAGE)
    handler = replay / STAGE.name / "handler.py"
    handler.write_text(TABLE % json.dumps(heard), encoding="utf-8")
    return replay


def test_a_table_answers_the_run_that_it_was_made_of(table, monkeypatch):
    """So the attack works, and the same seed gives the same run."""
    outcomes, _ = grade(table, "one", monkeypatch)
    assert set(outcomes.values()) == {PASSED}, outcomes


def test_a_table_fails_in_the_next_run(table, monkeypatch):
    outcomes, _ = grade(table, "two", monkeypatch)
    passed = {name for name, outcome in outcomes.items() if outcome == PASSED}
    assert passed <= WITHOUT_ANSWERS, passed
    assert {outcome for name, outcome in outcomes.items() if name not in passed} == {FAILED}


def test_a_run_has_a_seed_of_its_own(table, monkeypatch):
    """Nobody has to choose one."""
    monkeypatch.delenv(SEED, raising=False)
    first, second = (run_checks([STAGE], table) for _ in range(2))
    events = [
        {line for result in results for line in result.message.splitlines() if "event:" in line}
        for results in (first, second)
    ]
    assert events[0] and events[1] and not events[0] & events[1]
