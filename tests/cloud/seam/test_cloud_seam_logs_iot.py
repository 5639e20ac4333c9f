"""The contract with moto for CloudWatch Logs and AWS IoT."""

from __future__ import annotations

import inspect

import moto.iot.models as iot_models
import moto.iotdata.models as data_models
import moto.iotdata.responses as data_responses
import moto.logs.models as logs_models
import pytest

from workshop.cloud.seam import iot, logs

# moto's own function, as the seam kept it, and its arguments
REPLACED = {
    "LogsBackend.put_subscription_filter": (
        logs._put_subscription_filter,
        ["log_group_name", "filter_name", "filter_pattern", "destination_arn", "role_arn"],
    ),
    "LogGroup.put_subscription_filter": (
        logs._put_in_group,
        ["filter_name", "filter_pattern", "destination_arn", "role_arn"],
    ),
    "LogStream._send_log_events": (
        logs._send_log_events,
        ["service", "destination_arn", "filter_name", "log_events"],
    ),
    "LogsBackend.filter_log_events": (
        logs._filter_log_events,
        ["log_group_name", "log_stream_names", "start_time", "end_time", "limit", "next_token"]
        + ["filter_pattern", "interleaved"],
    ),
    "LogStream.filter_log_events": (
        logs._filter_in_stream,
        ["start_time", "end_time", "filter_pattern"],
    ),
    "IoTBackend.create_topic_rule": (iot._create_topic_rule, ["rule_name", "sql", "kwargs"]),
    "IoTDataPlaneBackend.publish": (iot._publish, ["topic", "payload"]),
    "IoTDataPlaneBackend.update_thing_shadow": (
        iot._update_thing_shadow,
        ["thing_name", "payload", "shadow_name"],
    ),
    "IoTDataPlaneBackend.delete_thing_shadow": (
        iot._delete_thing_shadow,
        ["thing_name", "shadow_name"],
    ),
}


@pytest.mark.parametrize("name", REPLACED)
def test_replaced_methods_have_motos_arguments(name):
    function, arguments = REPLACED[name]
    assert function.__module__.startswith("moto."), f"{name}: the seam kept its own function"
    assert list(inspect.signature(function).parameters)[1:] == arguments, f"{name} changed"


@pytest.mark.parametrize(
    ("owner", "name", "ours"),
    [
        (logs_models.LogsBackend, "put_subscription_filter", logs.put_subscription_filter),
        (logs_models.LogGroup, "put_subscription_filter", logs.put_in_group),
        (logs_models.LogStream, "_send_log_events", logs.send_log_events),
        (logs_models.LogsBackend, "filter_log_events", logs.filter_log_events),
        (logs_models.LogStream, "filter_log_events", logs.filter_in_stream),
        (iot_models.IoTBackend, "create_topic_rule", iot.create_topic_rule),
        (iot_models.IoTBackend, "replace_topic_rule", iot.replace_topic_rule),
        (iot_models.IoTBackend, "get_topic_rule", iot.get_topic_rule),
        (data_models.IoTDataPlaneBackend, "publish", iot.publish),
        (data_models.IoTDataPlaneBackend, "update_thing_shadow", iot.update_thing_shadow),
        (data_models.IoTDataPlaneBackend, "delete_thing_shadow", iot.delete_thing_shadow),
        (data_responses.IoTDataPlaneResponse, "publish", iot.respond_to_publish),
    ],
)
def test_the_seams_functions_are_in_place_and_stay_so(lab, owner, name, ours):
    assert getattr(owner, name) is ours
    logs.install()
    iot.install()
    assert getattr(owner, name) is ours


def test_moto_sends_log_events_by_the_replaced_method():
    source = inspect.getsource(logs_models.LogStream.put_log_events)
    assert "self._send_log_events(" in source
    assert all(f'"{key}": event.' in source for key in ("id", "timestamp", "message"))


def test_attributes_of_a_log_group_that_are_read(lab):
    lab.logs.create_log_group(logGroupName="/contract")
    group = logs_models.logs_backends["123456789012"]["us-east-1"].groups["/contract"]
    assert (group.name, group.region, group.account_id) == (
        "/contract",
        "us-east-1",
        "123456789012",
    )
    assert group.subscription_filters == {}


def test_attributes_of_a_rule_that_are_read(lab):
    action = {"sqs": {"queueUrl": "http://localhost/q", "roleArn": "arn:aws:iam::1:role/r"}}
    lab.cloud.client("iot").create_topic_rule(
        ruleName="contract",
        topicRulePayload={"sql": "SELECT * FROM 'a'", "actions": [action], "ruleDisabled": True},
    )
    (rule,) = iot.topic_rules("us-east-1")
    assert rule.arn == "arn:aws:iot:us-east-1:123456789012:rule/contract"
    assert (rule.sql, rule.version, rule.disabled) == ("SELECT * FROM 'a'", "2015-10-08", True)
    assert [(each.kind, each.parameters) for each in rule.actions] == list(action.items())
    assert rule.error_action is None


def test_what_a_shadow_tells():
    shadow = data_models.FakeShadow.create_from_previous_version(
        None, {"state": {"desired": {"a": 1}, "reported": {"a": 2}}}
    )
    assert shadow.to_dict(include_delta=False)["state"] == {
        "desired": {"a": 1},
        "reported": {"a": 2},
    }
    assert shadow.parse_payload(shadow.desired, shadow.reported) == {"a": 1}
    assert set(shadow.to_response_dict()) == {"state", "metadata", "timestamp", "version"}
