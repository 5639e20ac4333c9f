"""Grades the Kafka half of stage 07, and its extra: tumbling windows."""

from __future__ import annotations

import pytest

from workshop.grading import fresh
from workshop.grading.words import failure
from workshop.kafka import Broker

from .city import answer, expect_rows, reported
from .records import (
    as_data,
    as_kafka,
    brief,
    kafka_event,
    kinesis_event,
    places,
    reading,
    start_of_a_window,
    sums,
    text_of,
    window_of,
)

IDENTIFIER = 'itemIdentifier: {"partition": "docks-0", "offset": 17}, the offset a number'
PARTS = "the event's records: an object with a list for each topic and partition; key and headers"
STATE = 'the "state" that you return: what the event brought, plus the readings of this batch'


@pytest.fixture
def topic():
    """A topic that no other check knows."""
    return f"docks-{fresh.word()}"


def test_counts_what_a_kafka_topic_brings(account, city, station, topic):
    """Readings from several partitions of a topic end up in the rows of their station."""
    readings = [reading(station, unit=unit) for unit in ("mi", "km", "m", "mi")]
    records = [(n % 3, as_kafka(each)) for n, each in enumerate(readings)]
    if account.is_local:
        send_through_a_broker(account, city, topic, records)
    else:  # no broker here is in the reach of an account
        answer(city.function, kafka_event(topic, *records), PARTS)
    what = "Four readings came from three partitions of a topic. The rows differ."
    expect_rows(city, station, sums(readings), what, kafka_event(topic, *records), PARTS)


def send_through_a_broker(account, city, topic, records):
    """Sends records to a broker, and maps the topic to the function until all are handled."""
    broker, client = Broker(), account.client("lambda")
    for partition, (key, value, headers) in records:
        broker.send(topic, value, key, headers, partition)
    mapping = client.create_event_source_mapping(
        FunctionName=city.function.name,
        SelfManagedEventSource={"Endpoints": {"KAFKA_BOOTSTRAP_SERVERS": broker.servers}},
        SourceAccessConfigurations=[{"Type": "VPC_SUBNET", "URI": "subnet:subnet-0123456789ab"}],
        Topics=[topic],
        StartingPosition="TRIM_HORIZON",
        ProvisionedPollerConfig={"MinimumPollers": 1},
        MaximumRetryAttempts=1,
        FunctionResponseTypes=["ReportBatchItemFailures"],
    )["UUID"]
    account.settle()
    client.delete_event_source_mapping(UUID=mapping)
    account.settle()


def test_a_reading_counts_once_from_both_streams(city, station, topic):
    """A reading that comes from Kinesis and from Kafka counts once."""
    readings = [reading(station)]
    look = "what you remember: the reading's id, and nothing about the stream that brought it"
    answer(city.function, kinesis_event(*readings), look)
    event = kafka_event(topic, (0, as_kafka(readings[0])))
    answer(city.function, event, look)
    what = "A reading came from Kinesis, then from Kafka. It must count once."
    expect_rows(city, station, sums(readings), what, event, look)


def test_a_tombstone_is_nothing(city, station, topic):
    """A record without a value is ignored: it is neither a bad record nor a failure."""
    look = 'a tombstone: record.get("value") is None, whether the key is there or not'
    readings = [reading(station) for _ in range(2)]
    (first, last), gone = map(as_kafka, readings), (station.encode(), None, [])
    event = kafka_event(topic, (0, first), (0, gone), (0, gone), (0, last))
    came = reported(city.function, event, look)
    sources = [f"{each['partition']}@{each['offset']}" for each in places(event)]
    came = {"reported": came, "sent to FAILURES_URL": city.failures_of(sources)}
    wanted = {"reported": [], "sent to FAILURES_URL": []}
    assert came == wanted, failure(
        "Two of four records are tombstones. The function did not ignore them.",
        brief(event),
        wanted,
        came,
        look,
        "records",
    )
    what = "Two readings came with two tombstones between them. The rows differ."
    expect_rows(city, station, sums(readings), what, event, look)


def test_bad_records_of_kafka_go_to_the_queue(city, station, topic):
    """A record without key or header, or with wrong ones, is sent to FAILURES_URL."""
    look = "the key and the header `unit`: either may be missing, or hold anything"
    key, value, unit = as_kafka(reading(station))
    bad = [
        ((None, value, unit), "station_id"),
        ((b"", value, unit), "station_id"),
        ((key, value, []), "unit"),
        ((key, value, [("color", b"red")]), "unit"),
        ((key, value, [("unit", "fuß".encode())]), "unit"),
        ((key, as_data({**reading(station), "distance": None}), unit), "distance"),
        ((key, fresh.word().encode(), unit), "JSON"),
    ]
    event = kafka_event(topic, *[(n % 2, record) for n, (record, _) in enumerate(bad)])
    came = reported(city.function, event, look)
    assert came == [], failure(
        "All records are bad, so none is a failure for Lambda.", brief(event), [], came, look,
        "records",
    )  # fmt: skip
    halves = {0: bad[::2], 1: bad[1::2]}
    for place in places(event):
        (_, value, _), word = halves[int(place["partition"][-1])].pop(0)
        source = f"{place['partition']}@{place['offset']}"
        sent = city.failures_of([source])
        came = sent[-1] if sent else None
        wanted = {"source": source, "reason": f"... {word} ...", "data": text_of(value)}
        if isinstance(came, dict) and word in str(came.get("reason")):
            wanted["reason"] = came["reason"]
        assert came == wanted, failure(
            "A Kafka record is bad. The message in FAILURES_URL differs.",
            [line for line in brief(event) if line.startswith(f"{source}:")],
            wanted,
            came or city.failures()[-1:] or "no message",
            look + city.log(),
            "record",
        )


def test_reports_failures_of_kafka_by_partition_and_offset(account, city, station, topic):
    """A Kafka reading that could not be counted is reported by its partition and offset."""
    function = city.deploy(SUMS_TABLE=account.name("table"))
    gone = (station.encode(), None, [])
    event = kafka_event(
        topic,
        *[(0, gone), (0, as_kafka(reading(station))), (1, gone), (1, as_kafka(reading(station)))],
    )
    came, wanted = reported(function, event, IDENTIFIER), places(event)[1::2]
    assert came == wanted or came == wanted[:1], failure(
        "SUMS_TABLE does not exist, and each partition has a tombstone and a reading. What the"
        " function reports differs.",
        brief(event),
        wanted,
        came,
        IDENTIFIER,
        "records",
    )


@pytest.mark.extra
def test_a_window_carries_its_state(city, station):
    """With a tumbling window, the result has the state that came in plus this batch's readings."""
    readings, before = [reading(station) for _ in range(3)], fresh.whole(2, 900)
    first = windowed(kinesis_event(*readings), {})
    expect_state(city, first, 3, "The first batch of a window has three readings.")
    event = windowed(kinesis_event(readings[0], fresh.word().encode()), {"rides": before})
    what = "A later batch has a reading, which came before, and a bad record."
    expect_state(city, event, before + 1, what)


@pytest.mark.extra
def test_the_final_invocation_writes_the_total(city, station):
    """The final invocation of a window writes what its shard counted, even if it comes twice."""
    look = "isFinalInvokeForWindow: put one row, with the shardId and the window's start as its key"
    rides = fresh.whole(2, 900)
    event = {**windowed({"Records": []}, {"rides": rides}, station), "isFinalInvokeForWindow": True}
    wanted = {event["window"]["start"]: {"rides": rides}}
    answer(city.function, {**event, "isFinalInvokeForWindow": False}, look)
    expect_rows(city, station, {}, "The window is still open, but already has a row.", event, look)
    for _ in range(2):
        expect_state(city, event, rides, "The final invocation has no record.")
    what = f"A window with {rides} readings ended. Its row differs."
    expect_rows(city, station, wanted, what, event, look)


def windowed(event, state, shard="shardId-000000000000"):
    """An event of a tumbling window, which is not its last."""
    start = start_of_a_window()
    window = {"start": window_of(start.isoformat())}
    return {
        **event,
        "window": {**window, "end": fresh.moment().strftime("%Y-%m-%dT%H:%M:%SZ")},
        "state": state,
        "shardId": shard,
        "eventSourceARN": "arn:aws:kinesis:us-east-1:123456789012:stream/docks",
        "isFinalInvokeForWindow": False,
        "isWindowTerminatedEarly": False,
    }


def expect_state(city, event, rides, what):
    """Fails unless the function returns a state with so many rides, and no failure."""
    came, wanted = answer(city.function, event, STATE), {"batchItemFailures": []}
    wanted["state"] = {"rides": rides}
    assert came == wanted, failure(
        f"{what} Its state was {event['state']}. The result differs.",
        brief(event),
        wanted,
        came,
        STATE,
        "records",
    )
