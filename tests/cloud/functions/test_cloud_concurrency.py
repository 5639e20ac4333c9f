"""Environments: one for each invocation at a time, used again; limits of concurrency."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor

import pytest
from botocore.exceptions import ClientError

STATE = (
    "count = 0\ndef handler(event, context):\n    global count\n    count += 1\n    return count"
)


def meeting(people: int) -> str:
    """A function that waits until `people` invocations run at the same time."""
    return (
        "import os, time, boto3\n"
        "def handler(event, context):\n"
        "    s3 = boto3.client('s3')\n"
        "    s3.put_object(Bucket=event['room'], Key=context.aws_request_id)\n"
        f"    while s3.list_objects_v2(Bucket=event['room'])['KeyCount'] < {people}:\n"
        "        time.sleep(0.02)\n"
        "    return os.environ['AWS_LAMBDA_LOG_STREAM_NAME']"
    )


def test_an_environment_is_used_again_one_after_the_other(lab):
    name = lab.create(STATE)
    assert [lab.invoke(name).value for _ in range(5)] == [1, 2, 3, 4, 5]
    ran = lab.cloud.invocations(name)
    assert [each.cold for each in ran] == [True, False, False, False, False]
    assert len({each.environment_id for each in ran}) == 1


def test_as_many_environments_as_there_are_at_once(lab):
    lab.cloud.client("s3").create_bucket(Bucket="room-of-four")
    name = lab.create(meeting(4), Timeout=60)
    with ThreadPoolExecutor(4) as pool:
        streams = list(
            pool.map(lambda _: lab.invoke(name, {"room": "room-of-four"}).value, range(4))
        )
    assert len(set(streams)) == 4


def test_200_at_once_are_all_answered(lab):
    name = lab.create(
        "import time\ndef handler(event, context):\n    time.sleep(0.05)\n    return event",
        Timeout=60,
    )
    with ThreadPoolExecutor(200) as pool:
        values = list(pool.map(lambda number: lab.invoke(name, number).value, range(200)))
    assert values == list(range(200))
    assert len({each.request_id for each in lab.cloud.invocations(name)}) == 200


def test_reserved_concurrency_throttles(lab):
    s3 = lab.cloud.client("s3")
    s3.create_bucket(Bucket="room-of-two")
    name = lab.create(meeting(2), Timeout=60)
    lab.client.put_function_concurrency(FunctionName=name, ReservedConcurrentExecutions=1)
    first = threading.Thread(target=lab.invoke, args=(name, {"room": "room-of-two"}))
    first.start()
    while not s3.list_objects_v2(Bucket="room-of-two")["KeyCount"]:
        pass  # until the first one is in
    lab.invoke(name, {"room": "room-of-two"}, InvocationType="DryRun")
    with pytest.raises(ClientError) as caught:
        lab.client.invoke(FunctionName=name, Payload='{"room": "room-of-two"}')
    s3.put_object(Bucket="room-of-two", Key="let it go")
    s3.put_object(Bucket="room-of-two", Key="let it go on")
    first.join(timeout=30)
    response = caught.value.response
    assert response["ResponseMetadata"]["HTTPStatusCode"] == 429
    assert response["Error"]["Code"] == "TooManyRequestsException"
    assert response["Error"]["Message"] == "Rate Exceeded."
    assert response["Reason"] == "ReservedFunctionConcurrentInvocationLimitExceeded"
    assert "retry-after" in response["ResponseMetadata"]["HTTPHeaders"]
    assert lab.invoke(name, {"room": "room-of-two"}).error is None


def test_reserved_concurrency_of_zero_stops_a_function(lab):
    name = lab.create()
    lab.client.put_function_concurrency(FunctionName=name, ReservedConcurrentExecutions=0)
    with pytest.raises(ClientError) as caught:
        lab.client.invoke(FunctionName=name)
    assert caught.value.response["ResponseMetadata"]["HTTPStatusCode"] == 429
    lab.client.delete_function_concurrency(FunctionName=name)
    assert lab.invoke(name).status == 200


def test_reserved_concurrency_leaves_100_to_the_others(lab):
    name = lab.create()
    with pytest.raises(ClientError) as caught:
        lab.client.put_function_concurrency(FunctionName=name, ReservedConcurrentExecutions=901)
    error = caught.value.response["Error"]
    assert error["Code"] == "InvalidParameterValueException"
    assert error["Message"] == (
        "Specified ReservedConcurrentExecutions for function decreases account's "
        "UnreservedConcurrentExecution below its minimum value of [100]."
    )
    found = lab.client.get_function_concurrency(FunctionName=name)
    assert "ReservedConcurrentExecutions" not in found


def test_throttled_events_wait_for_their_turn(lab):
    name = lab.create("import time\ndef handler(event, context): time.sleep(0.05)")
    lab.client.put_function_concurrency(FunctionName=name, ReservedConcurrentExecutions=1)
    for number in range(5):
        lab.invoke(name, number, InvocationType="Event")
    lab.cloud.idle()
    ran = lab.cloud.invocations(name)
    assert len(ran) == 5
    assert len({each.environment_id for each in ran}) == 1


def test_idle_says_when_it_is_not(lab):
    name = lab.create("import time\ndef handler(event, context): time.sleep(1)")
    lab.invoke(name, {}, InvocationType="Event")
    with pytest.raises(TimeoutError, match="still run or wait"):
        lab.cloud.idle(timeout=0.1)
    lab.cloud.idle()
    assert len(lab.cloud.invocations(name)) == 1
