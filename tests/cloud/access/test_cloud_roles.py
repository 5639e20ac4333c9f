"""Execution roles, where they are enforced: what a function may call, and AWS's words if not."""

from __future__ import annotations

import itertools
import json

import pytest
import queues
import streams_support
from botocore.exceptions import ClientError
from support import metric_sum

from workshop.cloud.access import Asked, Call, Decision, decide, describe

_numbers = itertools.count(1)
TRUST = {
    "Version": "2012-10-17",
    "Statement": [
        {
            "Effect": "Allow",
            "Principal": {"Service": "lambda.amazonaws.com"},
            "Action": "sts:AssumeRole",
        }
    ],
}
BASIC = "arn:aws:iam::aws:policy/service-role/AWSLambdaBasicExecutionRole"
# Makes one boto3 call and answers the error's code and message, or "done".
CALLS = """
import boto3
from botocore.exceptions import ClientError
def handler(event, context):
    try:
        getattr(boto3.client(event["service"]), event["method"])(**event["arguments"])
    except ClientError as error:
        return [error.response["Error"]["Code"], error.response["Error"]["Message"]]
    return "done"
"""


@pytest.fixture(autouse=True)
def enforced(lab):
    lab.cloud.enforce_roles = True
    yield
    lab.cloud.enforce_roles = False


def role(lab, *statements, attached=(BASIC,)):
    """A role with one inline policy; returns its ARN."""
    iam, name = lab.cloud.client("iam"), f"role-{next(_numbers)}"
    arn = iam.create_role(RoleName=name, AssumeRolePolicyDocument=json.dumps(TRUST))["Role"]["Arn"]
    if statements:
        document = json.dumps({"Version": "2012-10-17", "Statement": list(statements)})
        iam.put_role_policy(RoleName=name, PolicyName="inline", PolicyDocument=document)
    for each in attached:
        iam.attach_role_policy(RoleName=name, PolicyArn=each)
    return arn


def allow(action, resource="*", effect="Allow"):
    return {"Effect": effect, "Action": action, "Resource": resource}


def call(lab, name, service, method, **arguments):
    answer = lab.invoke(name, {"service": service, "method": method, "arguments": arguments})
    assert answer.error is None, answer.value
    return answer.value


@pytest.fixture(scope="module")
def table(lab):
    dynamodb = lab.cloud.client("dynamodb")
    dynamodb.create_table(
        TableName="rides",
        KeySchema=[{"AttributeName": "id", "KeyType": "HASH"}],
        AttributeDefinitions=[{"AttributeName": "id", "AttributeType": "S"}],
        BillingMode="PAY_PER_REQUEST",
    )
    return "arn:aws:dynamodb:us-east-1:123456789012:table/rides"


def test_what_the_role_allows_is_done_and_the_rest_refused(lab, table):
    name = lab.create(CALLS, Role=role(lab, allow("dynamodb:PutItem", table)))
    item = {"id": {"S": "1"}}
    assert call(lab, name, "dynamodb", "put_item", TableName="rides", Item=item) == "done"
    code, message = call(lab, name, "dynamodb", "get_item", TableName="rides", Key=item)
    assert code == "AccessDeniedException"
    assert message.startswith("User: arn:aws:sts::123456789012:assumed-role/role-")
    assert message.endswith(
        f"/{name} is not authorized to perform: dynamodb:GetItem on resource: {table} because no "
        "identity-based policy allows the dynamodb:GetItem action"
    )


def test_an_explicit_deny_wins(lab, table):
    statements = allow("dynamodb:*"), allow("dynamodb:DeleteItem", table, "Deny")
    name = lab.create(CALLS, Role=role(lab, *statements))
    key = {"id": {"S": "1"}}
    code, message = call(lab, name, "dynamodb", "delete_item", TableName="rides", Key=key)
    assert code == "AccessDeniedException"
    assert message.endswith("with an explicit deny in an identity-based policy")


@pytest.mark.parametrize(
    ("service", "method", "arguments", "code"),
    [
        ("s3", "get_object", {"Bucket": "any", "Key": "k"}, "AccessDenied"),
        ("s3", "put_object", {"Bucket": "any", "Key": "k", "Body": "b"}, "AccessDenied"),
        ("sqs", "send_message", {"QueueUrl": "http://x/1/q", "MessageBody": "m"}, "AccessDenied"),
        (
            "sns",
            "publish",
            {"TopicArn": "arn:aws:sns:us-east-1:123456789012:t", "Message": "m"},
            "AuthorizationError",
        ),
        ("ssm", "get_parameter", {"Name": "/key"}, "AccessDeniedException"),
        ("lambda", "invoke", {"FunctionName": "other"}, "AccessDeniedException"),
        ("kinesis", "put_record", {"StreamName": "s", "Data": "d", "PartitionKey": "p"}, None),
    ],
)
def test_every_service_answers_in_its_own_way(lab, service, method, arguments, code):
    name = lab.create(CALLS, Role=role(lab))
    found, message = call(lab, name, service, method, **arguments)
    assert found == (code or "AccessDeniedException")
    assert "is not authorized to perform" in message


def test_objects_below_a_prefix(lab):
    lab.cloud.client("s3").create_bucket(Bucket="reports")
    statement = allow(["s3:PutObject"], "arn:aws:s3:::reports/daily/*")
    name = lab.create(CALLS, Role=role(lab, statement))
    put = {"Bucket": "reports", "Body": "x"}
    assert call(lab, name, "s3", "put_object", Key="daily/1", **put) == "done"
    assert call(lab, name, "s3", "put_object", Key="other/1", **put)[0] == "AccessDenied"


def test_without_a_right_to_write_logs_the_function_runs_and_logs_nothing(lab):
    name = lab.create("def handler(event, context): print('hello')", Role=role(lab, attached=()))
    assert lab.invoke(name).error is None
    groups = lab.logs.describe_log_groups(logGroupNamePrefix=f"/aws/lambda/{name}")["logGroups"]
    assert groups == []


def test_the_owner_is_never_refused_and_nothing_is_when_the_switch_is_off(lab, table):
    lab.cloud.client("dynamodb").get_item(TableName="rides", Key={"id": {"S": "1"}})
    lab.cloud.enforce_roles = False
    name = lab.create(CALLS, Role=role(lab))
    key = {"id": {"S": "1"}}
    assert call(lab, name, "dynamodb", "get_item", TableName="rides", Key=key) == "done"


FAILS = "def handler(event, context): raise ValueError('no')"


def refusal(call, **arguments):
    with pytest.raises(ClientError) as caught:
        call(**arguments)
    error = caught.value.response["Error"]
    return error["Code"], error["Message"]


@pytest.fixture(scope="module")
def ends(lab):
    """What records can be sent to: {a name: (its ARN, the rights that it takes)}."""
    sqs, name = lab.cloud.client("sqs"), f"end-{next(_numbers)}"
    sqs.create_queue(QueueName=name)
    topic = lab.cloud.client("sns").create_topic(Name=name)["TopicArn"]
    lab.cloud.client("s3").create_bucket(Bucket=name)
    bus = lab.cloud.client("events").create_event_bus(Name=name)["EventBusArn"]
    collector = lab.create()
    function = f"arn:aws:lambda:us-east-1:123456789012:function:{collector}"
    bucket = f"arn:aws:s3:::{name}"
    return {
        "queue": (f"arn:aws:sqs:us-east-1:123456789012:{name}", [allow("sqs:SendMessage")]),
        "topic": (topic, [allow("sns:Publish", topic)]),
        "function": (function, [allow("lambda:InvokeFunction", function)]),
        "bus": (bus, [allow("events:PutEvents", bus)]),
        "bucket": (
            bucket,
            [allow("s3:PutObject", f"{bucket}/*"), allow("s3:ListBucket", bucket)],
        ),
    }


@pytest.mark.parametrize("kind", ["queue", "topic", "function", "bus", "bucket"])
def test_a_destination_takes_a_right_of_the_role(lab, ends, kind):
    target, statements = ends[kind]
    config = {"OnFailure": {"Destination": target}}
    put = lab.client.put_function_event_invoke_config

    name = lab.create(FAILS, Role=role(lab))
    code, message = refusal(put, FunctionName=name, DestinationConfig=config)
    action = statements[0]["Action"].partition(":")[2]
    assert code == "InvalidParameterValueException"
    assert message == (
        f"The function's execution role does not have permissions to call {action} on {target}"
    )
    gets = lab.client.get_function_event_invoke_config
    assert refusal(gets, FunctionName=name)[0] == "ResourceNotFoundException"

    arn = role(lab, *statements)
    name = lab.create(FAILS, Role=arn)
    put(FunctionName=name, DestinationConfig=config, MaximumRetryAttempts=0)
    lab.invoke(name, {}, InvocationType="Event")
    lab.cloud.idle()
    assert metric_sum(lab, "DestinationDeliveryFailures", name) == 0
    lab.cloud.client("iam").delete_role_policy(RoleName=arn.rpartition("/")[2], PolicyName="inline")
    lab.invoke(name, {}, InvocationType="Event")
    lab.cloud.idle()
    assert metric_sum(lab, "DestinationDeliveryFailures", name) == 1
    assert len(lab.cloud.invocations(name)) == 2


@pytest.mark.parametrize(
    ("kind", "words"), [("queue", "SendMessage on SQS"), ("topic", "Publish on SNS")]
)
def test_a_dead_letter_queue_takes_a_right_of_the_role(lab, ends, kind, words):
    target, statements = ends[kind]
    words = f"The provided execution role does not have permissions to call {words}"
    wanted = "InvalidParameterValueException", words
    bare, dead = role(lab), {"TargetArn": target}
    create = lab.create
    assert refusal(create, Role=bare, DeadLetterConfig=dead, FunctionName="letter") == wanted
    functions = lab.client.list_functions()["Functions"]
    assert "letter" not in [each["FunctionName"] for each in functions]
    name = lab.create(FAILS, Role=bare)
    update = lab.client.update_function_configuration
    assert refusal(update, FunctionName=name, DeadLetterConfig=dead) == wanted
    assert "DeadLetterConfig" not in lab.client.get_function_configuration(FunctionName=name)

    arn = role(lab, *statements)
    update(FunctionName=name, Role=arn, DeadLetterConfig=dead)
    lab.client.put_function_event_invoke_config(FunctionName=name, MaximumRetryAttempts=0)
    lab.invoke(name, {}, InvocationType="Event")
    lab.cloud.idle()
    assert metric_sum(lab, "DeadLetterErrors", name) == 0
    lab.cloud.client("iam").delete_role_policy(RoleName=arn.rpartition("/")[2], PolicyName="inline")
    lab.invoke(name, {}, InvocationType="Event")
    lab.cloud.idle()
    assert metric_sum(lab, "DeadLetterErrors", name) == 1


MANAGED = "arn:aws:iam::aws:policy/service-role/AWSLambda{}ExecutionRole"
STREAM = (
    "Cannot access stream {}. Please ensure the role can perform the GetRecords, "
    "GetShardIterator, DescribeStream, {}ListStreams Actions on your stream in IAM."
)


@pytest.mark.parametrize(
    ("source", "managed", "words"),
    [
        (
            queues.Queue,
            "SQSQueue",
            "The function execution role does not have permissions to call ReceiveMessage on SQS",
        ),
        (streams_support.Stream, "Kinesis", STREAM.format("{}", "ListShards, and ")),
        (streams_support.Table, "DynamoDB", STREAM.format("{}", "and ")),
    ],
)
def test_a_mapping_takes_rights_on_its_source(lab, source, managed, words):
    source = source(lab)
    spec = {"EventSourceArn": source.arn}
    if ":sqs:" not in source.arn:
        spec["StartingPosition"] = "TRIM_HORIZON"
    create, name = lab.client.create_event_source_mapping, lab.create(Role=role(lab))
    wanted = "InvalidParameterValueException", words.format(source.arn)
    assert refusal(create, FunctionName=name, **spec) == wanted
    found = lab.client.list_event_source_mappings(FunctionName=name)
    assert found["EventSourceMappings"] == []
    able = lab.create(Role=role(lab, attached=[MANAGED.format(managed)]))
    uuid = create(FunctionName=able, **spec)["UUID"]
    lab.cloud.idle()
    update = lab.client.update_event_source_mapping
    assert refusal(update, UUID=uuid, FunctionName=name) == wanted
    lab.client.delete_event_source_mapping(UUID=uuid)
    lab.cloud.idle()


def test_every_right_on_a_queue_is_wanted(lab):
    source = queues.Queue(lab)
    create = lab.client.create_event_source_mapping
    statement = allow(["sqs:ReceiveMessage", "sqs:GetQueueAttributes"], source.arn)
    name = lab.create(Role=role(lab, statement))
    message = "The function execution role does not have permissions to call DeleteMessage on SQS"
    assert refusal(create, FunctionName=name, EventSourceArn=source.arn)[1] == message


def test_failures_of_a_stream_take_a_right_of_the_role(lab, ends):
    target, statements = ends["queue"]
    stream, config = streams_support.Stream(lab), {"OnFailure": {"Destination": target}}
    create = lab.client.create_event_source_mapping
    spec = {
        "EventSourceArn": stream.arn,
        "StartingPosition": "TRIM_HORIZON",
        "DestinationConfig": config,
        "MaximumRetryAttempts": 0,
    }
    kinesis = MANAGED.format("Kinesis")
    name = lab.create(FAILS, Role=role(lab, attached=[kinesis]))
    message = (
        f"The function's execution role does not have permissions to call SendMessage on {target}"
    )
    assert refusal(create, FunctionName=name, **spec)[1] == message
    arn = role(lab, *statements, attached=[kinesis])
    name = lab.create(FAILS, Role=arn)
    create(FunctionName=name, **spec)
    stream.put("a")
    lab.cloud.idle()
    assert metric_sum(lab, "DestinationDeliveryFailures", name) == 0
    lab.cloud.client("iam").delete_role_policy(RoleName=arn.rpartition("/")[2], PolicyName="inline")
    stream.put("b")
    lab.cloud.idle()
    assert metric_sum(lab, "DestinationDeliveryFailures", name) == 1


@pytest.mark.parametrize(
    ("statement", "decision"),
    [
        (allow("s3:Get*", "arn:aws:s3:::b/*"), Decision.ALLOWED),
        (allow("S3:getobject", "*"), Decision.ALLOWED),
        (allow("s3:GetObject", "arn:aws:s3:::b/?"), Decision.ALLOWED),
        (allow("s3:GetObject", "arn:aws:s3:::c/*"), Decision.NOT_ALLOWED),
        (allow("s3:PutObject"), Decision.NOT_ALLOWED),
        (allow("*", effect="Deny"), Decision.DENIED),
        ({"Effect": "Allow", "NotAction": "iam:*", "Resource": "*"}, Decision.ALLOWED),
        ({"Effect": "Allow", "NotAction": "s3:*", "Resource": "*"}, Decision.NOT_ALLOWED),
        (allow("*") | {"Condition": {"Bool": {"aws:x": "true"}}}, Decision.NOT_ALLOWED),
    ],
)
def test_one_statement(statement, decision):
    document = {"Statement": statement}
    assert decide([document], "s3:GetObject", "arn:aws:s3:::b/k") is decision


ARN = "arn:aws:{}:us-east-1:123456789012:{}"


@pytest.mark.parametrize(
    ("service", "target", "fields", "calls"),
    [
        (
            "dynamodb",
            "DynamoDB_20120810.Query",
            {"TableName": "t", "IndexName": "i"},
            [("dynamodb:Query", ARN.format("dynamodb", "table/t/index/i"))],
        ),
        (
            "dynamodb",
            "DynamoDB_20120810.BatchWriteItem",
            {"RequestItems": {"a": [], "b": []}},
            [
                ("dynamodb:BatchWriteItem", ARN.format("dynamodb", f"table/{name}"))
                for name in ("a", "b")
            ],
        ),
        (
            "dynamodb",
            "DynamoDB_20120810.TransactWriteItems",
            {"TransactItems": [{"Put": {"TableName": "t"}}]},
            [("dynamodb:PutItem", ARN.format("dynamodb", "table/t"))],
        ),
        (
            "ssm",
            "AmazonSSM.GetParameter",
            {"Name": "/city/key"},
            [("ssm:GetParameter", ARN.format("ssm", "parameter/city/key"))],
        ),
        (
            "sqs",
            "AmazonSQS.SendMessage",
            {"QueueUrl": "http://127.0.0.1:1/123456789012/q"},
            [("sqs:SendMessage", ARN.format("sqs", "q"))],
        ),
        ("monitoring", "X.PutMetricData", {}, [("cloudwatch:PutMetricData", "*")]),
    ],
)
def test_what_a_request_asks_for(service, target, fields, calls):
    asked = Asked("POST", "/", headers={"x-amz-target": target}, body=json.dumps(fields).encode())
    found = describe(service, "us-east-1", "123456789012", asked)
    assert found == [Call(*each) for each in calls]
