"""Grades stage 06, from outside: it writes to a table with a stream, and reads the alerts."""

from __future__ import annotations

import json

import pytest

from workshop.grading import fresh
from workshop.grading.words import failure

from .city import City, answer, brief, expect, expect_reported, identifiers, reported
from .records import new_number, not_bikes, renamed, repeat, some

SLOW_MACHINE = {"Timeout": 10}  # Lambda's default, 3 s, is short for boto3 on a busy laptop
TOO_LONG = 300_000  # characters: SNS takes messages of up to 256 KB


@pytest.fixture(scope="module")
def topic(account):
    """The topic's ARN, and the URL of the queue that gets its messages."""
    return account.topic()


@pytest.fixture(scope="module")
def function(account, deploy, topic):
    """The stage's function, with the topic and the table that the contract promises."""
    return deploy(SLOW_MACHINE, TOPIC_ARN=topic[0], MARKS_TABLE=account.table())


@pytest.fixture(scope="module")
def city(account, topic, function):
    """The table whose changes the function gets."""
    return City(account, topic, function)


@pytest.fixture
def station():
    """A station that no other check knows."""
    return f"{fresh.word()}-{fresh.digits(4)}"


def test_alerts_once_when_a_station_becomes_empty(city, station):
    """When a station's last bike is taken, the function publishes the alert "empty" once."""
    look = "how you compare OldImage and NewImage, and sns.publish with TOPIC_ARN"
    what = "The last bike is taken. The alerts are not those of the contract."
    expect(city, station, [some() + 1, 1, 0], ["empty"], what, look)


def test_alerts_once_when_a_station_recovers(city, station):
    """When an empty station gets bikes, the function publishes the alert "recovered" once."""
    look = "how you compare the images: recovered means that the old one has 0, the new one more"
    what = "An empty station gets bikes. The alerts are not those of the contract."
    expect(city, station, [some(), 0, some(), some()], ["empty", "recovered"], what, look)


def test_ignores_every_other_change(city, station):
    """A write that leaves a station empty, or not empty, causes no alert."""
    look = "what you compare: the change from the old image to the new one, not the new one alone"
    what = "The station is written seven times and runs empty once. The alerts differ."
    bikes = [some() for _ in range(4)]
    expect(city, station, [*bikes, 0, 0, 0], ["empty"], what, look)


def test_alerts_again_the_next_time(city, station):
    """A station that runs empty a second time alerts a second time: it is another change."""
    look = "the key of your mark: it must tell this change from the station's earlier ones"
    what = "The station runs empty twice and recovers twice. The alerts differ."
    wanted = ["empty", "empty", "recovered", "recovered"]
    expect(city, station, [some(), 0, some(), 0, some()], wanted, what, look)
    records, other = city.records(station)["Records"][1:3], f"{station}-other"
    numbers = (int(f"9{fresh.digits(28)}"), int(f"1{fresh.digits(29)}"))
    for record, number in zip(records, numbers, strict=True):
        event = {"Records": [renamed(record, other, number)]}
        answer(city.function, event, look)
    city.account.settle()
    came, wanted = city.kinds(other, 2), ["empty", "recovered"]
    assert came == wanted, failure(
        "The station runs empty and recovers. The second sequence number is higher, and longer.",
        [f"SequenceNumber {number}" for number in numbers],
        wanted,
        came,
        "how you compare sequence numbers, if you do: as integers, since their lengths differ",
        "records",
    )


def test_a_new_station_without_bikes_alerts(city, station):
    """A new item has no old image: it alerts if it is empty, but not if it has bikes."""
    look = "how you read OldImage: an INSERT has none"
    what = "A new station has no bike. The alerts differ."
    expect(city, station, [0], ["empty"], what, look)
    what = "A new station has bikes. That is not an alert."
    expect(city, f"{station}-full", [some()], [], what, look)


def test_a_removed_station_is_no_alert(city, station):
    """A removed item causes no alert, and is never a failure, whatever it held."""
    look = "eventName REMOVE: there is no NewImage, and nothing to do"
    what = "The station runs empty, then its item is removed. The alerts differ."
    expect(city, station, [some(), 0, "removed"], ["empty"], what, look)
    broken = f"{station}-broken"
    city.happens((broken, {"S": fresh.word()}), (broken, "removed"))
    event = {"Records": city.records(broken)["Records"][-1:]}
    came = reported(city.function, event, look)
    assert came == [], failure(
        "An item is removed, and the function reports that as a failure.",
        brief(event),
        [],
        came,
        look,
        "records",
    )


def test_the_message_is_the_contracts(city, station):
    """The message is JSON with exactly three keys, and its bikes is a number."""
    look = "what you hand to json.dumps: DynamoDB's numbers are strings until you unmarshal them"
    before, now = some(), some()
    city.happens((station, before), (station, 0), (station, now))
    wanted = [
        {"station_id": station, "alert": "empty", "bikes": 0},
        {"station_id": station, "alert": "recovered", "bikes": now},
    ]
    came = city.alerts(station, 2)
    came.sort(key=lambda each: json.dumps(each, sort_keys=True))
    strict = [json.dumps(each, sort_keys=True) for each in came]
    assert strict == [json.dumps(each, sort_keys=True) for each in wanted], failure(
        "The messages differ.",
        {"num_bikes_available": [before, 0, now]},
        wanted,
        came,
        look + city.why(came, station),
        "writes",
    )


def test_a_good_batch_reports_nothing(city, station):
    """For a batch without a bad record, the result is an empty list of failures."""
    gone = f"{station}-gone"
    city.happens((gone, some()), (gone, "removed"), (station, some()), (station, 0))
    event, look = city.records(station, gone), "the `return` of your handler"
    wanted, came = {"batchItemFailures": []}, answer(city.function, event, look)
    assert came == wanted, failure(
        "All records are good. The result differs.", brief(event), wanted, came, look, "records"
    )
    kinds = city.kinds(station)
    assert "empty" in kinds, failure(
        "A station is removed in the middle of a batch, and the one after it causes no alert.",
        brief(event),
        ["empty"],
        kinds,
        "your loop: continue after a REMOVE",
        "records",
    )


def test_reports_bad_records_by_their_sequence_numbers(city, station):
    """The result names every bad record, by its SequenceNumber, and no good one."""
    look = "how you read num_bikes_available, and what you put into itemIdentifier"
    bad = {f"{station}-bad-{place}": bikes for place, bikes in enumerate(not_bikes())}
    city.happens((station, some()), *bad.items(), (station, 0))
    event = city.records(station, *bad)
    wanted = [each["dynamodb"]["SequenceNumber"] for each in city.records(*bad)["Records"]]
    came = reported(city.function, event, look)
    what = "The first and last records are good, those between them are bad."
    expect_reported(event, wanted, came, what, look)


def test_a_bad_old_image_is_a_bad_record(city, station):
    """A record whose old image has no number of bikes is bad: what changed is unknown."""
    look = "OldImage: read it with the same care as NewImage"
    full = f"{station}-full"
    city.happens((station, {"S": fresh.word()}), (station, 0), (full, None), (full, some()))
    records = [city.records(each)["Records"][1] for each in (station, full)]
    event, numbers = {"Records": records}, [each["dynamodb"]["SequenceNumber"] for each in records]
    came = reported(city.function, event, look)
    what = "The old images have no number of bikes, so whether the stations were empty is unknown."
    expect_reported(event, numbers, came, what, look)


def test_good_records_around_a_bad_one_alert(city, station):
    """A bad record holds up no other: those before and after it alert, once each."""
    look = "your loop: a bad record must neither raise nor end it, and is reported at the end"
    bad, after = f"{station}-bad", f"{station}-after"
    before = len(city.given_up())
    one, two, three, wrong = some(), some(), some(), {"S": fresh.word()}
    city.happens(
        *[(station, one), (bad, two), (after, three)], *[(station, 0), (bad, wrong), (after, 0)]
    )
    event = {"station": [one, 0], "bad station": [two, wrong], "station after it": [three, 0]}
    wanted = {"station": ["empty"], "station after it": ["empty"]}
    came = {"station": city.kinds(station), "station after it": city.kinds(after)}
    if any(len(kinds) > 1 for kinds in came.values()):
        look = "the marks: Lambda retries what follows the bad record, and it must not alert again"
    assert came == wanted, failure(
        "One of six records in a batch is bad, and Lambda retries it once. The alerts differ.",
        event,
        wanted,
        came,
        look + city.why(came["station"], station),
        "writes",
    )
    wanted = [city.records(bad)["Records"][1]["dynamodb"]["SequenceNumber"]]
    came = city.given_up()[before:]
    assert came == wanted, failure(
        "The batch that Lambda gives up on does not begin with the bad record.",
        event,
        wanted,
        came,
        "batchItemFailures: Lambda treats all before the lowest number as done, and sends the rest"
        " again. An identifier that is not in the batch makes the whole batch fail.",
        "writes",
    )


def test_a_repeated_record_alerts_once(city, station):
    """The same record, delivered again, does not alert again."""
    city.happens((station, some()), (station, 0))
    event = city.records(station)
    repeat(city, station, event, "in a batch like the first")
    alone = {"Records": event["Records"][1:]}
    repeat(city, station, alone, "by itself")
    city.write(station, some())
    city.account.settle()
    repeat(city, station, alone, "after the station recovered", ("empty", "recovered"))
    twice = renamed(event["Records"][1], f"{station}-twice", new_number())
    repeat(city, f"{station}-twice", {"Records": [twice, twice]}, "in the same batch")


def test_a_repeated_record_alerts_once_in_another_environment(city, station):
    """The same record does not alert again in a new execution environment."""
    city.happens((station, some()), (station, 0))
    client, name = city.account.client("lambda"), city.function.name
    client.update_function_configuration(FunctionName=name, Description=station)
    client.get_waiter("function_updated_v2").wait(FunctionName=name)
    repeat(city, station, city.records(station), "to a new environment")


@pytest.mark.extra
def test_an_alert_that_failed_is_made_good(account, city, deploy, station):
    """An alert that cannot be published comes later, and no bad record before it is lost."""
    look = "what you do when sns.publish raises: report the record, or let it raise"
    bad = f"{station}-bad"
    city.happens((station, some()), (bad, {"S": fresh.word()}), (station, 0))
    event = {"Records": city.records(bad, station)["Records"][1:]}
    name = account.name("topic")
    arn = ":".join([*city.topic_arn.split(":")[:-1], name])
    other = deploy(SLOW_MACHINE, TOPIC_ARN=arn, MARKS_TABLE=account.table())
    first = other.invoke(event)
    if first.error is None:
        wanted = [record["dynamodb"]["SequenceNumber"] for record in event["Records"]]
        came = identifiers(first.value, event, look)
        what = (
            "The topic does not exist. The first record is bad, the second cannot alert. Lambda"
            " treats all before the lowest reported number as done."
        )
        also = "; report it together with the bad records before it"
        expect_reported(event, wanted, came, what, look + also)
    city.account.settle()
    _, alerts_url = account.topic(name)
    answer(other, event, look)
    found = []
    account.eventually(lambda: found.extend(account.messages(alerts_url)) or found)
    came = ["empty" if '"empty"' in each else each for each in found]
    wanted = ["empty"]
    assert came == wanted, failure(
        "The topic did not exist at first. Now it does, and the records came again.",
        brief(event),
        wanted,
        came,
        "the order of publish and mark: do not leave a mark behind when the publish fails",
        "records",
    )


@pytest.mark.extra
def test_publishes_nothing_after_a_failed_alert(city, station):
    """No alert overtakes one that failed: the records after it wait for the next attempt."""
    look = "where you catch what sns.publish raises: report that record, and leave the loop"
    before, after = f"{station}-before", f"{station}-after"
    city.happens(*[(f"{station}-{place}", 0) for place in (1, 2, 3)])
    records = city.records(*[f"{station}-{place}" for place in (1, 2, 3)])["Records"]
    # Numbers of their own: a mark may be kept under them.
    number = new_number()
    names = (before, "S" * TOO_LONG, after)
    named = zip(records, names, strict=True)
    renamed_ones = [renamed(each, name, number + n) for n, (each, name) in enumerate(named)]
    event = {"Records": renamed_ones}
    what = "The second record's station_id is too long for an SNS message, so publish raises."
    for _ in range(2):  # Lambda sends the batch again
        result = city.function.invoke(event)
        timed_out = bool(result.error) and result.error.get("errorType") == "Sandbox.Timedout"
        assert not timed_out, failure(
            f"{what} The function keeps trying until its time is up.",
            brief(event),
            "a result that reports the record, or an error",
            result.error,
            look,
            "records",
        )
    failed = [] if result.error else identifiers(result.value, event, look)
    city.account.settle()
    wanted = {"the second has failed": True, "alerts of the third": []}
    came = {
        "the second has failed": bool(result.error) or str(number + 1) in failed,
        "alerts of the third": city.kinds(after, 0),
    }
    assert came == wanted, failure(what, brief(event), wanted, came, look, "records")
    look = "when you write the marks: each right after its alert, not at the end of the batch"
    came = city.kinds(before)
    assert came == ["empty"], failure(
        f"{what} The batch is delivered twice, and the first record must alert once.",
        brief(event),
        ["empty"],
        came,
        look,
        "records",
    )
