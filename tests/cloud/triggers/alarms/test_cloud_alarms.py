"""Alarms on metrics: their states, and what they set off."""

from __future__ import annotations

import json
import re

import pytest
from botocore.exceptions import ClientError

from workshop.cloud.triggers.alarms.alarm_states import Point, decide

FAILS = "def handler(event, context): raise ValueError('no')"
PRINTS = "import json\ndef handler(event, context): print('EVENT', json.dumps(event))"
DATE = r"\d\d/\d\d/\d\d \d\d:\d\d:00"
TIME = r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}\+0000"


@pytest.fixture(scope="module")
def cloudwatch(lab):
    return lab.cloud.client("cloudwatch")


def alarm(cloudwatch, function, metric="Errors", **spec):
    """Puts an alarm that sounds when a function fails in five minutes; returns its name."""
    usual = {
        "AlarmName": f"{function}-{metric}",
        "Namespace": "AWS/Lambda",
        "MetricName": metric,
        "Dimensions": [{"Name": "FunctionName", "Value": function}],
        "Statistic": "Sum",
        "Period": 300,
        "EvaluationPeriods": 1,
        "Threshold": 0,
        "ComparisonOperator": "GreaterThanThreshold",
    }
    cloudwatch.put_metric_alarm(**{**usual, **spec})
    return spec.get("AlarmName", usual["AlarmName"])


def described(cloudwatch, name):
    [found] = cloudwatch.describe_alarms(AlarmNames=[name])["MetricAlarms"]
    return found


def queue_of(lab, topic):
    """A queue's messages, of a new queue that a topic sends to."""
    sqs, sns = lab.cloud.client("sqs"), lab.cloud.client("sns")
    name = topic.split(":")[-1]
    url = sqs.create_queue(QueueName=name)["QueueUrl"]
    sns.subscribe(
        TopicArn=topic, Protocol="sqs", Endpoint=f"arn:aws:sqs:us-east-1:123456789012:{name}"
    )
    return lambda: [
        json.loads(each["Body"])
        for each in sqs.receive_message(QueueUrl=url, MaxNumberOfMessages=10).get("Messages", [])
    ]


def events(lab, name):
    return [
        json.loads(line.removeprefix("EVENT "))
        for line in lab.log_events(f"/aws/lambda/{name}")
        if line.startswith("EVENT ")
    ]


def test_an_alarm_begins_without_data(lab, cloudwatch):
    name = alarm(cloudwatch, lab.create())
    found = described(cloudwatch, name)
    assert found["StateValue"] == "INSUFFICIENT_DATA"


def test_failures_sound_the_alarm(lab, cloudwatch):
    function = lab.create(FAILS)
    name = alarm(cloudwatch, function)
    lab.invoke(function, {})
    found = described(cloudwatch, name)
    assert found["StateValue"] == "ALARM"
    assert re.fullmatch(
        rf"Threshold Crossed: 1 datapoint \[1\.0 \({DATE}\)\] was greater than the threshold "
        r"\(0\.0\)\.",
        found["StateReason"],
    )
    data = json.loads(found["StateReasonData"])
    assert data["recentDatapoints"] == [1.0]
    assert data["statistic"] == "Sum"
    assert data["threshold"] == 0.0
    assert re.fullmatch(TIME, data["queryDate"])
    assert data["evaluatedDatapoints"][0]["sampleCount"] == 1.0


def test_successes_leave_it_ok(lab, cloudwatch):
    function = lab.create()
    name = alarm(cloudwatch, function, DatapointsToAlarm=1)
    lab.invoke(function, {})
    found = described(cloudwatch, name)
    assert found["StateValue"] == "OK"
    assert re.fullmatch(
        rf"Threshold Crossed: 1 out of the last 1 datapoints \[0\.0 \({DATE}\)\] was not greater "
        r"than the threshold \(0\.0\) \(minimum 1 datapoint for ALARM -> OK transition\)\.",
        found["StateReason"],
    )


def test_no_data_can_count_as_good(lab, cloudwatch):
    name = alarm(cloudwatch, lab.create(), TreatMissingData="notBreaching")
    found = described(cloudwatch, name)
    assert found["StateValue"] == "OK"
    assert found["StateReason"] == (
        "Threshold Crossed: no datapoints were received for 1 period and 1 missing datapoint was "
        "treated as [NonBreaching]."
    )


def test_a_percentile_can_be_watched(lab, cloudwatch):
    function = lab.create("import time\ndef handler(event, context): time.sleep(0.05)")
    usual = {"AlarmName": f"{function}-slow", "Threshold": 20.0}
    cloudwatch.put_metric_alarm(
        **usual,
        Namespace="AWS/Lambda",
        MetricName="Duration",
        Dimensions=[{"Name": "FunctionName", "Value": function}],
        ExtendedStatistic="p95",
        Period=300,
        EvaluationPeriods=1,
        ComparisonOperator="GreaterThanOrEqualToThreshold",
    )
    lab.invoke(function, {})
    assert described(cloudwatch, usual["AlarmName"])["StateValue"] == "ALARM"


def test_a_topic_hears_of_it_once(lab, cloudwatch):
    topic = lab.cloud.client("sns").create_topic(Name="on-failure")["TopicArn"]
    messages = queue_of(lab, topic)
    function = lab.create(FAILS)
    name = alarm(cloudwatch, function, AlarmActions=[topic], AlarmDescription="It fails")
    for _ in range(2):
        lab.invoke(function, {})
        lab.cloud.idle()
    [notification] = messages()
    assert notification["Subject"] == f'ALARM: "{name}" in US East (N. Virginia)'
    message = json.loads(notification["Message"])
    assert message["NewStateReason"].startswith("Threshold Crossed: 1 datapoint [1.0 (")
    times = ("StateChangeTime", "AlarmConfigurationUpdatedTimestamp")
    assert all(re.fullmatch(TIME, message.pop(each)) for each in times)
    del message["NewStateReason"]
    assert message == {
        "AlarmName": name,
        "AlarmDescription": "It fails",
        "AWSAccountId": "123456789012",
        "NewStateValue": "ALARM",
        "Region": "US East (N. Virginia)",
        "AlarmArn": f"arn:aws:cloudwatch:us-east-1:123456789012:alarm:{name}",
        "OldStateValue": "INSUFFICIENT_DATA",
        "OKActions": [],
        "AlarmActions": [topic],
        "InsufficientDataActions": [],
        "Trigger": {
            "MetricName": "Errors",
            "Namespace": "AWS/Lambda",
            "StatisticType": "Statistic",
            "Statistic": "SUM",
            "Unit": None,
            "Dimensions": [{"value": function, "name": "FunctionName"}],
            "Period": 300,
            "EvaluationPeriods": 1,
            "ComparisonOperator": "GreaterThanThreshold",
            "Threshold": 0.0,
            "TreatMissingData": "missing",
            "EvaluateLowSampleCountPercentile": "",
        },
    }


def permit(lab, function, arn):
    lab.client.add_permission(
        FunctionName=function,
        StatementId="alarm",
        Action="lambda:InvokeFunction",
        Principal="lambda.alarms.cloudwatch.amazonaws.com",
        SourceArn=arn,
        SourceAccount="123456789012",
    )


def arn_of(lab, function):
    return lab.client.get_function_configuration(FunctionName=function)["FunctionArn"]


def test_a_function_is_invoked_before_the_cloud_is_idle(lab, cloudwatch):
    function, medic = lab.create(FAILS), lab.create(PRINTS)
    name = alarm(cloudwatch, function, AlarmActions=[arn_of(lab, medic)])
    arn = described(cloudwatch, name)["AlarmArn"]
    permit(lab, medic, arn)
    lab.invoke(function, {})
    lab.cloud.idle()
    [event] = events(lab, medic)
    assert event["source"] == "aws.cloudwatch"
    assert event["alarmArn"] == arn
    assert (event["accountId"], event["region"]) == ("123456789012", "us-east-1")
    assert re.fullmatch(TIME, event["time"])
    data = event["alarmData"]
    assert data["alarmName"] == name
    assert data["state"]["value"] == "ALARM"
    assert json.loads(data["state"]["reasonData"])["recentDatapoints"] == [1.0]
    assert data["previousState"]["value"] == "INSUFFICIENT_DATA"
    assert re.fullmatch(TIME, data["previousState"]["timestamp"])
    [metric] = data["configuration"]["metrics"]
    assert metric["metricStat"] == {
        "metric": {
            "namespace": "AWS/Lambda",
            "name": "Errors",
            "dimensions": {"FunctionName": function},
        },
        "period": 300,
        "stat": "Sum",
    }


def test_a_function_that_allows_no_alarm_is_not_invoked(lab, cloudwatch):
    function, medic = lab.create(FAILS), lab.create(PRINTS)
    alarm(cloudwatch, function, AlarmActions=[arn_of(lab, medic)])
    lab.invoke(function, {})
    lab.cloud.idle()
    assert lab.cloud.invocations(medic) == []
    assert any(f"function:{medic}" in problem for problem in lab.cloud.problems())


def test_a_state_that_is_set_by_hand_acts_too(lab, cloudwatch):
    function, medic = lab.create(), lab.create(PRINTS)
    name = alarm(cloudwatch, function, AlarmActions=[arn_of(lab, medic)])
    permit(lab, medic, described(cloudwatch, name)["AlarmArn"])
    cloudwatch.set_alarm_state(AlarmName=name, StateValue="ALARM", StateReason="testing")
    lab.cloud.idle()
    assert events(lab, medic)[0]["alarmData"]["state"]["reason"] == "testing"


def test_actions_can_be_switched_off(lab, cloudwatch):
    function, medic = lab.create(FAILS), lab.create(PRINTS)
    name = alarm(cloudwatch, function, AlarmActions=[arn_of(lab, medic)], ActionsEnabled=False)
    permit(lab, medic, described(cloudwatch, name)["AlarmArn"])
    lab.invoke(function, {})
    lab.cloud.idle()
    assert described(cloudwatch, name)["StateValue"] == "ALARM"
    assert lab.cloud.invocations(medic) == []


def test_an_alarm_that_is_changed_keeps_its_state(lab, cloudwatch):
    function = lab.create(FAILS)
    name = alarm(cloudwatch, function)
    lab.invoke(function, {})
    lab.cloud.idle()
    alarm(cloudwatch, function, AlarmDescription="changed")
    found = described(cloudwatch, name)
    assert (found["StateValue"], found["AlarmDescription"]) == ("ALARM", "changed")


def test_an_alarm_without_its_topic_says_so(lab, cloudwatch):
    function = lab.create(FAILS)
    gone = "arn:aws:sns:us-east-1:123456789012:nowhere"
    name = alarm(cloudwatch, function, AlarmActions=[gone])
    lab.invoke(function, {})
    lab.cloud.idle()
    assert any(f"alarm:{name}" in problem for problem in lab.cloud.problems())
    with pytest.raises(ClientError):
        cloudwatch.set_alarm_state(AlarmName="none", StateValue="OK", StateReason="x")


def test_alarms_of_other_kinds_are_left_alone(lab, cloudwatch):
    function = lab.create(FAILS)
    metric = {
        "Namespace": "AWS/Lambda",
        "MetricName": "Errors",
        "Dimensions": [{"Name": "FunctionName", "Value": function}],
    }
    name = f"{function}-math"
    cloudwatch.put_metric_alarm(
        AlarmName=name,
        EvaluationPeriods=1,
        Threshold=0,
        ComparisonOperator="GreaterThanThreshold",
        Metrics=[
            {"Id": "m1", "MetricStat": {"Metric": metric, "Period": 60, "Stat": "Sum"}},
        ],
    )
    lab.invoke(function, {})
    lab.cloud.idle()
    assert described(cloudwatch, name)["StateValue"] == "INSUFFICIENT_DATA"
    cloudwatch.delete_alarms(AlarmNames=[name])
    lab.cloud.idle()


def state(values, **spec):
    """The state by values of minutes, None for a missing one, in an alarm on more than 0."""
    settings = {
        "ComparisonOperator": "GreaterThanThreshold",
        "Threshold": 0,
        "Period": 60,
        "Statistic": "Sum",
        "EvaluationPeriods": 3,
        **spec,
    }
    points = [Point(60 * n, value, 1) for n, value in enumerate(values) if value is not None]
    found = decide(settings, points)
    return found.value if found else "as it was"


# The table of "Configuring how CloudWatch alarms treat missing data", three of three.
@pytest.mark.parametrize(
    ("values", "missing", "ignore", "breaching", "not_breaching"),
    [
        ([0, None, 1, None, 1], "OK", "OK", "OK", "OK"),
        ([None, None, None, None, 0], "OK", "OK", "OK", "OK"),
        ([None] * 5, "INSUFFICIENT_DATA", "as it was", "ALARM", "OK"),
        ([0, 1, 1, None, 1], "ALARM", "ALARM", "ALARM", "ALARM"),
        ([None, None, 1, None, None], "ALARM", "as it was", "ALARM", "OK"),
    ],
)
def test_missing_data(values, missing, ignore, breaching, not_breaching):
    ways = {
        "missing": missing,
        "ignore": ignore,
        "breaching": breaching,
        "notBreaching": not_breaching,
    }
    assert {way: state(values, TreatMissingData=way) for way in ways} == ways


def test_some_of_several_periods_are_enough():
    assert state([0, 0, 1, 0, 1], DatapointsToAlarm=2) == "ALARM"
    assert state([1, 1, 1, 0, 0], DatapointsToAlarm=2) == "OK"
    assert state([0, 0, 0, 0, 1], DatapointsToAlarm=2) == "OK"


@pytest.mark.parametrize(
    ("comparison", "below", "at", "above"),
    [
        ("GreaterThanThreshold", "OK", "OK", "ALARM"),
        ("GreaterThanOrEqualToThreshold", "OK", "ALARM", "ALARM"),
        ("LessThanThreshold", "ALARM", "OK", "OK"),
        ("LessThanOrEqualToThreshold", "ALARM", "ALARM", "OK"),
        ("GreaterThanUpperThreshold", "as it was", "as it was", "as it was"),
    ],
)
def test_comparisons(comparison, below, at, above):
    spec = {"ComparisonOperator": comparison, "Threshold": 5, "EvaluationPeriods": 1}
    assert [state([value], **spec) for value in (4, 5, 6)] == [below, at, above]
