"""Calls of Lambda's API that moto lacks: the account, recursion, runtimes, streamed responses."""

from __future__ import annotations

import json

import pytest
from botocore.exceptions import ClientError
from support import package

MB = 1024 * 1024


def refused(call, **kwargs):
    with pytest.raises(ClientError) as caught:
        call(**kwargs)
    return caught.value.response["Error"]["Code"]


def test_account_settings(lab):
    before = lab.client.get_account_settings()
    assert before["AccountLimit"] == {
        "TotalCodeSize": 300 * 1024 * MB,
        "CodeSizeUnzipped": 250 * MB,
        "CodeSizeZipped": 50 * MB,
        "ConcurrentExecutions": 1000,
        "UnreservedConcurrentExecutions": 1000,
    }
    name = lab.create()
    size = lab.client.get_function_configuration(FunctionName=name)["CodeSize"]
    lab.client.publish_version(FunctionName=name)
    lab.client.put_function_concurrency(FunctionName=name, ReservedConcurrentExecutions=100)
    after = lab.client.get_account_settings()
    assert after["AccountLimit"]["UnreservedConcurrentExecutions"] == 900
    assert after["AccountUsage"]["FunctionCount"] == before["AccountUsage"]["FunctionCount"] + 1
    grown = after["AccountUsage"]["TotalCodeSize"] - before["AccountUsage"]["TotalCodeSize"]
    assert grown == 2 * size  # $LATEST and version 1


def test_layers_count_as_stored_code(lab):
    usage = lambda: lab.client.get_account_settings()["AccountUsage"]["TotalCodeSize"]  # noqa: E731
    before = usage()
    layer = lab.client.publish_layer_version(
        LayerName="deps", Content={"ZipFile": package(python__x="x = 1")}
    )
    assert usage() - before == layer["Content"]["CodeSize"] > 0
    which = {"LayerName": "deps", "VersionNumber": layer["Version"]}
    assert lab.client.get_layer_version(**which)["LayerVersionArn"] == layer["LayerVersionArn"]
    lab.client.delete_layer_version(**which)
    assert usage() == before


def test_recursion_is_stopped_or_allowed(lab):
    name = lab.create()
    get, put = (
        lab.client.get_function_recursion_config,
        lab.client.put_function_recursion_config,
    )
    assert get(FunctionName=name)["RecursiveLoop"] == "Terminate"
    assert put(FunctionName=name, RecursiveLoop="Allow")["RecursiveLoop"] == "Allow"
    assert get(FunctionName=name)["RecursiveLoop"] == "Allow"
    assert refused(get, FunctionName="nobody") == "ResourceNotFoundException"
    wrong = {"FunctionName": name, "RecursiveLoop": "allow"}
    assert refused(put, **wrong) == "ValidationException"


def test_a_loop_that_is_allowed_goes_on(lab):
    name = lab.create(
        "import boto3\n"
        "def handler(event, context):\n"
        "    if event['left']:\n"
        "        boto3.client('lambda').invoke(\n"
        "            FunctionName=context.function_name, InvocationType='Event',\n"
        "            Payload='{\"left\": %d}' % (event['left'] - 1))\n"
    )
    lab.client.put_function_recursion_config(FunctionName=name, RecursiveLoop="Allow")
    lab.invoke(name, {"left": 20}, InvocationType="Event")
    lab.cloud.idle()
    assert len(lab.cloud.invocations(name)) == 21


def test_runtime_management_is_kept_by_version(lab):
    name = lab.create()
    lab.client.publish_version(FunctionName=name)
    get, put = (
        lab.client.get_runtime_management_config,
        lab.client.put_runtime_management_config,
    )
    fresh = get(FunctionName=name)
    assert fresh["UpdateRuntimeOn"] == "Auto"
    assert fresh["FunctionArn"].endswith(f":function:{name}:$LATEST")
    assert "RuntimeVersionArn" not in fresh
    arn = "arn:aws:lambda:us-east-1::runtime:" + "a" * 64
    manual = {"UpdateRuntimeOn": "Manual", "RuntimeVersionArn": arn}
    assert put(FunctionName=name, Qualifier="1", **manual)["RuntimeVersionArn"] == arn
    assert get(FunctionName=name, Qualifier="1")["UpdateRuntimeOn"] == "Manual"
    assert get(FunctionName=name)["UpdateRuntimeOn"] == "Auto"
    wrong = {"FunctionName": name, "UpdateRuntimeOn": "Manual"}
    assert refused(put, **wrong) == "InvalidParameterValueException"


def test_reserved_concurrency_is_told_and_taken_away(lab):
    name = lab.create()
    get = lab.client.get_function_concurrency
    assert "ReservedConcurrentExecutions" not in get(FunctionName=name)
    lab.client.put_function_concurrency(FunctionName=name, ReservedConcurrentExecutions=7)
    assert get(FunctionName=name)["ReservedConcurrentExecutions"] == 7
    found = lab.client.get_function(FunctionName=name)
    assert found["Concurrency"] == {"ReservedConcurrentExecutions": 7}
    answer = lab.client.delete_function_concurrency(FunctionName=name)
    assert answer["ResponseMetadata"]["HTTPStatusCode"] == 204
    assert "ReservedConcurrentExecutions" not in get(FunctionName=name)


def stream(lab, name, payload="{}", **spec):
    """A streamed invocation: its answer, the payload, and how it ended."""
    answer = lab.client.invoke_with_response_stream(FunctionName=name, Payload=payload, **spec)
    events = list(answer["EventStream"])
    assert "InvokeComplete" in events[-1]
    chunks = [event["PayloadChunk"]["Payload"] for event in events[:-1]]
    return answer, b"".join(chunks), events[-1]["InvokeComplete"]


def test_a_streamed_invocation_gives_the_whole_result(lab):
    name = lab.create()
    event = {"text": "ö" * 300_000}
    answer, payload, complete = stream(lab, name, json.dumps(event), LogType="Tail")
    assert answer["StatusCode"] == 200
    assert answer["ExecutedVersion"] == "$LATEST"
    assert json.loads(payload) == event
    assert "ErrorCode" not in complete
    assert complete["LogResult"]


def test_a_streamed_invocation_says_at_its_end_that_it_failed(lab):
    name = lab.create("def handler(event, context): raise ValueError('no')")
    _, payload, complete = stream(lab, name)
    assert json.loads(payload)["errorType"] == "ValueError"
    assert complete["ErrorCode"] == "Unhandled"
    assert json.loads(complete["ErrorDetails"])["errorMessage"] == "no"


def test_a_streamed_invocation_that_can_not_be(lab):
    streamed = lab.client.invoke_with_response_stream
    assert refused(streamed, FunctionName="nobody") == "ResourceNotFoundException"
    name = lab.create()
    wrong = {"FunctionName": name, "Payload": "{"}
    assert refused(streamed, **wrong) == "InvalidRequestContentException"
    lab.client.put_function_concurrency(FunctionName=name, ReservedConcurrentExecutions=0)
    assert refused(streamed, FunctionName=name) == "TooManyRequestsException"
