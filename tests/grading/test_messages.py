"""What checks say of a function that fails: its own last lines, the place of its error, once."""

from __future__ import annotations

import json

import pytest

from workshop.grading.function import deploy
from workshop.grading.outcomes import FAILED, CheckResult
from workshop.grading.own_lines import SHOWN, WIDEST, last_error, own_lines, place_of
from workshop.grading.report import text
from workshop.grading.submission import NotReady
from workshop.grading.words import ended_in_error, failure
from workshop.stages import find

SOURCE = """
import logging
import boto3

client = boto3.client("s3")

def handler(event, context):
    print("first line\\nsecond line")
    logging.getLogger().error("logged")
    return price(event)

def price(event):
    return event["fare"]
"""
JSON_LOG = {"LoggingConfig": {"LogFormat": "JSON", "ApplicationLogLevel": "INFO"}}


@pytest.fixture
def invoke(lab, tmp_path):
    """Deploys a source with settings, and invokes it once."""

    def run(source, settings=None):
        (tmp_path / "handler.py").write_text(source)
        (tmp_path / "function.json").write_text(json.dumps(settings or {}))
        return deploy(lab.client, tmp_path).invoke({"ride": 1})

    return run


@pytest.mark.parametrize("settings", [{}, JSON_LOG], ids=["text", "json"])
def test_an_error_is_shown_with_its_place_and_what_the_function_wrote(invoke, settings):
    result = invoke(SOURCE, settings)
    written = own_lines(result.log)
    assert written[:2] == ["first line", "second line"]
    assert len(written) == 3
    assert "logged" in written[2]
    said = ended_in_error("It failed.", {"ride": 1}, result.error, result.log, "the fare")
    assert said.splitlines()[0] == "It failed: KeyError: 'fare'"
    assert said.count("first line") == 1
    place = 'look at:  handler.py, line 13, in price: return event["fare"]'
    assert f"{place}\n            the fare" in said
    assert "Traceback" not in said
    assert "REPORT" not in said


def test_a_timeout_is_said_in_seconds(invoke):
    source = "def handler(event, context):\n    print('before')\n    while True: pass"
    result = invoke(source, {"Timeout": 1})
    said = ended_in_error("It failed.", {}, result.error, result.log)
    assert said.splitlines()[0] == "Your function ran into the 1 s timeout."
    assert "log:      before" in said
    assert "what never ends" in said


@pytest.mark.parametrize(
    ("source", "words"),
    [
        ("def handel(event, context): pass", "Keep `def handler(event, context):`"),
        ("import no_such_package", "No module named 'no_such_package'"),
    ],
)
def test_a_handler_that_is_not_found_is_one_message(invoke, source, words):
    """It holds no event, so that a report tells it once for all checks."""
    with pytest.raises(NotReady) as caught:
        invoke(source)
    assert words in str(caught.value)
    assert "ride" not in str(caught.value)


def test_an_error_of_init_tells_its_place(invoke):
    result = invoke("import os\nTABLE = os.environ['TABLE']\ndef handler(event, context): pass")
    assert place_of(result.error) == "handler.py, line 2, in <module>: TABLE = os.environ['TABLE']"


def test_a_wrong_value_comes_with_what_the_function_wrote():
    log = "START RequestId: 1 Version: $LATEST\nminutes 43\nEND RequestId: 1\nREPORT RequestId: 1"
    said = failure("The minutes differ.", {}, 44, 43, "the rounding", log=log)
    assert "\n  log:      minutes 43\n  look at:  the rounding" in said
    assert "log:" not in failure("The minutes differ.", {}, 44, 43, "the rounding")


def test_lines_are_whole_and_few():
    """A tail of a log may begin within a line; long lines are cut at their end."""
    lines = ["the end of a line that began before", *(f"line {n} " + "x" * 300 for n in range(40))]
    found = own_lines("\n".join(lines))
    assert [line[:8] for line in found] == [f"line {n} " for n in range(40 - SHOWN, 40)]
    assert {len(line) for line in found} == {WIDEST + 3}
    assert own_lines("a line\nanother") == ["a line", "another"]
    assert own_lines("begins within\n" + "y" * 5000) == ["y" * WIDEST + "..."]
    assert own_lines("") == []


def test_the_last_error_of_a_log_is_found():
    raised = "[ERROR] KeyError: 'a'\nTraceback (most recent call last):\n  File \"h.py\", line 1\n"
    logged = "[ERROR]\t2026-11-27T10:00:00.000Z\t1\tfailed\nTraceback ...\nKeyError: 'a'\n"
    record = {"level": "ERROR", "message": "failed", "stackTrace": ["  File h.py\n    a()\n"]}
    unhandled = {"level": "ERROR", "errorType": "KeyError", "errorMessage": "'a'", "stackTrace": []}
    other = ["START RequestId: 1", '{"level": "INFO", "message": "well"}', "REPORT RequestId: 1"]
    assert last_error([raised, *other]) == raised.rstrip()
    assert last_error([raised, logged, *other]) == logged.rstrip()
    assert last_error([json.dumps(record), *other]) == "failed\n  File h.py\n    a()"
    assert last_error([json.dumps(unhandled), *other]) == "KeyError: 'a'"
    assert last_error(["2026 1 Task timed out after 3.00 seconds\n"]).endswith("3.00 seconds")
    assert last_error(other) == ""


def test_a_report_counts_the_checks_that_it_does_not_tell(tmp_path):
    said = ["a", "a", "b", "c", "d", "d"]
    results = [
        CheckResult("stage_01_hello_lambda", f"test_{n}", "It works.", FAILED, message)
        for n, message in enumerate(said)
    ]
    report = text(find("01"), results, tmp_path)
    assert "1 more check fails for the same reason." in report
    assert "and 2 more: fix these first" in report
