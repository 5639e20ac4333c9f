"""The account's concurrency: its limit, what is reserved of it, and what the API says of it."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import pytest
from botocore.exceptions import ClientError
from lab import Lab

from workshop.cloud import LocalCloud
from workshop.cloud.functions.concurrency import minimum_unreserved

MEETS = (
    "import time, boto3\n"
    "s3 = boto3.client('s3')\n"
    "def handler(event, context):\n"
    "    s3.put_object(Bucket=event['room'], Key=context.aws_request_id)\n"
    "    while s3.list_objects_v2(Bucket=event['room'])['KeyCount'] < event['people']:\n"
    "        time.sleep(0.02)\n"
)


@pytest.fixture(scope="module")
def small():
    """A cloud with room for five invocations at a time."""
    with LocalCloud(account_concurrency=5) as cloud:
        lab = Lab(cloud)
        lab.s3 = cloud.client("s3")
        yield lab


@pytest.fixture
def room(small, request):
    """A bucket in which functions meet."""
    name = request.node.name.replace("_", "-")[:63].strip("-")
    small.s3.create_bucket(Bucket=name)
    return name


def limits(lab):
    return lab.client.get_account_settings()["AccountLimit"]


def wait_for(lab, room, people):
    while lab.s3.list_objects_v2(Bucket=room)["KeyCount"] < people:
        pass  # until so many are in


def throttled(call, *args, **kwargs):
    with pytest.raises(ClientError) as caught:
        call(*args, **kwargs)
    response = caught.value.response
    assert response["ResponseMetadata"]["HTTPStatusCode"] == 429
    assert response["Error"]["Code"] == "TooManyRequestsException"
    assert response["Error"]["Message"] == "Rate Exceeded."
    return response["Reason"]


def test_functions_share_what_is_not_reserved(small, room):
    busy, other = small.create(MEETS, Timeout=60), small.create()
    event = {"room": room, "people": 6}
    with ThreadPoolExecutor(5) as pool:
        running = [pool.submit(small.invoke, busy, event) for _ in range(5)]
        wait_for(small, room, 5)
        reason = throttled(small.client.invoke, FunctionName=other)
        small.s3.put_object(Bucket=room, Key="the sixth")
        assert [each.result().error for each in running] == [None] * 5
    assert reason == "ConcurrentInvocationLimitExceeded"
    assert small.invoke(other).error is None


def test_a_reservation_is_kept_for_its_function(small, room):
    busy, kept = small.create(MEETS, Timeout=60), small.create()
    small.client.put_function_concurrency(FunctionName=kept, ReservedConcurrentExecutions=3)
    assert limits(small)["UnreservedConcurrentExecutions"] == 2
    event = {"room": room, "people": 3}
    with ThreadPoolExecutor(2) as pool:
        running = [pool.submit(small.invoke, busy, event) for _ in range(2)]
        wait_for(small, room, 2)
        reason = throttled(small.client.invoke, FunctionName=busy, Payload="{}")
        assert small.invoke(kept, {"its": "own place"}).value == {"its": "own place"}
        small.s3.put_object(Bucket=room, Key="the third")
        assert [each.result().error for each in running] == [None] * 2
    assert reason == "ConcurrentInvocationLimitExceeded"
    small.client.delete_function(FunctionName=kept)
    assert limits(small)["UnreservedConcurrentExecutions"] == 5


def test_provisioned_concurrency_counts_too(small):
    name = small.create()
    small.client.publish_version(FunctionName=name)
    small.client.put_provisioned_concurrency_config(
        FunctionName=name, Qualifier="1", ProvisionedConcurrentExecutions=2
    )
    assert limits(small)["UnreservedConcurrentExecutions"] == 3
    small.client.put_function_concurrency(FunctionName=name, ReservedConcurrentExecutions=4)
    assert limits(small)["UnreservedConcurrentExecutions"] == 1  # it lies within the reserved
    small.cloud.idle()
    small.client.delete_function(FunctionName=name)
    assert limits(small)["UnreservedConcurrentExecutions"] == 5


def test_a_small_account_keeps_less_unreserved_than_100(small):
    name = small.create()
    with pytest.raises(ClientError, match=r"below its minimum value of \[1\]"):
        small.client.put_function_concurrency(FunctionName=name, ReservedConcurrentExecutions=5)
    small.client.put_function_concurrency(FunctionName=name, ReservedConcurrentExecutions=4)
    assert limits(small)["UnreservedConcurrentExecutions"] == 1
    small.client.delete_function_concurrency(FunctionName=name)
    assert limits(small)["UnreservedConcurrentExecutions"] == 5


@pytest.mark.parametrize(("limit", "minimum"), [(1000, 100), (3000, 100), (20, 2), (1, 1)])
def test_what_must_stay_unreserved(limit, minimum):
    assert minimum_unreserved(limit) == minimum


def test_a_limit_that_is_none():
    with pytest.raises(ValueError, match="account_concurrency"):
        LocalCloud(account_concurrency=0)
