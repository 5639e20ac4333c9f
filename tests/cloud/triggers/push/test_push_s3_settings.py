"""What AWS accepts as a bucket's notification configuration, and queues, topics, EventBridge."""

from __future__ import annotations

import functools
import json
import re
from itertools import count

import pytest
from aws_lambda_powertools.utilities.parser.models import (
    S3EventNotificationEventBridgeModel,
    S3Model,
)
from botocore.exceptions import ClientError
from signed import ask

from workshop.cloud.seam.hooks import open_hooks

ACCOUNT = "123456789012"
CREATED = ["s3:ObjectCreated:*"]
_numbers = count(1)


@functools.cache
def client(lab, service):
    """Making one takes longer than most tests."""
    return lab.cloud.client(service)


@pytest.fixture
def bucket(lab):
    return Bucket(lab)


class Bucket:
    def __init__(self, lab):
        self.s3 = client(lab, "s3")
        self.name = f"set-bucket-{next(_numbers)}"
        self.s3.create_bucket(Bucket=self.name)

    def configure(self, functions=(), queues=(), topics=(), skip=False, **config):
        config |= {
            "LambdaFunctionConfigurations": list(functions),
            "QueueConfigurations": list(queues),
            "TopicConfigurations": list(topics),
        }
        return self.s3.put_bucket_notification_configuration(
            Bucket=self.name,
            NotificationConfiguration=config,
            SkipDestinationValidation=skip,
        )

    def refused(self, **config):
        """The error of a configuration that must be refused, and must leave nothing behind."""
        before = self.stored()
        with pytest.raises(ClientError) as caught:
            self.configure(**config)
        assert self.stored() == before
        assert caught.value.response["ResponseMetadata"]["HTTPStatusCode"] == 400
        return caught.value.response["Error"]

    def stored(self):
        found = self.s3.get_bucket_notification_configuration(Bucket=self.name)
        del found["ResponseMetadata"]
        return found


class Queue:
    """A queue that S3 may send to; or none may, or one bucket may."""

    def __init__(self, lab, bucket=None, policy=True):
        self.sqs = client(lab, "sqs")
        self.url = self.sqs.create_queue(QueueName=f"s3-queue-{next(_numbers)}")["QueueUrl"]
        attributes = self.sqs.get_queue_attributes(QueueUrl=self.url, AttributeNames=["QueueArn"])
        self.arn = attributes["Attributes"]["QueueArn"]
        if policy:
            text = sending_policy("sqs:SendMessage", self.arn, bucket)
            self.sqs.set_queue_attributes(QueueUrl=self.url, Attributes={"Policy": text})

    def bodies(self):
        answer = self.sqs.receive_message(QueueUrl=self.url, MaxNumberOfMessages=10)
        return [json.loads(message["Body"]) for message in answer.get("Messages", [])]


def sending_policy(action, resource, bucket=None):
    statement = {
        "Effect": "Allow",
        "Principal": {"Service": "s3.amazonaws.com"},
        "Action": action,
        "Resource": resource,
    }
    if bucket:
        statement["Condition"] = {
            "ArnLike": {"aws:SourceArn": f"arn:aws:s3:*:*:{bucket}"},
            "StringEquals": {"aws:SourceAccount": ACCOUNT},
        }
    return json.dumps({"Version": "2012-10-17", "Statement": [statement]})


def function(lab, bucket=None):
    """A function's ARN; S3 may invoke it for a bucket."""
    name = lab.create()
    if bucket:
        lab.client.add_permission(
            FunctionName=name,
            StatementId="s3",
            Action="lambda:InvokeFunction",
            Principal="s3.amazonaws.com",
            SourceArn=f"arn:aws:s3:::{bucket}",
        )
    return lab.client.get_function(FunctionName=name)["Configuration"]["FunctionArn"]


def to(arn, events=CREATED, prefix=None, suffix=None, **more):
    """A configuration for an ARN."""
    kind = {"lambda": "LambdaFunctionArn", "sqs": "QueueArn", "sns": "TopicArn"}
    config = {kind.get(arn.split(":")[2], "LambdaFunctionArn"): arn, "Events": events, **more}
    given = {"prefix": prefix, "suffix": suffix}
    rules = [{"Name": n, "Value": v} for n, v in given.items() if v is not None]
    if rules:
        config["Filter"] = {"Key": {"FilterRules": rules}}
    return config


def test_a_function_that_s3_may_not_invoke(lab, bucket):
    arn = function(lab, "another-bucket")
    assert bucket.refused(functions=[to(arn)]) == {
        "Code": "InvalidArgument",
        "Message": "Unable to validate the following destination configurations",
        "ArgumentName1": f"{arn}, null",
        "ArgumentValue1": f"Not authorized to invoke function [{arn}]",
    }


def test_destinations_that_do_not_exist_are_all_named(lab, bucket):
    gone = f"arn:aws:%s:us-east-1:{ACCOUNT}:%s"
    arns = [gone % ("lambda", "function:gone"), gone % ("sqs", "gone"), gone % ("sns", "gone")]
    error = bucket.refused(
        functions=[to(arns[0], prefix="a/")],
        queues=[to(arns[1], prefix="b/")],
        topics=[to(arns[2], prefix="c/")],
    )
    assert error == {
        "Code": "InvalidArgument",
        "Message": "Unable to validate the following destination configurations",
        "ArgumentName1": f"{arns[0]}, null",
        "ArgumentValue1": f"Not authorized to invoke function [{arns[0]}]",
        "ArgumentName2": arns[1],
        "ArgumentValue2": "The destination queue does not exist",
        "ArgumentName3": arns[2],
        "ArgumentValue3": "The destination topic does not exist",
    }


def test_a_queue_and_a_topic_that_s3_may_not_send_to(lab, bucket):
    sns = client(lab, "sns")
    topic = sns.create_topic(Name=f"s3-topic-{next(_numbers)}")["TopicArn"]
    for arn, kind in ((Queue(lab, policy=False).arn, "queue"), (topic, "topic")):
        error = bucket.refused(**{f"{kind}s": [to(arn)]})
        assert error["ArgumentName1"] == arn
        assert error["ArgumentValue1"] == (
            f"Permissions on the destination {kind} do not allow S3 to publish notifications from "
            "this bucket"
        )


def test_a_queue_for_another_bucket(lab, bucket):
    error = bucket.refused(queues=[to(Queue(lab, bucket="another-bucket").arn)])
    assert error["ArgumentValue1"].startswith("Permissions on the destination queue")
    bucket.configure(queues=[to(Queue(lab, bucket=bucket.name).arn)])


def test_validation_of_destinations_can_be_skipped(lab, bucket):
    arn = f"arn:aws:lambda:us-east-1:{ACCOUNT}:function:later"
    bucket.configure(functions=[to(arn, Id="early")], skip=True)
    assert bucket.stored() == {
        "LambdaFunctionConfigurations": [
            {"Id": "early", "LambdaFunctionArn": arn, "Events": CREATED}
        ]
    }
    bucket.s3.put_object(Bucket=bucket.name, Key="a", Body=b"")  # and that goes nowhere
    lab.cloud.idle()
    assert "Function not found" in lab.cloud.problems()[-1]


@pytest.mark.parametrize("skip", [False, True])
def test_arns_that_are_none(bucket, skip):
    for kind, name in (("Lambda", "CloudFunction"), ("Queue", "Queue"), ("Topic", "Topic")):
        key = "LambdaFunctionArn" if kind == "Lambda" else f"{kind}Arn"
        group = {"Lambda": "functions", "Queue": "queues", "Topic": "topics"}[kind]
        error = bucket.refused(**{group: [{key: "typo", "Events": CREATED}], "skip": skip})
        assert error == {
            "Code": "InvalidArgument",
            "Message": "The ARN could not be parsed",
            "ArgumentName": name,
            "ArgumentValue": "typo",
        }


@pytest.mark.parametrize(
    "other",
    [
        {"events": ["s3:ObjectCreated:Put"]},
        {"prefix": "in/", "suffix": ".csv"},
        {"prefix": "in/2026/"},
        {"suffix": "s.csv", "events": ["s3:ObjectRemoved:*", "s3:ObjectCreated:Copy"]},
    ],
)
def test_overlapping_filters(lab, bucket, other):
    arn = function(lab, bucket.name)
    first = to(arn, prefix="in/", suffix=".csv")
    error = bucket.refused(functions=[first], queues=[to(Queue(lab).arn, **other)])
    assert error == {
        "Code": "InvalidArgument",
        "Message": "Configuration is ambiguously defined. Cannot have overlapping suffixes in two "
        "rules if the prefixes are overlapping for the same event type.",
    }


def test_overlapping_without_filters(lab, bucket):
    first, second = Queue(lab).arn, Queue(lab).arn
    assert bucket.refused(queues=[to(first), to(second)])["Message"] == (
        "Configurations overlap. Configurations on the same bucket cannot share a common event "
        "type."
    )


def test_filters_that_do_not_overlap(lab, bucket):
    arn = Queue(lab).arn
    bucket.configure(
        queues=[
            to(arn, prefix="in/", suffix=".csv"),
            to(arn, prefix="in/", suffix=".txt"),
            to(arn, prefix="out/"),
            to(arn, events=["s3:ObjectRemoved:*"]),
        ]
    )
    assert len(bucket.stored()["QueueConfigurations"]) == 4


def rule(name, value="x"):
    return {"Filter": {"Key": {"FilterRules": [{"Name": name, "Value": value}]}}}


def test_other_mistakes(lab, bucket):
    arn = function(lab, bucket.name)
    error = bucket.refused(functions=[to(arn, **rule("INVALID"))])
    assert error["Message"] == "filter rule name must be either prefix or suffix"
    assert (error["ArgumentName"], error["ArgumentValue"]) == ("FilterRule.Name", "INVALID")
    twice = {"FilterRules": [{"Name": "prefix", "Value": "a"}, {"Name": "Prefix", "Value": "b"}]}
    error = bucket.refused(functions=[to(arn, Filter={"Key": twice})])
    assert error["Message"] == "Cannot specify more than one prefix rule in a filter."
    error = bucket.refused(functions=[to(arn, **rule("prefix", "ä" * 513))])
    assert error["Message"].startswith("Size of filter rule value cannot exceed 1024 bytes")
    error = bucket.refused(functions=[to(arn, events=["s3:ObjectCreate:*"])])
    assert error["Message"].startswith("The event 's3:ObjectCreate:*' is not supported for")
    assert (error["ArgumentName"], error["ArgumentValue"]) == ("Event", "s3:ObjectCreate:*")
    assert bucket.refused(functions=[to(arn, events=[])])["Code"] == "MalformedXML"
    elsewhere = arn.replace("us-east-1", "eu-west-1")
    error = bucket.refused(functions=[to(elsewhere)])
    assert error["Message"] == (
        "The notification destination service region is not valid for the bucket location "
        "constraint"
    )
    fifo = client(lab, "sqs").create_queue(QueueName="s3.fifo", Attributes={"FifoQueue": "true"})
    assert fifo
    error = bucket.refused(queues=[to(f"arn:aws:sqs:us-east-1:{ACCOUNT}:s3.fifo")])
    assert "FIFO" in error["ArgumentValue1"]


def test_a_body_that_is_no_xml(lab, bucket):
    for body in (b"<Notification", b"<Other/>", b""):
        answer = ask(lab, "PUT", f"/{bucket.name}?notification", "s3", body)
        assert answer.status == 400
        assert b"<Code>MalformedXML</Code>" in answer.body


def test_a_bucket_that_is_not_there(lab):
    s3 = client(lab, "s3")
    for call in (
        lambda: s3.put_bucket_notification_configuration(
            Bucket="not-there", NotificationConfiguration={}
        ),
        lambda: s3.get_bucket_notification_configuration(Bucket="not-there"),
    ):
        with pytest.raises(ClientError, match="NoSuchBucket"):
            call()


def test_what_was_put_is_what_is_got(lab, bucket):
    arn, queue = function(lab, bucket.name), Queue(lab).arn
    assert bucket.stored() == {}
    bucket.configure(
        functions=[to(arn, prefix="in/ü/", suffix=".csv", Id="uploads")],
        queues=[to(queue, events=["s3:ObjectRemoved:*", "s3:ObjectTagging:Put"], prefix="")],
        EventBridgeConfiguration={},
    )
    found = bucket.stored()
    assert found.pop("LambdaFunctionConfigurations") == [
        {
            "Id": "uploads",
            "LambdaFunctionArn": arn,
            "Events": CREATED,
            "Filter": {
                "Key": {
                    "FilterRules": [
                        {"Name": "Prefix", "Value": "in/ü/"},
                        {"Name": "Suffix", "Value": ".csv"},
                    ]
                }
            },
        }
    ]
    (config,) = found.pop("QueueConfigurations")
    assert config.pop("Id")  # one is made
    assert config == {
        "QueueArn": queue,
        "Events": ["s3:ObjectRemoved:*", "s3:ObjectTagging:Put"],
        "Filter": {"Key": {"FilterRules": [{"Name": "Prefix", "Value": ""}]}},
    }
    assert found == {"EventBridgeConfiguration": {}}
    bucket.configure()  # replaces all of it
    assert bucket.stored() == {}


def test_a_queue(lab, bucket):
    queue = Queue(lab, bucket.name)
    answer = bucket.configure(queues=[to(queue.arn, Id="to-queue")])
    (test,) = queue.bodies()
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z", test.pop("Time"))
    assert test == {
        "Service": "Amazon S3",
        "Event": "s3:TestEvent",
        "Bucket": bucket.name,
        "RequestId": answer["ResponseMetadata"]["RequestId"],
        "HostId": answer["ResponseMetadata"]["HostId"],
    }
    bucket.s3.put_object(Bucket=bucket.name, Key="a b", Body=b"ride")
    (event,) = queue.bodies()
    assert S3Model.model_validate(event).Records[0].s3.object.size == 4
    assert event["Records"][0]["s3"]["configurationId"] == "to-queue"
    client(lab, "sqs").set_queue_attributes(QueueUrl=queue.url, Attributes={"Policy": ""})
    bucket.s3.put_object(Bucket=bucket.name, Key="a b", Body=b"ride")
    assert queue.bodies() == []
    assert "Permissions on the destination queue" in lab.cloud.problems()[-1]


def test_a_topic(lab, bucket):
    sns, queue = client(lab, "sns"), Queue(lab)
    arn = sns.create_topic(Name=f"s3-topic-{next(_numbers)}")["TopicArn"]
    policy = sending_policy("sns:Publish", arn, bucket.name)
    sns.set_topic_attributes(TopicArn=arn, AttributeName="Policy", AttributeValue=policy)
    sns.subscribe(TopicArn=arn, Protocol="sqs", Endpoint=queue.arn)
    bucket.configure(topics=[to(arn)])
    bucket.s3.put_object(Bucket=bucket.name, Key="a b", Body=b"ride")
    test, put = queue.bodies()
    assert json.loads(test["Message"])["Event"] == "s3:TestEvent"
    assert test["Subject"] == put["Subject"] == "Amazon S3 Notification"
    assert S3Model.model_validate_json(put["Message"]).Records[0].eventName == "ObjectCreated:Put"


@pytest.fixture
def observed(lab, bucket):
    """A bucket with EventBridge, and a queue that its events end in."""
    queue, events = Queue(lab), client(lab, "events")
    pattern = {"source": ["aws.s3"], "detail": {"bucket": {"name": [bucket.name]}}}
    events.put_rule(Name=bucket.name, EventPattern=json.dumps(pattern))
    events.put_targets(Rule=bucket.name, Targets=[{"Id": "1", "Arn": queue.arn}])
    bucket.configure(EventBridgeConfiguration={})
    return bucket, queue


def test_event_bridge(lab, observed):
    bucket, queue = observed
    answer = bucket.s3.put_object(Bucket=bucket.name, Key="a b/ü", Body=b"ride")
    lab.cloud.idle()
    (event,) = queue.bodies()
    # moto's queue targets lose the account
    S3EventNotificationEventBridgeModel.model_validate({"account": ACCOUNT, **event})
    assert event["source"] == "aws.s3"
    assert event["detail-type"] == "Object Created"
    assert event["resources"] == [f"arn:aws:s3:::{bucket.name}"]
    detail = event["detail"]
    assert re.fullmatch("[0-9A-F]{16}", detail["object"].pop("sequencer"))
    assert detail == {
        "version": "0",
        "event-version": "1.0",
        "bucket": {"name": bucket.name},
        "object": {"key": "a b/ü", "size": 4, "etag": answer["ETag"].strip('"')},
        "request-id": answer["ResponseMetadata"]["RequestId"],
        "requester": ACCOUNT,
        "source-ip-address": "127.0.0.1",
        "reason": "PutObject",
    }


def test_event_bridge_gets_every_kind(lab, observed):
    bucket, queue = observed
    where = {"Bucket": bucket.name, "Key": "a"}
    versions = {"Status": "Enabled"}
    bucket.s3.put_bucket_versioning(Bucket=bucket.name, VersioningConfiguration=versions)
    bucket.s3.put_object(**where, Body=b"ride")
    copied = bucket.s3.copy_object(**where, CopySource=where, MetadataDirective="REPLACE")
    tags = {"TagSet": [{"Key": "city", "Value": "dc"}]}
    bucket.s3.put_object_tagging(**where, Tagging=tags)
    bucket.s3.delete_object_tagging(**where)
    bucket.s3.put_object_acl(**where, ACL="private")
    bucket.s3.delete_object(**where, VersionId=copied["VersionId"])
    bucket.s3.delete_object(**where)
    lab.cloud.idle()
    found = {
        (
            event["detail-type"],
            event["detail"].get("reason"),
            event["detail"].get("deletion-type"),
        )
        for event in queue.bodies()
    }
    assert found == {
        ("Object Created", "PutObject", None),
        ("Object Created", "CopyObject", None),
        ("Object Tags Added", None, None),
        ("Object Tags Deleted", None, None),
        ("Object ACL Updated", None, None),
        ("Object Deleted", "DeleteObject", "Permanently Deleted"),
        ("Object Deleted", "DeleteObject", "Delete Marker Created"),
    }


def test_an_event_bus_that_fails_fails_no_put(lab, observed, monkeypatch):
    def fails(region, entry):
        raise RuntimeError("a target")

    monkeypatch.setattr(open_hooks().bucket_notifications, "_put_event", fails)
    bucket, queue = observed
    bucket.s3.put_object(Bucket=bucket.name, Key="a", Body=b"")
    assert queue.bodies() == []
    assert lab.cloud.problems()[-1].endswith("EventBridge: RuntimeError('a target')")


def test_a_new_bucket_is_no_event(lab):
    """moto tells EventBridge of it; AWS doesn't."""
    queue, events = Queue(lab), client(lab, "events")
    pattern = {"source": ["aws.s3"], "detail": {"eventName": ["CreateBucket"]}}
    events.put_rule(Name="new-buckets", EventPattern=json.dumps(pattern))
    events.put_targets(Rule="new-buckets", Targets=[{"Id": "1", "Arn": queue.arn}])
    Bucket(lab)
    lab.cloud.idle()
    assert queue.bodies() == []
