"""CloudWatch Logs subscriptions that invoke functions."""

from __future__ import annotations

import base64
import contextlib
import gzip
import json
import time

import pytest
from aws_lambda_powertools.utilities.parser.models import CloudWatchLogsModel
from botocore.exceptions import ClientError
from published import missing_paths

COLLECT = """
import base64, gzip, json
def handler(event, context):
    print("EVENT " + json.dumps(event))
"""
SPEAK = "def handler(event, context):\n    print('ERROR dock 7'); print('INFO dock 8')"


def subscribe(lab, group, function, pattern="", name="to-function", **permission):
    arn = allow(lab, group, function, **permission)
    lab.logs.put_subscription_filter(
        logGroupName=group, filterName=name, filterPattern=pattern, destinationArn=arn
    )
    return arn


def allow(lab, group, function, **permission):
    defaults = {
        "StatementId": f"logs-{time.monotonic_ns()}",
        "Action": "lambda:InvokeFunction",
        "Principal": "logs.amazonaws.com",
        "SourceArn": f"arn:aws:logs:us-east-1:123456789012:log-group:{group}:*",
        "SourceAccount": "123456789012",
    }
    lab.client.add_permission(FunctionName=function, **{**defaults, **permission})
    return lab.client.get_function(FunctionName=function)["Configuration"]["FunctionArn"]


def put(lab, group, *messages, stream="one"):
    logs = lab.logs
    with contextlib.suppress(logs.exceptions.ResourceAlreadyExistsException):
        logs.create_log_stream(logGroupName=group, logStreamName=stream)
    now = int(time.time() * 1000)
    events = [{"timestamp": now, "message": message} for message in messages]
    logs.put_log_events(logGroupName=group, logStreamName=stream, logEvents=events)
    return now


def raw_events(lab, function):
    lab.cloud.idle()
    groups = lab.logs.describe_log_groups(logGroupNamePrefix=f"/aws/lambda/{function}")
    if not groups["logGroups"]:
        return []
    lines = lab.log_events(f"/aws/lambda/{function}")
    return [json.loads(line[6:]) for line in lines if line.startswith("EVENT ")]


def decoded(event):
    return json.loads(gzip.decompress(base64.b64decode(event["awslogs"]["data"])))


def received(lab, function):
    return [decoded(event) for event in raw_events(lab, function)]


@pytest.fixture
def group(lab, request):
    name = f"/bikes/{request.node.name.replace('[', '/').rstrip(']')}"[:100]
    name = "".join(c if c.isalnum() or c in "/_-." else "-" for c in name)
    lab.logs.create_log_group(logGroupName=name)
    return name


def test_event_of_put_log_events(lab, group):
    function = lab.create(COLLECT)
    subscribe(lab, group, function)
    now = put(lab, group, "ride 1 ended", "ride 2 ended")
    (event,) = raw_events(lab, function)
    assert missing_paths("logs", event) == set()
    parsed = CloudWatchLogsModel.model_validate(event).awslogs.decoded_data
    assert [each.message for each in parsed.logEvents] == ["ride 1 ended", "ride 2 ended"]
    data = decoded(event)
    ids = [each.pop("id") for each in data["logEvents"]]
    assert all(isinstance(each, str) and each.isdigit() and len(each) == 56 for each in ids)
    assert ids == sorted(set(ids))
    assert data == {
        "messageType": "DATA_MESSAGE",
        "owner": "123456789012",
        "logGroup": group,
        "logStream": "one",
        "subscriptionFilters": ["to-function"],
        "logEvents": [
            {"timestamp": now, "message": "ride 1 ended"},
            {"timestamp": now, "message": "ride 2 ended"},
        ],
    }


def test_what_a_function_logs_is_delivered_once(lab):
    speaker, function = lab.create(SPEAK), lab.create(COLLECT)
    lab.invoke(speaker)
    group = f"/aws/lambda/{speaker}"
    subscribe(lab, group, function, "ERROR")
    lab.invoke(speaker)
    (data,) = received(lab, function)
    assert data["logGroup"] == group
    assert "[$LATEST]" in data["logStream"]
    assert [each["message"] for each in data["logEvents"]] == ["ERROR dock 7\n"]


def test_only_what_passes_the_filter(lab, group):
    function = lab.create(COLLECT)
    subscribe(lab, group, function, '{ $.level = "ERROR" && $.n >= 5 }')
    put(lab, group, *(json.dumps({"level": "ERROR", "n": n}) for n in (4, 5, 6)), "ERROR 7")
    put(lab, group, "nothing of this passes")
    (data,) = received(lab, function)
    assert [json.loads(each["message"])["n"] for each in data["logEvents"]] == [5, 6]


def test_fields_of_space_delimited_patterns(lab, group):
    function = lab.create(COLLECT)
    subscribe(lab, group, function, "[station, action, bike > 100, ...]")
    put(lab, group, "31000 dock 99 ok", "31001 undock 101 [it rained]")
    (data,) = received(lab, function)
    (entry,) = data["logEvents"]
    assert entry["extractedFields"] == {
        "station": "31001",
        "action": "undock",
        "bike": "101",
        "4": "it rained",
    }


def test_two_filters_of_a_group_deliver_each_its_own(lab, group):
    errors, everything = lab.create(COLLECT), lab.create(COLLECT)
    subscribe(lab, group, errors, "ERROR", name="errors")
    subscribe(lab, group, everything, name="everything")
    put(lab, group, "ERROR one", "INFO two")
    assert [each["message"] for each in received(lab, errors)[0]["logEvents"]] == ["ERROR one"]
    (data,) = received(lab, everything)
    assert len(data["logEvents"]) == 2
    assert data["subscriptionFilters"] == ["everything"]
    with pytest.raises(ClientError, match="LimitExceededException") as caught:
        subscribe(lab, group, errors, name="a-third")
    assert caught.value.response["Error"]["Message"] == "Resource limit exceeded."
    subscribe(lab, group, errors, "INFO", name="errors")  # a change of one is none more
    put(lab, group, "INFO three")
    assert [each["logEvents"][0]["message"] for each in received(lab, errors)] == [
        "ERROR one",
        "INFO three",
    ]


def test_a_filter_that_is_deleted_delivers_nothing(lab, group):
    function = lab.create(COLLECT)
    subscribe(lab, group, function)
    lab.logs.delete_subscription_filter(logGroupName=group, filterName="to-function")
    put(lab, group, "too late")
    assert received(lab, function) == []


def test_an_alias_as_destination(lab, group):
    function = lab.create(COLLECT)
    version = lab.client.publish_version(FunctionName=function)["Version"]
    arn = lab.client.create_alias(FunctionName=function, Name="live", FunctionVersion=version)
    allow(lab, group, function, Qualifier="live")
    lab.logs.put_subscription_filter(
        logGroupName=group, filterName="f", filterPattern="", destinationArn=arn["AliasArn"]
    )
    put(lab, group, "to the alias")
    assert len(received(lab, function)) == 1
    lab.cloud.idle()


@pytest.mark.parametrize("principal", ["logs.amazonaws.com", "logs.us-east-1.amazonaws.com"])
def test_both_names_of_the_service_are_let_in(lab, group, principal):
    function = lab.create(COLLECT)
    subscribe(lab, group, function, Principal=principal)
    put(lab, group, "hello")
    assert len(received(lab, function)) == 1


NOT_EXECUTED = (
    "Could not execute the lambda function. Make sure you have given CloudWatch Logs permission "
    "to execute your function."
)


def refused(lab, group, arn, pattern=""):
    with pytest.raises(ClientError) as caught:
        lab.logs.put_subscription_filter(
            logGroupName=group, filterName="f", filterPattern=pattern, destinationArn=arn
        )
    filters = []
    if not caught.value.response["Error"]["Code"].startswith("ResourceNotFound"):
        filters = lab.logs.describe_subscription_filters(logGroupName=group)["subscriptionFilters"]
    assert filters == []
    error = caught.value.response["Error"]
    return error["Code"], error["Message"]


def test_functions_that_may_not_be_invoked(lab, group):
    function = lab.create(COLLECT)
    arn = lab.client.get_function(FunctionName=function)["Configuration"]["FunctionArn"]
    assert refused(lab, group, arn) == ("InvalidParameterException", NOT_EXECUTED)
    allow(lab, "/another/group", function)
    assert refused(lab, group, arn) == ("InvalidParameterException", NOT_EXECUTED)
    allow(lab, group, function, SourceAccount="999999999999")
    assert refused(lab, group, arn) == ("InvalidParameterException", NOT_EXECUTED)
    allow(lab, group, function, Principal="s3.amazonaws.com")
    assert refused(lab, group, arn) == ("InvalidParameterException", NOT_EXECUTED)
    nowhere = arn.replace(function, "nowhere")
    assert refused(lab, group, nowhere) == ("InvalidParameterException", NOT_EXECUTED)


def test_bad_input(lab, group):
    function = lab.create(COLLECT)
    arn = allow(lab, group, function)
    invalid = ("InvalidParameterException", "Invalid filter pattern")
    assert refused(lab, group, arn, "{ $.level == ERROR }") == invalid
    assert refused(lab, group, arn, '"unclosed') == invalid
    assert refused(lab, group, function)[0] == "InvalidParameterException"
    assert refused(lab, "/no/such/group", arn)[0] == "ResourceNotFoundException"


def test_permission_that_is_taken_back(lab, group):
    function = lab.create(COLLECT)
    subscribe(lab, group, function, StatementId="logs")
    lab.client.remove_permission(FunctionName=function, StatementId="logs")
    before = len(lab.cloud.problems())
    put(lab, group, "unheard")
    assert received(lab, function) == []
    (problem,) = lab.cloud.problems()[before:]
    assert group in problem
    assert "not authorized to perform: lambda:InvokeFunction" in problem


def test_a_function_that_is_gone(lab, group):
    function = lab.create(COLLECT)
    subscribe(lab, group, function)
    lab.client.delete_function(FunctionName=function)
    before = len(lab.cloud.problems())
    put(lab, group, "unheard")  # the call itself succeeds
    lab.cloud.idle()
    assert len(lab.cloud.problems()) == before + 1


@pytest.mark.parametrize("recursive_loop", ["Terminate", "Allow"])
@pytest.mark.parametrize("filters", [1, 2])
def test_a_function_subscribed_to_its_own_log_group_stops(lab, filters, recursive_loop):
    function = lab.create("def handler(event, context): print('again')")
    group = f"/aws/lambda/{function}"
    lab.logs.create_log_group(logGroupName=group)
    set_recursion(function, recursive_loop)
    for number in range(filters):
        subscribe(lab, group, function, name=f"filter-{number}")
    before = len(lab.cloud.problems())
    lab.invoke(function)
    lab.cloud.idle()
    assert len(lab.cloud.invocations(function)) == 16
    (problem,) = lab.cloud.problems()[before:]
    assert "recursive loop was stopped" in problem
    lab.invoke(function)  # another chain of events has rounds of its own
    lab.cloud.idle()
    assert len(lab.cloud.invocations(function)) == 32


def set_recursion(function, value):
    from moto.awslambda.utils import get_backend

    get_backend("123456789012", "us-east-1").get_function(function).recursive_loop = value


def test_two_functions_that_hear_each_other_stop(lab):
    names = [lab.create("def handler(event, context): print('echo')") for _ in range(2)]
    for name in names:
        lab.logs.create_log_group(logGroupName=f"/aws/lambda/{name}")
    for speaker, hearer in (names, reversed(names)):
        subscribe(lab, f"/aws/lambda/{speaker}", hearer)
    lab.invoke(names[0])
    lab.cloud.idle()
    assert [len(lab.cloud.invocations(name)) for name in names] == [16, 16]


def test_kinesis_gets_what_passes_the_filter(lab, group):
    kinesis = lab.cloud.client("kinesis")
    kinesis.create_stream(StreamName="logs", ShardCount=1)
    arn = kinesis.describe_stream(StreamName="logs")["StreamDescription"]["StreamARN"]
    lab.logs.put_subscription_filter(
        logGroupName=group,
        filterName="f",
        filterPattern="ERROR",
        destinationArn=arn,
        roleArn="arn:aws:iam::123456789012:role/lambda-role",
    )
    put(lab, group, "ERROR 1", "INFO 2")
    put(lab, group, "INFO 3")
    iterator = kinesis.get_shard_iterator(
        StreamName="logs", ShardId="shardId-000000000000", ShardIteratorType="TRIM_HORIZON"
    )["ShardIterator"]
    (record,) = kinesis.get_records(ShardIterator=iterator)["Records"]
    data = json.loads(gzip.decompress(record["Data"]))
    assert [each["message"] for each in data["logEvents"]] == ["ERROR 1"]
    assert len(data["logEvents"][0]["id"]) == 56


def test_more_than_one_invocation_can_carry_comes_in_parts(lab, group):
    import random

    function = lab.create(
        "import base64, gzip, json\n"
        "def handler(event, context):\n"
        "    data = json.loads(gzip.decompress(base64.b64decode(event['awslogs']['data'])))\n"
        "    print('EVENT', json.dumps([e['message'][:4] for e in data['logEvents']]))"
    )
    subscribe(lab, group, function)
    noise = random.Random(7)
    messages = [f"{n:04d} {noise.getrandbits(8 * 100_000):x}" for n in range(10)]
    put(lab, group, *messages)
    parts = raw_events(lab, function)
    assert len(parts) > 1
    assert sorted(number for part in parts for number in part) == [f"{n:04d}" for n in range(10)]
