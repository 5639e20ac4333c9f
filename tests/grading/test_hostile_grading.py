"""Submissions that attack their own grading: by what they answer, delete, or never end.

What a function does to its own stage fails its checks. "Could not check" stays for the workshop.
"""

from __future__ import annotations

import json
import os
import time
from pathlib import Path

import psutil
import pytest
from support import STAGES
from test_cli import refused, workshop
from test_grading import checks  # noqa: F401 - a fixture
from waiting import until

from workshop.cli import WrongCall, _write
from workshop.cloud.base.model import Invocation
from workshop.grading import report, worker
from workshop.grading.account import Account
from workshop.grading.outcomes import (
    FAILED,
    PASSED,
    UNCHECKED,
    CheckResult,
    judge,
    read_results,
    write_results,
)
from workshop.grading.patience import NeverEnds, Patience
from workshop.grading.progress import next_hint, remember, table
from workshop.grading.words import LONGEST_MESSAGE, message, show, visible
from workshop.paths import MissingFolder, exercises_folder, repository

STAGE = STAGES[0]
UNSAFE = set(map(chr, [*range(9), *range(11, 32), *range(127, 160), 0x202E, 0x2066, 0x2028]))
AS_ROOT = getattr(os, "geteuid", lambda: 1)() == 0


def graded(tmp_path: Path, source: str, settings: str = "", **environ: str):
    """Grades a handler of stage 01 by the command: what it printed, and the results."""
    folder = tmp_path / "exercises" / STAGE.name
    folder.mkdir(parents=True)
    (folder / "handler.py").write_text(source, encoding="utf-8")
    if settings:
        (folder / "function.json").write_text(settings)
    target = tmp_path / "results.json"
    done = workshop(
        *("check", "01", "--exercises", str(folder.parent), "--json", str(target)), **environ
    )
    assert done.returncode == 1, done.stdout + done.stderr
    assert done.stderr == ""
    return done.stdout, json.loads(target.read_bytes().decode("utf-8"))["checks"]


def outcomes(results: list[dict[str, str]]) -> set[str]:
    return {result["outcome"] for result in results}


# What functions answer, and what is printed of it


def test_answers_and_errors_that_neither_a_terminal_nor_json_can_carry(tmp_path):
    """Halves of characters, escapes of terminals; and a terminal that knows ASCII only."""
    said, results = graded(
        tmp_path,
        "from simplejson import RawJSON\n"  # with which the runtime client writes answers
        "def handler(event, context):\n"
        "    if len(event) < 5:\n"
        "        raise ValueError('\\x1b]0;owned\\x07\\x9b2J \\u202e')\n"
        '    return RawJSON(\'{"minutes": "\\\\ud800 \\\\u009b31m \\\\u2028 Łódź"}\')\n',
        PYTHONIOENCODING="ascii",
    )
    assert outcomes(results) == {FAILED}
    for text in (said, *(result["message"] for result in results)):
        assert not UNSAFE & set(text)
    assert said.isascii()
    assert "\\ud800 \\x9b31m \\u2028 \\u0141" in said


def test_a_function_that_its_own_settings_throttle(tmp_path):
    said, results = graded(
        tmp_path,
        "def handler(event, context):\n    return event\n",
        '{"ReservedConcurrentExecutions": 0}',
    )
    assert outcomes(results) == {FAILED}
    assert "AWS refused what this check asked for" in said
    assert "TooManyRequestsException" in said


def test_a_function_that_deletes_itself(tmp_path):
    said, results = graded(
        tmp_path,
        "import boto3\n"
        "def handler(event, context):\n"
        "    boto3.client('lambda').delete_function(FunctionName=context.function_name)\n"
        "    return event\n",
    )
    assert outcomes(results) == {FAILED}
    assert "Perhaps your function deletes or changes itself" in said
    assert "ResourceNotFoundException" in said


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("a\tb\nc", "a\tb\nc"),
        ("a\r\nb\rc", "a\nb\\x0dc"),
        ("\x1b[2J\x9b\x7f\x00", "\\x1b[2J\\x9b\\x7f\\x00"),
        ("\u202eabc\u2066\u2028\ufeff", "\\u202eabc\\u2066\\u2028\\ufeff"),
        ("\ud800", "\\ud800"),
        ("Zażółć 🚲 नमस्ते", "Zażółć 🚲 नमस्ते"),
    ],
)
def test_characters_that_are_not_shown_are_escaped(text, shown):
    assert visible(text) == shown
    assert message(text).encode("utf-8")


def test_a_long_message_is_cut_in_its_middle():
    said = message("start" + "x" * 10_000_000 + "end")
    assert said.startswith("start") and said.endswith("end")
    assert "characters are left out" in said
    assert len(said) < LONGEST_MESSAGE + 100


@pytest.mark.parametrize("leaf", [1, {1, 2}])
def test_values_that_are_nested_too_deeply_are_shown_as_such(leaf):
    value = leaf
    for _ in range(100_000):
        value = [value]
    assert "nested too deeply" in show(value)


# Whose fault it is


def client_error(code: str, status: int = 400) -> Exception:
    from botocore.exceptions import ClientError

    error = {"Error": {"Code": code, "Message": "m"}}
    return ClientError({**error, "ResponseMetadata": {"HTTPStatusCode": status}}, "Invoke")


def botocore_error(name: str) -> Exception:
    from botocore import exceptions

    return getattr(exceptions, name)(endpoint_url="http://127.0.0.1", error="e")


@pytest.mark.parametrize(
    "error",
    [
        client_error("ResourceNotFoundException", 404),
        client_error("AWS.SimpleQueueService.NonExistentQueue"),
        client_error("TooManyRequestsException", 429),
        botocore_error("ReadTimeoutError"),
        TimeoutError("timed out"),
        RecursionError("maximum recursion depth exceeded"),
        UnicodeDecodeError("utf-8", b"\xff", 0, 1, "invalid start byte"),
        json.JSONDecodeError("Expecting value", "", 0),
    ],
    ids=lambda error: type(error).__name__,
)
def test_what_a_deployed_function_does_is_its_failure(error):
    outcome, said = judge(error, deployed=True)
    assert outcome == FAILED
    assert type(error).__name__ in said
    assert judge(error, deployed=False)[0] == UNCHECKED, "nothing of the learner's ran before"


@pytest.mark.parametrize(
    "error",
    [
        client_error("InternalFailure", 500),
        client_error("SignatureDoesNotMatch", 403),
        client_error("UnrecognizedClientException", 403),
        client_error("AccessDeniedException", 403),
        botocore_error("EndpointConnectionError"),
        botocore_error("ConnectionClosedError"),
        ConnectionRefusedError("refused"),
        KeyError("missing"),
        RuntimeError("the cloud did not start"),
    ],
    ids=lambda error: type(error).__name__,
)
def test_what_is_the_workshops_fault_stays_so(error):
    assert judge(error, deployed=True)[0] == UNCHECKED


# Functions that do not end


def ran(seconds: float, status: str = "timeout", init_ms: float | None = 100.0) -> Invocation:
    return Invocation(
        function_name=f"{STAGE.name}-1234",
        request_id="1",
        environment_id="1",
        cold=True,
        received_at=0.0,
        started_at=0.0,
        ended_at=seconds,
        init_ms=init_ms,
        duration_ms=seconds * 1000,
        billed_ms=1,
        memory_size_mb=128,
        max_memory_mb=1,
        status=status,
    )


ANSWERED = ran(0.1, "success")


@pytest.mark.parametrize(
    ("invocations", "words"),
    [
        ([ran(3)], "ran into the 3 s timeout, and has not answered yet"),
        ([ANSWERED, ran(3, init_ms=None)], ""),
        ([ANSWERED, *[ran(3, init_ms=None)] * 2], "its timeout 2 times, which took 26 s"),
        ([ANSWERED, ran(59)], ""),
        ([ANSWERED, *[ran(59)] * 2], "its timeout 2 times, which took 118 s"),
        ([ANSWERED, *[ran(3)] * 7], ""),
        ([ANSWERED, *[ran(3)] * 8], "its timeout 8 times"),
        ([ran(0.1, "success")] * 900, ""),
        ([ran(0.1, "error", init_ms=None)] * 900, ""),
        ([ran(50, "success")] * 4, "has run for 200 s in 4 invocations"),
    ],
)
def test_checks_stop_when_a_function_does_not_end(invocations, words):
    patience = Patience()
    patience.invocations = lambda: invocations
    why = patience.exhausted(STAGE.name)
    assert words in why
    assert bool(why) == bool(words)
    assert patience.exhausted(STAGES[1].name) == "", "another stage waits for its own function"


def test_the_checks_that_remain_fail_at_once(checks):  # noqa: F811
    results = checks('''
        from workshop.grading.patience import NeverEnds

        def test_one(function):
            """One."""
            assert function.client.meta.config.read_timeout == 60
            raise NeverEnds("The function did not answer")

        def test_two(function):
            """Two."""
            raise NeverEnds("The function did not answer")

        def test_three():
            """Three."""
    ''')
    assert {result.outcome for result in results.values()} == {FAILED}
    assert "did not answer within 60 s" in results["test_two"].message
    assert "its timeout 2 times, which took 120 s" in results["test_three"].message


def test_an_endless_import_is_waited_for_once(tmp_path):
    """INIT ends after 10 s, and the invocation that repeats it after 2 s more."""
    said, results = graded(tmp_path, "import time\ntime.sleep(900)\n", '{"Timeout": 2}')
    assert outcomes(results) == {FAILED}
    stopped = [r for r in results if "this check did not wait for it again" in r["message"]]
    assert len(stopped) == len(results) - 1


def test_events_that_do_not_end_fail_the_check():
    def idle():
        raise TimeoutError("functions still run or wait after 60 s: 1 x invocation of f")

    account = Account(lambda service: None, idle)
    for wait in (account.settle, lambda: account.eventually(lambda: True)):
        with pytest.raises(NeverEnds, match="1 x invocation of f"):
            wait()


# The process that runs the checks


def test_a_worker_that_prints_without_end_and_dies_is_quoted_briefly(checks):  # noqa: F811
    results = checks('''
        import os, sys

        def test_first():
            """First."""

        def test_floods(capfd):
            """Floods."""
            with capfd.disabled():
                for _ in range(500):
                    os.write(1, b"x" * 100_000)
                os.write(1, b"\\x1b[2J the end")
            os._exit(70)

        def test_never_runs():
            """Never."""
    ''')
    assert results["test_first"].outcome == PASSED, "what had a result keeps it"
    for name in ("test_floods", "test_never_runs"):
        assert results[name].outcome == UNCHECKED
        assert "ended with exit code 70" in results[name].message
        assert results[name].message.endswith("\\x1b[2J the end")
        assert len(results[name].message) < LONGEST_MESSAGE + 1000


@pytest.mark.skipif(os.name == "nt", reason="Windows has no signals")
def test_a_worker_that_is_killed_is_told_of(checks):  # noqa: F811
    results = checks('''
        import os, signal

        def test_first():
            """First."""

        def test_is_killed():
            """Killed."""
            os.kill(os.getpid(), signal.SIGKILL)
    ''')
    assert results["test_first"].outcome == PASSED
    assert results["test_is_killed"].outcome == UNCHECKED
    assert "ended with signal 9" in results["test_is_killed"].message


def test_who_holds_the_workers_output_holds_nobody(checks):  # noqa: F811
    began = time.monotonic()
    results = checks(
        """
        import os, subprocess, sys

        def test_leaves_somebody(capfd):
            "Leaves."
            with capfd.disabled():
                sleep = [sys.executable, "-c", "import time; time.sleep(60)"]
                subprocess.Popen(sleep, start_new_session=True)
            os._exit(70)
    """,
        limit_s=50,
    )
    assert "ended with exit code 70" in results["test_leaves_somebody"].message
    assert time.monotonic() - began < 50


def test_the_limit_ends_what_the_worker_started(checks, tmp_path):  # noqa: F811
    noted = tmp_path / "pid"
    results = checks(
        f"""
        import pathlib, subprocess, sys, time

        def test_hangs():
            "Hangs."
            sleep = [sys.executable, "-c", "import time; time.sleep(600)"]
            child = subprocess.Popen(sleep)
            pathlib.Path({str(noted)!r}).write_text(str(child.pid))
            time.sleep(600)
    """,
        limit_s=10,
    )
    assert results["test_hangs"].outcome == UNCHECKED
    assert "did not end within 10 s" in results["test_hangs"].message
    until(lambda: not _runs(int(noted.read_text())))


def _runs(pid: int) -> bool:
    try:
        return psutil.Process(pid).status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False


def test_the_worker_gets_no_secret_of_the_graders(monkeypatch, tmp_path):
    for name in ("GITHUB_TOKEN", "AWS_SECRET_ACCESS_KEY", "PYTEST_ADDOPTS", "PYTHONPATH"):
        monkeypatch.setenv(name, "secret")
    monkeypatch.setenv("WORKSHOP_ROLE_ARN", "arn")
    environ = worker._environ(tmp_path / "results.json", elsewhere=False)
    assert "secret" not in environ.values()
    assert environ["WORKSHOP_ROLE_ARN"] == "arn"
    elsewhere = worker._environ(tmp_path / "results.json", elsewhere=True)
    assert [name for name, value in elsewhere.items() if value == "secret"] == [
        "AWS_SECRET_ACCESS_KEY"
    ]


def test_no_key_is_in_the_environment_and_no_way_to_an_account(checks):  # noqa: F811
    results = checks('''
        import os
        import boto3

        def test_no_key(function):
            """No key."""
            keys = function.client._request_signer._credentials.get_frozen_credentials()
            assert not set(keys) & set(os.environ.values()), "a key of the cloud"
            assert boto3.Session().get_credentials() is None, "keys from somewhere"
            assert os.environ["AWS_ENDPOINT_URL"] == function.client.meta.endpoint_url
    ''')
    assert results["test_no_key"].outcome == PASSED, results["test_no_key"].message


RIGHT = {
    **{"stage": STAGE.name, "name": "test_x", "means": "X."},
    **{"outcome": PASSED, "message": "", "extra": False},
}


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"\xff",
        b"null",
        b"{}",
        b'"passed"',
        b"[" * 1_000_000,
        b'[{"outcome": "passed"}, 3, null, []]',
        json.dumps([{**RIGHT, "outcome": "excellent"}]).encode(),
        json.dumps([{**RIGHT, "message": 3}]).encode(),
        json.dumps([{**RIGHT, "more": "x"}]).encode(),
        b" " * 20_000_000 + b"[]",
    ],
)
def test_results_that_are_none(tmp_path, content):
    (tmp_path / "results.json").write_bytes(content)
    assert read_results(tmp_path / "results.json") == []
    assert read_results(tmp_path) == read_results(tmp_path / "missing") == []


def test_results_can_be_printed_whoever_wrote_them(tmp_path):
    target = tmp_path / "results.json"
    target.write_text(json.dumps([{**RIGHT, "message": "\x1b[2J\ud800" + "x" * 100_000}, 3]))
    (result,) = read_results(target)
    assert result.message.startswith("\\x1b[2J\\ud800")
    assert len(result.message) < LONGEST_MESSAGE + 100
    assert not UNSAFE & set(report.text(STAGE, [result], repository() / "solutions"))
    assert json.loads(report.as_json([result]).encode())["checks"][0]["outcome"] == PASSED


def test_results_are_written_in_one_step(tmp_path):
    results = [CheckResult(**RIGHT)]
    write_results(tmp_path / "results.json", results)
    assert read_results(tmp_path / "results.json") == results
    assert [path.name for path in tmp_path.iterdir()] == ["results.json"]


# The command


def test_results_to_a_folder(tmp_path):
    done = workshop("check", "01", "--exercises", str(tmp_path), "--json", str(tmp_path))
    refused(done, f"The results cannot be written to {tmp_path}: ")
    assert "0 of 12 checks pass" in done.stdout


def test_results_below_a_file(tmp_path):
    (tmp_path / "file").touch()
    with pytest.raises(WrongCall, match="The results cannot be written to"):
        _write(tmp_path / "file" / "results.json", "{}")


@pytest.mark.skipif(AS_ROOT or os.name == "nt", reason="root may write everywhere")
def test_results_to_a_file_that_is_read_only(tmp_path):
    target = tmp_path / "results.json"
    target.touch()
    target.chmod(0o444)
    with pytest.raises(WrongCall, match=r"results\.json: Permission denied\."):
        _write(target, "{}")


def test_an_exercises_folder_that_is_a_file(tmp_path):
    (tmp_path / "file").touch()
    refused(
        workshop("check", "01", "--exercises", str(tmp_path / "file")),
        f"{tmp_path / 'file'} is a file. Name the folder that holds your stage_NN folders",
    )


def test_another_folder_is_graded_where_ones_own_is_missing(tmp_path):
    done = workshop("check", "01", "--exercises", str(tmp_path), WORKSHOP_EXERCISES="/no/such")
    assert done.returncode == 1, done.stderr
    assert "0 of 12 checks pass" in done.stdout


@pytest.mark.parametrize("given", ["a\0b", "~no-such-user-at-all/x", "x" * 5_000])
def test_an_exercises_folder_that_cannot_be(given):
    with pytest.raises(MissingFolder, match="Name the folder that holds your stage_NN folders"):
        exercises_folder(given)


@pytest.mark.parametrize(
    "content",
    [
        '{"results": 3, "hints": []}',
        json.dumps({"results": {STAGE.name: 3}, "hints": {STAGE.name: "x"}}),
        json.dumps({"results": {STAGE.name: [1, 2, 3]}, "hints": {STAGE.name: -5}}),
        "[" * 100_000,
        "3",
    ],
)
def test_progress_that_is_garbage(tmp_path, monkeypatch, content):
    monkeypatch.setenv("WORKSHOP_STATE", str(tmp_path))
    (tmp_path / "progress.json").write_text(content)
    assert "not yet" in table()
    assert next_hint(STAGE)[0] == 1
    remember(STAGE, [CheckResult(**RIGHT)])
    assert "1 of 1" in table()


def test_progress_that_cannot_be_kept(tmp_path, monkeypatch, capsys):
    (tmp_path / "file").touch()
    monkeypatch.setenv("WORKSHOP_STATE", str(tmp_path / "file"))
    remember(STAGE, [CheckResult(**RIGHT)])
    assert "Your progress cannot be saved in" in capsys.readouterr().err
