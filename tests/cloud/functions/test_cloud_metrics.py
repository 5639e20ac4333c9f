"""Lambda's metrics in CloudWatch."""

from __future__ import annotations

from datetime import datetime, timedelta, timezone

import pytest
from botocore.exceptions import ClientError

from workshop.cloud.functions.metrics import KEPT_VALUES, Datum

FAILS = "def handler(event, context): raise ValueError('no')"
SLEEPS = "import time\ndef handler(event, context): time.sleep(event)"


@pytest.fixture(scope="module")
def cloudwatch(lab):
    return lab.cloud.client("cloudwatch")


def dimensions(**named):
    return [{"Name": name, "Value": value} for name, value in named.items()]


def window():
    now = datetime.now(timezone.utc)
    return {"StartTime": now - timedelta(minutes=30), "EndTime": now + timedelta(minutes=1)}


def statistic(cloudwatch, metric, name="Sum", period=3600, **named):
    """One statistic over the last half hour, or None where there are no values."""
    which = {"Statistics": [name]} if name[0] != "p" else {"ExtendedStatistics": [name]}
    points = cloudwatch.get_metric_statistics(
        Namespace="AWS/Lambda",
        MetricName=metric,
        Dimensions=dimensions(**named),
        Period=period,
        **which,
        **window(),
    )["Datapoints"]
    if not points:
        return None
    [point] = points
    return point[name] if name[0] != "p" else point["ExtendedStatistics"][name]


def test_invocations_errors_and_durations(lab, cloudwatch):
    works, fails = lab.create(), lab.create(FAILS)
    for name in (works, works, fails):
        lab.invoke(name, {})
    found = lambda *of: statistic(cloudwatch, *of[:2], FunctionName=of[2])  # noqa: E731
    assert found("Invocations", "Sum", works) == 2
    assert found("Errors", "Sum", works) == 0
    assert found("Errors", "SampleCount", works) == 2
    assert found("Errors", "Sum", fails) == 1
    assert found("Throttles", "Sum", works) == 0
    ran = [each.duration_ms for each in lab.cloud.invocations(works)]
    assert found("Duration", "Average", works) == pytest.approx(sum(ran) / 2)
    assert found("Duration", "Maximum", works) == pytest.approx(max(ran))
    assert found("Duration", "Minimum", works) == pytest.approx(min(ran))
    assert found("Duration", "SampleCount", works) == 2
    assert found("ConcurrentExecutions", "Maximum", works) == 1


def test_percentiles_of_the_duration(lab, cloudwatch):
    name = lab.create()
    for _ in range(10):
        lab.invoke(name, {})
    ran = sorted(each.duration_ms for each in lab.cloud.invocations(name))
    assert statistic(cloudwatch, "Duration", "p50", FunctionName=name) == pytest.approx(ran[4])
    assert statistic(cloudwatch, "Duration", "p90", FunctionName=name) == pytest.approx(ran[8])
    assert statistic(cloudwatch, "Duration", "p100", FunctionName=name) == pytest.approx(ran[9])


def test_dimensions_of_versions_and_aliases(lab, cloudwatch):
    name = lab.create()
    lab.client.publish_version(FunctionName=name)
    lab.client.create_alias(FunctionName=name, Name="live", FunctionVersion="1")
    lab.invoke(name, {})
    lab.invoke(name, {}, Qualifier="1")
    for _ in range(3):
        lab.invoke(name, {}, Qualifier="live")
    found = lambda **named: statistic(cloudwatch, "Invocations", **named)  # noqa: E731
    assert found(FunctionName=name) == 5
    assert found(FunctionName=name, Resource=name) == 1
    assert found(FunctionName=name, Resource=f"{name}:1") == 1
    assert found(FunctionName=name, Resource=f"{name}:live") == 3
    assert found(FunctionName=name, Resource=f"{name}:live", ExecutedVersion="1") == 3
    assert found(FunctionName=name, Resource=f"{name}:1", ExecutedVersion="1") is None
    assert found(Resource=f"{name}:1") is None


def test_all_functions_together(lab, cloudwatch):
    before = statistic(cloudwatch, "Invocations") or 0
    for _ in range(2):
        lab.invoke(lab.create(), {})
    assert statistic(cloudwatch, "Invocations") == before + 2
    assert statistic(cloudwatch, "UnreservedConcurrentExecutions", "Maximum") >= 1
    assert statistic(cloudwatch, "ClaimedAccountConcurrency", "Maximum") >= 1
    name = lab.create()
    lab.invoke(name, {})
    assert statistic(cloudwatch, "UnreservedConcurrentExecutions", FunctionName=name) is None


def test_throttles_are_neither_invocations_nor_errors(lab, cloudwatch):
    name = lab.create()
    lab.client.put_function_concurrency(FunctionName=name, ReservedConcurrentExecutions=0)
    for _ in range(2):
        with pytest.raises(ClientError):
            lab.client.invoke(FunctionName=name)
    assert statistic(cloudwatch, "Throttles", FunctionName=name) == 2
    assert statistic(cloudwatch, "Invocations", FunctionName=name) is None
    assert statistic(cloudwatch, "Errors", FunctionName=name) is None


def test_asynchronous_events(lab, cloudwatch):
    name = lab.create(FAILS)
    lab.client.put_function_event_invoke_config(FunctionName=name, MaximumRetryAttempts=1)
    lab.invoke(name, {}, InvocationType="Event")
    lab.cloud.idle()
    assert statistic(cloudwatch, "AsyncEventsReceived", FunctionName=name) == 1
    assert statistic(cloudwatch, "AsyncEventAge", "SampleCount", FunctionName=name) == 2
    age = statistic(cloudwatch, "AsyncEventAge", "Maximum", FunctionName=name)
    assert age >= 60_000  # milliseconds on AWS: the retry comes a minute later
    assert statistic(cloudwatch, "AsyncEventsDropped", FunctionName=name) == 1
    assert statistic(cloudwatch, "Errors", FunctionName=name) == 2


def test_deliveries_that_fail(lab, cloudwatch):
    arn, sqs = "arn:aws:sqs:us-east-1:123456789012:gone", lab.cloud.client("sqs")
    url = sqs.create_queue(QueueName="gone")["QueueUrl"]
    name = lab.create(FAILS, DeadLetterConfig={"TargetArn": arn})
    lab.client.put_function_event_invoke_config(
        FunctionName=name,
        MaximumRetryAttempts=0,
        DestinationConfig={"OnFailure": {"Destination": arn}},
    )
    sqs.delete_queue(QueueUrl=url)
    lab.invoke(name, {}, InvocationType="Event")
    lab.cloud.idle()
    assert statistic(cloudwatch, "DestinationDeliveryFailures", FunctionName=name) == 1
    assert statistic(cloudwatch, "DeadLetterErrors", FunctionName=name) == 1


def test_loops_that_were_stopped(lab, cloudwatch):
    name = lab.create(
        "import boto3\n"
        "def handler(event, context):\n"
        "    boto3.client('lambda').invoke(\n"
        "        FunctionName=context.function_name, InvocationType='Event')\n"
    )
    lab.invoke(name, {}, InvocationType="Event")
    lab.cloud.idle()
    assert statistic(cloudwatch, "RecursiveInvocationsDropped", FunctionName=name) == 1


def test_provisioned_concurrency(lab, cloudwatch):
    name = lab.create()
    lab.client.publish_version(FunctionName=name)
    lab.client.put_provisioned_concurrency_config(
        FunctionName=name, Qualifier="1", ProvisionedConcurrentExecutions=2
    )
    lab.cloud.idle()
    for _ in range(3):
        lab.invoke(name, {}, Qualifier="1")
    where = {"FunctionName": name, "Resource": f"{name}:1"}
    assert statistic(cloudwatch, "ProvisionedConcurrencyInvocations", **where) == 3
    assert statistic(cloudwatch, "ProvisionedConcurrencySpilloverInvocations", **where) == 0
    assert statistic(cloudwatch, "ProvisionedConcurrentExecutions", "Maximum", **where) == 1
    assert statistic(cloudwatch, "ProvisionedConcurrencyUtilization", "Maximum", **where) == 0.5
    lab.client.put_provisioned_concurrency_config(
        FunctionName=name, Qualifier="1", ProvisionedConcurrentExecutions=1
    )
    plain = lab.create()
    lab.invoke(plain, {})
    assert statistic(cloudwatch, "ProvisionedConcurrencyInvocations", FunctionName=plain) is None


def test_metric_data_and_math(lab, cloudwatch):
    name = lab.create(FAILS)
    for _ in range(2):
        lab.invoke(name, {})

    def query(id, metric, stat):
        which = {
            "Namespace": "AWS/Lambda",
            "MetricName": metric,
            "Dimensions": dimensions(FunctionName=name),
        }
        return {"Id": id, "MetricStat": {"Metric": which, "Period": 3600, "Stat": stat}}

    answer = cloudwatch.get_metric_data(
        MetricDataQueries=[
            query("errors", "Errors", "Sum"),
            query("invocations", "Invocations", "Sum"),
            query("slow", "Duration", "p99"),
            query("none", "Throttles", "tm90"),
        ],
        **window(),
    )["MetricDataResults"]
    found = {each["Id"]: each["Values"] for each in answer}
    longest = max(each.duration_ms for each in lab.cloud.invocations(name))
    assert found["errors"] == found["invocations"] == [2]
    assert found["slow"] == [pytest.approx(longest)]
    assert found["none"] == []
    assert {each["Label"] for each in answer} >= {"Errors Sum", "Duration p99"}


def test_metrics_are_listed_once_each(lab, cloudwatch):
    name = lab.create()
    lab.client.publish_version(FunctionName=name)
    lab.client.create_alias(FunctionName=name, Name="live", FunctionVersion="1")
    for _ in range(2):
        lab.invoke(name, {}, Qualifier="live")
    listed = cloudwatch.list_metrics(
        Namespace="AWS/Lambda", MetricName="Duration", Dimensions=dimensions(FunctionName=name)
    )["Metrics"]
    names = [sorted(each["Name"] for each in metric["Dimensions"]) for metric in listed]
    assert sorted(names, key=len) == [
        ["FunctionName"],
        ["FunctionName", "Resource"],
        ["ExecutedVersion", "FunctionName", "Resource"],
    ]
    everything = cloudwatch.list_metrics(Namespace="AWS/Lambda", MetricName="Duration")["Metrics"]
    assert len([each for each in everything if not each["Dimensions"]]) == 1


def test_a_learners_own_metrics_go_on_to_work(cloudwatch):
    now = datetime.now(timezone.utc)
    for value, where in ((3, "A"), (5, "A"), (100, "B")):
        datum = {"MetricName": "Rides", "Value": value, "Timestamp": now}
        datum["Dimensions"] = dimensions(Station=where)
        cloudwatch.put_metric_data(Namespace="Bikes", MetricData=[datum])
    asked = {"Namespace": "Bikes", "MetricName": "Rides", "Period": 3600, **window()}
    [point] = cloudwatch.get_metric_statistics(
        Dimensions=dimensions(Station="A"),
        Statistics=["Sum", "Average"],
        ExtendedStatistics=["p50"],
        **asked,
    )["Datapoints"]
    assert (point["Sum"], point["Average"]) == (8, 4)
    assert point["ExtendedStatistics"] == {"p50": 3}
    assert cloudwatch.get_metric_statistics(Statistics=["Sum"], **asked)["Datapoints"] == []


def test_bad_questions(cloudwatch):
    asked = {"Namespace": "AWS/Lambda", "MetricName": "Errors", "Period": 60}
    with pytest.raises(ClientError, match="Must specify either Statistics"):
        cloudwatch.get_metric_statistics(**asked, **window())
    turned = {"StartTime": window()["EndTime"], "EndTime": window()["StartTime"]}
    with pytest.raises(ClientError, match="must be less than"):
        cloudwatch.get_metric_statistics(**asked, Statistics=["Sum"], **turned)


def test_a_minute_of_many_values_stays_small():
    datum = Datum("Duration", (), 0, "Milliseconds")
    for value in range(10 * KEPT_VALUES):
        datum.add(float(value))
    assert len(datum.values) == KEPT_VALUES
    assert datum.count == 10 * KEPT_VALUES
    assert (datum.minimum, datum.maximum) == (0, 10 * KEPT_VALUES - 1)
