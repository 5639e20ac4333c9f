"""What is deleted, idle or over is gone: a cloud that is used for long does not grow."""

from __future__ import annotations

import threading
import time
from dataclasses import replace
from datetime import timedelta
from types import SimpleNamespace

import pytest
from moto.core.model_instances import model_data
from queues import Queue, connect
from streams_support import Stream
from waiting import until

from workshop.cloud import LocalCloud
from workshop.cloud.access import Roles
from workshop.cloud.base.activity import Activity
from workshop.cloud.base.clock import Clock
from workshop.cloud.base.problems import Problems
from workshop.cloud.base.workers import Workers
from workshop.cloud.functions.metrics import KEPT_SERIES, MOST_NOTED, Metrics
from workshop.cloud.seam import application, find_function
from workshop.cloud.seam.services import MOST_HOSTS
from workshop.cloud.triggers.push.planner import Planner

WAIT = 30  # seconds, to tell what stays from what goes
IDLE = 300.0  # seconds, AWS's minutes, and the cloud's default


@pytest.fixture
def pools(lab, monkeypatch):
    """The lab's environments, by a clock that stands still until it is set: `pools.time`."""
    pools = lab.cloud._parts._pools
    clock = SimpleNamespace(time=time.monotonic())
    monkeypatch.setattr(pools, "_now", lambda: clock.time)
    pools.clock = clock
    yield pools
    del pools.clock


def environments(pools):
    """How many there are."""
    return len(pools._unpacked)


def test_idle_environments_end_after_their_time(lab, pools):
    before = environments(pools)
    name = lab.create("import time\ndef handler(event, context): time.sleep(event)")
    lab.client.put_function_concurrency(FunctionName=name, ReservedConcurrentExecutions=2)
    threads = [threading.Thread(target=lab.invoke, args=(name, 0.5)) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert environments(pools) == before + 2
    pools.clock.time += IDLE - 1
    assert pools.end_idle(IDLE) == 0
    kept = lab.invoke(name, 0)
    assert "Init Duration" not in kept.log
    pools.clock.time += 1
    assert pools.end_idle(IDLE) == 1  # the one that was used least recently
    assert environments(pools) == before + 1
    assert "Init Duration" not in lab.invoke(name, 0).log
    pools.clock.time += IDLE
    assert pools.end_idle(IDLE) == 1
    assert environments(pools) == before
    assert "Init Duration" in lab.invoke(name, 0).log


def test_those_of_a_function_that_is_gone_end_as_well(lab, pools):
    name = lab.create()
    function, _ = find_function("us-east-1", name, None)
    lab.client.delete_function(FunctionName=name)
    with pools.lease(function) as lease:  # for a request that came before
        assert lease.environment.init().kind == "ready"
    pools.clock.time += IDLE
    assert pools.end_idle(IDLE) == 1
    assert not [key for key in pools._pools if key[0] == function.arn]


def test_provisioned_environments_stay(lab, pools):
    name = lab.create(Publish=True)
    asked = {"FunctionName": name, "Qualifier": "1"}
    lab.client.put_provisioned_concurrency_config(**asked, ProvisionedConcurrentExecutions=1)
    lab.cloud.idle(WAIT)
    lab.client.invoke(**asked)
    pools.clock.time += 10 * IDLE
    pools.end_idle(IDLE)
    found = lab.client.get_provisioned_concurrency_config(**asked)
    assert found["AvailableProvisionedConcurrentExecutions"] == 1
    before = environments(pools)
    lab.client.delete_provisioned_concurrency_config(**asked)
    assert environments(pools) == before - 1


@pytest.mark.parametrize("seconds", [0, -1, float("nan")])
def test_the_time_is_above_0(seconds):
    with pytest.raises(ValueError, match="idle_environment_timeout is a number of seconds above 0"):
        LocalCloud(idle_environment_timeout=seconds)


def test_a_function_that_was_deleted_leaves_nothing(lab, pools):
    parts = lab.cloud._parts
    packages = lab.cloud._folder / "packages"
    for number in range(12):
        name = lab.create(f"NUMBER = {number}\ndef handler(event, context): return 1")
        lab.invoke(name, {})
        lab.invoke(name, {}, InvocationType="Event")
        lab.cloud.idle(WAIT)
        lab.client.delete_function(FunctionName=name)
    arn = f":{name}"
    assert not [key for key in pools._pools if key[0].endswith(arn)]
    assert not [each for each in pools._unpacked if each.function.name == name]
    assert len(list(packages.iterdir())) <= 8 + environments(pools)
    assert not parts._concurrency._running
    assert not parts._concurrency._on_demand
    assert not parts.activity._going_on


def test_a_mapping_that_was_deleted_leaves_nothing(lab):
    parts = lab.cloud._parts
    queue, stream, name = Queue(lab), Stream(lab), lab.create()
    before = set(threading.enumerate())
    first = connect(lab, queue, name)
    second = lab.client.create_event_source_mapping(
        EventSourceArn=stream.arn, FunctionName=name, StartingPosition="TRIM_HORIZON"
    )
    queue.send("bike")
    stream.put("bike")
    lab.cloud.idle(WAIT)
    for uuid in (first if isinstance(first, str) else first["UUID"], second["UUID"]):
        lab.client.delete_event_source_mapping(UUID=uuid)
    lab.cloud.idle(WAIT)
    assert not parts.mappings._mappings
    assert not parts.mappings._pollers
    assert not parts.activity._going_on
    until(lambda: not [t for t in set(threading.enumerate()) - before if name in t.name])


def test_a_version_that_is_replaced_leaves_no_pool(lab, pools):
    name = lab.create()
    arn = lab.client.get_function(FunctionName=name)["Configuration"]["FunctionArn"]
    for seconds in range(3, 8):
        lab.client.update_function_configuration(FunctionName=name, Timeout=seconds)
        lab.invoke(name, {})
    assert len([key for key in pools._pools if key[0] == arn]) == 1
    pools.clock.time += IDLE
    pools.end_idle(IDLE)
    assert not [key for key in pools._pools if key[0] == arn]


def test_threads_with_nothing_to_do_end(monkeypatch):
    monkeypatch.setattr("workshop.cloud.base.workers.KEPT_S", 0.05)
    together, done = threading.Barrier(5), []
    workers = Workers(5, "some work", Problems())
    for _ in range(5):
        workers.submit(together.wait, WAIT)
    until(lambda: not [t for t in threading.enumerate() if t.name == "some work"])
    workers.submit(done.append, 1)
    until(lambda: done)
    workers.close()


def test_a_schedule_that_is_changed_again_and_again_is_planned_once():
    clock, schedules = Clock(Activity(), Problems()), {}

    class Daily:
        arn = "arn"

        def times(self, now):
            return SimpleNamespace(first=lambda now: now + timedelta(days=1))

    planner = Planner(clock, schedules.get, lambda schedule, due: None)
    schedules["arn"] = Daily()
    for _ in range(100):
        planner.changed("arn")
    assert len(clock._calls) == 1
    schedules.clear()
    planner.changed("arn")
    assert (clock._calls, planner._times, planner._plans) == ([], {}, {})
    clock.close()


def test_metrics_are_bounded(monkeypatch):
    monkeypatch.setattr("workshop.cloud.functions.metrics.KEPT_SERIES", 100)
    assert KEPT_SERIES > 100
    metrics = Metrics()
    function = SimpleNamespace(region="us-east-1", version="$LATEST")
    for number in range(3 * MOST_NOTED):
        arn = f"arn:aws:lambda:us-east-1:123456789012:function:name-{number}"
        metrics.note(function, arn, {"Invocations": 1})
        assert len(metrics._noted) <= MOST_NOTED
    assert len(metrics.data("us-east-1")) == 100


def test_moto_keeps_nothing_of_what_is_deleted(lab):
    queue = Queue(lab)
    queue.send("bike")
    (message,) = queue.receive()
    queue.sqs.delete_message(QueueUrl=queue.url, ReceiptHandle=message["ReceiptHandle"])
    name = lab.create()
    lab.invoke(name, {})
    lab.client.delete_function(FunctionName=name)
    lab.cloud.client("logs").delete_log_group(logGroupName=f"/aws/lambda/{name}")
    kept = [
        model
        for models in model_data.values()
        for model in models.values()
        if model.instances_tracked
    ]
    assert kept == []


def test_host_names_that_clients_choose_are_not_all_remembered(lab):
    dispatcher = application()
    for number in range(MOST_HOSTS + 10):
        dispatcher.get_backend_for_host(f"{number}.execute-api.us-east-1.amazonaws.com")
    assert dispatcher.get_backend_for_host.cache_info().currsize == MOST_HOSTS


def test_keys_of_functions_that_are_long_gone_are_dropped(lab, monkeypatch):
    monkeypatch.setattr("workshop.cloud.access.enforcement.KEPT_KEYS", 3)
    function, _ = find_function("us-east-1", lab.create(), None)
    roles = Roles(lambda arn: None, lambda: False)
    keys = [roles.key(replace(function, arn=f"{function.arn}-{number}")) for number in range(5)]
    assert [roles.find_key(key.id) is not None for key in keys] == [False, False, True, True, True]
