"""What real AWS answers, clause by clause, where no other file asks: errors, and bad input."""

from __future__ import annotations

import json
import time

import pytest
from botocore.config import Config
from botocore.exceptions import ClientError
from queues import Queue, connect
from support import ROLE, metric_sum, package

FUNCTION = "arn:aws:lambda:us-east-1:123456789012:function:"
NULL = "1 validation error detected: Value null at '{}' failed to satisfy constraint: Member must "


def refused(call, **arguments):
    """The status, code and message with which a call is refused."""
    with pytest.raises(ClientError) as caught:
        call(**arguments)
    response = caught.value.response
    error = response["Error"]
    return response["ResponseMetadata"]["HTTPStatusCode"], error["Code"], error["Message"]


@pytest.fixture(scope="module")
def unchecked(lab):
    """A client that sends what boto3 itself would refuse."""
    return lab.cloud.client("lambda", config=Config(parameter_validation=False))


@pytest.mark.parametrize(
    ("field", "name"), [("Role", "role"), ("FunctionName", "functionName"), ("Code", "code")]
)
def test_a_member_that_must_not_be_null(lab, unchecked, field, name):
    spec = {
        "FunctionName": "nameless",
        "Runtime": "python3.14",
        "Handler": "handler.handler",
        "Role": ROLE,
        "Code": {"ZipFile": package()},
    }
    before = len(lab.client.list_functions()["Functions"])
    del spec[field]
    wanted = 400, "ValidationException", NULL.format(name) + "not be null"
    assert refused(unchecked.create_function, **spec) == wanted
    assert len(lab.client.list_functions()["Functions"]) == before


def test_an_alias_that_exists(lab):
    name = lab.create()
    spec = {"FunctionName": name, "Name": "live", "FunctionVersion": "$LATEST"}
    lab.client.create_alias(**spec)
    words = f"Alias already exists: {FUNCTION}{name}:live"
    wanted = 409, "ResourceConflictException", words
    assert refused(lab.client.create_alias, **spec) == wanted
    assert len(lab.client.list_aliases(FunctionName=name)["Aliases"]) == 1


def test_a_statement_id_that_exists(lab):
    name = lab.create()
    spec = {
        "FunctionName": name,
        "StatementId": "s3",
        "Action": "lambda:InvokeFunction",
        "Principal": "s3.amazonaws.com",
    }
    lab.client.add_permission(**spec)
    words = (
        "The statement id (s3) provided already exists. Please provide a new statement id, or "
        "remove the existing statement."
    )
    wanted = 409, "ResourceConflictException", words
    assert refused(lab.client.add_permission, **spec) == wanted
    policy = json.loads(lab.client.get_policy(FunctionName=name)["Policy"])
    assert len(policy["Statement"]) == 1


def test_a_function_that_is_not_there(lab):
    wanted = 404, "ResourceNotFoundException", f"Function not found: {FUNCTION}nobody"
    calls = lab.client
    permission = {
        "StatementId": "s",
        "Action": "lambda:InvokeFunction",
        "Principal": "s3.amazonaws.com",
    }
    for call, more in (
        (calls.invoke, {}),
        (calls.invoke, {"InvocationType": "Event"}),
        (calls.get_function, {}),
        (calls.get_function_configuration, {}),
        (calls.update_function_configuration, {"Timeout": 3}),
        (calls.update_function_code, {"ZipFile": package()}),
        (calls.delete_function, {}),
        (calls.publish_version, {}),
        (calls.add_permission, permission),
        (calls.put_function_concurrency, {"ReservedConcurrentExecutions": 1}),
    ):
        assert refused(call, FunctionName="nobody", **more) == wanted, call.__name__


def test_settings_for_events_of_a_function_that_is_not_there(lab):
    put = lab.client.put_function_event_invoke_config
    status, code, _ = refused(put, FunctionName="nobody", MaximumRetryAttempts=1)
    assert (status, code) == (404, "ResourceNotFoundException")


def test_events_of_every_kind_that_are_too_large(lab):
    """One byte over 1 MB: refused at once, and nothing waits."""
    name = lab.create()
    large = json.dumps("x" * (1024 * 1024 - 1))
    spec = {"FunctionName": name, "InvocationType": "Event", "Payload": large}
    assert refused(lab.client.invoke, **spec)[:2] == (413, "RequestTooLargeException")
    lab.cloud.idle()
    assert lab.cloud.invocations(name) == []
    assert metric_sum(lab, "AsyncEventsReceived", name) == 0


def test_a_record_that_is_too_large_for_its_destination(lab):
    """A queue takes 1 MB; the record of an event of nearly that size is larger."""
    queue, name = Queue(lab), lab.create("def handler(event, context): return event")
    lab.client.put_function_event_invoke_config(
        FunctionName=name, DestinationConfig={"OnSuccess": {"Destination": queue.arn}}
    )
    lab.invoke(name, "x" * 600_000, InvocationType="Event")
    lab.cloud.idle()
    assert queue.count() == 0
    assert metric_sum(lab, "DestinationDeliveryFailures", name) == 1


def test_a_dead_letter_that_is_no_string(lab):
    """The body is the event as it came, blanks and all."""
    queue = Queue(lab)
    name = lab.create(
        "def handler(event, context): raise ValueError()", DeadLetterConfig={"TargetArn": queue.arn}
    )
    lab.client.put_function_event_invoke_config(FunctionName=name, MaximumRetryAttempts=0)
    payload = '{"bike" :  7, "näme": [1,2]}'
    lab.client.invoke(FunctionName=name, InvocationType="Event", Payload=payload)
    lab.cloud.idle()
    (message,) = queue.receive()
    assert message["Body"] == payload
    assert set(message["MessageAttributes"]) == {"RequestID", "ErrorCode"}  # no message, no value


@pytest.mark.parametrize(
    "target", ["arn:aws:s3:::bucket", FUNCTION + "other", "arn:aws:kinesis:us-east-1:1:stream/s"]
)
def test_dead_letters_go_to_queues_and_topics_only(lab, target):
    config, before = {"TargetArn": target}, len(lab.client.list_functions()["Functions"])
    status, code, words = refused(lab.create, DeadLetterConfig=config)
    assert (status, code) == (400, "InvalidParameterValueException")
    assert target in words
    assert len(lab.client.list_functions()["Functions"]) == before
    name = lab.create()
    update = lab.client.update_function_configuration
    assert refused(update, FunctionName=name, Timeout=9, DeadLetterConfig=config)[2] == words
    assert lab.client.get_function_configuration(FunctionName=name)["Timeout"] == 3


@pytest.mark.parametrize(
    ("pattern", "good"),
    [("{", False), ("[]", False), ('{"body": "a"}', False), ('{"body": ["a"]}', True)],
)
def test_a_filter_that_is_none_makes_no_mapping(lab, pattern, good):
    queue, name = Queue(lab), lab.create()
    spec = {"FilterCriteria": {"Filters": [{"Pattern": pattern}]}}
    if good:
        connect(lab, queue, name, **spec)
        return
    create = lab.client.create_event_source_mapping
    arguments = {"EventSourceArn": queue.arn, "FunctionName": name, **spec}
    wanted = 400, "InvalidParameterValueException", "Invalid filter pattern definition."
    assert refused(create, **arguments) == wanted
    assert lab.client.list_event_source_mappings(FunctionName=name)["EventSourceMappings"] == []
    connect(lab, queue, name)  # nothing of the first is in the way


def test_two_queues_that_are_each_others_dead_letter_queue(lab):
    """The message goes round, and each time a function sees it, so nothing runs hot."""
    first, second = Queue(lab), Queue(lab)
    for one, other in ((first, second), (second, first)):
        policy = {"deadLetterTargetArn": other.arn, "maxReceiveCount": 1}
        one.set(RedrivePolicy=json.dumps(policy))
    name = lab.create("def handler(event, context): raise ValueError('no')")
    uuids = [connect(lab, each, name)["UUID"] for each in (first, second)]
    first.send("round")
    until = time.monotonic() + 30
    while len(lab.cloud.invocations(name)) < 4 and time.monotonic() < until:
        with pytest.raises(TimeoutError):
            lab.cloud.idle(0.05)
    assert len(lab.cloud.invocations(name)) >= 4
    for uuid in uuids:  # AWS goes on until the message is too old
        lab.client.delete_event_source_mapping(UUID=uuid)
    lab.cloud.idle()
    assert first.count() + second.count() == 1
