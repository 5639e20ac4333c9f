"""Tumbling windows: state from batch to batch, and the final invocation."""

from __future__ import annotations

import time
from dataclasses import replace
from datetime import datetime

import pytest
from published import missing_paths
from streams_support import Queue, Stream, Table, change, connect, events, result, texts
from waiting import until

COUNTS = """
import base64, json
def handler(event, context):
    print('EVENT', json.dumps(event))
    state = event["state"]
    for record in event["Records"]:
        key = record["eventName"]
        if "kinesis" in record:
            key = base64.b64decode(record["kinesis"]["data"]).decode()
        state[key] = state.get(key, 0) + 1
    return {"state": state}
"""
FLAGS = ("isFinalInvokeForWindow", "isWindowTerminatedEarly")


def flags(event):
    return tuple(event[name] for name in FLAGS)


def moment(text):
    return datetime.fromisoformat(text.replace("Z", "+00:00")).timestamp()


def test_event_and_state(lab):
    stream, name = Stream(lab), lab.create(COUNTS)
    stream.put(*"aab")
    connect(lab, stream, name, BatchSize=2, TumblingWindowInSeconds=900)
    until(lambda: len(events(lab, name)) == 2)
    with pytest.raises(TimeoutError, match="kinesis mapping"):
        lab.cloud.idle(timeout=0.1)  # the window is open
    first, second = events(lab, name)
    assert missing_paths("kinesis_window", second, but=["state"]) == set()
    assert (texts(first), first["state"]) == (["a", "a"], {})
    assert (texts(second), second["state"]) == (["b"], {"a": 2})
    assert first["shardId"] == "shardId-000000000000"
    assert first["eventSourceARN"] == stream.arn
    assert flags(first) == flags(second) == (False, False)
    window = first["window"]
    arrived = first["Records"][0]["kinesis"]["approximateArrivalTimestamp"]
    assert moment(window["start"]) <= arrived < moment(window["end"])
    assert moment(window["end"]) - moment(window["start"]) == 900
    assert moment(window["start"]) % 900 == 0


@pytest.fixture(autouse=True)
def _no_mapping_is_left(lab):
    """A window that stays open keeps the cloud from being idle."""
    yield
    for each in lab.client.list_event_source_mappings()["EventSourceMappings"]:
        if each["State"] != "Deleting":
            lab.client.delete_event_source_mapping(UUID=each["UUID"])
    lab.cloud.idle()


def test_the_final_invocation(lab):
    stream, name = Stream(lab), lab.create(COUNTS)
    stream.put(*"aab")
    connect(lab, stream, name, TumblingWindowInSeconds=1)
    lab.cloud.idle()  # a window that is open goes on
    came = events(lab, name)
    finals = [event for event in came if event["isFinalInvokeForWindow"]]
    assert came[-1] is finals[-1]
    assert all(event["Records"] == [] for event in finals)
    assert sum(sum(event["state"].values()) for event in finals) == 3
    assert all(flags(event) == (True, False) for event in finals)


def test_each_window_begins_with_a_fresh_state(lab):
    stream, name = Stream(lab), lab.create(COUNTS)
    connect(lab, stream, name, TumblingWindowInSeconds=1)
    for letter in "ab":
        stream.put(letter)
        lab.cloud.idle()
    finals = [event for event in events(lab, name) if event["isFinalInvokeForWindow"]]
    assert [event["state"] for event in finals] == [{"a": 1}, {"b": 1}]
    first, second = (event["window"] for event in finals)
    assert moment(first["end"]) <= moment(second["start"])


def test_a_batch_holds_records_of_one_window(lab):
    """What waited while no mapping read it still belongs to the windows in which it came."""
    stream, name = Stream(lab), lab.create(COUNTS)
    stream.put("a")
    arrived = time.time()
    while int(time.time()) == int(arrived):
        time.sleep(0.02)  # into the next second, which is another window
    stream.put("b")
    connect(lab, stream, name, TumblingWindowInSeconds=1)
    lab.cloud.idle()
    came = [
        ("final" if event["isFinalInvokeForWindow"] else "".join(texts(event)), event["state"])
        for event in events(lab, name)
    ]
    assert came == [("a", {}), ("final", {"a": 1}), ("b", {}), ("final", {"b": 1})]


def test_state_is_one_a_shard(lab):
    stream, name = Stream(lab, shards=2), lab.create(COUNTS)
    connect(lab, stream, name, TumblingWindowInSeconds=2, ParallelizationFactor=3)
    stream.put_to(0, *"aa")
    stream.put_to(1, *"bbb")
    lab.cloud.idle()
    totals = {}
    for event in events(lab, name):
        if event["isFinalInvokeForWindow"]:
            for key, count in event["state"].items():
                totals[event["shardId"], key] = totals.get((event["shardId"], key), 0) + count
    assert totals == {("shardId-000000000000", "a"): 2, ("shardId-000000000001", "b"): 3}


def test_an_answer_without_state_fails(lab):
    stream, failures = Stream(lab), Queue(lab)
    name = lab.create("def handler(event, context): return {'batchItemFailures': []}")
    stream.put("a")
    uuid = connect(
        lab,
        stream,
        name,
        TumblingWindowInSeconds=1,
        MaximumRetryAttempts=1,
        DestinationConfig=failures.destination,
    )
    lab.cloud.idle()
    assert len(failures.bodies()) == 1
    assert len(lab.cloud.invocations(name)) >= 2
    assert result(lab, uuid) == "OK"  # the window's end, which needs no state


FAILS_ONCE = COUNTS.replace("def handler", "FAILED = set()\ndef handler").replace(
    "    state = event",
    "    final = event['isFinalInvokeForWindow']\n"
    "    if final not in FAILED:\n"
    "        FAILED.add(final)\n"
    "        raise ValueError('once')\n"
    "    state = event",
)


def test_what_fails_is_tried_again_with_the_same_state(lab):
    stream, name = Stream(lab), lab.create(FAILS_ONCE)
    stream.put("a")
    connect(lab, stream, name, TumblingWindowInSeconds=1)
    lab.cloud.idle()
    came = [(event["isFinalInvokeForWindow"], event["state"]) for event in events(lab, name)]
    assert came == [(False, {}), (False, {}), (True, {"a": 1}), (True, {"a": 1})]


LARGE = """
import base64, json
def handler(event, context):
    print('EVENT', json.dumps({**event, "state": len(json.dumps(event["state"]))}))
    if event["isFinalInvokeForWindow"]:
        return {"state": {}}
    letters = [base64.b64decode(r["kinesis"]["data"]).decode() for r in event["Records"]]
    return {"state": {"much": "x" * (1_100_000 if "L" in letters else 1)}}
"""


def test_a_window_whose_state_is_over_1_mb_ends_early(lab):
    stream, name = Stream(lab), lab.create(LARGE)
    stream.put(*"aLb")
    connect(lab, stream, name, BatchSize=1, TumblingWindowInSeconds=2)
    lab.cloud.idle()
    came = events(lab, name)
    early = [event for event in came if flags(event) == (True, True)]
    assert len(early) == 1
    assert early[0]["state"] > 1_000_000
    after = came[came.index(early[0]) + 1]
    assert (texts(after), after["state"]) == (["b"], len("{}"))
    assert flags(came[-1]) == (True, False)


def test_a_window_goes_on_when_the_mapping_is_enabled_again(lab):
    stream, name = Stream(lab), lab.create(COUNTS)
    stream.put("a")
    uuid = connect(lab, stream, name, TumblingWindowInSeconds=900)
    until(lambda: len(events(lab, name)) == 1)
    change(lab, uuid, Enabled=False)
    lab.cloud.idle()
    stream.put("b")
    change(lab, uuid, Enabled=True)
    until(lambda: len(events(lab, name)) == 2)
    assert [event["state"] for event in events(lab, name)] in ([{}, {"a": 1}], [{}, {}])


def test_windows_of_a_dynamodb_stream(lab):
    table, name = Table(lab), lab.create(COUNTS)
    connect(lab, table, name, TumblingWindowInSeconds=1)
    table.put("1")
    lab.cloud.idle()
    first, final = events(lab, name)
    assert first["shardId"].startswith("shardId-")
    assert (final["Records"], final["state"]) == ([], {"INSERT": 1})


def test_children_begin_when_their_parents_window_has_ended(lab):
    stream, name = Stream(lab), lab.create(COUNTS)
    stream.put("a")
    connect(lab, stream, name, TumblingWindowInSeconds=900)
    shard = stream.shards()[0]["ShardId"]
    stream.kinesis.split_shard(
        StreamName=stream.name, ShardToSplit=shard, NewStartingHashKey=str(2**127)
    )
    stream.put_to(1, "b")
    until(lambda: len(events(lab, name)) == 3)
    came = [(e["isFinalInvokeForWindow"], e["state"], e["shardId"][-1]) for e in events(lab, name)]
    assert came == [(False, {}, "0"), (True, {"a": 1}, "0"), (False, {}, "1")]


def test_a_clock_that_is_moved_ends_a_window(lab):
    """The pollers ask `Tools.now`; whoever moves that clock wakes them."""
    mappings, ahead = lab.cloud._parts.mappings, [0.0]
    before = mappings._tools
    mappings._tools = replace(before, now=lambda: time.time() + ahead[0])
    try:
        stream, name = Stream(lab), lab.create(COUNTS)
        connect(lab, stream, name, TumblingWindowInSeconds=900)
    finally:
        mappings._tools = before
    stream.put("a")
    until(lambda: len(events(lab, name)) == 1)
    ahead[0] = 1000.0
    mappings.wake("kinesis")
    lab.cloud.idle()
    assert [flags(event) for event in events(lab, name)] == [(False, False), (True, False)]
