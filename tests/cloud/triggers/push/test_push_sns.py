"""SNS topics whose messages go to functions."""

from __future__ import annotations

import functools
import json
import re
from itertools import count

import pytest
from aws_lambda_powertools.utilities.parser.models import SnsModel
from botocore.exceptions import ClientError
from published import missing_paths

PRINTS = "import json\ndef handler(event, context): print('EVENT', json.dumps(event))"
UUID = r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}"
ACCOUNT = "123456789012"
_numbers = count(1)


@functools.cache
def client(lab, service):
    """Making one takes longer than most tests."""
    return lab.cloud.client(service)


class Topic:
    """A topic that a function is subscribed to."""

    def __init__(self, lab, source=PRINTS, allowed=True, subscribed=True, **spec):
        self.lab, self.sns = lab, client(lab, "sns")
        self.arn = self.sns.create_topic(Name=f"topic-{next(_numbers)}")["TopicArn"]
        self.function = lab.create(source, **spec)
        self.function_arn = function_arn(lab, self.function)
        if allowed:
            self.allow()
        if subscribed:
            self.subscription = self.subscribe(self.function_arn)

    def allow(self, **more):
        self.lab.client.add_permission(
            FunctionName=self.function,
            StatementId=f"sns-{next(_numbers)}",
            Action="lambda:InvokeFunction",
            Principal="sns.amazonaws.com",
            SourceArn=self.arn,
            **more,
        )

    def subscribe(self, endpoint, protocol="lambda", **attributes):
        return self.sns.subscribe(
            TopicArn=self.arn, Protocol=protocol, Endpoint=endpoint, Attributes=attributes
        )["SubscriptionArn"]

    def refused(self, endpoint, **attributes):
        """The message of a subscription that must be refused, and must not be there then."""
        before = self.subscriptions()
        with pytest.raises(ClientError) as caught:
            self.subscribe(endpoint, **attributes)
        assert self.subscriptions() == before
        assert caught.value.response["ResponseMetadata"]["HTTPStatusCode"] == 400
        assert caught.value.response["Error"]["Code"] == "InvalidParameter"
        return caught.value.response["Error"]["Message"]

    def subscriptions(self):
        return self.sns.list_subscriptions_by_topic(TopicArn=self.arn)["Subscriptions"]

    def set(self, name, value):
        self.sns.set_subscription_attributes(
            SubscriptionArn=self.subscription, AttributeName=name, AttributeValue=value
        )

    def publish(self, message="hello", **more):
        return self.sns.publish(TopicArn=self.arn, Message=message, **more)["MessageId"]

    def messages(self):
        """What the function got: the `Sns` of each event."""
        return [event["Records"][0]["Sns"] for event in events(self.lab, self.function)]


def function_arn(lab, name):
    return lab.client.get_function(FunctionName=name)["Configuration"]["FunctionArn"]


def events(lab, function):
    lab.cloud.idle()
    try:
        lines = lab.log_events(f"/aws/lambda/{function}")
    except ClientError:  # it never ran
        return []
    return [json.loads(line[6:]) for line in lines if line.startswith("EVENT ")]


class Queue:
    def __init__(self, lab):
        self.sqs = client(lab, "sqs")
        self.url = self.sqs.create_queue(QueueName=f"sns-queue-{next(_numbers)}")["QueueUrl"]
        attributes = self.sqs.get_queue_attributes(QueueUrl=self.url, AttributeNames=["QueueArn"])
        self.arn = attributes["Attributes"]["QueueArn"]

    def messages(self):
        return self.sqs.receive_message(
            QueueUrl=self.url, MaxNumberOfMessages=10, MessageAttributeNames=["All"]
        ).get("Messages", [])


def text(value):
    return {"DataType": "String", "StringValue": value}


def test_event(lab):
    topic = Topic(lab)
    attributes = {
        "station": text("31000"),
        "bikes": {"DataType": "Number", "StringValue": "7"},
        "raw": {"DataType": "Binary", "BinaryValue": b"\x00\x01"},
    }
    message_id = topic.publish("räd", Subject="Docked", MessageAttributes=attributes)
    (event,) = events(lab, topic.function)
    SnsModel.model_validate(event)
    assert missing_paths("sns", event, but=["Records[].Sns.MessageAttributes"]) == set()
    (record,) = event["Records"]
    sns = record.pop("Sns")
    assert record == {
        "EventSource": "aws:sns",
        "EventVersion": "1.0",
        "EventSubscriptionArn": topic.subscription,
    }
    assert re.fullmatch(rf"{re.escape(topic.arn)}:{UUID}", topic.subscription)
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z", sns.pop("Timestamp"))
    assert re.fullmatch(r"[A-Za-z0-9+/]{342}==", sns.pop("Signature"))
    host = r"https://sns\.us-east-1\.amazonaws\.com"
    url = sns.pop("SigningCertUrl")
    assert re.fullmatch(rf"{host}/SimpleNotificationService-[0-9a-f]{{32}}\.pem", url)
    assert sns == {
        "Type": "Notification",
        "MessageId": message_id,
        "TopicArn": topic.arn,
        "Subject": "Docked",
        "Message": "räd",
        "SignatureVersion": "1",
        "UnsubscribeUrl": "https://sns.us-east-1.amazonaws.com/?Action=Unsubscribe&SubscriptionArn="
        + topic.subscription,
        "MessageAttributes": {
            "station": {"Type": "String", "Value": "31000"},
            "bikes": {"Type": "Number", "Value": "7"},
            "raw": {"Type": "Binary", "Value": "AAE="},
        },
    }


def test_what_was_not_given(lab):
    topic = Topic(lab)
    topic.publish()
    (sns,) = topic.messages()
    assert sns["Subject"] is None
    assert sns["MessageAttributes"] == {}


def test_filter_policy_on_attributes(lab):
    topic = Topic(lab)
    policy = {"city": ["dc"], "bikes": [{"numeric": [">=", 5]}]}
    topic.set("FilterPolicy", json.dumps(policy))
    for city, bikes in (("dc", "7"), ("dc", "3"), ("nyc", "9")):
        number = {"DataType": "Number", "StringValue": bikes}
        topic.publish(city + bikes, MessageAttributes={"city": text(city), "bikes": number})
    topic.publish("no attributes")
    assert [each["Message"] for each in topic.messages()] == ["dc7"]


@pytest.mark.parametrize("scope_first", [True, False])
def test_filter_policy_on_the_body(lab, scope_first):
    topic = Topic(lab)
    settings = [
        ("FilterPolicyScope", "MessageBody"),
        ("FilterPolicy", json.dumps({"ride": {"city": ["dc"]}} if scope_first else {"to": ["dc"]})),
    ]
    for name, value in settings if scope_first else reversed(settings):
        topic.set(name, value)
    for message in ({"ride": {"city": "dc"}, "to": "dc"}, {"ride": {"city": "nyc"}, "to": "nyc"}):
        topic.publish(json.dumps(message))
    topic.publish("no JSON")
    (message,) = topic.messages()
    assert json.loads(message["Message"])["to"] == "dc"


def test_message_structure(lab):
    topic = Topic(lab)
    bodies = {"default": "for all", "lambda": "for functions", "sqs": "for queues"}
    topic.publish(json.dumps(bodies), MessageStructure="json")
    topic.publish(json.dumps({"default": "for all"}), MessageStructure="json")
    assert sorted(each["Message"] for each in topic.messages()) == ["for all", "for functions"]
    for message, problem in (
        ("no JSON", "JSON message body failed to parse"),
        ('{"lambda": "x"}', "No default entry in JSON message body"),
        ('["default"]', "No default entry in JSON message body"),
    ):
        with pytest.raises(ClientError, match=f"Message Structure - {problem}"):
            topic.publish(message, MessageStructure="json")
    assert len(topic.messages()) == 2


def test_publish_batch(lab):
    topic = Topic(lab)
    entries = [
        {"Id": "1", "Message": "a", "Subject": "first", "MessageAttributes": {"n": text("x")}},
        {"Id": "2", "Message": json.dumps({"default": "b"}), "MessageStructure": "json"},
    ]
    answer = topic.sns.publish_batch(TopicArn=topic.arn, PublishBatchRequestEntries=entries)
    got = {each["MessageId"]: each for each in topic.messages()}
    first, second = (got[each["MessageId"]] for each in answer["Successful"])
    assert (first["Message"], first["Subject"]) == ("a", "first")
    assert first["MessageAttributes"] == {"n": {"Type": "String", "Value": "x"}}
    assert (second["Message"], second["Subject"]) == ("b", None)


def test_subscribing_a_version_and_an_alias(lab):
    topic = Topic(lab, subscribed=False)
    lab.client.publish_version(FunctionName=topic.function)
    lab.client.create_alias(FunctionName=topic.function, Name="live", FunctionVersion="1")
    for qualifier in ("1", "live"):
        topic.allow(Qualifier=qualifier)
        topic.subscribe(f"{topic.function_arn}:{qualifier}")
    topic.publish()
    assert len(topic.messages()) == 2
    starts = [x for x in lab.log_events(f"/aws/lambda/{topic.function}") if x.startswith("START")]
    assert all("Version: 1" in line for line in starts)


def test_unsubscribed_functions_get_nothing(lab):
    topic = Topic(lab)
    topic.sns.unsubscribe(SubscriptionArn=topic.subscription)
    topic.publish()
    assert topic.messages() == []


def test_functions_that_can_not_be_subscribed(lab):
    topic = Topic(lab)
    gone = f"arn:aws:lambda:us-east-1:{ACCOUNT}:function:gone"
    assert topic.refused(gone) == f"Invalid parameter: Endpoint Reason: Function not found: {gone}"
    assert "Function not found" in topic.refused(f"{topic.function_arn}:9")
    for typo in ("gone", "arn:aws:lambda:us-east-1", f"arn:aws:sqs:us-east-1:{ACCOUNT}:queue"):
        assert topic.refused(typo) == "Invalid parameter: Lambda endpoint ARN"
    fifo = topic.sns.create_topic(Name="rides.fifo", Attributes={"FifoTopic": "true"})
    topic.arn = fifo["TopicArn"]
    assert "FIFO" in topic.refused(topic.function_arn)


def test_attributes_that_are_refused_leave_no_subscription(lab):
    topic = Topic(lab, subscribed=False)
    refused = {
        "Delivery protocol [lambda] does not support raw message delivery.": {
            "RawMessageDelivery": "true"
        },
        "FilterPolicy: failed to parse JSON.": {"FilterPolicy": "{city"},
        "RedrivePolicy: failed to parse JSON.": {"RedrivePolicy": "queue"},
        "RedrivePolicy: deadLetterTargetArn is an invalid arn": {"RedrivePolicy": "{}"},
        'FilterPolicy: "city" must be an object or an array': {"FilterPolicy": '{"city": "dc"}'},
    }
    for message, attributes in refused.items():
        assert topic.refused(topic.function_arn, **attributes) == f"Invalid parameter: {message}"
    assert "FilterPolicyScope" in topic.refused(topic.function_arn, FilterPolicyScope="Body")


def test_a_function_that_sns_may_not_invoke(lab):
    topic, queue = Topic(lab, allowed=False), Queue(lab)
    topic.set("RedrivePolicy", json.dumps({"deadLetterTargetArn": queue.arn}))
    message_id = topic.publish("räd", Subject="Docked")
    assert topic.messages() == []
    assert f"{topic.arn}: User: sns.amazonaws.com is not" in lab.cloud.problems()[-1]
    (letter,) = queue.messages()
    body = json.loads(letter["Body"])
    assert (
        body["Type"],
        body["MessageId"],
        body["TopicArn"],
        body["Subject"],
        body["Message"],
    ) == (
        "Notification",
        message_id,
        topic.arn,
        "Docked",
        "räd",
    )
    assert letter["MessageAttributes"]["ErrorCode"] == {"DataType": "Number", "StringValue": "403"}
    topic.allow()
    topic.publish()
    assert len(topic.messages()) == 1
    assert queue.messages() == []


def test_a_function_that_is_gone(lab):
    topic, queue = Topic(lab), Queue(lab)
    topic.set("RedrivePolicy", json.dumps({"deadLetterTargetArn": queue.arn}))
    lab.client.delete_function(FunctionName=topic.function)
    topic.publish()
    (letter,) = queue.messages()
    assert "Function not found" in letter["MessageAttributes"]["ErrorMessage"]["StringValue"]
    assert letter["MessageAttributes"]["ErrorCode"]["StringValue"] == "404"


def test_one_bad_subscriber_keeps_nothing_from_the_others(lab):
    topic, gone, queue = Topic(lab, subscribed=False), Queue(lab), Queue(lab)
    topic.subscribe(gone.arn, "sqs")
    topic.subscribe(topic.function_arn)
    topic.subscribe(queue.arn, "sqs")
    gone.sqs.delete_queue(QueueUrl=gone.url)
    topic.publish()
    assert len(topic.messages()) == 1
    assert len(queue.messages()) == 1
    assert gone.arn in lab.cloud.problems()[-1]


def test_publishing_what_sns_refuses(lab):
    topic = Topic(lab)
    for arn, code in (
        (f"arn:aws:sns:us-east-1:{ACCOUNT}:gone", "NotFound"),
        ("typo", "InvalidParameter"),
        (f"arn:aws:sqs:us-east-1:{ACCOUNT}:queue", "InvalidParameter"),
    ):
        with pytest.raises(ClientError) as caught:
            topic.sns.publish(TopicArn=arn, Message="x")
        assert caught.value.response["Error"]["Code"] == code
    with pytest.raises(ClientError, match="Invalid parameter: Empty message"):
        topic.publish("")
    with pytest.raises(ClientError, match="InvalidParameter"):
        topic.publish(Subject="x" * 101)
    assert topic.messages() == []


def test_publish_returns_before_the_handler_does(lab):
    source = (
        "import boto3, os, time\n"
        "def handler(event, context):\n"
        "    sqs = boto3.client('sqs')\n"
        "    while 'Messages' not in sqs.receive_message(QueueUrl=os.environ['GO']): pass\n"
        '    print(\'EVENT\', \'{"Records": [{"Sns": "seen"}]}\')'
    )
    queue = Queue(lab)
    topic = Topic(lab, source, Environment={"Variables": {"GO": queue.url}}, Timeout=20)
    topic.publish()
    queue.sqs.send_message(QueueUrl=queue.url, MessageBody="go")  # the handler waits for it
    assert topic.messages() == ["seen"]


def test_a_failing_function_is_tried_three_times(lab):
    topic = Topic(lab, "def handler(event, context): raise KeyError('station')")
    topic.publish()
    lab.cloud.idle()
    ran = lab.cloud.invocations(topic.function)
    assert len(ran) == 3
    assert len({each.request_id for each in ran}) == 1


def test_a_loop_stops_after_16_rounds(lab):
    topic = Topic(
        lab,
        "import boto3\n"
        "sns = boto3.client('sns')\n"
        "def handler(event, context):\n"
        "    topic = event['Records'][0]['Sns']['TopicArn']\n"
        "    sns.publish(TopicArn=topic, Message='again')",
    )
    topic.publish()
    lab.cloud.idle()
    assert len(lab.cloud.invocations(topic.function)) == 16
    log = "".join(lab.log_events(f"/aws/lambda/{topic.function}"))
    assert "Recursive loop stopped" in log
