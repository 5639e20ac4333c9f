"""Failures that nobody waits for: each has an end of its own, and none is swallowed."""

from __future__ import annotations

import json
import threading
from datetime import timedelta
from types import SimpleNamespace

import pytest
from queues import Queue, connect
from streams_support import Stream
from support import metric_sum
from waiting import until

from workshop.cloud.base.activity import Activity
from workshop.cloud.base.clock import Clock
from workshop.cloud.base.json_text import from_json, to_json
from workshop.cloud.base.model import ApiError
from workshop.cloud.base.problems import LONGEST, Problems
from workshop.cloud.base.timers import Timer
from workshop.cloud.base.workers import Workers
from workshop.cloud.sandbox.environment import Environment
from workshop.cloud.triggers.mappings.processing import Processor
from workshop.cloud.triggers.mappings.queues import QueuePoller
from workshop.cloud.triggers.mappings.shards import KinesisShard
from workshop.cloud.triggers.push.planner import Planner

WAIT = 30  # seconds, to tell what hangs from what ends
BYTES = "def handler(event, context): return b'\\xff\\xfe not JSON'"


def problems_with(lab, text):
    return [each for each in lab.cloud.problems() if text in each]


# The guarded way


def fail(*_):
    raise KeyError("no such bike")


def test_a_problem_says_what_was_done_what_was_raised_and_where(capsys):
    problems = Problems()
    with problems.guard("counting bikes"):
        fail()
    (problem,) = problems.all()
    assert problem.startswith("counting bikes: KeyError: 'no such bike' (test_hostile_failures.py,")
    assert capsys.readouterr().err == f"local cloud: {problem}\n"


def test_a_problem_that_comes_again_is_counted_and_not_printed_again(capsys):
    problems = Problems()
    for _ in range(3):
        problems.note("no bike")
    problems.note("no dock")
    problems.note("no bike")
    assert problems.all() == ["no dock", "no bike (4 times)"]
    assert capsys.readouterr().err == "local cloud: no bike\nlocal cloud: no dock\n"


def test_a_problem_is_one_line_of_bounded_length_that_moves_no_cursor():
    problems = Problems()
    problems.note("a\x1b[2Jb\nc\ud800" + "x" * 10_000)
    (problem,) = problems.all()
    assert problem.startswith("a\\x1b[2Jb\\nc\\ud800xxx")
    assert len(problem) < LONGEST + 100
    problem.encode()


def test_problems_are_bounded():
    problems = Problems()
    for number in range(3000):
        problems.note(f"{number}")
    assert len(problems.all()) == 1000
    assert problems.all()[-1] == "2999"


@pytest.mark.parametrize("error", [ValueError, MemoryError, SystemExit])
def test_workers_and_timers_outlive_what_they_call(error):
    problems, done = Problems(), threading.Event()
    workers, timer = Workers(1, "some work", problems), Timer(problems)

    def raises():
        raise error("x")

    workers.submit(raises)
    workers.submit(timer.later, 0, "a delay", raises)
    workers.submit(timer.later, 0, "a delay", done.set)
    assert done.wait(WAIT)
    assert [each.partition(" (")[0] for each in problems.all()] == [
        f"some work: {error.__name__}: x",
        f"a delay: {error.__name__}: x",
    ]
    workers.close()
    timer.close()


def test_a_schedule_that_fails_is_a_problem():
    problems = Problems()
    clock = Clock(Activity(), problems)
    clock.at(clock.now(), fail)
    until(problems.all)
    clock.close()
    assert problems.all()[0].startswith("a schedule: KeyError")


# Results that are no JSON


def test_json_that_is_none_is_a_value_error():
    for text in (b"\xff", b"{", b"[" * 100_000):
        with pytest.raises(ValueError, match="."):
            from_json(text)
    assert to_json({"a": "\ud800"}) == b'{"a": "?"}'


def test_bytes_from_a_tumbling_window_fail_the_batch(lab):
    stream, name = Stream(lab), lab.create(BYTES)
    dead = Queue(lab)
    mapping = lab.client.create_event_source_mapping(
        EventSourceArn=stream.arn,
        FunctionName=name,
        StartingPosition="TRIM_HORIZON",
        TumblingWindowInSeconds=1,
        MaximumRetryAttempts=1,
        DestinationConfig={"OnFailure": {"Destination": dead.arn}},
    )
    lab.cloud.idle(WAIT)
    stream.put("bike")
    lab.cloud.idle(WAIT)
    (body,) = dead.bodies()
    assert json.loads(body)["requestContext"]["condition"] == "RetryAttemptsExhausted"
    lab.client.delete_event_source_mapping(UUID=mapping["UUID"])
    lab.cloud.idle(WAIT)


def test_bytes_reach_a_destination_as_text(lab):
    queue = Queue(lab)
    name = lab.create(BYTES)
    lab.client.put_function_event_invoke_config(
        FunctionName=name, DestinationConfig={"OnSuccess": {"Destination": queue.arn}}
    )
    lab.invoke(name, {"n": 1}, InvocationType="Event")
    lab.cloud.idle(WAIT)
    (body,) = queue.bodies()
    assert json.loads(body)["responsePayload"] == "\ufffd\ufffd not JSON"
    assert json.loads(body)["requestContext"]["condition"] == "Success"


def test_what_a_destination_refuses_is_a_problem(lab):
    queue, name = Queue(lab), lab.create()
    lab.client.put_function_event_invoke_config(
        FunctionName=name, DestinationConfig={"OnSuccess": {"Destination": queue.arn}}
    )
    queue.sqs.delete_queue(QueueUrl=queue.url)
    lab.invoke(name, {}, InvocationType="Event")
    lab.cloud.idle(WAIT)
    (problem,) = problems_with(lab, queue.arn)
    assert "DestinationDeliveryFailures" in problem
    assert metric_sum(lab, "DestinationDeliveryFailures", name) == 1


# Environments that fail


@pytest.fixture
def broken(monkeypatch):
    """Environments of functions named `broken...` raise; says what, and counts the ends."""
    state = SimpleNamespace(error=None, ended=0)
    init, close = Environment.init, Environment.close

    def init_or_fail(self, *args):
        if state.error and self.function.name.startswith("broken"):
            raise state.error
        return init(self, *args)

    def close_and_count(self):
        state.ended += self.function.name.startswith("broken")
        close(self)

    monkeypatch.setattr(Environment, "init", init_or_fail)
    monkeypatch.setattr(Environment, "close", close_and_count)
    return state


FAULTS = [OSError("no more processes"), ApiError(500, "ServiceException", "it did not start")]


@pytest.mark.parametrize("error", FAULTS, ids=["any exception", "an API's error"])
def test_a_process_that_does_not_start_is_that_invocations_failure(lab, broken, error):
    broken.error = error
    name = lab.create(FunctionName=f"broken-{type(error).__name__}")
    for _ in range(12):  # more than places among the starting processes
        with pytest.raises(lab.client.exceptions.ServiceException, match=str(error)):
            lab.client.invoke(FunctionName=name)
    assert broken.ended == 12
    (problem,) = problems_with(lab, f"invocation of {name}")
    assert problem.endswith("(12 times)")
    lab.cloud.idle(WAIT)
    broken.error = None
    assert lab.invoke(name, {"n": 1}).value == {"n": 1}


def test_an_event_whose_process_does_not_start_ends_where_failures_end(lab, broken):
    broken.error = OSError("no more processes")
    queue, name = Queue(lab), lab.create(FunctionName="broken-asynchronous")
    lab.client.put_function_event_invoke_config(
        FunctionName=name, DestinationConfig={"OnFailure": {"Destination": queue.arn}}
    )
    lab.invoke(name, {"n": 1}, InvocationType="Event")
    lab.cloud.idle(WAIT)
    (body,) = queue.bodies()
    record = json.loads(body)
    assert record["requestContext"]["condition"] == "RetriesExhausted"
    assert record["requestContext"]["approximateInvokeCount"] == 3
    assert "responsePayload" not in record


def test_provisioned_environments_that_do_not_start_leave_nothing(lab, broken):
    broken.error = OSError("no more processes")
    name = lab.create(FunctionName="broken-provisioned", Publish=True)
    asked = {"FunctionName": name, "Qualifier": "1"}
    lab.client.put_provisioned_concurrency_config(**asked, ProvisionedConcurrentExecutions=3)
    lab.cloud.idle(WAIT)
    assert lab.client.get_provisioned_concurrency_config(**asked)["Status"] == "FAILED"
    assert broken.ended >= 3
    assert problems_with(lab, "provisioned concurrency: OSError: no more processes")
    lab.client.delete_provisioned_concurrency_config(**asked)


def test_a_stream_waits_for_a_process_that_does_not_start_and_loses_nothing(lab, broken):
    broken.error = OSError("no more processes")
    stream, name = Stream(lab), lab.create(FunctionName="broken-stream")
    mapping = lab.client.create_event_source_mapping(
        EventSourceArn=stream.arn, FunctionName=name, StartingPosition="TRIM_HORIZON"
    )
    stream.put("bike")
    until(lambda: problems_with(lab, f"invocation of {name}"))
    broken.error = None
    until(lambda: [each for each in lab.cloud.invocations(name) if each.status == "success"])
    lab.client.delete_event_source_mapping(UUID=mapping["UUID"])
    lab.cloud.idle(WAIT)


def test_what_can_not_be_logged_is_a_problem_and_no_failure(lab, monkeypatch):
    name = lab.create()

    def refuses(*_):
        raise RuntimeError("the log is full")

    monkeypatch.setattr(lab.cloud._parts.records, "_write_logs", refuses)
    for _ in range(2):
        assert lab.invoke(name, {"n": 1}).value == {"n": 1}
    first, second = lab.cloud.invocations(name)
    assert first.environment_id == second.environment_id
    assert problems_with(lab, f"log of {name}: RuntimeError: the log is full")
    lab.cloud.idle(WAIT)


# Mappings


def test_a_lane_goes_on_after_a_fault(lab, monkeypatch):
    stream, name = Stream(lab), lab.create()
    faults, process = iter([KeyError("a fault"), RecursionError("another")]), Processor._try_once

    def sometimes(self, batch):
        for fault in faults:
            raise fault
        return process(self, batch)

    monkeypatch.setattr(Processor, "_try_once", sometimes)
    lab.client.create_event_source_mapping(
        EventSourceArn=stream.arn, FunctionName=name, StartingPosition="TRIM_HORIZON"
    )
    stream.put("bike")
    lab.cloud.idle(WAIT)
    assert len(lab.cloud.invocations(name)) == 1
    what = f"kinesis mapping of {name}, shardId-000000000000: "
    assert problems_with(lab, what + "KeyError: 'a fault'")
    assert problems_with(lab, what + "RecursionError: another")


def test_nobody_waits_for_a_fault_that_stays(lab, monkeypatch):
    stream, name = Stream(lab), lab.create()
    monkeypatch.setattr("workshop.cloud.triggers.mappings.faults.PAUSES", (0.01, 5.0))
    monkeypatch.setattr(KinesisShard, "read", fail)
    mapping = lab.client.create_event_source_mapping(
        EventSourceArn=stream.arn, FunctionName=name, StartingPosition="TRIM_HORIZON"
    )
    stream.put("bike")
    until(lambda: "times)" in "".join(problems_with(lab, f"kinesis mapping of {name}, ")))
    lab.cloud.idle(WAIT)
    lab.client.delete_event_source_mapping(UUID=mapping["UUID"])
    lab.cloud.idle(WAIT)


def test_a_poller_goes_on_after_a_fault(lab, monkeypatch):
    queue, name = Queue(lab), lab.create()
    faults, poll = iter([KeyError("a fault")]), QueuePoller.poll

    def sometimes(self):
        for fault in faults:
            raise fault
        return poll(self)

    monkeypatch.setattr(QueuePoller, "poll", sometimes)
    connect(lab, queue, name)
    queue.send("bike")
    until(lambda: lab.cloud.invocations(name))
    lab.cloud.idle(WAIT)
    assert problems_with(lab, f"sqs mapping of {name}: KeyError: 'a fault'")


def test_failed_batches_hold_no_threads(lab):
    queue = Queue(lab, VisibilityTimeout="43200")  # 72 s here
    name = lab.create("def handler(event, context): raise ValueError('x')")
    mapping = lab.client.create_event_source_mapping(
        EventSourceArn=queue.arn, FunctionName=name, BatchSize=1
    )
    lab.cloud.idle(WAIT)
    queue.send(*"abcdefghijklmnop")
    until(lambda: len(lab.cloud.invocations(name)) >= 16)
    what = f"sqs mapping of {name}"
    until(lambda: sum(each.name == what for each in threading.enumerate()) == 1)
    with pytest.raises(TimeoutError, match=f"delayed or failed messages of {queue.name}"):
        lab.cloud.idle(0)
    lab.client.delete_event_source_mapping(UUID=mapping["UUID"])
    lab.cloud.idle(WAIT)
    assert len(queue.receive()) == 10  # they are given back when the mapping ends, 16 of them


def test_a_topic_is_no_destination_of_a_stream(lab):
    with pytest.raises(lab.client.exceptions.InvalidParameterValueException, match="kafka://"):
        lab.client.create_event_source_mapping(
            EventSourceArn=Stream(lab).arn,
            FunctionName=lab.create(),
            StartingPosition="LATEST",
            DestinationConfig={"OnFailure": {"Destination": "kafka://failures"}},
        )


def test_a_mapping_that_does_not_start_is_not_there(lab, monkeypatch):
    queue, name = Queue(lab), lab.create()
    monkeypatch.setattr(QueuePoller, "start", fail)
    with pytest.raises(lab.client.exceptions.ClientError):
        connect(lab, queue, name)
    monkeypatch.undo()
    assert lab.client.list_event_source_mappings(FunctionName=name)["EventSourceMappings"] == []
    connect(lab, queue, name)


def test_two_changes_of_a_schedule_at_once_plan_the_one_that_stands():
    clock, schedules = Clock(Activity(), Problems()), {}
    schedules["arn"] = SimpleNamespace(
        times=lambda now: SimpleNamespace(first=lambda now: now + timedelta(days=1))
    )
    looked, go_on = threading.Event(), threading.Event()

    def find(arn):
        found = schedules.get(arn)
        if not looked.is_set():  # the first change: the second one comes meanwhile
            looked.set()
            assert go_on.wait(WAIT)
        return found

    planner = Planner(clock, find, fail)
    threads = [threading.Thread(target=planner.changed, args=("arn",)) for _ in range(2)]
    threads[0].start()
    assert looked.wait(WAIT)
    del schedules["arn"]
    threads[1].start()
    threads[1].join(0.3)
    go_on.set()
    for thread in threads:
        thread.join(WAIT)
    assert (planner._times, clock._calls) == ({}, [])
    clock.close()


# Waiting


def test_idle_names_what_goes_on(lab):
    name = lab.create("import time\ndef handler(event, context): time.sleep(600)", Timeout=2)
    lab.client.put_function_event_invoke_config(FunctionName=name, MaximumRetryAttempts=0)
    lab.invoke(name, {}, InvocationType="Event")
    until(lambda: lab.cloud._parts.activity._going_on[f"{name} running"])
    with pytest.raises(TimeoutError, match=rf"1 x {name} running"):
        lab.cloud.idle(0.1)
    lab.cloud.idle(WAIT)


def test_alarms_that_never_settle_keep_nobody_waiting(lab, monkeypatch):
    monkeypatch.setattr(lab.cloud._parts.alarms, "evaluate", lambda: 1)
    with pytest.raises(TimeoutError, match="alarms still change their state after 0.2 s"):
        lab.cloud.idle(0.2)
