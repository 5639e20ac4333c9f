"""How full queues are, in CloudWatch; and pages of a list in S3."""

from __future__ import annotations

import json
import time
from datetime import datetime, timedelta, timezone

import pytest

NAMES = (
    "ApproximateNumberOfMessagesVisible",
    "ApproximateNumberOfMessagesNotVisible",
    "ApproximateNumberOfMessagesDelayed",
    "ApproximateAgeOfOldestMessage",
)


@pytest.fixture
def sqs(lab):
    return lab.cloud.client("sqs")


def maximum(lab, queue, name):
    """A metric's highest value in the last hour, None where it has none."""
    now = datetime.now(timezone.utc)
    points = lab.cloud.client("cloudwatch").get_metric_statistics(
        Namespace="AWS/SQS",
        MetricName=name,
        Dimensions=[{"Name": "QueueName", "Value": queue}],
        StartTime=now - timedelta(hours=1),
        EndTime=now + timedelta(minutes=1),
        Period=3600,
        Statistics=["Maximum"],
    )["Datapoints"]
    return max((point["Maximum"] for point in points), default=None)


def test_a_queue_tells_how_full_it_is(lab, sqs):
    url = sqs.create_queue(QueueName="full")["QueueUrl"]
    assert [maximum(lab, "full", name) for name in NAMES] == [0, 0, 0, 0]
    for delay in (0, 0, 0, 900):
        sqs.send_message(QueueUrl=url, MessageBody="a", DelaySeconds=delay)
    assert maximum(lab, "full", NAMES[0]) == 3
    sqs.receive_message(QueueUrl=url)
    assert maximum(lab, "full", NAMES[0]) == 3  # the highest value, before one was received
    assert [maximum(lab, "full", name) for name in NAMES[1:3]] == [1, 1]
    time.sleep(0.01)
    assert maximum(lab, "full", NAMES[3]) > 0
    assert maximum(lab, "other", NAMES[0]) is None


def test_a_message_in_a_dead_letter_queue_is_as_old_as_its_move(lab, sqs):
    dead = sqs.create_queue(QueueName="dead")["QueueUrl"]
    attributes = sqs.get_queue_attributes(QueueUrl=dead, AttributeNames=["QueueArn"])
    redrive = {
        "deadLetterTargetArn": attributes["Attributes"]["QueueArn"],
        "maxReceiveCount": 1,
    }
    url = sqs.create_queue(
        QueueName="alive",
        Attributes={"VisibilityTimeout": "0", "RedrivePolicy": json.dumps(redrive)},
    )["QueueUrl"]
    sqs.send_message(QueueUrl=url, MessageBody="a")
    time.sleep(1.5)
    for _ in range(2):
        sqs.receive_message(QueueUrl=url)
    age = {name: maximum(lab, name, "ApproximateAgeOfOldestMessage") for name in ("alive", "dead")}
    assert age["alive"] > age["dead"] > 0


def test_an_alarm_watches_a_dead_letter_queue(lab, sqs):
    cloudwatch = lab.cloud.client("cloudwatch")
    url = sqs.create_queue(QueueName="watched")["QueueUrl"]
    cloudwatch.put_metric_alarm(
        AlarmName="dead-letters",
        Namespace="AWS/SQS",
        MetricName="ApproximateNumberOfMessagesVisible",
        Dimensions=[{"Name": "QueueName", "Value": "watched"}],
        Statistic="Maximum",
        Period=60,
        EvaluationPeriods=1,
        Threshold=0,
        ComparisonOperator="GreaterThanThreshold",
    )

    def state():
        lab.cloud.idle()
        return cloudwatch.describe_alarms(AlarmNames=["dead-letters"])["MetricAlarms"][0]

    assert state()["StateValue"] == "OK"
    sqs.send_message(QueueUrl=url, MessageBody="a")
    assert state()["StateValue"] == "ALARM"


def test_a_page_of_a_list_has_no_more_keys_than_aws_gives(lab, monkeypatch):
    monkeypatch.setenv("MOTO_S3_DEFAULT_MAX_KEYS", "3")  # 1,000 where nothing is said
    s3 = lab.cloud.client("s3")
    s3.create_bucket(Bucket="pages")
    for number in range(5):
        s3.put_object(Bucket="pages", Key=str(number), Body=b"")
    for call in (s3.list_objects_v2, s3.list_objects):
        found = call(Bucket="pages", MaxKeys=5000)
        assert (len(found["Contents"]), found["IsTruncated"], found["MaxKeys"]) == (3, True, 3)
        assert len(call(Bucket="pages", MaxKeys=2)["Contents"]) == 2
    pages = s3.get_paginator("list_objects_v2").paginate(Bucket="pages")
    assert [each["Key"] for page in pages for each in page["Contents"]] == list("01234")
