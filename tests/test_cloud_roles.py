"""Execution roles, where they are enforced: what a function may call, and AWS's words if not."""

from __future__ import annotations

import itertools
import json

import pytest

from workshop.cloud.roles import Call, Decision, decide, describe

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
    found = describe(
        service=service,
        region="us-east-1",
        account="123456789012",
        method="POST",
        path="/",
        query="",
        target=target,
        body=json.dumps(fields).encode(),
    )
    assert found == [Call(*each) for each in calls]
