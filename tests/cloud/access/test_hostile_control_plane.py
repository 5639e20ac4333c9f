"""What a function may do in the control plane: with its own key, as its role says, and no more."""

from __future__ import annotations

import json

import boto3
import pytest
from botocore.credentials import Credentials
from botocore.exceptions import ClientError
from gateways import ECHO, HttpApi, RestApi, allow, function_arn
from signed import ask, owner, send, sign
from test_cloud_roles import BASIC, CALLS, TRUST, call, role
from test_cloud_roles import allow as statement

from workshop.cloud.access import Asked, Call, describe
from workshop.cloud.access.forms import Form

SHOW = """
import os
def handler(event, context):
    names = ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN")
    return [os.environ[name] for name in names]
"""


@pytest.fixture
def enforced(lab):
    lab.cloud.enforce_roles = True
    yield
    lab.cloud.enforce_roles = False


def credentials(lab, **spec) -> Credentials:
    """A function's own credentials, told by itself."""
    return Credentials(*lab.run(SHOW, **spec))


def test_each_function_has_credentials_of_its_own(lab):
    one, two = credentials(lab), credentials(lab)
    for name in ("access_key", "secret_key", "token"):
        assert getattr(one, name) != getattr(two, name)
    mine = owner(lab)
    assert mine.secret_key not in (one.secret_key, two.secret_key)
    assert one.access_key.lower() not in one.token.lower()
    path = "/2015-03-31/functions/"
    assert ask(lab, "GET", path, "lambda", keys=one).status == 200
    mixed = [
        Credentials(one.access_key, two.secret_key, one.token),
        Credentials(one.access_key, one.secret_key, two.token),
        Credentials(one.access_key, one.secret_key),
        Credentials(mine.access_key, one.secret_key),
        Credentials(mine.access_key, mine.secret_key, one.token),
    ]
    for keys in mixed:
        assert ask(lab, "GET", path, "lambda", keys=keys).status == 403


@pytest.mark.parametrize(
    "path",
    [
        "/moto-api/",
        "/moto-api/reset",
        "/moto-api/data.json",
        "/moto-api/recorder/start-recording",
        "/moto-api/recorder/upload-recording",
        "/%6Doto-api/reset",
        "/favicon.ico",
        "/latest/meta-data/iam/security-credentials/",
        "/latest/api/token",
    ],
)
@pytest.mark.parametrize("service", ["s3", "lambda", "moto_api"])
def test_motos_own_pages_are_for_nobody(lab, path, service):
    for method in ("GET", "POST", "PUT"):
        for keys in (owner(lab), credentials(lab)) if method == "POST" else (owner(lab),):
            assert ask(lab, method, path, service, keys=keys).status in (403, 404)
    lab.client.list_functions()


def test_recordings_are_not_written(lab, tmp_path, monkeypatch):
    from moto.moto_api import recorder

    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(recorder, "_user_enabled", True)
    lab.cloud.client("s3").list_buckets()
    assert list(tmp_path.iterdir()) == []


def test_the_clock_is_the_owners_alone(lab):
    for path in ("/_aws/clock/advance", "/_aws/idle"):
        reply = ask(lab, "POST", path, "local-cloud", b"{}", keys=credentials(lab))
        assert reply.status == 403
    assert ask(lab, "POST", "/_aws/clock/advance", "local-cloud", b"{}").status == 200


def test_a_call_is_for_the_service_that_it_is_signed_for(lab):
    name = lab.create()
    before = len(lab.cloud.invocations(name))
    reply = ask(lab, "POST", f"/2015-03-31/functions/{name}/invocations", "s3", b"{}")
    assert reply.status >= 400
    assert len(lab.cloud.invocations(name)) == before


def test_the_owners_keys_are_in_no_event_and_no_environment(lab):
    mine, arn = owner(lab), function_arn(lab, ECHO)
    http, rest = HttpApi(lab), RestApi(lab)
    http.stage()
    http.route("GET /", arn, AuthorizationType="AWS_IAM")
    http.route("GET /v1", arn, "1.0", AuthorizationType="AWS_IAM")
    rest.method("/", arn, authorizationType="AWS_IAM")
    allow(lab, arn, http.id)
    lab.client.add_permission(
        FunctionName=arn,
        StatementId="rest",
        Action="lambda:InvokeFunction",
        Principal="apigateway.amazonaws.com",
    )
    url = lab.client.create_function_url_config(FunctionName=arn, AuthType="AWS_IAM")["FunctionUrl"]
    for address, service in (
        (http.url, "execute-api"),
        (f"{http.url}/v1", "execute-api"),
        (rest.deploy(), "execute-api"),
        (lab.cloud.url(url), "lambda"),
    ):
        reply = ask(lab, "GET", address, service)
        assert reply.status == 200
        assert mine.access_key not in reply.body.decode()
        assert mine.secret_key not in reply.body.decode()
    environment = json.dumps(lab.run("import os\ndef handler(e, c): return dict(os.environ)"))
    for secret in (mine.access_key, mine.secret_key):
        assert secret not in environment


def test_access_logs_of_a_bucket_hold_no_signature(lab):
    s3 = lab.cloud.client("s3")
    s3.create_bucket(Bucket="watched")
    s3.create_bucket(Bucket="logs-of-it")
    grant = {"Grantee": {"Type": "Group", "URI": "http://acs.amazonaws.com/groups/s3/LogDelivery"}}
    grants = [{**grant, "Permission": p} for p in ("WRITE", "READ_ACP")]
    s3.put_bucket_acl(
        Bucket="logs-of-it",
        AccessControlPolicy={
            "Grants": grants,
            "Owner": s3.get_bucket_acl(Bucket="logs-of-it")["Owner"],
        },
    )
    logging = {"TargetBucket": "logs-of-it", "TargetPrefix": ""}
    s3.put_bucket_logging(Bucket="watched", BucketLoggingStatus={"LoggingEnabled": logging})
    s3.put_object(Bucket="watched", Key="k", Body=b"x")
    url = s3.generate_presigned_url("get_object", Params={"Bucket": "watched", "Key": "k"})
    assert send("GET", url, {}).status == 200
    logs = [
        s3.get_object(Bucket="logs-of-it", Key=each["Key"])["Body"].read().decode()
        for each in s3.list_objects_v2(Bucket="logs-of-it")["Contents"]
    ]
    assert logs
    assert owner(lab).access_key not in "".join(logs)
    assert "Signature=" not in "".join(logs)


@pytest.mark.parametrize(
    ("service", "method", "arguments", "action"),
    [
        ("lambda", "list_functions", {}, "lambda:ListFunctions"),
        ("lambda", "delete_function", {"FunctionName": "x"}, "lambda:DeleteFunction"),
        (
            "lambda",
            "update_function_code",
            {"FunctionName": "x", "ZipFile": b"x"},
            "lambda:UpdateFunctionCode",
        ),
        ("lambda", "get_account_settings", {}, "lambda:GetAccountSettings"),
        ("apigateway", "create_rest_api", {"name": "x"}, "apigateway:POST"),
        ("apigatewayv2", "get_apis", {}, "apigateway:GET"),
        ("iot", "list_topic_rules", {}, "iot:ListTopicRules"),
        ("iot", "delete_topic_rule", {"ruleName": "x"}, "iot:DeleteTopicRule"),
        ("iot-data", "publish", {"topic": "a/b", "payload": b"x"}, "iot:Publish"),
        ("scheduler", "list_schedules", {}, "scheduler:ListSchedules"),
        ("scheduler", "delete_schedule", {"Name": "x"}, "scheduler:DeleteSchedule"),
        ("s3", "put_bucket_policy", {"Bucket": "b", "Policy": "{}"}, "s3:PutBucketPolicy"),
        ("s3", "create_bucket", {"Bucket": "b"}, "s3:CreateBucket"),
        ("s3", "list_objects_v2", {"Bucket": "b"}, "s3:ListBucket"),
        ("cloudwatch", "list_metrics", {}, "cloudwatch:ListMetrics"),
        (
            "cloudwatch",
            "put_metric_data",
            {"Namespace": "n", "MetricData": [{"MetricName": "m", "Value": 1}]},
            "cloudwatch:PutMetricData",
        ),
        ("logs", "describe_log_groups", {}, "logs:DescribeLogGroups"),
        ("iam", "list_roles", {}, "iam:ListRoles"),
        (
            "sts",
            "assume_role",
            {"RoleArn": "arn:aws:iam::123456789012:role/any", "RoleSessionName": "session"},
            "sts:AssumeRole",
        ),
        ("events", "list_rules", {}, "events:ListRules"),
        ("ec2", "describe_vpcs", {}, "ec2:DescribeVpcs"),
        ("cloudformation", "list_stacks", {}, "cloudformation:ListStacks"),
        ("secretsmanager", "list_secrets", {}, "secretsmanager:ListSecrets"),
    ],
)
def test_a_role_without_rights_may_do_nothing(lab, enforced, service, method, arguments, action):
    keys = credentials(lab, Role=role(lab))
    session = boto3.Session(keys.access_key, keys.secret_key, keys.token, region_name="us-east-1")
    client = session.client(service, endpoint_url=lab.cloud.endpoint_url)
    with pytest.raises(ClientError) as caught:
        getattr(client, method)(**arguments)
    answer = caught.value.response
    assert answer["ResponseMetadata"]["HTTPStatusCode"] == 403
    assert f"is not authorized to perform: {action} on resource: " in answer["Error"]["Message"]


def test_what_the_role_allows_is_done(lab, enforced):
    statements = [
        statement(["lambda:ListFunctions", "apigateway:GET", "iot:ListTopicRules"]),
        statement("cloudwatch:*"),
        statement("scheduler:GetSchedule", "arn:aws:scheduler:us-east-1:123456789012:schedule/*"),
    ]
    name = lab.create(CALLS, Role=role(lab, *statements), Timeout=30)
    for service, method in (
        ("lambda", "list_functions"),
        ("apigateway", "get_rest_apis"),
        ("apigatewayv2", "get_apis"),
        ("iot", "list_topic_rules"),
        ("cloudwatch", "list_metrics"),
        ("sts", "get_caller_identity"),  # nobody needs a right for it
    ):
        assert call(lab, name, service, method) == "done", method
    assert call(lab, name, "scheduler", "get_schedule", Name="x")[0] == "ResourceNotFoundException"


@pytest.mark.parametrize(
    ("method", "path", "service", "headers", "body"),
    [
        ("GET", "/2015-03-31/functions/x?Action=DeleteFunction", "lambda", {}, b""),
        ("GET", "/2015-03-31/functions/x", "lambda", {"Action": "DeleteFunction"}, b""),
        ("GET", "/2015-03-31/functions/x", "lambda", {"X-Amz-Target": "A.DeleteFunction"}, b""),
        ("GET", "/2015-03-31/functions/x%2Fpolicy", "lambda", {}, b""),
        ("GET", "/2015-03-31/nothing-known", "lambda", {}, b""),
        ("POST", "/", "dynamodb", {"X-Amz-Target": "D.ListTables", "Action": "DeleteTable"}, b"{}"),
        ("POST", "/?Action=DeleteTable", "dynamodb", {"X-Amz-Target": "D.ListTables"}, b"{}"),
        ("POST", "/", "dynamodb", {"X-Amz-Target": "D.ListTables"}, b'{"a": "&Action=B&"}'),
        ("POST", "/", "sns", {}, b"Action=ListTopics&Action=DeleteTopic&Version=2010-03-31"),
        ("POST", "/?Action=ListTopics", "sns", {}, b"Action=DeleteTopic"),
        ("GET", "/bucket?acl&tagging", "s3", {}, b""),
        ("PUT", "/bucket%2Fkey", "s3", {}, b"x"),
        ("GET", "/v20180820/jobs", "s3", {}, b""),
        ("POST", "/", "execute-api", {}, b""),
        ("POST", "/", "no-such-service", {}, b""),
        ("GET", "/bucket", "s3", {"Host": "other.s3.amazonaws.com"}, b""),
    ],
)
def test_what_could_be_taken_for_another_call_is_refused(
    lab, enforced, method, path, service, headers, body
):
    """Even to a role that may do everything but one thing: nobody knows whether this is it."""
    keys = credentials(lab, Role=role(lab, statement("*"), statement("iam:*", "*", "Deny")))
    reply = ask(lab, method, path, service, body, headers, keys)
    assert reply.status == 403


def asked(method: str, target: str, body: bytes = b"", **headers: str) -> Asked:
    path, _, query = target.partition("?")
    names = {name.replace("_", "-"): value for name, value in headers.items()}
    return Asked(method, path, query, names, body)


ARN = "arn:aws:lambda:us-east-1:123456789012:function:f"


@pytest.mark.parametrize(
    ("service", "request_", "calls"),
    [
        (
            "lambda",
            asked("POST", "/2015-03-31/functions/f/invocations?Qualifier=live"),
            [("lambda:InvokeFunction", f"{ARN}:live")],
        ),
        (
            "lambda",
            asked("GET", "/2015-03-31/functions/123456789012:function:f"),
            [("lambda:GetFunction", ARN)],
        ),
        (
            "lambda",
            asked(
                "PUT",
                "/2015-03-31/functions/f/configuration",
                b'{"Role": "arn:aws:iam::123456789012:role/admin"}',
            ),
            [
                ("lambda:UpdateFunctionConfiguration", ARN),
                ("iam:PassRole", "arn:aws:iam::123456789012:role/admin"),
            ],
        ),
        (
            "s3",
            asked("PUT", "/b/k", x_amz_copy_source="/secret/k%20k?versionId=1"),
            [
                ("s3:PutObject", "arn:aws:s3:::b/k"),
                ("s3:GetObjectVersion", "arn:aws:s3:::secret/k k"),
            ],
        ),
        ("s3", asked("HEAD", "/b"), [("s3:ListBucket", "arn:aws:s3:::b")]),
        ("s3", asked("GET", "/"), [("s3:ListAllMyBuckets", "*")]),
        ("s3", asked("GET", "/b?notification"), [("s3:GetBucketNotification", "arn:aws:s3:::b")]),
        (
            "s3",
            asked("DELETE", "/b/k?versionId=2"),
            [("s3:DeleteObjectVersion", "arn:aws:s3:::b/k")],
        ),
        (
            "s3",
            Asked("POST", "/b", form=Form({"key": "in/${filename}"}, "f.csv")),
            [("s3:PutObject", "arn:aws:s3:::b/in/f.csv")],
        ),
        (
            "dynamodb",
            asked(
                "POST",
                "/",
                b'{"Statement": "select * from \\"rides\\".\\"by-day\\" where id = 1"}',
                x_amz_target="DynamoDB_20120810.ExecuteStatement",
            ),
            [
                (
                    "dynamodb:PartiQLSelect",
                    "arn:aws:dynamodb:us-east-1:123456789012:table/rides/index/by-day",
                )
            ],
        ),
        (
            "events",
            asked(
                "POST",
                "/",
                b'{"Entries": [{"EventBusName": "own"}, {}]}',
                x_amz_target="AWSEvents.PutEvents",
            ),
            [
                ("events:PutEvents", "arn:aws:events:us-east-1:123456789012:event-bus/own"),
                ("events:PutEvents", "arn:aws:events:us-east-1:123456789012:event-bus/default"),
            ],
        ),
        (
            "apigateway",
            asked("PATCH", "/v2/apis/a1"),
            [("apigateway:PATCH", "arn:aws:apigateway:us-east-1::/apis/a1")],
        ),
        (
            "scheduler",
            asked("DELETE", "/schedules/nightly?groupName=own"),
            [
                (
                    "scheduler:DeleteSchedule",
                    "arn:aws:scheduler:us-east-1:123456789012:schedule/own/nightly",
                )
            ],
        ),
        (
            "iotdata",
            asked("POST", "/topics/docks/7"),
            [("iot:Publish", "arn:aws:iot:us-east-1:123456789012:topic/docks/7")],
        ),
        (
            "monitoring",
            asked("POST", "/service/GraniteServiceVersion20100801/operation/PutMetricData"),
            [("cloudwatch:PutMetricData", "*")],
        ),
        (
            "iam",
            asked("POST", "/", b"Action=DeleteRole&RoleName=admin"),
            [("iam:DeleteRole", "arn:aws:iam::123456789012:role/admin")],
        ),
        ("lambda", asked("GET", "/2031-01-01/unknown"), None),
        ("dynamodb", asked("POST", "/", b"{}", x_amz_target="DynamoDB_20120810.Unknown"), None),
    ],
)
def test_what_a_request_asks_for(service, request_, calls):
    found = describe(service, "us-east-1", "123456789012", request_)
    assert found == (None if calls is None else [Call(*each) for each in calls])


def client(lab, service: str, keys: dict[str, str]):
    return boto3.client(
        service,
        region_name="us-east-1",
        endpoint_url=lab.cloud.endpoint_url,
        aws_access_key_id=keys["AccessKeyId"],
        aws_secret_access_key=keys["SecretAccessKey"],
        aws_session_token=keys.get("SessionToken"),
    )


def test_keys_of_assume_role_are_held_to_the_role(lab, enforced):
    sts = lab.cloud.client("sts")
    arn = role(lab, statement("s3:ListAllMyBuckets"), attached=[BASIC])
    keys = sts.assume_role(RoleArn=arn, RoleSessionName="me")["Credentials"]
    client(lab, "s3", keys).list_buckets()
    with pytest.raises(ClientError, match=r"assumed-role/role-\d+/me is not authorized"):
        client(lab, "lambda", keys).list_functions()
    assert client(lab, "sts", keys).get_caller_identity()["Arn"].endswith("/me")
    for wrong in ({"SecretAccessKey": "x"}, {"SessionToken": "x"}, {"SessionToken": None}):
        with pytest.raises(ClientError):
            client(lab, "s3", {**keys, **wrong}).list_buckets()
    policy = json.dumps({"Statement": [statement("ec2:*")]})
    keys = sts.assume_role(RoleArn=arn, RoleSessionName="less", Policy=policy)["Credentials"]
    with pytest.raises(ClientError, match="s3:ListAllMyBuckets"):
        client(lab, "s3", keys).list_buckets()


def test_a_role_must_trust_who_assumes_it(lab, enforced):
    admin, right = role(lab, statement("*")), statement("sts:AssumeRole")
    name = lab.create(CALLS, Role=role(lab, right))
    spec = {"RoleArn": admin, "RoleSessionName": "more"}
    assert "sts:AssumeRole" in call(lab, name, "sts", "assume_role", **spec)[1]
    trust = json.loads(json.dumps(TRUST))
    trust["Statement"][0]["Principal"] = {"AWS": "arn:aws:iam::123456789012:root"}
    lab.cloud.client("iam").update_assume_role_policy(
        RoleName=admin.rpartition("/")[2], PolicyDocument=json.dumps(trust)
    )
    assert call(lab, name, "sts", "assume_role", **spec) == "done"


def test_a_users_key_is_held_to_its_policies_until_it_is_inactive(lab, enforced):
    iam = lab.cloud.client("iam")
    iam.create_user(UserName="ada")
    iam.put_user_policy(
        UserName="ada",
        PolicyName="inline",
        PolicyDocument=json.dumps(
            {"Version": "2012-10-17", "Statement": [statement("s3:ListAllMyBuckets")]}
        ),
    )
    keys = iam.create_access_key(UserName="ada")["AccessKey"]
    client(lab, "s3", keys).list_buckets()
    with pytest.raises(ClientError, match="user/ada is not authorized"):
        client(lab, "lambda", keys).list_functions()
    iam.update_access_key(UserName="ada", AccessKeyId=keys["AccessKeyId"], Status="Inactive")
    with pytest.raises(ClientError, match="security token"):
        client(lab, "s3", keys).list_buckets()


def test_get_session_token_says_what_to_use(lab):
    keys = lab.cloud.client("sts").get_session_token()["Credentials"]
    with pytest.raises(ClientError, match="AssumeRole"):
        client(lab, "lambda", keys).list_functions()


def test_a_url_with_aws_iam_asks_the_callers_role(lab, enforced):
    target = lab.create(ECHO)
    arn = f"arn:aws:lambda:us-east-1:123456789012:function:{target}"
    config = lab.client.create_function_url_config(FunctionName=target, AuthType="AWS_IAM")
    url = lab.cloud.url(config["FunctionUrl"])
    rights = statement(["lambda:InvokeFunctionUrl", "lambda:InvokeFunction"], arn)
    assert ask(lab, "GET", url, "lambda").status == 200
    keys = credentials(lab, Role=role(lab))
    assert ask(lab, "GET", url, "lambda", keys=keys).status == 403
    keys = credentials(lab, Role=role(lab, rights))
    reply = ask(lab, "GET", url, "lambda", keys=keys)
    assert reply.status == 200
    shown = reply.value["requestContext"]["authorizer"]["iam"]
    assert shown["accessKey"] != keys.access_key
    assert ":assumed-role/" in shown["userArn"]


def test_what_the_callers_role_denies_no_function_policy_allows(lab, enforced):
    target = lab.create(ECHO)
    config = lab.client.create_function_url_config(FunctionName=target, AuthType="AWS_IAM")
    url = lab.cloud.url(config["FunctionUrl"])
    for action, more in (
        ("lambda:InvokeFunctionUrl", {"FunctionUrlAuthType": "AWS_IAM"}),
        ("lambda:InvokeFunction", {"InvokedViaFunctionUrl": True}),
    ):
        name = action.rpartition(":")[2]
        lab.client.add_permission(
            FunctionName=target, StatementId=name, Action=action, Principal="*", **more
        )
    assert ask(lab, "GET", url, "lambda", keys=credentials(lab, Role=role(lab))).status == 200
    for action in ("lambda:InvokeFunctionUrl", "lambda:InvokeFunction"):
        keys = credentials(lab, Role=role(lab, statement(action, "*", "Deny")))
        assert ask(lab, "GET", url, "lambda", keys=keys).status == 403


def test_a_route_with_aws_iam_asks_the_callers_role(lab, enforced):
    api, arn = HttpApi(lab), function_arn(lab, ECHO)
    api.stage()
    api.route("GET /", arn, AuthorizationType="AWS_IAM")
    allow(lab, arn, api.id)
    assert ask(lab, "GET", api.url, "execute-api").status == 200
    assert (
        ask(lab, "GET", api.url, "execute-api", keys=credentials(lab, Role=role(lab))).status == 403
    )
    right = statement(
        "execute-api:Invoke", f"arn:aws:execute-api:us-east-1:123456789012:{api.id}/*"
    )
    keys = credentials(lab, Role=role(lab, right))
    assert ask(lab, "GET", api.url, "execute-api", keys=keys).status == 200


def test_another_account_can_not_be_chosen(lab):
    headers = sign(owner(lab), "GET", lab.cloud.endpoint_url + "/", "s3")
    lab.cloud.client("s3").create_bucket(Bucket="of-this-account")
    headers["x-moto-account-id"] = "999999999999"
    reply = send("GET", lab.cloud.endpoint_url + "/", headers)
    assert b"of-this-account" in reply.body
