"""Grades stage 07, from outside: it puts records into a stream, and reads rows and messages."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest

from workshop.grading import fresh
from workshop.grading.words import failure

from .city import (
    Stream,
    answer,
    create_table,
    expect_rows,
    reported,
)
from .records import (
    as_data,
    brief,
    kinesis_event,
    not_readings,
    numbers,
    reading,
    start_of_a_window,
    sums,
    text_of,
    window_of,
    written,
)

READINGS, ROUNDS = 10, 3  # enough for two environments to meet; the first round starts them
IDENTIFIER = "itemIdentifier: the record's kinesis.sequenceNumber, a string"
ONCE = "where you remember the id: in SEEN_TABLE, in the same transaction as the sum"


@pytest.fixture(scope="module")
def stream(account, city):
    """A stream that is mapped to the function."""
    return Stream(account, city)


def test_counts_what_a_stream_brings(city, stream, station):
    """Readings that are put into a stream end up in the rows of their station."""
    moment = start_of_a_window()
    places = [(7, "mi"), (150, "km"), (293, "m"), (301, "mi")]
    readings = [reading(station, moment + timedelta(seconds=s), unit) for s, unit in places]
    stream.put(*[as_data(each) for each in readings])
    what = "Four readings came through a stream, three of them within 5 minutes. The rows differ."
    look = "base64 and JSON of kinesis.data; ADD rides and meters; SUMS_TABLE from the environment"
    expect_rows(city, station, sums(readings), what, kinesis_event(*readings), look)


def test_a_window_begins_every_five_minutes_in_utc(city, station):
    """A reading belongs to the window of its own time, in UTC, whatever its offset is."""
    start = start_of_a_window()
    moments = [start, start + timedelta(seconds=299), start - timedelta(seconds=1)]
    offsets = (None, -210, 345)
    readings = [
        {**reading(station), "returned_at": written(moment, offset)}
        for moment, offset in zip(moments, offsets, strict=True)
    ]
    event = kinesis_event(*readings)
    answer(city.function, event, "how you read returned_at")
    what = "Two readings are in one window, one is in the window before. The rows differ."
    look = "the window: when the 5 minutes begin, in UTC, as 2026-05-04T12:00:00Z"
    expect_rows(city, station, sums(readings), what, event, look)


def test_every_distance_becomes_whole_meters(city, station):
    """Miles and kilometers become meters, and each reading is rounded separately."""
    moment = start_of_a_window()
    readings = [reading(station, moment, unit) for unit in ("mi", "mi ", "km", "m", "mi", "km")]
    readings.append({**reading(station, moment), "distance": 0})
    event = kinesis_event(*readings)
    answer(city.function, event, "how you convert distance by unit")
    what = "Seven readings of one window, in different units. The sums differ."
    look = "meters: distance times 1609.344, 1000 or 1, each rounded before it is added"
    expect_rows(city, station, sums(readings), what, event, look)


def test_each_station_has_rows_of_its_own(city, station):
    """The readings of two stations in one batch are counted separately."""
    moment, other = start_of_a_window(), f"{station}-other"
    readings = [reading(each, moment) for each in (station, other, station)]
    event = kinesis_event(*readings)
    answer(city.function, event, "your loop")
    for each in (station, other):
        wanted = sums([one for one in readings if one["station_id"] == each])
        what = "Three readings of two stations came in one batch. A row differs."
        expect_rows(city, each, wanted, what, event)


def test_a_good_batch_reports_nothing(city, station):
    """For a batch without a failure, the result is an empty list of failures."""
    event = kinesis_event(reading(station), {**reading(station), "more": fresh.word()})
    wanted, came = {"batchItemFailures": []}, answer(city.function, event, IDENTIFIER)
    assert came == wanted, failure(
        "All records are readings. The result differs.",
        brief(event),
        wanted,
        came,
        "the `return` of your handler",
        "records",
    )


def test_bad_records_go_to_the_queue_with_a_reason(city, station):
    """A record without a reading goes to FAILURES_URL, with its source, the reason and its data."""
    look = "what you check of a reading, and the three keys of the message to FAILURES_URL"
    bad = not_readings(station)
    event = kinesis_event(*[data for data, _ in bad])
    answer(city.function, event, look)
    for record, (data, word) in zip(event["Records"], bad, strict=True):
        source, one = record["eventID"], {"Records": [record]}
        sent = city.failures_of([source])
        came = sent[-1] if sent else None
        wanted = {"source": source, "reason": f"... {word} ...", "data": text_of(data)}
        if isinstance(came, dict) and word in str(came.get("reason")):
            wanted["reason"] = came["reason"]
        assert came == wanted, failure(
            "The record does not hold a reading. The message in FAILURES_URL differs.",
            brief(one),
            wanted,
            came or city.failures()[-1:] or "no message",
            look + city.log(),
            "record",
        )
    expect_rows(city, station, {}, "None of the records is a reading, and a row counts one.", event)


def test_a_bad_record_is_no_failure_for_lambda(city, station):
    """A bad record is done once it is in the queue, so Lambda need not send it again."""
    look = "batchItemFailures: it names records that a table or the queue did not accept, no others"
    readings = [reading(station) for _ in range(2)]
    bad = [fresh.word().encode(), as_data({}), as_data({**reading(station), "unit": fresh.word()})]
    event = kinesis_event(readings[0], *bad, readings[1])
    came = reported(city.function, event, look)
    assert came == [], failure(
        "Three of five records are bad. The result reports failures.",
        brief(event),
        [],
        came,
        look,
        "records",
    )
    what = "Three of five records are bad, between two readings. The rows differ."
    look = "your loop: a bad record must neither raise nor end it"
    expect_rows(city, station, sums(readings), what, event, look)


def test_a_bad_record_holds_up_no_shard(city, stream, station):
    """Lambda does not retry a batch because of a bad record, and gives up on nothing."""
    readings = [reading(station) for _ in range(3)]
    one, two, three = (as_data(each) for each in readings)
    stream.given_up()
    stream.put(one, fresh.word().encode(), two, fresh.word().encode(), three)
    event = kinesis_event(*readings)
    what = "Three readings and two bad records came through a stream. The rows differ."
    look = "what you do with a bad record: send it to FAILURES_URL, and continue"
    expect_rows(city, station, sums(readings), what, event, look)
    came = stream.given_up()
    assert came == [], failure(
        "Lambda retried a batch with bad records, and gave up on it: on so many records each time.",
        brief(event),
        [],
        came,
        look + "; do not report it",
        "records",
    )


def test_a_repeated_reading_counts_once(city, station):
    """A reading counts once, even if Lambda or the dock sends it again, or twice in one batch."""
    readings = [reading(station) for _ in range(2)]
    event, wanted = kinesis_event(*readings), sums(readings)
    deliveries = {
        "as it was": event,
        "by itself": {"Records": event["Records"][1:]},
        "by the dock, as new records": kinesis_event(*readings),
    }
    answer(city.function, event, ONCE)
    for how, again in deliveries.items():
        answer(city.function, again, ONCE)
        what = f"Two readings came, then again, {how}. They must count once."
        expect_rows(city, station, wanted, what, again, ONCE)
    third = reading(station)
    twice = kinesis_event(third, third)
    answer(city.function, twice, ONCE)
    what = "A third reading comes, twice in one batch. It must count once."
    expect_rows(city, station, sums([*readings, third]), what, twice, ONCE)


def test_a_repeated_reading_counts_once_in_another_environment(city, station):
    """A new execution environment knows which readings were counted."""
    readings = [reading(station)]
    event = kinesis_event(*readings)
    answer(city.function, event, ONCE)
    client, name = city.account.client("lambda"), city.function.name
    client.update_function_configuration(FunctionName=name, Description=station)
    client.get_waiter("function_updated_v2").wait(FunctionName=name)
    answer(city.function, event, ONCE)
    what = "A reading is delivered again, to a new environment. It must count once."
    expect_rows(city, station, sums(readings), what, event, ONCE)


def test_a_reading_counts_once_at_the_same_moment(city, station):
    """Two environments that get the same readings at the same moment count each of them once."""
    look = "do you look into SEEN_TABLE, then write? The other one writes in between. Let DynamoDB "
    look += "check and write in one step: ConditionExpression, in the transaction"
    for number in range(ROUNDS):
        other, moment = f"{station}-{number}", start_of_a_window()
        readings = [reading(other, moment) for _ in range(READINGS)]
        event = kinesis_event(*readings)
        if any(delivered_twice_at_once(city, event, look)):  # by a conflict of transactions
            answer(city.function, event, look)  # as Lambda does, it sends them again
        what = f"{READINGS} readings came to two environments at once. They must count once each."
        expect_rows(city, other, sums(readings), what, event, look)


def delivered_twice_at_once(city, event, look):
    """What two environments report for the same event."""
    ready = threading.Barrier(2)

    def deliver(_):
        ready.wait()
        return reported(city.function, event, look)

    with ThreadPoolExecutor(2) as lambdas:
        return list(lambdas.map(deliver, range(2)))


def test_reports_what_could_not_be_counted(account, city, station):
    """A reading that SUMS_TABLE does not accept is reported, and counts when it comes again."""
    missing = account.name("table")
    function = city.deploy(SUMS_TABLE=missing)
    readings = [reading(station) for _ in range(2)]
    event = kinesis_event(fresh.word().encode(), *readings)
    came, wanted = reported(function, event, IDENTIFIER), numbers(event)[1]
    assert came and came[0] == wanted and set(came) <= set(numbers(event)[1:]), failure(
        "SUMS_TABLE does not exist, so no reading can be counted. The first record is bad, and"
        " done. The first failure that is reported differs.",
        brief(event),
        wanted,
        came[0] if came else "no failure",
        IDENTIFIER + "; catch what boto3 raises, ClientError, for each record",
        "records",
    )
    create_table(account, missing, "station_id", "window")
    answer(function, event, ONCE)
    there, city.sums = city.sums, missing
    try:
        what = "SUMS_TABLE did not exist at first. Now it does, and the records came again."
        look = "what you leave behind when the sum fails: an id in SEEN_TABLE silences the next try"
        expect_rows(city, station, sums(readings), what, event, look)
    finally:
        city.sums = there


def test_sum_and_memory_change_together(account, city, station):
    """If SEEN_TABLE does not accept the id, the sum stays as it was until the next attempt."""
    missing = account.name("table")
    function = city.deploy(SEEN_TABLE=missing)
    readings = [reading(station)]
    event, row = kinesis_event(*readings), sums(readings)
    failed = reported(function, event, ONCE)
    wanted = {"reported": numbers(event), "rows": {}} if failed else {"reported": [], "rows": row}
    came = {"reported": failed, "rows": city.rows(station)}
    assert came == wanted, failure(
        "SEEN_TABLE does not exist. A reading is reported if and only if it does not count.",
        brief(event),
        wanted,
        came,
        ONCE,
        "records",
    )
    create_table(account, missing, "id")
    answer(function, event, ONCE)
    what = "SEEN_TABLE did not exist at first. Now it does, and the record came again."
    expect_rows(city, station, row, what, event, ONCE)


def test_reports_a_bad_record_that_the_queue_did_not_take(city, station):
    """A bad record that cannot be sent is not lost: it is reported, so that it comes again."""
    nowhere = f"{city.failures_url}-gone"
    function = city.deploy(FAILURES_URL=nowhere)
    readings = [reading(station) for _ in range(2)]
    event = kinesis_event(readings[0], fresh.word().encode(), readings[1])
    came, wanted = reported(function, event, IDENTIFIER), numbers(event)[1]
    assert came and came[0] == wanted, failure(
        "The queue does not exist, and the second record is bad. The first failure differs.",
        brief(event),
        wanted,
        came[0] if came else "no failure",
        IDENTIFIER + "; around sqs.send_message, too",
        "records",
    )
    first = window_of(readings[0]["returned_at"])
    rides = city.rows(station).get(first, {}).get("rides", 0)
    assert rides >= 1, failure(
        "The reading before a bad record, which the queue did not accept, is not counted.",
        brief(event),
        "1 ride or more",
        rides,
        "your loop: each record by itself",
        "records",
    )
