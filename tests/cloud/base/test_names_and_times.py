"""The parts of ARNs, and times as AWS writes them."""

from __future__ import annotations

from datetime import datetime, timedelta, timezone

import pytest

from workshop.cloud.base.arns import Arn, unqualified
from workshop.cloud.base.times import in_milliseconds, in_seconds

FUNCTION = "arn:aws:lambda:us-east-1:123456789012:function:f"
MOMENT = datetime(2026, 11, 2, 3, 4, 5, 678_999, timezone.utc)


@pytest.mark.parametrize(
    ("text", "service", "region", "name", "qualifier"),
    [
        (FUNCTION, "lambda", "us-east-1", "f", None),
        (f"{FUNCTION}:$LATEST", "lambda", "us-east-1", "f", "$LATEST"),
        ("arn:aws:sqs:eu-west-1:1:queue.fifo", "sqs", "eu-west-1", "queue.fifo", None),
        ("arn:aws:s3:::bucket", "s3", "", "bucket", None),
        ("arn:aws:kinesis:us-east-1:1:stream/s", "kinesis", "us-east-1", "s", None),
        ("arn:aws:events:us-east-1:1:rule/bus/r", "events", "us-east-1", "r", None),
    ],
)
def test_the_parts_of_an_arn(text, service, region, name, qualifier):
    arn = Arn.parse(text)
    assert (arn.service, arn.region, arn.name) == (service, region, name)
    assert arn.qualifier == qualifier


def test_a_functions_arn_without_its_qualifier():
    assert unqualified(FUNCTION) == unqualified(f"{FUNCTION}:7") == FUNCTION


@pytest.mark.parametrize("text", ["", "f", "arn:aws:sqs:us-east-1:q", "urn:aws:sqs:us-east-1:1:q"])
def test_what_is_no_arn(text):
    with pytest.raises(ValueError, match="is no ARN"):
        Arn.parse(text)


@pytest.mark.parametrize(
    "moment",
    [
        MOMENT,
        MOMENT.timestamp(),
        MOMENT.replace(tzinfo=None),
        MOMENT.astimezone(timezone(timedelta(hours=5))),
    ],
    ids=["utc", "seconds", "no zone", "another zone"],
)
def test_times(moment):
    assert in_seconds(moment) == "2026-11-02T03:04:05Z"
    assert in_milliseconds(moment) == "2026-11-02T03:04:05.678Z"  # cut, not rounded
    assert in_milliseconds(moment, "+0000") == "2026-11-02T03:04:05.678+0000"


def test_every_millisecond_stays_itself():
    start = 1_793_588_645_000
    for now in range(start, start + 1000):
        assert in_milliseconds(now / 1000)[-4:-1] == f"{now % 1000:03d}"
