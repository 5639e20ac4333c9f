"""The one sender to an ARN: who may, with what, and what is not reached."""

from __future__ import annotations

import pytest

from workshop.cloud.base.model import ApiError
from workshop.cloud.functions.sending import Caller, Extras, Sender, as_api_error

ACCOUNT = "us-east-1:123456789012"
NOBODY = Caller("arn:aws:iam::123456789012:role/nobody", lambda call: False)


class Recorder:
    """Stands for any boto3 client: notes its calls, and answers all of them alike."""

    def __init__(self, answer=None):
        self.calls, self.answer = [], answer or {"QueueUrl": "http://q", "Entries": [{}]}

    def __call__(self, service, region):
        self.calls.append((service, region))
        return self

    def __getattr__(self, name):
        return lambda **arguments: self.calls.append((name, arguments)) or self.answer


def sent(target, extras, **more):
    """What a body leads to: the client that is taken, and its last call."""
    client = Recorder()
    Sender(client).send(target, "body", extras, **more)
    return client.calls[0], client.calls[-1]


def test_each_target_gets_what_it_takes():
    extras = Extras(
        attributes={"CODE": 200, "WHY": "gone", "EMPTY": ""},
        entry={"Source": "lambda"},
        partition_key="key",
        object_key="a/b",
        region="eu-west-1",
    )
    attributes = {
        "CODE": {"DataType": "Number", "StringValue": "200"},
        "WHY": {"DataType": "String", "StringValue": "gone"},
    }
    queue, topic = f"arn:aws:sqs:{ACCOUNT}:q", f"arn:aws:sns:{ACCOUNT}:t"
    function, bus = (
        f"arn:aws:lambda:{ACCOUNT}:function:f:7",
        f"arn:aws:events:{ACCOUNT}:event-bus/b",
    )
    here = "us-east-1"
    assert sent(queue, extras) == (
        ("sqs", here),
        (
            "send_message",
            {"QueueUrl": "http://q", "MessageBody": "body", "MessageAttributes": attributes},
        ),
    )
    assert sent(topic, Extras(message={"Subject": "s"})) == (
        ("sns", here),
        ("publish", {"TopicArn": topic, "Message": "body", "Subject": "s"}),
    )
    assert sent(function, extras) == (
        ("lambda", here),
        ("invoke", {"FunctionName": function, "InvocationType": "Event", "Payload": b"body"}),
    )
    assert sent(bus, extras) == (
        ("events", here),
        (
            "put_events",
            {"Entries": [{"Source": "lambda", "Detail": "body", "EventBusName": bus}]},
        ),
    )
    assert sent(f"arn:aws:kinesis:{ACCOUNT}:stream/s", extras) == (
        ("kinesis", here),
        ("put_record", {"StreamName": "s", "Data": b"body", "PartitionKey": "key"}),
    )
    assert sent("arn:aws:s3:::b", extras) == (
        ("s3", "eu-west-1"),
        ("put_object", {"Bucket": "b", "Key": "a/b", "Body": b"body"}),
    )


@pytest.mark.parametrize(
    ("target", "action"),
    [
        (f"arn:aws:sqs:{ACCOUNT}:q", "sqs:SendMessage"),
        (f"arn:aws:sns:{ACCOUNT}:t", "sns:Publish"),
        (f"arn:aws:lambda:{ACCOUNT}:function:f", "lambda:InvokeFunction"),
        (f"arn:aws:events:{ACCOUNT}:event-bus/b", "events:PutEvents"),
        (f"arn:aws:kinesis:{ACCOUNT}:stream/s", "kinesis:PutRecord"),
        ("arn:aws:s3:::b", "s3:PutObject"),
    ],
)
def test_a_caller_is_asked_for_the_right_that_a_target_takes(target, action):
    client = Recorder()
    with pytest.raises(ApiError) as caught:
        Sender(client).send(target, "body", caller=NOBODY)
    assert caught.value.code == "AccessDeniedException"
    assert f"is not authorized to perform: {action} on resource: {target}" in caught.value.message
    assert client.calls == []


def test_an_entry_that_a_bus_refuses_is_an_error():
    refused = {"Entries": [{"ErrorCode": "NoBus", "ErrorMessage": "There is no such bus."}]}
    with pytest.raises(ApiError, match="There is no such bus"):
        Sender(Recorder(refused)).send(f"arn:aws:events:{ACCOUNT}:event-bus/b", "{}")


def test_other_targets_are_named():
    for kind in ("states:{}:stateMachine:m", "events:{}:api-destination/d"):
        target = f"arn:aws:{kind.format(ACCOUNT)}"
        with pytest.raises(ApiError, match=f"sends nothing to targets such as {target}"):
            Sender(Recorder()).send(target, "{}")
    everybody = Caller("", lambda call: True)
    with pytest.raises(ApiError, match="sends nothing"):  # with no right that could be asked
        Sender(Recorder()).send(f"arn:aws:logs:{ACCOUNT}:log-group:g", "{}", caller=everybody)
    with pytest.raises(ValueError, match="is no ARN"):
        Sender(Recorder()).send("queue", "{}")
    assert as_api_error(ValueError("'queue' is no ARN")).message == "ValueError: 'queue' is no ARN"
