"""Chains through several services: every event comes once, and nothing goes round for ever.

Each chain is wired with the calls and the permissions that AWS wants. What a function gets it
prints; the test reads that from its log.
"""

from __future__ import annotations

import base64
import itertools
import json
import urllib.request
from datetime import timedelta

import pytest
from queues import PRINTS, Queue, connect, events
from streams_support import Stream, Table

ACCOUNT = "123456789012"
ROLE = f"arn:aws:iam::{ACCOUNT}:role/lambda-role"
FAILS = "def handler(event, context): raise ValueError('no')"
ROUNDS = 16
_numbers = itertools.count(1)


class Chain:
    """What every chain is made of."""

    def __init__(self, lab):
        self.lab, self.clients = lab, {}

    def client(self, service):
        """Making one takes longer than most calls."""
        if service not in self.clients:
            self.clients[service] = self.lab.cloud.client(service)
        return self.clients[service]

    def reader(self, source=None, principal=None, source_arn=None, **spec):
        """A function that prints its events, which a service may invoke: its name, its ARN."""
        name = self.lab.create(source or PRINTS, **spec)
        if principal:
            self.permit(name, principal, source_arn)
        return name, f"arn:aws:lambda:us-east-1:{ACCOUNT}:function:{name}"

    def permit(self, name, principal, source_arn):
        self.lab.client.add_permission(
            FunctionName=name,
            StatementId=f"chain-{next(_numbers)}",
            Action="lambda:InvokeFunction",
            Principal=principal,
            SourceArn=source_arn,
        )

    def queue(self, principal, source_arn):
        """A queue whose policy lets a service send to it."""
        queue = Queue(self.lab)
        queue.set(Policy=policy("sqs:SendMessage", queue.arn, principal, source_arn))
        return queue

    def topic(self, principal=None, source_arn=None):
        """A topic, which a service may publish to."""
        sns = self.client("sns")
        arn = sns.create_topic(Name=f"chain-{next(_numbers)}")["TopicArn"]
        if principal:
            text = policy("sns:Publish", arn, principal, source_arn)
            sns.set_topic_attributes(TopicArn=arn, AttributeName="Policy", AttributeValue=text)
        return arn

    def subscribed(self, topic):
        """A function that is subscribed to a topic; its name."""
        name, arn = self.reader(principal="sns.amazonaws.com", source_arn=topic)
        self.client("sns").subscribe(TopicArn=topic, Protocol="lambda", Endpoint=arn)
        return name

    def bucket(self):
        """A bucket's name and ARN."""
        name = f"chain-{next(_numbers)}"
        self.client("s3").create_bucket(Bucket=name)
        return name, f"arn:aws:s3:::{name}"

    def notify(self, bucket, **config):
        self.client("s3").put_bucket_notification_configuration(
            Bucket=bucket, NotificationConfiguration=config
        )

    def put(self, bucket, *keys):
        for key in keys:
            self.client("s3").put_object(Bucket=bucket, Key=key, Body=b"ride")

    def rule(self, pattern):
        """A rule of the default bus: its name and its ARN."""
        name = f"chain-{next(_numbers)}"
        text = json.dumps(pattern)
        return name, self.client("events").put_rule(Name=name, EventPattern=text)["RuleArn"]

    def target(self, rule, arn):
        answer = self.client("events").put_targets(Rule=rule, Targets=[{"Id": "1", "Arn": arn}])
        assert answer["FailedEntryCount"] == 0

    def ruled(self, pattern):
        """A function that a rule invokes; its name."""
        rule, rule_arn = self.rule(pattern)
        name, arn = self.reader(principal="events.amazonaws.com", source_arn=rule_arn)
        self.target(rule, arn)
        return name

    def send(self, name, *numbers):
        """Invokes a function asynchronously, once for each number."""
        for number in numbers:
            self.lab.invoke(name, {"number": number}, InvocationType="Event")

    def ends(self, name, **ends):
        """PutFunctionEventInvokeConfig without retries."""
        config = {end: {"Destination": arn} for end, arn in ends.items()}
        self.lab.client.put_function_event_invoke_config(
            FunctionName=name, MaximumRetryAttempts=0, DestinationConfig=config
        )

    def events(self, name):
        """What a function got, when all is done."""
        self.lab.cloud.idle()
        assert self.lab.cloud.problems() == []
        return events(self.lab, name)

    def records(self, name):
        return [record for event in self.events(name) for record in event["Records"]]


def policy(action, resource, principal, source_arn):
    statement = {
        "Effect": "Allow",
        "Principal": {"Service": principal},
        "Action": action,
        "Resource": resource,
        "Condition": {"ArnLike": {"aws:SourceArn": source_arn}},
    }
    return document(statement)


def document(statement):
    return json.dumps({"Version": "2012-10-17", "Statement": [statement]})


@pytest.fixture(scope="module")
def chain(lab):
    return Chain(lab)


CREATED = ["s3:ObjectCreated:*"]


def keys(bodies):
    """The keys of the objects in S3's events, given as JSON, but for its test events."""
    events = [json.loads(body) for body in bodies]
    return sorted(r["s3"]["object"]["key"] for e in events for r in e.get("Records", []))


def test_bucket_queue_function(chain, lab):
    bucket, arn = chain.bucket()
    queue = chain.queue("s3.amazonaws.com", arn)
    name, _ = chain.reader()
    connect(lab, queue, name)
    chain.notify(bucket, QueueConfigurations=[{"QueueArn": queue.arn, "Events": CREATED}])
    chain.put(bucket, "a", "b", "c")
    bodies = [record["body"] for record in chain.records(name)]
    assert [json.loads(body).get("Event") for body in bodies].count("s3:TestEvent") == 1
    assert keys(bodies) == ["a", "b", "c"]
    assert queue.count() == 0


def test_bucket_event_bridge_function(chain):
    bucket, arn = chain.bucket()
    pattern = {"source": ["aws.s3"], "detail-type": ["Object Created"]}
    name = chain.ruled({**pattern, "detail": {"bucket": {"name": [bucket]}}})
    chain.notify(bucket, EventBridgeConfiguration={})
    chain.put(bucket, "a", "b")
    chain.client("s3").delete_object(Bucket=bucket, Key="a")  # another detail-type
    found = chain.events(name)
    assert sorted(event["detail"]["object"]["key"] for event in found) == ["a", "b"]
    assert {event["resources"][0] for event in found} == {arn}


def test_bucket_topic_function(chain):
    bucket, arn = chain.bucket()
    topic = chain.topic("s3.amazonaws.com", arn)
    name = chain.subscribed(topic)
    chain.notify(bucket, TopicConfigurations=[{"TopicArn": topic, "Events": CREATED}])
    chain.put(bucket, "a", "b")
    found = [record["Sns"] for record in chain.records(name)]
    assert {each["Subject"] for each in found} == {"Amazon S3 Notification"}
    assert keys(each["Message"] for each in found) == ["a", "b"]
    assert len(found) == 3  # and S3's test


def test_topic_queue_function(chain, lab):
    topic = chain.topic()
    queue = chain.queue("sns.amazonaws.com", topic)
    chain.client("sns").subscribe(TopicArn=topic, Protocol="sqs", Endpoint=queue.arn)
    name, _ = chain.reader()
    connect(lab, queue, name)
    for number in range(3):
        chain.client("sns").publish(TopicArn=topic, Message=str(number))
    found = [json.loads(record["body"]) for record in chain.records(name)]
    assert sorted(each["Message"] for each in found) == ["0", "1", "2"]
    assert {each["TopicArn"] for each in found} == {topic}


def test_event_bridge_queue_function(chain, lab):
    rule, arn = chain.rule({"source": ["chain.queue"]})
    queue = chain.queue("events.amazonaws.com", arn)
    chain.target(rule, queue.arn)
    name, _ = chain.reader()
    connect(lab, queue, name)
    entries = [
        {"Source": "chain.queue", "DetailType": "ride", "Detail": json.dumps({"number": number})}
        for number in range(3)
    ]
    chain.client("events").put_events(Entries=entries)
    found = [json.loads(record["body"]) for record in chain.records(name)]
    assert sorted(each["detail"]["number"] for each in found) == [0, 1, 2]


@pytest.mark.parametrize(
    ("source", "end", "condition"),
    [(PRINTS, "OnSuccess", "Success"), (FAILS, "OnFailure", "RetriesExhausted")],
)
def test_destination_event_bridge_function(chain, source, end, condition):
    first, arn = chain.reader(source)
    pattern = {"source": ["lambda"], "detail": {"requestContext": {"condition": [condition]}}}
    name = chain.ruled({**pattern, "resources": [f"{arn}:$LATEST"]})
    bus = f"arn:aws:events:us-east-1:{ACCOUNT}:event-bus/default"
    chain.ends(first, **{end: bus})
    chain.send(first, 1, 2)
    found = chain.events(name)
    assert sorted(each["detail"]["requestPayload"]["number"] for each in found) == [1, 2]


def test_destination_queue_mapping_function(chain, lab):
    first, _ = chain.reader(FAILS)
    queue, (name, _) = Queue(lab), chain.reader()
    connect(lab, queue, name)
    chain.ends(first, OnFailure=queue.arn)
    chain.send(first, 1, 2)
    found = [json.loads(record["body"]) for record in chain.records(name)]
    assert sorted(each["requestPayload"]["number"] for each in found) == [1, 2]


def test_scheduler_queue_function(chain, lab):
    queue, (name, _) = Queue(lab), chain.reader()
    connect(lab, queue, name)
    iam, role = chain.client("iam"), f"scheduler-{next(_numbers)}"
    trust = {
        "Effect": "Allow",
        "Principal": {"Service": "scheduler.amazonaws.com"},
        "Action": "sts:AssumeRole",
    }
    rights = {"Effect": "Allow", "Action": "sqs:SendMessage", "Resource": queue.arn}
    arn = iam.create_role(RoleName=role, AssumeRolePolicyDocument=document(trust))["Role"]["Arn"]
    iam.put_role_policy(RoleName=role, PolicyName="p", PolicyDocument=document(rights))
    moment = lab.cloud.now().replace(microsecond=0, tzinfo=None) + timedelta(minutes=1)
    chain.client("scheduler").create_schedule(
        Name=role,
        ScheduleExpression=f"at({moment.isoformat()})",
        FlexibleTimeWindow={"Mode": "OFF"},
        Target={"Arn": queue.arn, "RoleArn": arn, "Input": '{"round": 1}'},
    )
    lab.cloud.advance(minutes=2)
    assert [record["body"] for record in chain.records(name)] == ['{"round": 1}']


def iot_rule(chain, topic, action):
    payload = {"sql": f"SELECT bikes FROM '{topic}'", "actions": [action]}
    payload["awsIotSqlVersion"] = "2016-03-23"
    chain.client("iot").create_topic_rule(
        ruleName=f"chain_{next(_numbers)}", topicRulePayload=payload
    )


def test_iot_topic_function(chain):
    topic = chain.topic()
    name = chain.subscribed(topic)
    iot_rule(chain, "chain/sns", {"sns": {"targetArn": topic, "roleArn": ROLE}})
    for number in range(2):
        payload = json.dumps({"bikes": number})
        chain.client("iot-data").publish(topic="chain/sns", payload=payload)
    messages = [json.loads(record["Sns"]["Message"]) for record in chain.records(name)]
    assert sorted(each["bikes"] for each in messages) == [0, 1]


def test_iot_stream_function(chain, lab):
    stream, (name, _) = Stream(lab), chain.reader()
    connect(lab, stream, name, StartingPosition="TRIM_HORIZON")
    action = {"streamName": stream.name, "partitionKey": "${topic()}", "roleArn": ROLE}
    iot_rule(chain, "chain/kinesis", {"kinesis": action})
    for number in range(3):
        payload = json.dumps({"bikes": number})
        chain.client("iot-data").publish(topic="chain/kinesis", payload=payload)
    found = [record["kinesis"] for record in chain.records(name)]
    assert [json.loads(base64.b64decode(each["data"]))["bikes"] for each in found] == [0, 1, 2]
    assert {each["partitionKey"] for each in found} == {"chain/kinesis"}


def test_alarm_topic_function(chain, lab):
    failing = lab.create(FAILS)
    topic = chain.topic("cloudwatch.amazonaws.com", f"arn:aws:cloudwatch:*:{ACCOUNT}:alarm:*")
    name = chain.subscribed(topic)
    chain.client("cloudwatch").put_metric_alarm(
        AlarmName="chain-errors",
        Namespace="AWS/Lambda",
        MetricName="Errors",
        Dimensions=[{"Name": "FunctionName", "Value": failing}],
        Statistic="Sum",
        Period=300,
        EvaluationPeriods=1,
        Threshold=0,
        ComparisonOperator="GreaterThanThreshold",
        AlarmActions=[topic],
    )
    assert chain.records(name) == []
    for _ in range(2):
        lab.invoke(failing)
    (record,) = chain.records(name)
    message = json.loads(record["Sns"]["Message"])
    assert message["NewStateValue"] == "ALARM"
    assert message["AlarmName"] == "chain-errors"
    chain.client("cloudwatch").delete_alarms(AlarmNames=["chain-errors"])


def test_table_function_event_bridge_function(chain, lab):
    sends = """
import json, boto3
events = boto3.client("events")
def handler(event, context):
    events.put_events(Entries=[
        {"Source": "chain.table", "DetailType": record["eventName"],
         "Detail": json.dumps(record["dynamodb"]["Keys"])}
        for record in event["Records"]])
"""
    name = chain.ruled({"source": ["chain.table"], "detail-type": ["INSERT"]})
    table, (middle, _) = Table(lab), chain.reader(sends, Timeout=20)
    connect(lab, table, middle, StartingPosition="TRIM_HORIZON")
    for key in "abc":
        table.put(key)
    found = chain.events(name)
    assert sorted(event["detail"]["id"]["S"] for event in found) == ["a", "b", "c"]


def test_api_function_queue_function(chain, lab):
    sends = """
import os, boto3
sqs = boto3.client("sqs")
def handler(event, context):
    sqs.send_message(QueueUrl=os.environ["QUEUE"], MessageBody=event["body"])
    return {"statusCode": 202, "body": "taken"}
"""
    queue, (name, _) = Queue(lab), chain.reader()
    connect(lab, queue, name)
    variables = {"Variables": {"QUEUE": queue.url}}
    front, arn = chain.reader(sends, Environment=variables, Timeout=20)
    api = chain.client("apigatewayv2").create_api(Name="chain", ProtocolType="HTTP", Target=arn)
    source = f"arn:aws:execute-api:us-east-1:{ACCOUNT}:{api['ApiId']}/*"
    chain.permit(front, "apigateway.amazonaws.com", source)
    for number in range(2):
        url = lab.cloud.url(api["ApiEndpoint"])
        headers = {"Content-Type": "text/plain"}
        request = urllib.request.Request(url, str(number).encode(), headers)
        with urllib.request.urlopen(request, timeout=30) as answer:
            assert (answer.status, answer.read()) == (202, b"taken")
    assert sorted(record["body"] for record in chain.records(name)) == ["0", "1"]


LOOP = {"Timeout": 20, "MemorySize": 512}


def test_a_loop_of_bucket_queue_and_function_is_stopped(chain, lab):
    again = """
import json, boto3
s3 = boto3.client("s3")
def handler(event, context):
    for record in event["Records"]:
        for each in json.loads(record["body"]).get("Records", []):
            name, key = each["s3"]["bucket"]["name"], each["s3"]["object"]["key"]
            s3.put_object(Bucket=name, Key=key + "x", Body=b"")
"""
    bucket, arn = chain.bucket()
    queue, (name, _) = chain.queue("s3.amazonaws.com", arn), chain.reader(again, **LOOP)
    chain.notify(bucket, QueueConfigurations=[{"QueueArn": queue.arn, "Events": CREATED}])
    connect(lab, queue, name)
    chain.put(bucket, "x")
    lab.cloud.idle()
    found = chain.client("s3").list_objects_v2(Bucket=bucket)
    assert found["KeyCount"] == 1 + ROUNDS
    assert queue.count() == 0


def test_a_loop_of_event_bridge_and_functions_is_stopped(chain, lab):
    puts = """
import boto3
events = boto3.client("events")
def handler(event, context):
    events.put_events(Entries=[{"Source": "%s", "DetailType": "again", "Detail": "{}"}])
"""
    rules = [chain.rule({"source": [source]}) for source in ("chain.there", "chain.back")]
    names = []
    for (rule, arn), source in zip(rules, ("chain.back", "chain.there"), strict=True):
        name, function = chain.reader(puts % source, "events.amazonaws.com", arn, **LOOP)
        chain.target(rule, function)
        names.append(name)
    entry = {"Source": "chain.there", "DetailType": "first", "Detail": "{}"}
    chain.client("events").put_events(Entries=[entry])
    lab.cloud.idle()
    assert [len(lab.cloud.invocations(name)) for name in names] == [ROUNDS, ROUNDS]


@pytest.mark.parametrize(
    ("source", "end"), [(PRINTS, "OnSuccess"), (FAILS, "OnFailure")], ids=["success", "failure"]
)
def test_a_loop_of_destinations_is_stopped(chain, lab, source, end):
    """Two functions that are each other's destination, as AWS lets them be configured.

    What is stopped goes to the failure destination too, which here leads on.
    """
    first, second = chain.reader(source), chain.reader(source)
    chain.ends(first[0], **{end: second[1]})
    chain.ends(second[0], **{end: first[1]})
    chain.send(first[0], 1)
    lab.cloud.idle()
    counts = [len(lab.cloud.invocations(name)) for name, _ in (first, second)]
    assert counts == [ROUNDS, ROUNDS]


def test_a_loop_through_a_destination_queue_is_stopped(chain, lab):
    """The record of a success goes to a queue, whose function invokes the first one again."""
    first, _ = chain.reader()
    invokes = f"""
import boto3
client = boto3.client("lambda")
def handler(event, context):
    client.invoke(FunctionName="{first}", InvocationType="Event", Payload="{{}}")
"""
    queue, (second, _) = Queue(lab), chain.reader(invokes, **LOOP)
    connect(lab, queue, second)
    chain.ends(first, OnSuccess=queue.arn)
    chain.send(first, 1)
    lab.cloud.idle()
    assert len(lab.cloud.invocations(first)) == ROUNDS
    assert len(lab.cloud.invocations(second)) == ROUNDS


def test_a_loop_through_a_stream_goes_on_until_its_mapping_ends(chain, lab):
    """Lambda stops no loops through streams; one takes a single environment of a shard."""
    puts = """
import os, boto3
kinesis = boto3.client("kinesis")
def handler(event, context):
    for record in event["Records"]:
        kinesis.put_record(StreamName=os.environ["STREAM"], Data=b"again", PartitionKey="a")
"""
    stream = Stream(lab)
    variables = {"Variables": {"STREAM": stream.name}}
    name, _ = chain.reader(puts, Environment=variables, **LOOP)
    uuid = connect(lab, stream, name, StartingPosition="TRIM_HORIZON")["UUID"]
    stream.put("once")
    while len(lab.cloud.invocations(name)) <= ROUNDS:
        with pytest.raises(TimeoutError):
            lab.cloud.idle(0.05)
    assert len({each.environment_id for each in lab.cloud.invocations(name)}) == 1
    lab.client.delete_event_source_mapping(UUID=uuid)
    lab.cloud.idle()
