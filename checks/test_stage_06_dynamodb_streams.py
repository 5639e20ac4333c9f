"""Grades stage 06, from outside: it writes to a table with a stream, and reads the alerts."""

from __future__ import annotations

import json
import uuid

import pytest
from stage_06_city import City, answer, brief, expect, identifiers, reported

from workshop.grading.words import failure

NOT_BIKES = ({"S": "4"}, {"N": "-1"}, {"N": "2.5"}, {"BOOL": True}, {"NULL": True}, None)
TOO_LONG = 300_000  # characters: SNS takes messages of up to 256 KB


def renamed(record, station):
    """A record like another, of a station that nobody has heard of yet."""
    other = json.loads(json.dumps(record)) | {"eventID": uuid.uuid4().hex}
    for part in ("Keys", "OldImage", "NewImage"):
        if part in other["dynamodb"]:
            other["dynamodb"][part]["station_id"] = {"S": station}
    return other


@pytest.fixture(scope="module")
def topic(account):
    """The topic's ARN, and the URL of the queue that gets its messages."""
    return account.topic()


@pytest.fixture(scope="module")
def function(account, deploy, topic):
    """The stage's function, with the topic and the table that the contract promises."""
    return deploy(TOPIC_ARN=topic[0], MARKS_TABLE=account.table())


@pytest.fixture(scope="module")
def city(account, topic, function):
    """The table whose changes the function gets."""
    return City(account, topic, function)


@pytest.fixture
def station():
    """A station that no other check knows."""
    return f"S-{uuid.uuid4().hex[:12]}"


def test_alerts_once_when_a_station_becomes_empty(city, station):
    """A station whose last bike is taken gives the alert "empty", once."""
    look = "how you compare OldImage and NewImage, and sns.publish with TOPIC_ARN"
    what = "The last bike was taken. The alerts are not the one that the contract promises."
    expect(city, station, [3, 1, 0], ["empty"], what, look)


def test_alerts_once_when_a_station_recovers(city, station):
    """An empty station that gets bikes gives the alert "recovered", once."""
    look = "how you compare the images: recovered means that the old one has 0, the new one more"
    what = "An empty station got bikes. The alerts are not those that the contract promises."
    expect(city, station, [2, 0, 4, 9], ["empty", "recovered"], what, look)


def test_ignores_every_other_change(city, station):
    """A write that leaves a station empty, or not empty, is no news."""
    look = "what you compare: the change from the old image to the new one, not the new one alone"
    what = "The station was written seven times and ran empty once. The alerts differ."
    expect(city, station, [12, 11, 10, 9, 0, 0, 0], ["empty"], what, look)


def test_alerts_again_the_next_time(city, station):
    """A station that runs empty a second time alerts a second time: it is another change."""
    look = "the key of your mark: it must tell this change from the station's earlier ones"
    what = "The station ran empty twice and recovered twice. The alerts differ."
    wanted = ["empty", "empty", "recovered", "recovered"]
    expect(city, station, [2, 0, 3, 0, 1], wanted, what, look)


def test_a_new_station_without_bikes_alerts(city, station):
    """A new item has no old image: it alerts if it is empty, and not if it has bikes."""
    look = "how you read OldImage: an INSERT has none"
    what = "A new station came into the table without a bike. The alerts differ."
    expect(city, station, [0], ["empty"], what, look)
    what = "A new station came into the table with bikes. That is no alert."
    expect(city, f"{station}-full", [7], [], what, look)


def test_a_removed_station_is_no_alert(city, station):
    """An item that is removed alerts nobody, and is never a failure, whatever it held."""
    look = "eventName REMOVE: there is no NewImage, and nothing to do"
    what = "The station ran empty, then its item was removed. The alerts differ."
    expect(city, station, [1, 0, "removed"], ["empty"], what, look)
    broken = f"{station}-broken"
    city.happens((broken, {"S": "four"}), (broken, "removed"))
    event = {"Records": city.records(broken)["Records"][-1:]}
    came = reported(city.function, event, look)
    assert came == [], failure(
        "An item was removed, and the function reports that as a failure.",
        brief(event),
        [],
        came,
        look,
        "records",
    )


def test_the_message_is_the_contracts(city, station):
    """The message is JSON with exactly three keys, and bikes is a number in it."""
    look = "what you hand to json.dumps: DynamoDB's numbers are texts until you unmarshal them"
    city.happens((station, 10), (station, 0), (station, 12))
    wanted = [
        {"station_id": station, "alert": "empty", "bikes": 0},
        {"station_id": station, "alert": "recovered", "bikes": 12},
    ]
    came = city.alerts(station, 2)
    came.sort(key=lambda each: json.dumps(each, sort_keys=True))
    strict = [json.dumps(each, sort_keys=True) for each in came]
    assert strict == [json.dumps(each, sort_keys=True) for each in wanted], failure(
        "The messages differ.",
        {"num_bikes_available": [10, 0, 12]},
        wanted,
        came,
        look + city.why(came, station),
        "writes",
    )


def test_a_good_batch_reports_nothing(city, station):
    """A batch without a bad record answers with an empty list of failures."""
    city.happens((station, 5), (station, 0), (station, "removed"))
    event, look = city.records(station), "the `return` of your handler"
    wanted, came = {"batchItemFailures": []}, answer(city.function, event, look)
    assert came == wanted, failure(
        "All records are good. The result differs.", brief(event), wanted, came, look, "records"
    )


def test_reports_bad_records_by_their_sequence_numbers(city, station):
    """The result names every bad record, by its SequenceNumber, and no good one."""
    look = "how you read num_bikes_available, and what you put into itemIdentifier"
    bad = {f"{station}-bad-{place}": bikes for place, bikes in enumerate(NOT_BIKES)}
    city.happens((station, 3), *bad.items(), (station, 0))
    event = city.records(station, *bad)
    wanted = [each["dynamodb"]["SequenceNumber"] for each in city.records(*bad)["Records"]]
    came = reported(city.function, event, look)
    assert came == wanted, failure(
        "The first and the last record are good, those between them are bad. The result differs.",
        brief(event),
        wanted,
        came,
        look,
        "records",
    )


def test_a_bad_old_image_is_a_bad_record(city, station):
    """A record whose old image has no number of bikes is bad: nobody knows what changed."""
    look = "OldImage: read it with the same care as NewImage"
    city.happens((station, {"S": "four"}), (station, 0))
    numbers = [each["dynamodb"]["SequenceNumber"] for each in city.records(station)["Records"]]
    event = {"Records": city.records(station)["Records"][1:]}
    came = reported(city.function, event, look)
    assert came == numbers[1:], failure(
        "The old image has a text where the number of bikes should be.",
        brief(event),
        numbers[1:],
        came,
        look,
        "records",
    )


def test_good_records_around_a_bad_one_alert(city, station):
    """One bad record holds up nobody: those before and after it alert, once each."""
    look = "your loop: a bad record must neither raise nor end it, and is reported at the end"
    bad, after = f"{station}-bad", f"{station}-after"
    before = len(city.given_up())
    writes = [(station, 2), (bad, 1), (after, 3), (station, 0), (bad, {"S": "no"}), (after, 0)]
    city.happens(*writes)
    event = {"station": [2, 0], "bad station": [1, {"S": "no"}], "station after it": [3, 0]}
    wanted = {"station": ["empty"], "station after it": ["empty"]}
    came = {"station": city.kinds(station), "station after it": city.kinds(after)}
    assert came == wanted, failure(
        "One of six records in a batch was bad, and Lambda retried it once. The alerts differ.",
        event,
        wanted,
        came,
        look + city.why(came["station"], station),
        "writes",
    )
    wanted = [city.records(bad)["Records"][1]["dynamodb"]["SequenceNumber"]]
    came = city.given_up()[before:]
    assert came == wanted, failure(
        "What Lambda gave up does not begin with the bad record.",
        event,
        wanted,
        came,
        "batchItemFailures: what lies before the lowest number in it is done, the rest comes again."
        " An identifier that is not in the batch makes the whole batch fail.",
        "writes",
    )


def repeat(city, station, event, when):
    """Fails unless an event that was handled before gives no further alert."""
    look = "where you remember what was alerted: in MARKS_TABLE, under this record's own key"
    answer(city.function, event, look)
    city.account.settle()
    came = city.kinds(station)
    assert came == ["empty"], failure(
        f"The same record came again {when}. It must alert once in all.",
        brief(event),
        ["empty"],
        came,
        look + city.log(),
        "records",
    )


def test_a_repeated_record_alerts_once(city, station):
    """The same record, delivered again, alerts no second time."""
    city.happens((station, 1), (station, 0))
    repeat(city, station, city.records(station), "in a batch like the first")
    alone = {"Records": city.records(station)["Records"][1:]}
    repeat(city, station, alone, "by itself")


def test_a_repeated_record_alerts_once_in_another_environment(city, station):
    """The same record alerts no second time in an execution environment that is new."""
    city.happens((station, 1), (station, 0))
    client, name = city.account.client("lambda"), city.function.name
    client.update_function_configuration(FunctionName=name, Description=station)
    client.get_waiter("function_updated_v2").wait(FunctionName=name)
    repeat(city, station, city.records(station), "to a new environment")


def test_an_alert_that_failed_is_made_good(account, city, deploy, station):
    """An alert that could not be published comes later, and no bad record before it is lost."""
    look = "what you do when sns.publish raises: report the record, or let it raise"
    bad = f"{station}-bad"
    city.happens((station, 1), (bad, {"S": "four"}), (station, 0))
    event = {"Records": city.records(bad, station)["Records"][1:]}
    name = account.name("topic")
    arn = ":".join([*city.topic_arn.split(":")[:-1], name])
    other = deploy(TOPIC_ARN=arn, MARKS_TABLE=account.table())
    first = other.invoke(event)
    if first.error is None:
        wanted = [record["dynamodb"]["SequenceNumber"] for record in event["Records"]]
        came = identifiers(first.value, event, look)
        assert came == wanted, failure(
            "The topic does not exist. The first record is bad, the second cannot alert. What lies"
            " before the lowest number that you report counts as done.",
            brief(event),
            wanted,
            came,
            look + "; report it together with the bad records before it",
            "records",
        )
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
        "the order of publish and mark: a mark before the publish must go when that fails",
        "records",
    )


def test_publishes_nothing_after_a_failed_alert(city, station):
    """No alert overtakes one that failed: the records after it wait for the next attempt."""
    look = "where you catch what sns.publish raises: report that record, and leave the loop"
    after = f"{station}-after"
    city.happens((f"{station}-1", 0), (f"{station}-2", 0))
    first, second = city.records(f"{station}-1", f"{station}-2")["Records"]
    event = {"Records": [renamed(first, "S" * TOO_LONG), renamed(second, after)]}
    result = city.function.invoke(event)
    failed = [] if result.error else identifiers(result.value, event, look)
    city.account.settle()
    wanted = {"the first has failed": True, "alerts of the second": []}
    came = {
        "the first has failed": bool(result.error) or first["dynamodb"]["SequenceNumber"] in failed,
        "alerts of the second": city.kinds(after, 0),
    }
    assert came == wanted, failure(
        "The first record's station_id is too long for a message of SNS, so publish raises.",
        brief(event),
        wanted,
        came,
        look,
        "records",
    )
