"""Grades what listens to the stations in stage 09: the function telemetry, and its rule."""

from __future__ import annotations

import time

import pytest

from workshop.grading import fresh
from workshop.grading.words import failure

from .city import City, expect_result, expect_row, later, report, some_station, stored
from .race import faster_dynamodb

UPDATE = "update_item: the attributes that you set, and their types"
NEWER = "the ConditionExpression: seq of the row and seq of the event"
FIELDS = "rule.json: SELECT topic(2) AS station_id, timestamp() AS received_at, and the numbers"
DAY_MS = 86_400_000


@pytest.fixture(scope="module")
def city(account, deploy, folder):
    """The table, and the learner's function."""
    made = City(account, deploy, folder)
    made.telemetry = made.deploy("telemetry")
    return made


@pytest.fixture
def before(city):
    """The row of a station that has not reported yet."""
    station = some_station()
    city.add(station)
    return city.row(station.station_id)


@pytest.fixture(scope="module")
def rule(city):
    """The learner's topic rule."""
    city.rule(city.telemetry)


def id_of(row):
    """The station of a row."""
    return row["station_id"]["S"]


def test_stores_a_report_in_the_row_of_its_station(city, before):
    """A report is stored in the row of its station, as numbers, and nothing else there changes."""
    event = report(id_of(before))
    expect_result(
        city.telemetry, event, "stored", "A first report came. The result differs.", UPDATE
    )
    what = "A station reported. Its row differs."
    expect_row(city, before, stored(event), what, event, UPDATE)
    event = later(event, bikes=0, docks=200, battery=4)
    expect_result(city.telemetry, event, "stored", "The next report came.", UPDATE)
    what = "A station reported again: no bike, and 200 docks. Its row differs."
    expect_row(city, before, stored(event), what, event, UPDATE)


def test_an_older_report_changes_nothing(city, before):
    """A report that comes late or twice does not replace a newer one."""
    seq = 10 ** fresh.whole(2, 5)  # as strings, 99 would come after 100
    newest = report(id_of(before), seq=seq)
    expect_result(city.telemetry, newest, "stored", "A report came.", NEWER)
    for other, what in (
        (later(newest, seq=seq - 1), "An older report came late"),
        (later(newest, seq=seq), "A report came once more"),
    ):
        expect_result(city.telemetry, other, "old", f"{what}. The result differs.", NEWER)
        what = f"{what}: seq {other['seq']} after {seq}. The row must stay as it was."
        expect_row(city, before, stored(newest), what, other, NEWER)


def test_an_older_report_does_not_win_a_race(city, before, account, tmp_path):
    """If two reports are handled at the same moment, the newer one stays."""
    look = "what may come between your read and your write: let the write compare, by a condition"
    older = report(id_of(before))
    newer = later(older)
    endpoint = faster_dynamodb(account, tmp_path, city.table, newer)
    slow = city.deploy("telemetry", AWS_ENDPOINT_URL_DYNAMODB=endpoint)
    what = f"Just before the function wrote, another environment stored seq {newer['seq']}."
    expect_result(slow, older, "old", f"{what} The result differs.", look)
    expect_row(city, before, stored(newer), f"{what} The row must stay as it was.", older, look)


def test_the_clock_and_the_name_of_the_device_count_for_nothing(city, before):
    """The station and the time in the payload are ignored."""
    look = "the event: use `station_id` and `received_at`, which the rule says"
    other = some_station()
    city.add(other)
    claims = {"device_id": other.station_id, "kind": "status"}
    ahead = report(id_of(before), sent_at=int(time.time() * 1000) + 900 * DAY_MS, **claims)
    behind = later(ahead, sent_at=946_684_800_000, **claims)
    for event, which in ((ahead, "is years ahead"), (behind, "says the year 2000")):
        what = f"The device's clock {which}, and it takes itself for another station."
        expect_result(city.telemetry, event, "stored", what, look)
        expect_row(city, before, stored(event), f"{what} The row differs.", event, look)
    came = city.row(other.station_id).get("seq", "no report")
    assert came == "no report", failure(
        "The device takes itself for another station, and the other row changed.",
        ahead,
        "no report",
        f"seq {came}",
        look,
    )


def test_an_unknown_station_makes_no_row(city):
    """A report from a station that is not in the table creates no row."""
    look = "the condition attribute_exists(station_id): update_item makes a row where there is none"
    event = report(f"nobody-{fresh.word()}")
    what = "The table has no such station. The result differs."
    expect_result(city.telemetry, event, "unknown", what, look)
    came = city.row(event["station_id"])
    assert came is None, failure(
        "The table has no such station, but the report made a row.", event, "no row", came, look
    )


def test_a_report_that_is_wrong_changes_nothing(city, before):
    """A report with a value that is missing, of another type, or out of range is invalid."""
    good = report(id_of(before))
    expect_result(city.telemetry, good, "stored", "A valid report came.", UPDATE)
    anything = [None, "7", True, [], -1]
    wrong = {
        "seq": [*anything, 7.5, 7.0],
        "bikes": [*anything, 7.5, 7.0, 201],
        "docks": [*anything, 7.5, 7.0, 201],
        "battery": [*anything, 5.01, 6],
    }
    for field, values in wrong.items():
        newer = later(good)
        events = [{**newer, field: each} for each in values]
        del newer[field]
        for event in (newer, *events):
            expect_invalid(city, before, good, event, field)


def expect_invalid(city, before, good, event, field):
    """Fails unless a report is refused, and the row stays as after a good one."""
    look = f"what you check of `{field}` before you write. True is an int to isinstance"
    said = f"is {event[field]!r}" if field in event else "is missing"
    what = f"`{field}` {said}, so the report is invalid. The result differs."
    expect_result(city.telemetry, event, "invalid", what, look)
    expect_row(city, before, stored(good), "An invalid report changed the row.", event, look)


def test_raises_where_the_table_cannot_be_written(city, before):
    """A report that cannot be stored is an error, so that Lambda retries."""
    event = report(id_of(before))
    expect_result(city.telemetry, event, "stored", "The table is there.", UPDATE)
    function = city.deploy("telemetry", STATIONS_TABLE=city.account.name("table"))
    result = function.invoke(event)
    assert result.error is not None, failure(
        "The table does not exist, but the function did not fail: the report is lost.",
        event,
        "an error",
        result.value,
        "your `except`: catch ConditionalCheckFailedException and no other AWS error",
        log=result.log,
    )


def message(**changes):
    """What a station publishes."""
    event = report("", **changes)
    del event["station_id"], event["received_at"]
    return {"kind": "status", "device_id": f"d-{fresh.word()}", "sent_at": 946_684_800_000, **event}


def told(topic, payload):
    """A message as a check shows it."""
    return {topic: payload}


def test_the_rule_says_which_station_and_when(city, rule, before):
    """The rule passes on a report with the station from its topic and the time of arrival."""
    topic, payload = f"stations/{id_of(before)}/status", message()
    city.publish(topic, payload)
    row = city.account.eventually(
        lambda: found if "seq" in (found := city.row(id_of(before))) else None
    )
    wanted = {name: payload[name] for name in ("bikes", "docks", "battery", "seq")}
    came = {name: (row or {}).get(name, "missing") for name in wanted}
    assert came == wanted, failure(
        "A station published a report. Its row differs.",
        told(topic, payload),
        wanted,
        came,
        FIELDS,
        "message",
    )
    came, now = row.get("updated_at", "missing"), int(time.time() * 1000)
    assert isinstance(came, int) and abs(came - now) < DAY_MS, failure(
        "updated_at is not the time when the message came.",
        told(topic, payload),
        f"about {now}",
        came,
        FIELDS,
        "message",
    )


def test_the_rule_hands_on_nothing_else(city, rule, before):
    """Other kinds of messages, and other topics, do not reach the function."""
    topic, count = f"stations/{id_of(before)}/status", city.invocations(city.telemetry)
    look = "rule.json: the topic filter after FROM (+ is one part, # is all that follow) and WHERE"
    others = [
        (topic, message(kind="selftest")),
        (topic, message(kind=fresh.word())),
        (topic, {name: value for name, value in message().items() if name != "kind"}),
        (f"{topic}/raw", message()),
        (f"stations/{id_of(before)}/alarm", message()),
        (f"docks/{id_of(before)}/status", message()),
    ]
    for where, payload in others:
        city.publish(where, payload)
        city.account.settle()
        came = city.invocations(city.telemetry) - count
        assert came == 0, failure(
            "The rule passed on a message that is not a station's report.",
            told(where, payload),
            "no invocation",
            f"{came} invocations",
            look,
            "message",
        )
    payload = message()
    city.publish(topic, payload)
    came = city.account.eventually(lambda: city.invocations(city.telemetry) - count)
    assert came == 1, failure(
        "A station published one report. The number of invocations differs.",
        told(topic, payload),
        1,
        came,
        f"{look}. More than one: does your function publish to the topic that its rule watches?",
        "message",
    )
