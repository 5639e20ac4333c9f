"""EventBridge: Input, InputPath and InputTransformer of a rule's targets."""

from __future__ import annotations

import pytest
from eventbus import FIELDS, Bus


@pytest.fixture(scope="module")
def bus(lab):
    return Bus(lab)


TEMPLATES = {
    "a text": ('"Bike <bike> at <station>"', '"Bike W20 at Hauptbahnhof \\"Ost\\""'),
    "json": ('{"bike":<bike>,"left":<left>}', '{"bike":"W20","left":2}'),
    "text in json": ('{"say":"bike <bike>"}', '{"say":"bike W20"}'),
    "an object": ('{"where":<where>}', '{"where":{"lat":51.3,"docks":[1,2]}}'),
    "a list": ('{"docks":<docks>}', '{"docks":[1,2]}'),
    "nothing there": ('{"a":<nothing>,"b":"<nothing>"}', '{"a":"","b":""}'),
    "an item": ('{"second":<second>}', '{"second":2}'),
    "the rule": (
        '{"arn":<aws.events.rule-arn>,"name":"<aws.events.rule-name>"}',
        '{"arn":"RULE_ARN","name":"RULE_NAME"}',
    ),
    "no variables": ('{"fixed":true}', '{"fixed":true}'),
}


@pytest.mark.parametrize("case", TEMPLATES)
def test_input_transformer(bus, case):
    template, wanted = TEMPLATES[case]
    rule, rule_arn = bus.rule()
    url, arn = bus.queue()
    paths = {
        "bike": "$.detail.bike",
        "station": "$.detail.station",
        "left": "$.detail.left",
        "where": "$.detail.where",
        "docks": "$.detail.where.docks[*]",
        "second": "$.detail.where.docks[1]",
        "nothing": "$.detail.is.not.there",
    }
    transformer = {"InputTemplate": template, "InputPathsMap": paths}
    bus.target(rule, arn, InputTransformer=transformer)
    detail = {
        "bike": "W20",
        "station": 'Hauptbahnhof "Ost"',
        "left": 2,
        "where": {"lat": 51.3, "docks": [1, 2]},
    }
    bus.put(rule, detail)
    wanted = wanted.replace("RULE_ARN", rule_arn).replace("RULE_NAME", rule)
    assert bus.bodies(url) == [wanted]


def test_the_whole_event_in_a_template(bus):
    rule, rule_arn = bus.rule()
    function, arn = bus.function(rule_arn)
    template = (
        '{"all": <aws.events.event.json>, "head": <aws.events.event>, '
        '"at": <aws.events.event.ingestion-time>}'
    )
    bus.target(rule, arn, InputTransformer={"InputTemplate": template})
    event_id = bus.put(rule, {"n": 1}, Time=1_793_588_645)
    (event,) = bus.received(function)
    assert set(event["all"]) == FIELDS
    assert set(event["head"]) == FIELDS - {"detail"}
    assert event["all"]["id"] == event["head"]["id"] == event_id
    assert event["at"] > "2026" and event["at"].endswith("Z")
    assert event["at"] != event["all"]["time"]


@pytest.mark.parametrize(
    ("spec", "wanted"),
    [
        ({"Input": '{"job":  "nightly"}'}, '{"job":  "nightly"}'),
        ({"InputPath": "$.detail"}, '{"n":[1,{"a":"é"}]}'),
        ({"InputPath": "$.detail.n[1].a"}, '"é"'),
    ],
)
def test_input_and_input_path(bus, spec, wanted):
    rule, _ = bus.rule()
    url, arn = bus.queue()
    bus.target(rule, arn, **spec)
    bus.put(rule, {"n": [1, {"a": "é"}]})
    assert bus.bodies(url) == [wanted]


def test_a_template_that_gives_no_json_reaches_no_function(bus):
    rule, rule_arn = bus.rule()
    function, arn = bus.function(rule_arn)
    url, queue_arn = bus.queue()
    template = {"InputTemplate": "{not json}"}
    bus.target(rule, arn, InputTransformer=template, DeadLetterConfig={"Arn": queue_arn})
    bus.put(rule)
    bus.lab.cloud.idle()
    assert bus.lab.cloud.invocations(function) == []
    (message,) = bus.messages(url)
    assert message["MessageAttributes"]["ERROR_CODE"]["StringValue"] == "INVALID_JSON"
