"""Every way to fail answers in AWS's own words, in both isolations.

The words were recorded from AWS between 2022 and 2026, or are those of its runtime client.
"""

from __future__ import annotations

import re

import pytest

UUID = "[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}"
ALL_KEYS = ["errorMessage", "errorType", "requestId", "stackTrace"]
TWO_KEYS = ["errorMessage", "errorType"]
EXITED = f"RequestId: {UUID} Error: Runtime exited"

# name: source, settings, keys, errorType, errorMessage (a regular expression)
ROWS = {
    "raises": (
        "def handler(event, context):\n    raise KeyError('x')",
        {},
        ALL_KEYS,
        "KeyError",
        "'x'",
    ),
    "raises at import": (
        "raise RuntimeError('no luck')",
        {},
        ALL_KEYS,
        "RuntimeError",
        "no luck",
    ),
    "module missing": (
        "",
        {"Handler": "nope.handler"},
        ALL_KEYS,
        "Runtime.ImportModuleError",
        "Unable to import module 'nope': No module named 'nope'",
    ),
    "handler missing": (
        "",
        {"Handler": "handler.missing"},
        ALL_KEYS,
        "Runtime.HandlerNotFound",
        "Handler 'missing' missing on module 'handler'",
    ),
    "handler without a dot": (
        "",
        {"Handler": "handler"},
        ALL_KEYS,
        "Runtime.MalformedHandlerName",
        "Bad handler 'handler': .*",
    ),
    "syntax error": (
        "def handler(event, context)\n    return 1",
        {},
        ALL_KEYS,
        "Runtime.UserCodeSyntaxError",
        r"Syntax error in module 'handler': .*\(handler\.py, line 1\)",
    ),
    "module named as a builtin": (
        "",
        {"Handler": "sys.exit"},
        ALL_KEYS,
        "Runtime.BuiltInModuleConflict",
        "Cannot use built-in module sys as a handler module",
    ),
    "result not JSON": (
        "def handler(event, context): return {1, 2}",
        {},
        ALL_KEYS,
        "Runtime.MarshalError",
        "Unable to marshal response: Object of type set is not JSON serializable",
    ),
    "sys.exit in the handler": (
        "import sys\ndef handler(event, context): sys.exit(0)",
        {},
        TWO_KEYS,
        "Runtime.ExitError",
        f"{EXITED} without providing a reason",
    ),
    "sys.exit at import": (
        "import sys\nsys.exit(0)",
        {},
        TWO_KEYS,
        "Runtime.ExitError",
        f"{EXITED} without providing a reason",
    ),
    "os._exit": (
        "import os\ndef handler(event, context): os._exit(3)",
        {},
        TWO_KEYS,
        "Runtime.ExitError",
        f"{EXITED} with error: exit status 3",
    ),
    "over its memory": (
        "def handler(event, context): return len(bytearray(400_000_000))",
        {"MemorySize": 128},
        TWO_KEYS,
        "Runtime.ExitError",
        f"{EXITED} with error: signal: killed",
    ),
    "over its memory in a child": (
        "import subprocess, sys\n"
        "def handler(event, context):\n"
        "    subprocess.run([sys.executable, '-S', '-c',\n"
        "        'import time; x = bytearray(400_000_000); time.sleep(5)'])",
        {"MemorySize": 128, "Timeout": 10},
        TWO_KEYS,
        "Runtime.ExitError",
        f"{EXITED} with error: signal: killed",
    ),
    "over its timeout": (
        "import time\ndef handler(event, context): time.sleep(30)",
        {"Timeout": 1},
        TWO_KEYS,
        "Sandbox.Timedout",
        f"RequestId: {UUID} Error: Task timed out after 1.00 seconds",
    ),
    "result over 6 MB": (
        "def handler(event, context): return 'x' * 6_291_555",
        {},
        TWO_KEYS,
        "Function.ResponseSizeTooLarge",
        r"Response payload size exceeded maximum allowed payload size \(6291556 bytes\)\.",
    ),
}


@pytest.mark.parametrize("row", ROWS)
def test_fails_as_on_aws(isolated_lab, row):
    source, settings, keys, error_type, message = ROWS[row]
    answer = isolated_lab.invoke(isolated_lab.create(source, **settings), {})
    assert (answer.status, answer.error) == (200, "Unhandled")
    assert sorted(answer.value) == keys
    assert answer.value["errorType"] == error_type
    assert re.fullmatch(message, answer.value["errorMessage"])


def test_request_id_is_the_invocations_own_or_empty(isolated_lab):
    raises = "def handler(event, context): raise ValueError('x')"
    answer = isolated_lab.invoke(isolated_lab.create(raises))
    assert answer.value["requestId"] == answer.raw["ResponseMetadata"]["RequestId"]
    at_import = isolated_lab.invoke(isolated_lab.create("raise ValueError('x')"))
    assert at_import.value["requestId"] == ""


def test_stack_trace_holds_the_functions_own_frames(isolated_lab):
    source = (
        "def deeper():\n    raise Exception('x')\n\ndef handler(event, context):\n    deeper()\n"
    )
    answer = isolated_lab.invoke(isolated_lab.create(source))
    assert answer.value["stackTrace"] == [
        '  File "/var/task/handler.py", line 5, in handler\n    deeper()\n',
        "  File \"/var/task/handler.py\", line 2, in deeper\n    raise Exception('x')\n",
    ]


def test_syntax_error_shows_the_line(isolated_lab):
    answer = isolated_lab.invoke(isolated_lab.create("def handler(event, context)\n    return 1"))
    assert answer.value["stackTrace"][0].startswith('  File "/var/task/handler.py" Line 1\n')


@pytest.mark.parametrize(
    "source",
    ["import os\ndef handler(event, context): os._exit(1)", "import sys\nsys.exit()"],
    ids=["in the handler", "at import"],
)
def test_an_exit_gives_the_next_invocation_a_new_process(isolated_lab, source):
    name = isolated_lab.create(source)
    for _ in range(2):
        assert isolated_lab.invoke(name).value["errorType"] == "Runtime.ExitError"


def test_after_a_timeout_comes_a_new_environment(isolated_lab):
    name = isolated_lab.create(
        "import os, time\n"
        "def handler(event, context):\n"
        "    time.sleep(event['seconds'])\n"
        "    return os.environ['AWS_LAMBDA_LOG_STREAM_NAME']",
        Timeout=1,
    )
    before = isolated_lab.invoke(name, {"seconds": 0}).value
    assert isolated_lab.invoke(name, {"seconds": 0}).value == before
    assert isolated_lab.invoke(name, {"seconds": 9}).value["errorType"] == "Sandbox.Timedout"
    assert isolated_lab.invoke(name, {"seconds": 0}).value != before


def test_result_of_just_6_mb_is_answered(isolated_lab):
    value = isolated_lab.run("def handler(event, context): return 'x' * 6_291_554")
    assert len(value) == 6_291_554


def test_init_over_its_limit_is_repeated_under_the_timeout(isolated_lab, monkeypatch):
    monkeypatch.setattr("workshop.cloud.sandbox.environment.INIT_LIMIT_S", 0.3)
    monkeypatch.setattr("workshop.cloud.functions.invocation.INIT_LIMIT_S", 0.3)
    name = isolated_lab.create(
        "import time\ntime.sleep(0.6)\ndef handler(event, context): return 'late'", Timeout=5
    )
    answer = isolated_lab.invoke(name)
    assert answer.value == "late"
    first, *_ = [e for e in isolated_lab.log_events(f"/aws/lambda/{name}") if "INIT_REPORT" in e]
    assert first == "INIT_REPORT Init Duration: 300.00 ms\tPhase: init\tStatus: timeout\n"


def test_a_child_of_its_own_ends_with_a_timeout(isolated_lab, tmp_path):
    import psutil

    mark = f"child-of-{isolated_lab.cloud.isolation}"
    name = isolated_lab.create(
        "import subprocess, sys, time\n"
        "def handler(event, context):\n"
        f"    command = [sys.executable, '-S', '-c', 'import time; time.sleep(60)', '{mark}']\n"
        "    subprocess.Popen(command, start_new_session=True)\n"
        "    time.sleep(30)",
        Timeout=1,
    )
    assert isolated_lab.invoke(name).value["errorType"] == "Sandbox.Timedout"
    left = [p.pid for p in psutil.process_iter(["cmdline"]) if mark in (p.info["cmdline"] or [])]
    assert left == []
