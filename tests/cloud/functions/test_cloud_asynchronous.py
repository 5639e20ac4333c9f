"""Asynchronous invocation: retries, throttles, ages, destinations and dead-letter queues."""

from __future__ import annotations

import json
import re
import time

import pytest
from botocore.exceptions import ClientError
from support import metric_sum

from workshop.cloud.base.model import Request
from workshop.cloud.functions.asynchronous import Event

FAILS = "def handler(event, context): raise KeyError('station')"
UUID = r"[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[0-9a-f]{4}-[0-9a-f]{12}"
TIME = r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z"


@pytest.fixture
def queue(lab, request):
    """A queue: its URL, its ARN, and a way to read what is in it."""
    sqs = lab.cloud.client("sqs")
    name = re.sub(r"\W", "-", request.node.name)[:70]
    url = sqs.create_queue(QueueName=name)["QueueUrl"]
    arn = sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["QueueArn"])["Attributes"]
    return Queue(sqs, url, arn["QueueArn"])


class Queue:
    def __init__(self, sqs, url, arn):
        self.sqs, self.url, self.arn = sqs, url, arn

    def messages(self):
        return self.sqs.receive_message(
            QueueUrl=self.url, MaxNumberOfMessages=10, MessageAttributeNames=["All"]
        ).get("Messages", [])

    def records(self):
        return [json.loads(message["Body"]) for message in self.messages()]


def configure(lab, name, **config):
    for end in ("OnSuccess", "OnFailure"):
        if end in config:
            config.setdefault("DestinationConfig", {})[end] = {"Destination": config.pop(end)}
    return lab.client.put_function_event_invoke_config(FunctionName=name, **config)


def send(lab, name, event=None):
    answer = lab.invoke(name, event or {}, InvocationType="Event")
    assert answer.status == 202
    return answer.raw["ResponseMetadata"]["RequestId"]


def test_a_failing_event_is_tried_three_times_with_one_request_id(lab):
    name = lab.create(FAILS)
    request_id = send(lab, name)
    lab.cloud.idle()
    ran = lab.cloud.invocations(name)
    assert [each.request_id for each in ran] == [request_id] * 3
    first, second = (b.started_at - a.ended_at for a, b in zip(ran, ran[1:], strict=False))
    assert first >= 0.1  # a minute on AWS, then two
    assert second >= 0.2


@pytest.mark.parametrize("retries", [0, 1])
def test_maximum_retry_attempts(lab, retries):
    name = lab.create(FAILS)
    configure(lab, name, MaximumRetryAttempts=retries)
    send(lab, name)
    lab.cloud.idle()
    assert len(lab.cloud.invocations(name)) == 1 + retries


@pytest.mark.isolation
def test_an_event_that_recovers_is_not_tried_again(lab, queue):
    name = lab.create(
        "import os, tempfile\n"
        "def handler(event, context):\n"
        "    seen = os.path.join(tempfile.gettempdir(), 'seen')\n"
        "    if os.path.exists(seen): return 'now it works'\n"
        "    open(seen, 'w').close()\n"
        "    raise RuntimeError('the first time')"
    )
    configure(lab, name, OnSuccess=queue.arn)
    send(lab, name)
    lab.cloud.idle()
    assert [each.status for each in lab.cloud.invocations(name)] == ["error", "success"]
    (record,) = queue.records()
    assert record["requestContext"]["approximateInvokeCount"] == 2
    assert record["responsePayload"] == "now it works"


def test_success_record(lab, queue):
    name = lab.create("def handler(event, context): return {'docked': event['bike']}")
    arn = lab.client.get_function(FunctionName=name)["Configuration"]["FunctionArn"]
    configure(lab, name, OnSuccess=queue.arn)
    request_id = send(lab, name, {"bike": 7})
    lab.cloud.idle()
    (record,) = queue.records()
    assert re.fullmatch(TIME, record.pop("timestamp"))
    assert record == {
        "version": "1.0",
        "requestContext": {
            "requestId": request_id,
            "functionArn": f"{arn}:$LATEST",
            "condition": "Success",
            "approximateInvokeCount": 1,
        },
        "requestPayload": {"bike": 7},
        "responseContext": {"statusCode": 200, "executedVersion": "$LATEST"},
        "responsePayload": {"docked": 7},
    }


def test_failure_record(lab, queue):
    name = lab.create(FAILS)
    configure(lab, name, OnFailure=queue.arn, MaximumRetryAttempts=1)
    request_id = send(lab, name, {"bike": 7})
    lab.cloud.idle()
    (record,) = queue.records()
    assert re.fullmatch(TIME, record.pop("timestamp"))
    failure = record.pop("responsePayload")
    assert set(failure) == {"errorMessage", "errorType", "requestId", "stackTrace"}
    assert (failure["errorType"], failure["errorMessage"]) == ("KeyError", "'station'")
    assert record == {
        "version": "1.0",
        "requestContext": {
            "requestId": request_id,
            "functionArn": f"arn:aws:lambda:us-east-1:123456789012:function:{name}:$LATEST",
            "condition": "RetriesExhausted",
            "approximateInvokeCount": 2,
        },
        "requestPayload": {"bike": 7},
        "responseContext": {
            "statusCode": 200,
            "executedVersion": "$LATEST",
            "functionError": "Unhandled",
        },
    }


def test_dead_letter_queue_gets_the_event_itself(lab, queue):
    name = lab.create(FAILS, DeadLetterConfig={"TargetArn": queue.arn})
    configure(lab, name, MaximumRetryAttempts=0)
    request_id = send(lab, name, {"bike": 7})
    lab.cloud.idle()
    (message,) = queue.messages()
    assert json.loads(message["Body"]) == {"bike": 7}
    assert message["MessageAttributes"] == {
        "RequestID": {"DataType": "String", "StringValue": request_id},
        "ErrorCode": {"DataType": "Number", "StringValue": "200"},
        "ErrorMessage": {"DataType": "String", "StringValue": "'station'"},
    }


def subscribed_topic(lab, queue, name):
    sns = lab.cloud.client("sns")
    topic = sns.create_topic(Name=name)["TopicArn"]
    sns.subscribe(TopicArn=topic, Protocol="sqs", Endpoint=queue.arn)
    return topic


def test_topic_as_destination_and_as_dead_letter_queue(lab, queue):
    topic = subscribed_topic(lab, queue, "failures")
    name = lab.create(FAILS, DeadLetterConfig={"TargetArn": topic})
    configure(lab, name, OnFailure=topic, MaximumRetryAttempts=0)
    send(lab, name, {"bike": 7})
    lab.cloud.idle()
    record, letter = queue.records()
    assert json.loads(record["Message"])["requestContext"]["condition"] == "RetriesExhausted"
    assert json.loads(letter["Message"]) == {"bike": 7}
    assert letter["MessageAttributes"]["ErrorCode"] == {"Type": "Number", "Value": "200"}


def test_function_as_destination(lab):
    collector = lab.create("def handler(event, context): print('got', event['responsePayload'])")
    arn = lab.client.get_function(FunctionName=collector)["Configuration"]["FunctionArn"]
    name = lab.create("def handler(event, context): return 'parked'")
    configure(lab, name, OnSuccess=arn)
    send(lab, name)
    lab.cloud.idle()  # waits for the collector as well
    assert "got parked\n" in lab.log_events(f"/aws/lambda/{collector}")


def test_event_bus_as_destination(lab, queue):
    events = lab.cloud.client("events")
    pattern = {"source": ["lambda"], "detail": {"requestContext": {"condition": ["Success"]}}}
    events.put_rule(Name="results", EventPattern=json.dumps(pattern))
    events.put_targets(Rule="results", Targets=[{"Id": "1", "Arn": queue.arn}])
    name = lab.create("def handler(event, context): return 'parked'")
    bus = "arn:aws:events:us-east-1:123456789012:event-bus/default"
    configure(lab, name, OnSuccess=bus)
    send(lab, name)
    lab.cloud.idle()
    (event,) = queue.records()
    assert event["source"] == "lambda"
    assert event["detail-type"] == "Lambda Function Invocation Result - Success"
    assert event["detail"]["responsePayload"] == "parked"
    assert event["resources"] == [
        f"arn:aws:lambda:us-east-1:123456789012:function:{name}:$LATEST",
        bus,
    ]


def test_bucket_as_destination_of_failures(lab, queue):
    s3 = lab.cloud.client("s3")
    s3.create_bucket(Bucket="given-up")
    name = lab.create(FAILS)
    config = {"OnFailure": "arn:aws:s3:::given-up", "OnSuccess": queue.arn}
    configure(lab, name, MaximumRetryAttempts=0, **config)
    request_id = send(lab, name, {"bike": "ż"})
    lab.cloud.idle()
    (found,) = s3.list_objects_v2(Bucket="given-up")["Contents"]
    moment = r"\d{4}/\d\d/\d\d/\d{4}-\d\d-\d\dT\d\d\.\d\d\.\d\d"
    assert re.fullmatch(rf"aws/lambda/async/{name}/{moment}-{UUID}", found["Key"])
    record = json.load(s3.get_object(Bucket="given-up", Key=found["Key"])["Body"])
    assert record["requestContext"]["requestId"] == request_id
    assert record["requestContext"]["condition"] == "RetriesExhausted"
    assert record["requestPayload"] == {"bike": "ż"}
    assert record["responsePayload"]["errorType"] == "KeyError"
    assert queue.records() == []


def test_a_bucket_tells_of_the_failures_that_it_gets(lab, queue):
    s3 = lab.cloud.client("s3")
    s3.create_bucket(Bucket="telling")
    reader = lab.create("def handler(event, context): pass")
    allowed = {"Principal": "s3.amazonaws.com", "SourceArn": "arn:aws:s3:::telling"}
    lab.client.add_permission(
        FunctionName=reader, StatementId="s3", Action="lambda:InvokeFunction", **allowed
    )
    arn = f"arn:aws:lambda:us-east-1:123456789012:function:{reader}"
    functions = [{"LambdaFunctionArn": arn, "Events": ["s3:ObjectCreated:*"]}]
    s3.put_bucket_notification_configuration(
        Bucket="telling", NotificationConfiguration={"LambdaFunctionConfigurations": functions}
    )
    name = lab.create(FAILS)
    configure(lab, name, OnFailure="arn:aws:s3:::telling", MaximumRetryAttempts=0)
    send(lab, name)
    lab.cloud.idle()
    assert len(lab.cloud.invocations(reader)) == 1


def test_a_fifo_queue_takes_no_records(lab):
    """AWS lets one be configured, and counts the delivery as failed."""
    sqs = lab.cloud.client("sqs")
    url = sqs.create_queue(QueueName="ends.fifo", Attributes={"FifoQueue": "true"})["QueueUrl"]
    name = lab.create()
    configure(lab, name, OnSuccess="arn:aws:sqs:us-east-1:123456789012:ends.fifo")
    send(lab, name)
    lab.cloud.idle()
    assert "Messages" not in sqs.receive_message(QueueUrl=url)
    assert metric_sum(lab, "DestinationDeliveryFailures", name) == 1


def test_throttled_events_go_back_and_none_is_lost(lab):
    name = lab.create("import time\ndef handler(event, context): time.sleep(0.05)")
    lab.client.put_function_concurrency(FunctionName=name, ReservedConcurrentExecutions=1)
    sent = {send(lab, name) for _ in range(10)}
    lab.cloud.idle()
    ran = lab.cloud.invocations(name)
    assert {each.request_id for each in ran} == sent
    assert len(ran) == 10
    assert all(a.ended_at <= b.started_at for a, b in zip(ran, ran[1:], strict=False))


def test_no_concurrency_at_all_sends_events_straight_to_their_end(lab, queue):
    name = lab.create()
    lab.client.put_function_concurrency(FunctionName=name, ReservedConcurrentExecutions=0)
    configure(lab, name, OnFailure=queue.arn)
    send(lab, name, {"bike": 7})
    lab.cloud.idle()
    (record,) = queue.records()
    assert record["requestContext"]["condition"] == "ZeroReservedConcurrency"
    assert record["requestContext"]["approximateInvokeCount"] == 0
    assert "responsePayload" not in record
    assert lab.cloud.invocations(name) == []


def test_an_event_that_is_too_old_is_given_up(lab, queue):
    """The first retry comes after one minute, the second after three: over the limit of two."""
    name = lab.create(FAILS)
    configure(lab, name, OnFailure=queue.arn, MaximumEventAgeInSeconds=120)
    send(lab, name)
    lab.cloud.idle()
    assert len(lab.cloud.invocations(name)) == 2
    (record,) = queue.records()
    assert record["requestContext"]["condition"] == "EventAgeExceeded"
    assert record["requestContext"]["approximateInvokeCount"] == 2


def test_age_counts_shrunk_delays_in_full():
    event = Event(Request("id", b"{}", "arn", received_at=time.time() - 10), waited=60)
    assert event.age() == pytest.approx(69.9, abs=0.5)


def test_a_retry_runs_the_code_of_its_time(lab):
    name = lab.create(FAILS)
    send(lab, name)
    while not lab.cloud.invocations(name):
        time.sleep(0.005)
    fixed = "def handler(event, context): return 'mended'"
    from support import package

    lab.client.update_function_code(FunctionName=name, ZipFile=package(fixed))
    lab.cloud.idle()
    assert [each.status for each in lab.cloud.invocations(name)][-1] == "success"


def test_events_of_a_deleted_function_are_dropped(lab):
    name = lab.create(FAILS)
    send(lab, name)
    while not lab.cloud.invocations(name):
        time.sleep(0.005)
    lab.client.delete_function(FunctionName=name)
    lab.cloud.idle()
    assert len(lab.cloud.invocations(name)) == 1


def test_idle_names_what_still_goes_on(lab):
    name = lab.create("import time\ndef handler(event, context): time.sleep(0.5)")
    send(lab, name)
    with pytest.raises(TimeoutError, match="after 0.1 s: .*1 x asynchronous event"):
        lab.cloud.idle(0.1)
    lab.cloud.idle()


def test_settings_as_aws_answers_them(lab):
    name = lab.create()
    arn = lab.client.get_function(FunctionName=name)["Configuration"]["FunctionArn"]
    configure(lab, name, MaximumRetryAttempts=1)
    lab.client.update_function_event_invoke_config(FunctionName=name, MaximumEventAgeInSeconds=99)
    found = lab.client.get_function_event_invoke_config(FunctionName=name)
    assert found["FunctionArn"] == f"{arn}:$LATEST"
    assert found["MaximumRetryAttempts"] == 1
    assert found["MaximumEventAgeInSeconds"] == 99
    assert found["DestinationConfig"] == {"OnSuccess": {}, "OnFailure": {}}
    configure(lab, name, MaximumRetryAttempts=0)  # put forgets what was there before
    found = lab.client.get_function_event_invoke_config(FunctionName=name)
    assert found["MaximumRetryAttempts"] == 0
    assert "MaximumEventAgeInSeconds" not in found
    lab.client.delete_function_event_invoke_config(FunctionName=name)
    with pytest.raises(ClientError, match="ResourceNotFoundException"):
        lab.client.get_function_event_invoke_config(FunctionName=name)


def test_settings_that_aws_refuses(lab):
    name = lab.create()
    arn = lab.client.get_function(FunctionName=name)["Configuration"]["FunctionArn"]
    with pytest.raises(ClientError, match="at least one of error handling or destination"):
        configure(lab, name)
    with pytest.raises(ClientError, match="can't specify the function as a destination"):
        configure(lab, name, OnFailure=arn)
    with pytest.raises(ClientError, match="'maximumRetryAttempts' failed.*less than or equal to 2"):
        configure(lab, name, MaximumRetryAttempts=3)
    with pytest.raises(ClientError, match="ResourceNotFoundException"):
        lab.client.get_function_event_invoke_config(FunctionName=name)


def test_each_version_and_alias_has_its_own_settings(lab, queue):
    name = lab.create(FAILS, Publish=True)
    lab.client.create_alias(FunctionName=name, Name="live", FunctionVersion="1")
    configure(lab, name, MaximumRetryAttempts=0)
    configure(lab, name, Qualifier="live", MaximumRetryAttempts=1, OnFailure=queue.arn)
    get = lab.client.get_function_event_invoke_config
    assert get(FunctionName=name)["DestinationConfig"] == {"OnSuccess": {}, "OnFailure": {}}
    assert get(FunctionName=f"{name}:live")["MaximumRetryAttempts"] == 1
    assert get(FunctionName=name, Qualifier="live")["FunctionArn"].endswith(f":{name}:live")
    found = lab.client.list_function_event_invoke_configs(FunctionName=name)
    assert len(found["FunctionEventInvokeConfigs"]) == 2
    send(lab, name)
    lab.cloud.idle()
    assert (len(lab.cloud.invocations(name)), queue.records()) == (1, [])
    send(lab, f"{name}:live")
    lab.cloud.idle()
    assert len(lab.cloud.invocations(name)) == 3
    (record,) = queue.records()
    assert record["requestContext"]["functionArn"].endswith(f":{name}:live")
    assert record["responseContext"]["executedVersion"] == "1"
    with pytest.raises(ClientError) as caught:
        get(FunctionName=name, Qualifier="1")
    arn = f"arn:aws:lambda:us-east-1:123456789012:function:{name}:1"
    message = f"The function {arn} doesn't have an EventInvokeConfig"
    assert caught.value.response["Error"]["Message"] == message
    with pytest.raises(ClientError, match="The function doesn't exist."):
        configure(lab, name, Qualifier="nobody", MaximumRetryAttempts=1)


BUCKET = "arn:aws:s3:::results"
NO_QUEUE = "arn:aws:sqs:us-east-1:123456789012:nowhere"


@pytest.mark.parametrize(
    ("ends", "code", "words"),
    [
        (
            {"OnSuccess": BUCKET},
            "InvalidParameterValueException",
            "The provided destination config DestinationConfig(onSuccess=OnSuccess(destination="
            f"{BUCKET}), onFailure=null) is invalid.",
        ),
        (
            {"OnFailure": "arn:aws:iam::123456789012:role/r"},
            "InvalidParameterValueException",
            "The provided destination config DestinationConfig(onSuccess=null, onFailure=OnFailure"
            "(destination=arn:aws:iam::123456789012:role/r)) is invalid.",
        ),
        *(
            (
                {"OnFailure": arn},
                "InvalidParameterValueException",
                f"The destination ARN {arn} is invalid.",
            )
            for arn in (
                NO_QUEUE,
                "arn:aws:sns:us-east-1:123456789012:nowhere",
                "arn:aws:lambda:us-east-1:123456789012:function:nobody",
                "arn:aws:events:us-east-1:123456789012:event-bus/nowhere",
                "arn:aws:s3:::no-such-bucket",
            )
        ),
        (
            {"OnSuccess": "my-queue"},
            "ValidationException",
            "1 validation error detected: Value 'my-queue' at 'destinationConfig.onSuccess."
            "destination' failed to satisfy constraint: Member must satisfy regular expression "
            "pattern: ",
        ),
    ],
)
def test_destinations_that_aws_refuses_change_nothing(lab, ends, code, words):
    name = lab.create()
    configure(lab, name, MaximumRetryAttempts=1)
    before = lab.client.get_function_event_invoke_config(FunctionName=name)
    with pytest.raises(ClientError) as caught:
        configure(lab, name, **ends)
    error = caught.value.response["Error"]
    assert (error["Code"], error["Message"][: len(words)]) == (code, words)
    after = lab.client.get_function_event_invoke_config(FunctionName=name)
    before.pop("ResponseMetadata"), after.pop("ResponseMetadata")
    assert after == before
