"""EventBridge: what rules match, and who gets it."""

from __future__ import annotations

import json
import time

import pytest
from aws_lambda_powertools.utilities.parser.models import EventBridgeModel
from eventbus import ECHO, FIELDS, Bus, allow, arn_of, numbers


@pytest.fixture(scope="module")
def bus(lab):
    return Bus(lab)


def test_a_function_gets_the_event_as_aws_sends_it(bus):
    rule, rule_arn = bus.rule({"source": ["rides"], "detail-type": ["ride ended"]})
    function, arn = bus.function(rule_arn)
    bus.target(rule, arn)
    before = int(time.time())
    event_id = bus.put(
        "rides",
        {"station": "Münsterplatz", "minutes": 17},
        DetailType="ride ended",
        Resources=["arn:aws:s3:::rides"],
    )
    bus.put("others", DetailType="ride ended")
    (event,) = bus.received(function)
    assert set(event) == FIELDS
    assert event["version"] == "0"
    assert event["id"] == event_id
    assert event["detail-type"] == "ride ended"
    assert event["source"] == "rides"
    assert event["account"] == "123456789012"
    assert event["region"] == "us-east-1"
    assert event["resources"] == ["arn:aws:s3:::rides"]
    assert event["detail"] == {"station": "Münsterplatz", "minutes": 17}
    assert event["time"].endswith("Z") and "." not in event["time"]
    model = EventBridgeModel.model_validate(event)
    assert before <= model.time.timestamp() <= time.time()


def test_the_time_that_the_caller_gave(bus):
    rule, _ = bus.rule()
    url, arn = bus.queue()
    bus.target(rule, arn)
    bus.put(rule, Time=1_793_588_645)
    (body,) = bus.bodies(url)
    assert json.loads(body)["time"] == "2026-11-02T03:04:05Z"


def test_put_events_returns_before_the_handler_ends(bus):
    rule, rule_arn = bus.rule()
    source = "import time\ndef handler(event, context):\n    time.sleep(0.3)\n"
    function, arn = bus.function(rule_arn, source)
    bus.target(rule, arn)
    bus.put(rule)
    assert bus.lab.cloud.invocations(function) == []
    bus.lab.cloud.idle()
    assert [each.status for each in bus.lab.cloud.invocations(function)] == ["success"]


def test_every_rule_and_every_target_gets_it_once(bus):
    pattern = {"source": ["everyone"]}
    rules = [bus.rule(pattern) for _ in range(2)]
    function, arn = bus.function(rules[0][1])
    allow(bus.lab, function, rules[1][1])
    for name, _ in rules:
        bus.target(name, arn)
    bus.target(rules[0][0], arn)
    event_id = bus.put("everyone")
    assert [event["id"] for event in bus.received(function)] == [event_id] * 3


@pytest.mark.parametrize(
    ("pattern", "matching", "other"),
    [
        ({"detail": {"state": ["free", "full"]}}, {"state": "full"}, {"state": "broken"}),
        ({"detail": {"bikes": [{"numeric": ["<", 3]}]}}, {"bikes": 2}, {"bikes": 3}),
        ({"detail": {"key": [{"prefix": "raw/"}]}}, {"key": "raw/a"}, {"key": "out/a"}),
        ({"detail": {"key": [{"suffix": ".csv"}]}}, {"key": "a.csv"}, {"key": "a.txt"}),
        ({"detail": {"state": [{"anything-but": ["free"]}]}}, {"state": "full"}, {"state": "free"}),
        ({"detail": {"rider": [{"exists": True}]}}, {"rider": "ada"}, {"bike": 1}),
        ({"detail": {"a": {"b": [True]}}}, {"a": {"b": True}}, {"a": {"b": False}}),
        ({"detail": {"$or": [{"a": [1]}, {"b": [2]}]}}, {"b": 2}, {"a": 2, "b": 1}),
    ],
)
def test_event_patterns(bus, pattern, matching, other):
    source = f"source-{next(numbers)}"
    rule, _ = bus.rule({"source": [source], **pattern})
    url, arn = bus.queue()
    bus.target(rule, arn)
    bus.put(source, other)
    bus.put(source, matching)
    assert [json.loads(body)["detail"] for body in bus.bodies(url)] == [matching]


def test_a_disabled_rule_does_nothing_until_it_is_enabled(bus):
    rule, rule_arn = bus.rule(State="DISABLED")
    function, arn = bus.function(rule_arn)
    bus.target(rule, arn)
    bus.put(rule)
    assert bus.lab.cloud.invocations(function) == []
    bus.client.enable_rule(Name=rule)
    wanted = bus.put(rule)
    bus.client.disable_rule(Name=rule)
    bus.put(rule)
    assert [event["id"] for event in bus.received(function)] == [wanted]


def test_removed_targets_and_deleted_rules_get_nothing(bus):
    rule, _ = bus.rule()
    url, arn = bus.queue()
    bus.client.put_targets(Rule=rule, Targets=[{"Id": "only", "Arn": arn}])
    bus.client.remove_targets(Rule=rule, Ids=["only"])
    bus.put(rule)
    bus.client.delete_rule(Name=rule)
    bus.put(rule)
    assert bus.bodies(url) == []


def test_an_alias_and_its_own_permission(bus):
    rule, rule_arn = bus.rule()
    function = bus.lab.create(ECHO)
    version = bus.lab.client.publish_version(FunctionName=function)["Version"]
    bus.lab.client.create_alias(FunctionName=function, Name="live", FunctionVersion=version)
    bus.target(rule, f"{arn_of(function)}:live")
    allow(bus.lab, function, rule_arn)  # for the function without qualifier
    bus.put(rule)
    bus.lab.cloud.idle()
    assert bus.lab.cloud.invocations(function) == []
    allow(bus.lab, function, rule_arn, Qualifier="live")
    wanted = bus.put(rule)
    assert [event["id"] for event in bus.received(function)] == [wanted]


def test_without_permission_the_event_goes_to_the_dead_letter_queue(bus):
    rule, rule_arn = bus.rule()
    function = bus.lab.create(ECHO)
    allow(bus.lab, function, "arn:aws:events:us-east-1:123456789012:rule/another")
    url, queue_arn = bus.queue()
    bus.target(rule, arn_of(function), DeadLetterConfig={"Arn": queue_arn})
    event_id = bus.put(rule, {"bikes": 3})
    bus.lab.cloud.idle()
    assert bus.lab.cloud.invocations(function) == []
    assert "is not authorized to perform: lambda:InvokeFunction" in bus.lab.cloud.problems()[-1]
    (message,) = bus.messages(url)
    body = json.loads(message["Body"])
    assert (body["id"], body["detail"]) == (event_id, {"bikes": 3})
    found = {k: v["StringValue"] for k, v in message["MessageAttributes"].items()}
    assert found.pop("ERROR_MESSAGE").startswith("User: events.amazonaws.com is not authorized")
    assert found == {
        "RULE_ARN": rule_arn,
        "TARGET_ARN": arn_of(function),
        "ERROR_CODE": "NO_PERMISSIONS",
        "RETRY_ATTEMPTS": "0",
    }


@pytest.mark.parametrize(
    "target",
    [
        "arn:aws:lambda:us-east-1:123456789012:function:gone",
        "arn:aws:sqs:us-east-1:123456789012:gone",
        "arn:aws:sns:us-east-1:123456789012:gone",
        "arn:aws:kinesis:us-east-1:123456789012:stream/gone",
        "arn:aws:logs:us-east-1:123456789012:log-group:/aws/events/gone",
        "arn:aws:events:us-east-1:123456789012:event-bus/gone",
    ],
)
def test_a_target_that_is_gone(bus, target):
    rule, _ = bus.rule()
    url, queue_arn = bus.queue()
    bus.target(rule, target, DeadLetterConfig={"Arn": queue_arn}, RoleArn="arn:aws:iam::1:role/r")
    before = len(bus.lab.cloud.problems())
    bus.put(rule)
    assert len(bus.lab.cloud.problems()) == before + 1
    (message,) = bus.messages(url)
    assert message["MessageAttributes"]["ERROR_CODE"]["StringValue"] == "NO_RESOURCE"


def test_targets_that_the_local_cloud_does_not_have_are_noted(bus):
    rule, _ = bus.rule()
    bus.target(rule, "arn:aws:batch:us-east-1:123456789012:job-queue/nightly")
    bus.target(rule, "arn:aws:nonsense")
    bus.put(rule)
    last = bus.lab.cloud.problems()[-2:]
    assert "job-queue/nightly" in last[0]
    assert "arn:aws:nonsense" in last[1]


def test_a_fifo_queue_gets_its_group(bus):
    rule, _ = bus.rule()
    url, arn = bus.queue(
        f"rides-{next(numbers)}.fifo", FifoQueue="true", ContentBasedDeduplication="true"
    )
    bus.target(rule, arn, SqsParameters={"MessageGroupId": "bikes"})
    bus.put(rule)
    (message,) = bus.messages(url)
    assert message["Attributes"]["MessageGroupId"] == "bikes"
    assert json.loads(message["Body"])["source"] == rule


def test_a_fifo_queue_without_deduplication_gets_nothing(bus):
    rule, _ = bus.rule()
    url, arn = bus.queue(f"rides-{next(numbers)}.fifo", FifoQueue="true")
    bus.target(rule, arn, SqsParameters={"MessageGroupId": "bikes"})
    bus.put(rule)
    assert bus.bodies(url) == []
    assert "ContentBasedDeduplication" in bus.lab.cloud.problems()[-1]


def test_a_topic_a_stream_and_a_log_group(bus):
    rule, _ = bus.rule()
    sns, kinesis = bus.lab.cloud.client("sns"), bus.lab.cloud.client("kinesis")
    url, queue_arn = bus.queue()
    topic = sns.create_topic(Name=rule)["TopicArn"]
    sns.subscribe(
        TopicArn=topic,
        Protocol="sqs",
        Endpoint=queue_arn,
        Attributes={"RawMessageDelivery": "true"},
    )
    kinesis.create_stream(StreamName=rule, ShardCount=1)
    stream = f"arn:aws:kinesis:us-east-1:123456789012:stream/{rule}"
    group = f"/aws/events/{rule}"
    bus.lab.logs.create_log_group(logGroupName=group)
    bus.target(rule, topic)
    path = {"PartitionKeyPath": "$.detail.bike"}
    bus.target(rule, stream, KinesisParameters=path, RoleArn="arn:aws:iam::1:role/r")
    bus.target(rule, f"arn:aws:logs:us-east-1:123456789012:log-group:{group}:*")
    event_id = bus.put(rule, {"bike": "W20"})
    shard = kinesis.get_shard_iterator(
        StreamName=rule, ShardId="shardId-000000000000", ShardIteratorType="TRIM_HORIZON"
    )["ShardIterator"]
    (record,) = kinesis.get_records(ShardIterator=shard)["Records"]
    assert record["PartitionKey"] == "W20"
    texts = [bus.bodies(url)[0], record["Data"], bus.lab.log_events(group)[0]]
    assert [json.loads(text)["id"] for text in texts] == [event_id] * 3


def test_another_bus_gets_the_same_event_but_no_third(bus):
    for name in ("second", "third"):
        bus.client.create_event_bus(Name=name)
    buses = "arn:aws:events:us-east-1:123456789012:event-bus/"
    role = "arn:aws:iam::123456789012:role/lambda-role"
    first, _ = bus.rule({"source": ["hops"]})
    second, rule_arn = bus.rule({"source": ["hops"]}, EventBusName="second")
    third, _ = bus.rule({"source": ["hops"]}, EventBusName="third")
    function, arn = bus.function(rule_arn)
    url, queue_arn = bus.queue()
    bus.target(first, buses + "second", RoleArn=role)
    bus.target(second, arn, EventBusName="second")
    bus.target(second, buses + "third", EventBusName="second", RoleArn=role)
    bus.target(second, buses + "default", EventBusName="second", RoleArn=role)
    bus.target(third, queue_arn, EventBusName="third")
    event_id = bus.put("hops", Resources=["arn:aws:s3:::rides"], Time=1_793_588_645)
    (event,) = bus.received(function)
    assert event["id"] == event_id
    assert event["time"] == "2026-11-02T03:04:05Z"
    assert event["resources"] == ["arn:aws:s3:::rides"]
    assert bus.bodies(url) == []
    assert "third event bus" in bus.lab.cloud.problems()[-1]


def test_archive_and_replay(bus):
    bus.client.create_event_bus(Name="archived")
    bus_arn = "arn:aws:events:us-east-1:123456789012:event-bus/archived"
    archive = bus.client.create_archive(ArchiveName="rides", EventSourceArn=bus_arn)["ArchiveArn"]
    rule, _ = bus.rule({"source": ["rides"]}, EventBusName="archived")
    other, other_arn = bus.rule({"source": ["rides"]}, EventBusName="archived")
    urls = {}
    for name in (rule, other):
        urls[name], queue_arn = bus.queue()
        bus.target(name, queue_arn, EventBusName="archived")
    bus.put("rides", {"n": 1}, EventBusName="archived")
    assert [len(bus.bodies(url)) for url in urls.values()] == [1, 1]
    assert bus.client.describe_archive(ArchiveName="rides")["EventCount"] == 1
    bus.client.start_replay(
        ReplayName="again",
        EventSourceArn=archive,
        EventStartTime=time.time() - 60,
        EventEndTime=time.time() + 60,
        Destination={"Arn": bus_arn, "FilterArns": [other_arn]},
    )
    (body,) = bus.bodies(urls[other])
    event = json.loads(body)
    assert event["replay-name"] == "again"
    assert event["detail"] == {"n": 1}
    assert set(event) == FIELDS | {"replay-name"}
    assert bus.bodies(urls[rule]) == []
    assert bus.client.describe_archive(ArchiveName="rides")["EventCount"] == 1
    bus.client.start_replay(
        ReplayName="long-ago",
        EventSourceArn=archive,
        EventStartTime=time.time() - 7200,
        EventEndTime=time.time() - 3600,
        Destination={"Arn": bus_arn},
    )
    assert bus.bodies(urls[other]) == []


def test_the_retry_policy_is_kept(bus):
    rule, _ = bus.rule()
    policy = {"MaximumRetryAttempts": 4, "MaximumEventAgeInSeconds": 400}
    bus.target(rule, arn_of("any"), RetryPolicy=policy)
    (target,) = bus.client.list_targets_by_rule(Rule=rule)["Targets"]
    assert target["RetryPolicy"] == policy


@pytest.mark.parametrize("result", ["Success", "Failure"])
def test_a_destination_on_a_bus_reaches_its_rules(bus, result):
    pattern = {
        "source": ["lambda"],
        "detail-type": [f"Lambda Function Invocation Result - {result}"],
    }
    rule, rule_arn = bus.rule(pattern)
    listener, listener_arn = bus.function(rule_arn)
    bus.target(rule, listener_arn)
    body = "return 'done'" if result == "Success" else "raise ValueError('no')"
    name = bus.lab.create(f"def handler(event, context): {body}")
    ends = {
        f"On{result}": {"Destination": "arn:aws:events:us-east-1:123456789012:event-bus/default"}
    }
    bus.lab.client.put_function_event_invoke_config(
        FunctionName=name, DestinationConfig=ends, MaximumRetryAttempts=0
    )
    bus.lab.invoke(name, {"ride": 1}, InvocationType="Event")
    (event,) = bus.received(listener)
    assert event["source"] == "lambda"
    assert event["detail"]["requestPayload"] == {"ride": 1}
    assert event["detail"]["requestContext"]["condition"] == (
        "Success" if result == "Success" else "RetriesExhausted"
    )
    assert event["resources"][0] == f"{arn_of(name)}:$LATEST"
    bus.client.disable_rule(Name=rule)


def test_a_function_that_feeds_its_own_rule_is_stopped(bus):
    rule, rule_arn = bus.rule()
    source = f"""
import boto3

def handler(event, context):
    entry = {{"Source": "{rule}", "DetailType": "again", "Detail": "{{}}"}}
    boto3.client("events").put_events(Entries=[entry])
"""
    function, arn = bus.function(rule_arn, source, Timeout=30, MemorySize=512)
    bus.target(rule, arn)
    bus.put(rule)
    bus.lab.cloud.idle()
    assert len(bus.lab.cloud.invocations(function)) == 16


def test_a_new_bucket_makes_no_event(bus):
    pattern = {"source": ["aws.s3"], "detail": {"eventName": ["CreateBucket"]}}
    rule, rule_arn = bus.rule(pattern)
    function, arn = bus.function(rule_arn)
    bus.target(rule, arn)
    bus.lab.cloud.client("s3").create_bucket(Bucket="new-bucket")
    bus.lab.cloud.idle()
    assert bus.lab.cloud.invocations(function) == []
