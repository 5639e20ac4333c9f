"""EventBridge: entries, rules and targets that are refused."""

from __future__ import annotations

import json

import pytest
from eventbus import Bus, arn_of, error_of


@pytest.fixture(scope="module")
def bus(lab):
    return Bus(lab)


@pytest.mark.parametrize(
    ("change", "code", "message"),
    [
        ({"Detail": "ride"}, "MalformedDetail", "Detail is malformed."),
        ({"Detail": "[1]"}, "MalformedDetail", "Detail is malformed."),
        ({"Detail": '"ride"'}, "MalformedDetail", "Detail is malformed."),
        (
            {"Source": ""},
            "InvalidArgument",
            "Parameter Source is not valid. Reason: Source is a required argument.",
        ),
        (
            {"DetailType": ""},
            "InvalidArgument",
            "Parameter DetailType is not valid. Reason: DetailType is a required argument.",
        ),
        (
            {"Detail": ""},
            "InvalidArgument",
            "Parameter Detail is not valid. Reason: Detail is a required argument.",
        ),
        (
            {"Source": "aws.s3"},
            "NotAuthorizedForSourceException",
            "Not authorized for the source.",
        ),
    ],
)
def test_entries_that_are_refused_do_not_stop_the_others(bus, change, code, message):
    rule, _ = bus.rule()
    url, arn = bus.queue()
    bus.target(rule, arn)
    good = {"Source": rule, "DetailType": "ride", "Detail": "{}"}
    answer = bus.client.put_events(Entries=[{**good, **change}, good])
    assert answer["FailedEntryCount"] == 1
    assert answer["Entries"][0] == {"ErrorCode": code, "ErrorMessage": message}
    (body,) = bus.bodies(url)
    assert json.loads(body)["id"] == answer["Entries"][1]["EventId"]


def test_eleven_entries_are_too_many(bus):
    entry = {"Source": "rides", "DetailType": "ride", "Detail": "{}"}
    code, message = error_of(bus.client.put_events, Entries=[entry] * 11)
    assert code == "ValidationException"
    assert message.endswith("Member must have length less than or equal to 10")


def test_one_megabyte_is_the_most(bus):
    rule, _ = bus.rule()
    url, arn = bus.queue()
    bus.target(rule, arn, InputPath="$.id")
    overhead = len(rule) + len("ride") + len('{"a":""}')
    entry = {"Source": rule, "DetailType": "ride"}
    for too_many in (0, 1):
        text = "x" * (1024 * 1024 - overhead + too_many)
        entry["Detail"] = json.dumps({"a": text}, separators=(",", ":"))
        if too_many:
            assert error_of(bus.client.put_events, Entries=[entry]) == (
                "ValidationException",
                "Total size of the entries in the request is over the limit.",
            )
        else:
            assert bus.client.put_events(Entries=[entry])["FailedEntryCount"] == 0
    assert len(bus.bodies(url)) == 1


def test_an_event_to_a_bus_that_does_not_exist_is_taken(bus):
    assert bus.put("rides", EventBusName="nowhere")


@pytest.mark.parametrize(
    ("spec", "code", "message"),
    [
        ({"EventPattern": "{"}, "InvalidEventPatternException", "Event pattern is not valid"),
        ({"EventPattern": "[]"}, "InvalidEventPatternException", "Event pattern is not valid"),
        ({"EventPattern": '{"source": "a"}'}, "InvalidEventPatternException", "'source' must be"),
        (
            {"EventPattern": '{"detail": {"key": [{"begins-with": "raw/"}]}}'},
            "InvalidEventPatternException",
            "Unrecognized match type begins-with",
        ),
        ({"Name": "two words"}, "ValidationException", "at 'name' failed to satisfy constraint"),
        ({"State": "ON"}, "ValidationException", "Member must satisfy enum value set: [ENABLED"),
        ({"EventPattern": ""}, "ValidationException", "must be specified"),
    ],
)
def test_rules_that_are_refused(bus, spec, code, message):
    given = {"Name": "refused", "EventPattern": '{"source": ["a"]}', **spec}
    found = error_of(bus.client.put_rule, **given)
    assert found[0] == code
    assert message in found[1]
    assert bus.client.list_rules(NamePrefix="refused")["Rules"] == []


@pytest.mark.parametrize(
    ("spec", "message"),
    [
        ({"Input": "job"}, "JSON syntax error in input for target bad"),
        ({"Input": "{}", "InputPath": "$"}, "Only one of Input, InputPath, or InputTransformer"),
        ({"Arn": "function"}, "Provided Arn is not in correct format."),
        ({"Arn": "arn:aws:sqs:us-east-1:123456789012:a.fifo"}, "SqsParameters must be specified"),
    ],
)
def test_targets_that_are_refused(bus, spec, message):
    rule, _ = bus.rule()
    target = {"Id": "bad", "Arn": arn_of("any"), **spec}
    code, found = error_of(bus.client.put_targets, Rule=rule, Targets=[target])
    assert code == "ValidationException"
    assert message in found
    assert bus.client.list_targets_by_rule(Rule=rule)["Targets"] == []


def test_a_rule_has_five_targets_at_most(bus):
    rule, _ = bus.rule()
    targets = [{"Id": str(n), "Arn": arn_of("any")} for n in range(6)]
    bus.client.put_targets(Rule=rule, Targets=targets[:5])
    bus.client.put_targets(Rule=rule, Targets=targets[:5])  # the same ones again
    code, message = error_of(bus.client.put_targets, Rule=rule, Targets=targets[5:])
    assert code == "LimitExceededException"
    assert message == "The requested resource exceeds the maximum number allowed."
    assert len(bus.client.list_targets_by_rule(Rule=rule)["Targets"]) == 5


def test_a_pattern_can_be_tried(bus):
    event = {"source": "rides", "detail-type": "ride", "detail": {"minutes": 17}}
    for most, wanted in ((20, True), (10, False)):
        pattern = {"detail": {"minutes": [{"numeric": ["<", most]}]}}
        answer = bus.client.test_event_pattern(
            EventPattern=json.dumps(pattern), Event=json.dumps(event)
        )
        assert answer["Result"] is wanted
    code, _ = error_of(bus.client.test_event_pattern, EventPattern="{", Event="{}")
    assert code == "InvalidEventPatternException"
    code, _ = error_of(bus.client.test_event_pattern, EventPattern="{}", Event="ride")
    assert code == "ValidationException"


def test_targets_of_a_rule_that_does_not_exist(bus):
    target = {"Id": "any", "Arn": arn_of("any")}
    assert error_of(bus.client.put_targets, Rule="missing", Targets=[target]) == (
        "ResourceNotFoundException",
        "Rule missing does not exist on EventBus default.",
    )
