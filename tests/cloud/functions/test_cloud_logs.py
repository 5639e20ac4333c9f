"""The log: each line that Lambda writes, as text and as JSON, in CloudWatch Logs."""

from __future__ import annotations

import json
import math
import re

import pytest
from botocore.exceptions import ClientError

UUID = "[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}"
INIT_START = (
    r"INIT_START Runtime Version: python:3\.14\.v\d+\t"
    r"Runtime Version ARN: arn:aws:lambda:us-east-1::runtime:[0-9a-f]{64}\n"
)
START = rf"START RequestId: {UUID} Version: \$LATEST\n"
END = rf"END RequestId: {UUID}\n"
REPORT = (
    rf"REPORT RequestId: {UUID}\tDuration: \d+\.\d\d ms\tBilled Duration: \d+ ms\t"
    r"Memory Size: 128 MB\tMax Memory Used: \d+ MB\t"
)
COLD = r"Init Duration: \d+\.\d\d ms\t"


def lines_match(events: list[str], *patterns: str) -> bool:
    """Whether the events are as the patterns say, one by one."""
    assert len(events) == len(patterns), events
    for event, pattern in zip(events, patterns, strict=True):
        assert re.fullmatch(pattern, event), (event, pattern)
    return True


def test_lines_of_a_cold_and_a_warm_invocation(lab):
    name = lab.create("print('at import')\ndef handler(event, context): print('hello')")
    lab.invoke(name)
    lab.invoke(name)
    assert lines_match(
        lab.log_events(f"/aws/lambda/{name}"),
        *(INIT_START, "at import\n", START, "hello\n", END, REPORT + COLD + "\n"),
        *(START, "hello\n", END, REPORT + "\n"),
    )


def test_init_is_billed_and_durations_are_those_of_the_invocation(lab):
    name = lab.create("import time\ntime.sleep(0.1)\ndef handler(event, context): time.sleep(0.05)")
    lab.invoke(name)
    (ran,) = lab.cloud.invocations(name)
    assert ran.init_ms >= 100
    assert ran.duration_ms >= 50
    assert ran.billed_ms == math.ceil(round(ran.duration_ms + ran.init_ms, 2))
    report = lab.log_events(f"/aws/lambda/{name}")[-1]
    assert f"Billed Duration: {ran.billed_ms} ms" in report
    assert f"Duration: {ran.duration_ms:.2f} ms" in report


def test_max_memory_used_is_measured(lab):
    source = "def handler(event, context): return len(b'x' * event)"
    name = lab.create(source, MemorySize=512)
    lab.invoke(name, 0)
    lab.invoke(name, 100_000_000)
    small, big = [each.max_memory_mb for each in lab.cloud.invocations(name)]
    assert 5 < small < 60
    assert 95 < big < 260


def test_logging_record_of_several_lines_is_one_event(lab):
    name = lab.create(
        "import logging\n"
        "def handler(event, context):\n"
        "    logging.getLogger().warning('one\\ntwo')\n"
        "    logging.getLogger().info('not shown')\n"
        "    print('three'); print('four')"
    )
    answer = lab.invoke(name)
    request_id = answer.raw["ResponseMetadata"]["RequestId"]
    stamp = r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z"
    record = rf"\[WARNING\]\t{stamp}\t{request_id}\tone\ntwo\n"
    events = lab.log_events(f"/aws/lambda/{name}")
    assert lines_match(
        events, INIT_START, START, record, "three\n", "four\n", END, REPORT + COLD + "\n"
    )


def test_exception_is_one_event(lab):
    name = lab.create("def handler(event, context): raise ValueError('no')")
    lab.invoke(name)
    errors = [e for e in lab.log_events(f"/aws/lambda/{name}") if e.startswith("[ERROR]")]
    (error,) = errors
    first, second, third, fourth, *rest = error.splitlines()
    assert [first, second] == [
        "[ERROR] ValueError: no",
        "Traceback (most recent call last):",
    ]
    assert third.strip() == 'File "/var/task/handler.py", line 1, in handler'
    assert fourth.strip() == "def handler(event, context): raise ValueError('no')"


def test_report_of_a_timeout(lab):
    name = lab.create("import time\ndef handler(event, context): time.sleep(9)", Timeout=1)
    lab.invoke(name)
    report = lab.log_events(f"/aws/lambda/{name}")[-1]
    assert re.fullmatch(REPORT + COLD + "Status: timeout\n", report)
    assert "\tDuration: 1000.00 ms\t" in report


def test_report_of_too_much_memory(lab):
    name = lab.create("def handler(event, context): return len(bytearray(400_000_000))")
    lab.invoke(name)
    report = lab.log_events(f"/aws/lambda/{name}")[-1]
    assert re.fullmatch(REPORT + COLD + "Status: error\tError Type: Runtime.OutOfMemory\n", report)
    assert "Max Memory Used: 128 MB" in report


def test_init_that_fails_is_reported_twice(lab):
    name = lab.create(Handler="nope.handler")
    lab.invoke(name)
    events = lab.log_events(f"/aws/lambda/{name}")
    reports = [event for event in events if event.startswith("INIT_REPORT")]
    pattern = (
        r"INIT_REPORT Init Duration: \d+\.\d\d ms\tPhase: {}\t"
        r"Status: error\tError Type: Runtime\.ImportModuleError\n"
    )
    assert lines_match(reports, pattern.format("init"), pattern.format("invoke"))
    assert events[-1].endswith("\tStatus: error\tError Type: Runtime.ImportModuleError\n")
    assert "Init Duration" not in events[-1]
    assert any("LAMBDA_WARNING" in event for event in events)


def test_one_stream_for_each_environment(lab):
    name = lab.create()
    lab.invoke(name)
    lab.client.update_function_configuration(FunctionName=name, Timeout=5)
    lab.invoke(name)
    streams = lab.logs.describe_log_streams(logGroupName=f"/aws/lambda/{name}")["logStreams"]
    assert len(streams) == 2
    for stream in streams:
        assert re.fullmatch(r"\d{4}/\d\d/\d\d/\[\$LATEST\][0-9a-f]{32}", stream["logStreamName"])


def test_json_format(lab):
    name = lab.create(
        "import logging\n"
        "def handler(event, context):\n"
        "    logging.getLogger().info('hello', extra={'station': 7})\n"
        "    print('plain')",
        LoggingConfig={"LogFormat": "JSON"},
    )
    answer = lab.invoke(name)
    request_id = answer.raw["ResponseMetadata"]["RequestId"]
    events = lab.log_events(f"/aws/lambda/{name}")
    init, start, record, plain, report = events
    assert json.loads(init)["type"] == "platform.initStart"
    start = json.loads(start)
    assert sorted(start) == ["record", "time", "type"]
    assert start["type"] == "platform.start"
    assert start["record"] == {"requestId": request_id, "version": "$LATEST"}
    record = json.loads(record)
    assert record["level"] == "INFO"
    assert (record["message"], record["station"]) == ("hello", 7)
    assert record["requestId"] == request_id
    assert plain == "plain\n"
    report = json.loads(report)
    assert report["type"] == "platform.report"
    assert report["record"]["status"] == "success"
    assert sorted(report["record"]["metrics"]) == [
        *("billedDurationMs", "durationMs", "initDurationMs"),
        *("maxMemoryUsedMB", "memorySizeMB"),
    ]


def test_log_levels_of_the_json_format(lab):
    name = lab.create(
        "import logging\n"
        "def handler(event, context):\n"
        "    logging.getLogger().info('quiet')\n"
        "    logging.getLogger().error('loud')",
        LoggingConfig={
            "LogFormat": "JSON",
            "ApplicationLogLevel": "ERROR",
            "SystemLogLevel": "WARN",
        },
    )
    lab.invoke(name)
    (event,) = lab.log_events(f"/aws/lambda/{name}")
    assert json.loads(event)["message"] == "loud"


def test_log_group_of_ones_own(lab):
    name = lab.create(LoggingConfig={"LogGroup": "/bikes/all"})
    lab.invoke(name)
    assert any(event.startswith("REPORT") for event in lab.log_events("/bikes/all"))
    value = lab.run(
        "import os\ndef handler(event, context): return os.environ['AWS_LAMBDA_LOG_GROUP_NAME']",
        LoggingConfig={"LogGroup": "/bikes/all"},
    )
    assert value == "/bikes/all"


def test_a_flood_of_output_is_cut_and_hurts_nobody(lab):
    name = lab.create(
        "def handler(event, context):\n"
        "    for _ in range(30): print('x' * 1_000_000)\n"
        "    return 'done'",
        Timeout=30,
    )
    assert lab.invoke(name).value == "done"
    events = lab.log_events(f"/aws/lambda/{name}")
    assert any("keeps the first 16 MB" in event for event in events)
    assert events[-1].startswith("REPORT")
    assert max(map(len, events)) <= 262_145


def test_output_of_a_killed_function_is_kept(lab):
    name = lab.create(
        "import os, sys\n"
        "def handler(event, context):\n"
        "    print('last words', flush=True)\n"
        "    os._exit(1)"
    )
    assert "last words\n" in lab.invoke(name).log


@pytest.mark.parametrize(
    ("pattern", "found"),
    [
        ("", ["0", "1", "2", "3"]),
        ("quoted", ["1", "2"]),
        ("quoted -false", ["1"]),
        ('{ $.message = "quoted" && $.complete IS FALSE }', ["2"]),
        ("{ $.rides > 1 }", ["1", "3"]),
        ("[first, second]", ["0"]),
    ],
)
def test_filter_patterns_of_a_search(lab, pattern, found):
    """moto knows terms only, and answers a pattern of another form with every event."""
    group = f"/search/{lab.cloud.now().timestamp()}"
    lab.logs.create_log_group(logGroupName=group)
    lab.logs.create_log_stream(logGroupName=group, logStreamName="s")
    messages = [
        "plain 0",
        '{"message": "quoted", "rides": 2, "complete": true}',
        '{"message": "quoted", "rides": 1, "complete": false}',
        '{"message": "refused", "rides": 8}',
    ]
    now = int(lab.cloud.now().timestamp() * 1000)
    events = [{"timestamp": now + n, "message": m} for n, m in enumerate(messages)]
    lab.logs.put_log_events(logGroupName=group, logStreamName="s", logEvents=events)
    pages = lab.logs.get_paginator("filter_log_events").paginate(
        logGroupName=group, filterPattern=pattern, PaginationConfig={"PageSize": 1}
    )
    came = [messages.index(event["message"]) for page in pages for event in page["events"]]
    assert came == [int(number) for number in found]


def test_filter_pattern_that_is_none(lab):
    lab.logs.create_log_group(logGroupName="/search/none")
    with pytest.raises(ClientError, match="Invalid filter pattern"):
        lab.logs.filter_log_events(logGroupName="/search/none", filterPattern="{ $.rides >")


def test_the_tail_of_a_log_cuts_no_character_in_two(lab):
    name = lab.create("def handler(event, context): print('ä' * 5000 + event)")
    for odd in ("", "x"):  # one of both cuts inside a character of two bytes
        answer = lab.invoke(name, odd)
        assert "ä" in answer.log and "\ufffd" not in answer.log
