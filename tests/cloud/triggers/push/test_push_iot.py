"""AWS IoT: messages, the topic rules that they trigger, and the rules' actions."""

from __future__ import annotations

import base64
import itertools
import json
import re
import time

import pytest
from botocore.exceptions import ClientError

COLLECT = "import json\ndef handler(event, context): print('EVENT ' + json.dumps(event))"
ROLE = "arn:aws:iam::123456789012:role/lambda-role"
VERSION = "2016-03-23"
_numbers = itertools.count(1)


class Iot:
    """Rules, messages and what functions got, in one line each."""

    def __init__(self, lab):
        self.lab = lab
        self.iot = lab.cloud.client("iot")
        self.data = lab.cloud.client("iot-data")

    def rule(self, sql, *actions, name=None, version=VERSION, **more):
        name = name or f"rule_{next(_numbers)}"
        payload = {"sql": sql, "actions": list(actions), **more}
        if version:
            payload["awsIotSqlVersion"] = version
        self.iot.create_topic_rule(ruleName=name, topicRulePayload=payload)
        return name

    def to_function(self, function, rule=None, **permission):
        """The action that invokes a function, which is allowed to a rule or to every one."""
        defaults = {
            "StatementId": f"iot-{next(_numbers)}",
            "Action": "lambda:InvokeFunction",
            "Principal": "iot.amazonaws.com",
            "SourceArn": f"arn:aws:iot:us-east-1:123456789012:rule/{rule or '*'}",
            "SourceAccount": "123456789012",
        }
        self.lab.client.add_permission(FunctionName=function, **{**defaults, **permission})
        return {"lambda": {"functionArn": self.arn(function)}}

    def arn(self, function):
        found = self.lab.client.get_function(FunctionName=function)
        return found["Configuration"]["FunctionArn"]

    def publish(self, topic, payload, **more):
        if not isinstance(payload, bytes):
            payload = json.dumps(payload).encode()
        self.data.publish(topic=topic, payload=payload, **more)

    def events(self, function):
        self.lab.cloud.idle()
        if not self.lab.cloud.invocations(function):
            return []
        lines = self.lab.log_events(f"/aws/lambda/{function}")
        return [json.loads(line[6:]) for line in lines if line.startswith("EVENT ")]  # any order


@pytest.fixture(scope="module")
def iot(lab):
    return Iot(lab)


@pytest.fixture
def collector(lab):
    return lab.create(COLLECT)


@pytest.fixture
def queue(lab):
    """A queue's URL and a way to read the bodies in it."""
    sqs = lab.cloud.client("sqs")
    url = sqs.create_queue(QueueName=f"iot-{next(_numbers)}")["QueueUrl"]

    def bodies():
        lab.cloud.idle()
        answer = sqs.receive_message(QueueUrl=url, MaxNumberOfMessages=10)
        return [message["Body"] for message in answer.get("Messages", [])]

    return {"sqs": {"queueUrl": url, "roleArn": ROLE}}, bodies


def test_the_event_is_the_selects_result(iot, collector):
    """AWS publishes no sample: a function gets what the SELECT makes, with nothing round it."""
    name = iot.rule(
        "SELECT *, topic() AS topic, topic(2) AS dock, timestamp() AS ts FROM 'docks/+/telemetry'",
        iot.to_function(collector, "station_docks"),
        name="station_docks",
    )
    before = int(time.time() * 1000)
    iot.publish("docks/7/telemetry", {"bikes": 3, "state": {"locked": True, "volts": 3.71}})
    iot.publish("docks/7/status", {"bikes": 4})
    iot.publish("docks/7/telemetry/raw", {"bikes": 5})
    (event,) = iot.events(collector)
    assert before <= event.pop("ts") <= int(time.time() * 1000)
    assert event == {
        "bikes": 3,
        "state": {"locked": True, "volts": 3.71},
        "topic": "docks/7/telemetry",
        "dock": "7",
    }
    iot.iot.delete_topic_rule(ruleName=name)
    iot.publish("docks/7/telemetry", {"bikes": 6})
    assert len(iot.events(collector)) == 1


def test_where_decides(iot, collector):
    iot.rule(
        "SELECT bikes AS left FROM 'where/#' WHERE bikes < 2 AND kind <> 'closed'",
        iot.to_function(collector),
    )
    iot.publish("where/1", {"bikes": 1, "kind": "open"})
    iot.publish("where/1", {"bikes": 1, "kind": "closed"})
    iot.publish("where/1", {"bikes": 2, "kind": "open"})
    iot.publish("where/1", {"kind": "open"})  # bikes is Undefined
    assert iot.events(collector) == [{"left": 1}]


def test_publish_returns_before_the_function_ends(iot, lab):
    slow = lab.create("import time\ndef handler(event, context): time.sleep(0.3)")
    iot.rule("SELECT * FROM 'order/slow'", iot.to_function(slow))
    iot.publish("order/slow", {})
    assert lab.cloud.invocations(slow) == []
    lab.cloud.idle()
    assert len(lab.cloud.invocations(slow)) == 1


def test_a_rule_that_is_disabled(iot, collector):
    name = iot.rule("SELECT * FROM 'off'", iot.to_function(collector), ruleDisabled=True)
    iot.publish("off", {"n": 1})
    assert iot.events(collector) == []
    iot.iot.enable_topic_rule(ruleName=name)
    iot.publish("off", {"n": 2})
    assert iot.events(collector) == [{"n": 2}]
    iot.iot.disable_topic_rule(ruleName=name)
    iot.publish("off", {"n": 3})
    assert iot.events(collector) == [{"n": 2}]


def test_several_rules_and_actions(iot, collector, queue):
    action, bodies = queue
    iot.rule("SELECT a FROM 'several/#'", iot.to_function(collector), action)
    iot.rule("SELECT b FROM 'several/+'", action)
    iot.publish("several/1", {"a": 1, "b": 2})
    assert iot.events(collector) == [{"a": 1}]
    assert sorted(bodies()) == ['{"a":1}', '{"b":2}']


@pytest.mark.parametrize(
    "permission",
    [
        {"SourceArn": "arn:aws:iot:us-east-1:123456789012:rule/another"},
        {"SourceAccount": "999999999999"},
        {"Principal": "s3.amazonaws.com"},
    ],
)
def test_a_function_that_the_rule_may_not_invoke(iot, lab, collector, queue, permission):
    error_action, bodies = queue
    topic = f"refused/{next(_numbers)}"
    action = iot.to_function(collector, **permission)
    name = iot.rule(f"SELECT * FROM '{topic}'", action, errorAction=error_action)
    before = len(lab.cloud.problems())
    iot.publish(topic, {"n": 1})
    assert iot.events(collector) == []
    (problem,) = lab.cloud.problems()[before:]
    assert f"rule/{name}" in problem
    assert "not authorized to perform: lambda:InvokeFunction" in problem
    (body,) = bodies()
    assert json.loads(body)["failures"][0]["failedAction"] == "LambdaAction"


def test_what_an_error_action_gets(iot, collector, queue):
    """One message for a rule and a message, whatever number of actions failed."""
    action, bodies = queue
    s3 = {"s3": {"bucketName": "no-such-bucket", "key": "${topic()}", "roleArn": ROLE}}
    gone = {"sqs": {"queueUrl": "http://localhost/123456789012/gone", "roleArn": ROLE}}
    ok = iot.to_function(collector)
    name = iot.rule("SELECT n FROM 'errors/+'", s3, ok, gone, errorAction=action)
    payload = b'{\n  "n": 1, "m": 2\n}'
    iot.publish("errors/7", payload)
    (body,) = bodies()
    error = json.loads(body)
    assert re.fullmatch(r"[0-9a-f-]{36}", error.pop("cloudwatchTraceId"))
    failures = error.pop("failures")
    assert error == {
        "ruleName": name,
        "topic": "errors/7",
        "clientId": "n/a",
        "base64OriginalPayload": base64.b64encode(payload).decode(),
    }
    assert [each["failedAction"] for each in failures] == ["S3Action", "SqsAction"]
    assert failures[0]["failedResource"] == "no-such-bucket"
    assert "The specified bucket does not exist" in failures[0]["errorMessage"]
    assert "Error Code: NoSuchBucket" in failures[0]["errorMessage"]
    assert "Message arrived on: errors/7, Action: s3" in failures[0]["errorMessage"]
    assert all(set(f) == {"failedAction", "failedResource", "errorMessage"} for f in failures)
    assert iot.events(collector) == [{"n": 1}]  # the other action was carried out


def test_republish_with_templates(iot, collector):
    republish = {"republish": {"topic": "${topic()}/seen/${state.kind}-${n + 1}", "roleArn": ROLE}}
    iot.rule("SELECT n, timestamp() AS ts FROM 'again/+'", republish)
    iot.rule("SELECT *, topic() AS topic FROM 'again/+/seen/#'", iot.to_function(collector))
    iot.publish("again/5", {"n": 1, "state": {"kind": "full"}})
    (event,) = iot.events(collector)
    assert event["topic"] == "again/5/seen/full-2"
    assert event["n"] == 1


@pytest.mark.parametrize("actions", [1, 2])
def test_a_rule_that_republishes_to_itself_stops(iot, lab, collector, actions):
    topic = f"round/{actions}"
    republish = {"republish": {"topic": topic, "roleArn": ROLE}}
    sql = f"SELECT * FROM '{topic}'"
    name = iot.rule(sql, iot.to_function(collector), *[republish] * actions)
    before = len(lab.cloud.problems())
    iot.publish(topic, {})
    assert len(iot.events(collector)) == 16
    (problem,) = lab.cloud.problems()[before:]
    assert f"rule/{name}: a recursive loop was stopped" in problem
    iot.publish(topic, {})
    assert len(iot.events(collector)) == 32


def test_a_function_that_publishes_to_its_own_rule_stops(iot, lab):
    name = lab.create(
        "import boto3, json\n"
        "def handler(event, context):\n"
        "    boto3.client('iot-data').publish(topic='own', payload=json.dumps(event))"
    )
    iot.rule("SELECT * FROM 'own'", iot.to_function(name))
    iot.publish("own", {"n": 1})
    lab.cloud.idle(120)
    assert len(lab.cloud.invocations(name)) == 16


def test_one_function_may_publish_many_messages(iot, lab, collector):
    name = lab.create(
        "import boto3, json\n"
        "def handler(event, context):\n"
        "    for n in range(30):\n"
        "        boto3.client('iot-data').publish(topic='many', payload=json.dumps({'n': n}))"
    )
    iot.rule("SELECT * FROM 'many'", iot.to_function(collector))
    assert lab.invoke(name).error is None
    assert sorted(event["n"] for event in iot.events(collector)) == list(range(30))


def test_queue(iot, queue):
    action, bodies = queue
    in_base64 = {"sqs": {**action["sqs"], "useBase64": True}}
    iot.rule("SELECT a.b AS c FROM 'queue'", action, in_base64)
    iot.publish("queue", {"a": {"b": [1, 2.5, None, "ü"]}})
    plain, encoded = bodies()
    assert plain == '{"c":[1,2.5,null,"ü"]}'
    assert base64.b64decode(encoded).decode() == plain


def test_topic_of_sns(iot, lab, queue):
    _, bodies = queue
    sns, sqs = lab.cloud.client("sns"), lab.cloud.client("sqs")
    topic = sns.create_topic(Name="from-iot")["TopicArn"]
    url = queue[0]["sqs"]["queueUrl"]
    found = sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["QueueArn"])
    arn = found["Attributes"]["QueueArn"]
    sns.subscribe(TopicArn=topic, Protocol="sqs", Endpoint=arn)
    iot.rule("SELECT * FROM 'sns'", {"sns": {"targetArn": topic, "roleArn": ROLE}})
    iot.publish("sns", {"n": 1})
    (body,) = bodies()
    assert json.loads(body)["Message"] == '{"n":1}'


def test_bucket(iot, lab):
    s3 = lab.cloud.client("s3")
    s3.create_bucket(Bucket="telemetry")
    key = "${topic(2)}/${parse_time('yyyy', 0)}/${cast(n as String)}.json"
    iot.rule(
        "SELECT * FROM 'bucket/+'",
        {"s3": {"bucketName": "telemetry", "key": key, "roleArn": ROLE}},
    )
    iot.publish("bucket/dock7", {"n": 5})
    lab.cloud.idle()
    found = s3.get_object(Bucket="telemetry", Key="dock7/1970/5.json")
    assert found["Body"].read() == b'{"n":5}'


def table(lab, name, *keys):
    dynamodb = lab.cloud.client("dynamodb")
    dynamodb.create_table(
        TableName=name,
        AttributeDefinitions=[{"AttributeName": k, "AttributeType": t} for k, t in keys],
        KeySchema=[
            {"AttributeName": k, "KeyType": kind}
            for (k, _), kind in zip(keys, ("HASH", "RANGE"), strict=False)
        ],
        BillingMode="PAY_PER_REQUEST",
    )
    return dynamodb


def test_dynamodb_v2_takes_each_attribute(iot, lab):
    dynamodb = table(lab, "docks", ("dock", "S"))
    action = {"dynamoDBv2": {"putItem": {"tableName": "docks"}, "roleArn": ROLE}}
    iot.rule("SELECT *, topic(2) AS dock FROM 'v2/+'", action)
    iot.publish("v2/7", {"bikes": 3, "volts": 3.7, "tags": ["a", None], "on": True})
    lab.cloud.idle()
    assert dynamodb.get_item(TableName="docks", Key={"dock": {"S": "7"}})["Item"] == {
        "dock": {"S": "7"},
        "bikes": {"N": "3"},
        "volts": {"N": "3.7"},
        "tags": {"L": [{"S": "a"}, {"NULL": True}]},
        "on": {"BOOL": True},
    }


def test_dynamodb_takes_the_message_in_one_attribute(iot, lab):
    dynamodb = table(lab, "history", ("dock", "S"), ("ts", "N"))
    action = {
        "tableName": "history",
        "hashKeyField": "dock",
        "hashKeyValue": "${topic(2)}",
        "rangeKeyField": "ts",
        "rangeKeyType": "NUMBER",
        "rangeKeyValue": "${ts}",
        "payloadField": "data",
        "roleArn": ROLE,
    }
    iot.rule("SELECT bikes FROM 'v1/+'", {"dynamoDB": action})
    iot.publish("v1/7", {"bikes": 3, "ts": 1700})
    lab.cloud.idle()
    key = {"dock": {"S": "7"}, "ts": {"N": "1700"}}
    item = dynamodb.get_item(TableName="history", Key=key)["Item"]
    assert item == {**key, "data": {"M": {"bikes": {"N": "3"}}}}


def test_kinesis(iot, lab):
    kinesis = lab.cloud.client("kinesis")
    kinesis.create_stream(StreamName="telemetry", ShardCount=1)
    action = {"streamName": "telemetry", "partitionKey": "${topic(2)}", "roleArn": ROLE}
    iot.rule("SELECT * FROM 'kinesis/+'", {"kinesis": action})
    iot.publish("kinesis/7", {"n": 1})
    lab.cloud.idle()
    iterator = kinesis.get_shard_iterator(
        StreamName="telemetry", ShardId="shardId-000000000000", ShardIteratorType="TRIM_HORIZON"
    )["ShardIterator"]
    (record,) = kinesis.get_records(ShardIterator=iterator)["Records"]
    assert (record["Data"], record["PartitionKey"]) == (b'{"n":1}', "7")


def test_cloudwatch_logs(iot, lab):
    lab.logs.create_log_group(logGroupName="/iot/rides")
    action = {"cloudwatchLogs": {"logGroupName": "/iot/rides", "roleArn": ROLE}}
    iot.rule("SELECT * FROM 'logged'", action)
    iot.publish("logged", {"n": 1})
    iot.publish("logged", {"n": 2})
    lab.cloud.idle()
    assert lab.log_events("/iot/rides") == ['{"n":1}', '{"n":2}']


def test_an_action_that_the_local_cloud_does_not_have(iot, lab, collector):
    step = {"stepFunctions": {"stateMachineName": "nightly", "roleArn": ROLE}}
    iot.rule("SELECT * FROM 'step'", step, iot.to_function(collector))
    before = len(lab.cloud.problems())
    iot.publish("step", {"n": 1})
    assert iot.events(collector) == [{"n": 1}]
    (problem,) = lab.cloud.problems()[before:]
    assert "does not carry out the action stepFunctions" in problem


def test_payloads_that_are_not_json(iot, lab, collector, queue):
    action, bodies = queue
    iot.rule("SELECT * FROM 'raw'", action)
    sql = "SELECT encode(*, 'base64') AS data, topic() AS topic FROM 'raw'"
    iot.rule(sql, iot.to_function(collector))
    iot.publish("raw", b"dock 7: full")
    assert bodies() == ["dock 7: full"]
    data = base64.b64encode(b"dock 7: full").decode()
    assert iot.events(collector) == [{"data": data, "topic": "raw"}]


def test_rules_that_do_not_take_payloads_that_are_not_json(iot, lab, collector):
    """They refer to attributes, or a function would get the bytes."""
    to_function = iot.to_function(collector)
    iot.rule("SELECT * FROM 'binary' WHERE kind = 'thermostat'", to_function)
    iot.rule("SELECT *, timestamp() AS ts FROM 'binary'", to_function)
    iot.rule("SELECT * FROM 'binary'", to_function)
    before = len(lab.cloud.problems())
    iot.publish("binary", b"\xff\x00")
    assert iot.events(collector) == []
    problems = lab.cloud.problems()[before:]
    assert len(problems) == 3
    assert "a function takes JSON only" in problems[-1]
    assert all("not JSON" in problem for problem in problems[:2])


def test_json_that_is_no_object(iot, collector):
    iot.rule("SELECT * FROM 'list'", iot.to_function(collector))
    iot.rule("SELECT VALUE rides FROM 'value'", iot.to_function(collector))
    iot.publish("list", [1, 2])
    iot.publish("value", {"rides": [{"id": 1}]})
    assert sorted(iot.events(collector), key=str) == [[1, 2], [{"id": 1}]]


def test_basic_ingest(iot, collector):
    """Straight to one rule; the topic is what follows the rule's name, FROM or not."""
    sql = "SELECT *, topic() AS topic, topic(3) AS floor"
    to_function = iot.to_function(collector)
    iot.rule(f"{sql} FROM 'buildings/#' WHERE on = true", to_function, name="building_manager")
    iot.rule(sql, to_function, name="without_from")
    iot.publish("$aws/rules/building_manager/buildings/b5/floor2/room201", {"on": True})
    iot.publish("$aws/rules/building_manager/buildings/b5/floor2/room201", {"on": False})
    iot.publish("$aws/rules/without_from/a/b", {})
    iot.publish("$aws/rules/nobody/a/b", {})
    events = sorted(iot.events(collector), key=lambda event: event["topic"])
    assert events == [
        {"topic": "a/b"},
        {"on": True, "topic": "buildings/b5/floor2/room201", "floor": "floor2"},
    ]


def test_shadows(iot, lab, collector):
    iot.iot.create_thing(thingName="dock7")
    sql = "SELECT *, topic() AS topic FROM '$aws/things/+/shadow/#'"
    iot.rule(sql, iot.to_function(collector))
    desired = {"state": {"desired": {"lock": "on", "lamp": 1}}}
    iot.data.update_thing_shadow(thingName="dock7", payload=json.dumps(desired))
    update = "$aws/things/dock7/shadow/update"
    first = {event.pop("topic"): event for event in iot.events(collector)}
    assert set(first) == {f"{update}/{end}" for end in ("accepted", "delta", "documents")}
    assert first[f"{update}/accepted"]["state"] == desired["state"]
    assert first[f"{update}/accepted"]["version"] == 1
    assert first[f"{update}/delta"]["state"] == {"lock": "on", "lamp": 1}
    assert set(first[f"{update}/delta"]["metadata"]) == {"lock", "lamp"}
    assert "previous" not in first[f"{update}/documents"]
    reported = {"state": {"reported": {"lock": "on"}}}
    iot.publish(update, reported)  # as devices do
    later = [e for e in iot.events(collector) if e.get("version", 2) == 2]
    second = {e.pop("topic"): e for e in later if e.get("current", {"version": 2})["version"] == 2}
    documents = second[f"{update}/documents"]
    assert documents["previous"]["state"] == desired["state"]
    assert documents["current"]["state"] == {**desired["state"], **reported["state"]}
    assert documents["current"]["version"] == documents["previous"]["version"] + 1
    assert second[f"{update}/delta"]["state"] == {"lamp": 1}


def test_shadows_that_are_refused(iot, collector):
    iot.iot.create_thing(thingName="dock8")
    sql = "SELECT *, topic() AS topic FROM '$aws/things/dock8/shadow/+/rejected'"
    iot.rule(sql, iot.to_function(collector))
    for payload in (
        b"not json",
        b"5",
        b'{"state": {"desired": 5}}',
        b'{"state": {}, "version": 9}',
    ):
        with pytest.raises(ClientError) as caught:
            iot.data.update_thing_shadow(thingName="dock8", payload=payload)
        assert caught.value.response["ResponseMetadata"]["HTTPStatusCode"] in (400, 409)
    iot.publish("$aws/things/dock8/shadow/update", {"state": {"odd": 1}})
    (event,) = iot.events(collector)
    assert event["code"] == 400
    assert event["topic"] == "$aws/things/dock8/shadow/update/rejected"


@pytest.mark.parametrize("topic", ["a/topics/b", "a b/ü", "a/%41/b", "/lead", "tail/"])
def test_odd_topics(iot, collector, topic):
    iot.rule("SELECT topic() AS topic FROM '#'", iot.to_function(collector), name="odd")
    try:
        iot.publish(topic, {})
        assert iot.events(collector) == [{"topic": topic}]
    finally:
        iot.iot.delete_topic_rule(ruleName="odd")


@pytest.mark.parametrize(
    "topic",
    ["a/+/b", "a/#", "x" * 257, "/".join("123456789"), "$aws/events/presence", "$SYS/broker"],
)
def test_topics_that_can_not_be_published_to(iot, topic):
    with pytest.raises(ClientError, match="InvalidRequestException"):
        iot.publish(topic, {})


def test_a_payload_that_is_too_large(iot):
    with pytest.raises(ClientError, match="RequestEntityTooLargeException"):
        iot.publish("large", b"x" * (128 * 1024 + 1))


@pytest.mark.parametrize(
    ("sql", "where"),
    [
        ("SELEC * FROM 'a'", 'expected SELECT, but found "SELEC.*line 1, column 1'),
        ("SELECT * FROM docks", "a topic filter in single quotes.*column 15"),
        ("SELECT * FORM 'a'", "FORM"),
        ("SELECT * FROM 'a' WHERE", "expected an expression, but found the end"),
        ("SELECT *\nFROM 'a'\nWHERE n >> 5", "line 3, column 10"),
        ("SELECT nosuch(n) FROM 'a'", "unknown function nosuch"),
        ("SELECT * FROM 'a/#/b'", "wildcard #"),
        ("SELECT * FROM 'a' WHERE n LIKE 'x%'", "LIKE"),
        ("", "SELECT"),
    ],
)
def test_sql_that_does_not_parse(iot, sql, where):
    actions = [{"sqs": {"queueUrl": "http://localhost/q", "roleArn": ROLE}}]
    with pytest.raises(ClientError) as caught:
        iot.rule(sql, *actions, name="broken")
    error = caught.value.response
    assert error["Error"]["Code"] == "SqlParseException"
    assert error["ResponseMetadata"]["HTTPStatusCode"] == 400
    assert re.search(where, error["Error"]["Message"], re.DOTALL)
    names = [rule["ruleName"] for rule in iot.iot.list_topic_rules()["rules"]]
    assert "broken" not in names


def test_rules_that_can_not_be_made(iot, queue):
    action, _ = queue
    iot.rule("SELECT * FROM 'twice'", action, name="twice")
    with pytest.raises(ClientError, match="ResourceAlreadyExistsException"):
        iot.rule("SELECT * FROM 'twice'", action, name="twice")
    with pytest.raises(ClientError, match="'ruleName' failed to satisfy constraint"):
        iot.rule("SELECT * FROM 'a'", action, name="with-dash")
    with pytest.raises(ClientError, match="InvalidRequestException"):
        iot.rule("SELECT * FROM 'a'", action, name="x" * 129)
    with pytest.raises(ClientError, match="InvalidRequestException"):
        iot.rule("SELECT * FROM 'a'", action, version="2020-01-01")
    with pytest.raises(ClientError, match="at most 10 actions"):
        iot.rule("SELECT * FROM 'a'", *[action] * 11)
    two = {**action, "sns": {"targetArn": "arn:aws:sns:us-east-1:1:t", "roleArn": ROLE}}
    with pytest.raises(ClientError, match="exactly one kind"):
        iot.rule("SELECT * FROM 'a'", two)
    bad = {"republish": {"topic": "${topic(}", "roleArn": ROLE}}
    with pytest.raises(ClientError, match="SqlParseException"):
        iot.rule("SELECT * FROM 'a'", bad)
    with pytest.raises(ClientError, match="SqlParseException"):
        iot.rule("SELECT * FROM 'a'", action, errorAction=bad)


def test_replacing_a_rule(iot, collector):
    to_function = iot.to_function(collector)
    name = iot.rule("SELECT a FROM 'replace'", to_function)
    payload = {"sql": "SELECT b FROM 'replace'", "actions": [to_function]}
    iot.iot.replace_topic_rule(ruleName=name, topicRulePayload=payload)
    iot.publish("replace", {"a": 1, "b": 2})
    assert iot.events(collector) == [{"b": 2}]
    with pytest.raises(ClientError, match="SqlParseException"):
        iot.iot.replace_topic_rule(ruleName=name, topicRulePayload={**payload, "sql": "SELECT"})
    found = iot.iot.get_topic_rule(ruleName=name)["rule"]
    assert found["sql"] == payload["sql"]  # the old rule is still there
    assert found["awsIotSqlVersion"] == "2015-10-08"  # where none is given
    for call in (iot.iot.get_topic_rule, iot.iot.replace_topic_rule):
        more = {"topicRulePayload": payload} if call == iot.iot.replace_topic_rule else {}
        with pytest.raises(ClientError, match="Access to topic rule 'nobody' was denied"):
            call(ruleName="nobody", **more)
