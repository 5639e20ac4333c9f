"""The solution of stage 08 with an event that has every key of the sample that AWS publishes."""

from __future__ import annotations

import gzip
import json

import pytest
from published import missing_paths

from workshop.cloud import LocalCloud
from workshop.examples.invoke import account_of
from workshop.grading.function import deploy
from workshop.paths import repository

SQS = {
    "messageId": "059f36b4-87a3-44ab-83d2-661975830a7d",
    "receiptHandle": "AQEBwJnKyrHigUMZj6rYigCgxlaS3SLy0a",
    "body": "Message Body",  # as in the sample, it is no job
    "md5OfBody": "fce0ea8dd236ccb3ed9b37dae260836f",
    "md5OfMessageAttributes": "582c92c5c5b6ac403040a4f3ab3115c9",
    "eventSourceARN": "arn:aws:sqs:us-east-1:123456789012:work",
    "eventSource": "aws:sqs",
    "awsRegion": "us-east-1",
    "attributes": {
        "ApproximateReceiveCount": "2",
        "SentTimestamp": "1520621625029",
        "SenderId": "AROAIWPX5BD2BHG722MW4:sender",
        "ApproximateFirstReceiveTimestamp": "1520621634884",
    },
    "messageAttributes": {
        "Attribute1": {
            "stringValue": "one",
            "stringListValues": [],
            "binaryListValues": [],
            "dataType": "String",
        },
        "Attribute2": {
            "stringValue": "123",
            "stringListValues": [],
            "binaryListValues": ["MQ=="],
            "dataType": "Number",
        },
        "Attribute3": {
            "binaryValue": "MTEwMA==",
            "stringListValues": ["abc"],
            "binaryListValues": ["MA=="],
            "dataType": "Binary",
        },
    },
}
NIGHT = {"time": "2026-11-27T08:30:00Z", "prefix": "logs/"}


@pytest.fixture(scope="module")
def account():
    with LocalCloud() as cloud:
        yield account_of(cloud)


def test_the_worker_takes_the_published_event(account):
    assert missing_paths("sqs", {"Records": [SQS]}) == set()
    bucket, (queue_url, _) = account.bucket(), account.queue()
    lines = b"2011-01-01T05:00:00-05:00 rides casual=1 registered=2\n"
    account.client("s3").put_object(Bucket=bucket, Key="logs/a.log.gz", Body=gzip.compress(lines))
    functions = {
        name: deploy(
            account.client("lambda"),
            repository() / "solutions" / "stage_08_batch",
            variables={"BUCKET": bucket, "QUEUE_URL": queue_url},
            changes={"Handler": f"handler.{name}"},
        )
        for name in ("planner", "worker", "reducer")
    }
    assert functions["planner"].invoke(NIGHT).value == {"night": "2026-11-27", "files": 1}
    [body] = account.messages(queue_url)
    good = SQS | {"messageId": "another", "body": body}
    answer = functions["worker"].invoke({"Records": [SQS, good]}).value
    assert answer == {"batchItemFailures": [{"itemIdentifier": SQS["messageId"]}]}
    assert functions["reducer"].invoke(NIGHT).error is None
    report = account.client("s3").get_object(Bucket=bucket, Key="reports/2026-11-27.csv")
    table = report["Body"].read().decode()
    assert table == "day,hours,casual,registered\n2011-01-01,1,1,2\n"
    assert json.loads(body) == {"night": "2026-11-27", "key": "logs/a.log.gz"}
