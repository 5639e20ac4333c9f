"""The solution of stage 07 with events that have every key of the samples that AWS publishes."""

from __future__ import annotations

import base64
import json

import pytest
from published import missing_paths

from workshop.cloud import LocalCloud
from workshop.examples.invoke import account_of, invoke
from workshop.paths import repository
from workshop.stages import find

HELLO = base64.b64encode(b"hello, docks").decode()  # as in the samples, it is no reading
NUMBER = "49590338271490256608559692538361571095921575989136588898"
KINESIS = {
    "Records": [
        {
            "kinesis": {
                "kinesisSchemaVersion": "1.0",
                "partitionKey": "31623",
                "sequenceNumber": NUMBER,
                "data": HELLO,
                "approximateArrivalTimestamp": 1777896190.5,
            },
            "eventSource": "aws:kinesis",
            "eventVersion": "1.0",
            "eventID": f"shardId-000000000006:{NUMBER}",
            "eventName": "aws:kinesis:record",
            "invokeIdentityArn": "arn:aws:iam::123456789012:role/docks-role",
            "awsRegion": "us-east-1",
            "eventSourceARN": "arn:aws:kinesis:us-east-1:123456789012:stream/docks",
        }
    ]
}
WINDOW = {
    **KINESIS,
    "window": {"start": "2026-05-04T12:00:00Z", "end": "2026-05-04T12:05:00Z"},
    "state": {"rides": 3},
    "shardId": "shardId-000000000006",
    "eventSourceARN": "arn:aws:kinesis:us-east-1:123456789012:stream/docks",
    "isFinalInvokeForWindow": False,
    "isWindowTerminatedEarly": False,
}
MSK = {
    "eventSource": "aws:kafka",
    "eventSourceArn": "arn:aws:kafka:us-east-1:123456789012:cluster/docks/0a1b2c3d-1",
    "bootstrapServers": "b-1.docks.example:9092,b-2.docks.example:9092",
    "records": {
        "AWSKafkaTopic-0": [
            {
                "topic": "AWSKafkaTopic",
                "partition": 0,
                "offset": 17,
                "timestamp": 1777896190500,
                "timestampType": "CREATE_TIME",
                "key": HELLO,
                "value": HELLO,
                "headers": [{"headerKey": [118, -36, 0, 127, -128]}],
            }
        ]
    },
}
NOTHING = {"batchItemFailures": []}


@pytest.fixture(scope="module")
def cloud():
    with LocalCloud() as cloud:
        yield cloud


@pytest.mark.parametrize(
    ("sample", "event", "answer", "source"),
    [
        ("kinesis", KINESIS, NOTHING, f"shardId-000000000006:{NUMBER}"),
        (
            "kinesis_window",
            WINDOW,
            {**NOTHING, "state": {"rides": 3}},
            f"shardId-000000000006:{NUMBER}",
        ),
        ("kafka", MSK, NOTHING, "AWSKafkaTopic-0@17"),
    ],
    ids=["kinesis", "window", "kafka"],
)
def test_what_is_no_reading_is_set_aside(cloud, sample, event, answer, source):
    assert missing_paths(sample, event, but=["state"]) == set()
    solutions = repository() / "solutions"
    answered, lines = invoke(find("07"), solutions, json.dumps(event), account_of(cloud))
    assert answered, lines
    assert json.loads(lines[1]) == answer
    messages = [line for line in lines if line.startswith("  message to FAILURES_URL: ")]
    assert [json.loads(line.partition(": ")[2]) for line in messages] == [
        {"source": source, "reason": "the data is not JSON", "data": HELLO}
    ]
