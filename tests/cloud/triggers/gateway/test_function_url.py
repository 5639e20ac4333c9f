"""Function URLs: permissions, the event, results, errors, configurations."""

from __future__ import annotations

import base64
import json
from urllib.parse import urlsplit

import pytest
from aws_lambda_powertools.utilities.parser.models import LambdaFunctionUrlModel
from gateways import ACCOUNT, ECHO, call, function_arn, logged_event, returning
from published import missing_paths
from signed import owner, sign

FORBIDDEN = {
    "Message": "Forbidden. For troubleshooting Function URL authorization issues, see: "
    "https://docs.aws.amazon.com/lambda/latest/dg/urls-auth.html"
}
OF_THE_SAMPLE = ("requestContext.authorizer",)  # of AuthType AWS_IAM


class Url:
    """A function with a URL."""

    def __init__(self, lab, source: str = ECHO, **spec):
        self.lab, self.client = lab, lab.client
        self.arn = spec.pop("arn", None) or function_arn(lab, source)
        self.name = self.arn.split(":")[6]
        self.spec = {"FunctionName": self.name, "AuthType": "NONE", **spec}
        self.config = self.client.create_function_url_config(**self.spec)
        self.url = lab.cloud.url(self.config["FunctionUrl"]).rstrip("/")

    def permit(self, *kinds: str) -> Url:
        """Adds the statements that a public URL needs."""
        where = {
            name: self.spec[name] for name in ("FunctionName", "Qualifier") if name in self.spec
        }
        for kind in kinds or ("url", "invoke"):
            if kind == "url":
                more = {"Action": "lambda:InvokeFunctionUrl", "FunctionUrlAuthType": "NONE"}
            else:
                more = {"Action": "lambda:InvokeFunction", "InvokedViaFunctionUrl": True}
            self.client.add_permission(**where, StatementId=kind, Principal="*", **more)
        return self


@pytest.fixture(scope="module")
def url(lab):
    return Url(lab).permit()


def test_event_is_complete(lab, url):
    headers = {
        "Cookie": "cookie1; cookie2",
        "header1": "value1",
        "header2": "value1,value2",
        "Content-Type": "text/plain",
        "User-Agent": "agent",
    }
    query = "parameter1=value1&parameter1=value2&parameter2=value"
    answer = call(f"{url.url}/my/p%C3%A4th?{query}", "POST", headers=headers, body=b"Hello")
    event = logged_event(lab, url.arn)
    assert event == answer.value
    assert missing_paths("function_url", event, but=OF_THE_SAMPLE) == set()
    LambdaFunctionUrlModel.model_validate(event)
    context = event["requestContext"]
    url_id = url.config["FunctionUrl"].split("//")[1].split(".")[0]
    assert event["rawPath"] == context["http"]["path"] == "/my/p%C3%A4th"  # as it was sent
    assert event["rawQueryString"] == query
    assert event["queryStringParameters"] == {"parameter1": "value1,value2", "parameter2": "value"}
    assert event["cookies"] == ["cookie1", "cookie2"]
    assert (
        event["headers"]["host"] == context["domainName"] == f"{url_id}.lambda-url.us-east-1.on.aws"
    )
    assert (context["apiId"], context["accountId"]) == (url_id, "anonymous")
    assert event["routeKey"] == context["stage"] == "$default"
    assert event["body"] == "Hello"
    assert answer.headers["x-amzn-RequestId"] == context["requestId"]


def test_a_public_url_needs_two_statements(lab):
    url = Url(lab)
    for kind in ("url", "invoke"):
        answer = call(url.url)
        assert (answer.status, answer.value) == (403, FORBIDDEN)
        url.permit(kind)
    assert "lambda:InvokeFunction on resource" in lab.cloud.problems()[-1]
    assert call(url.url).status == 200
    assert len(lab.cloud.invocations(url.name)) == 1


def test_a_statement_for_apis_lets_no_url_in(lab):
    url = Url(lab).permit("url")
    lab.client.add_permission(
        FunctionName=url.name,
        StatementId="api",
        Action="lambda:InvokeFunction",
        Principal="apigateway.amazonaws.com",
    )
    assert call(url.url).status == 403


def test_iam(lab):
    url = Url(lab, AuthType="AWS_IAM")
    assert (call(url.url).status, call(url.url).value) == (403, FORBIDDEN)
    headers = sign(owner(lab), "GET", url.url, "lambda")
    wrong = {**headers, "Authorization": headers["Authorization"][:-1] + "x"}
    assert call(url.url, headers=wrong).status == 403
    elsewhere = sign(owner(lab), "GET", url.url, "execute-api")
    assert call(url.url, headers=elsewhere).status == 403
    event = call(url.url, headers=headers).value
    assert event["requestContext"]["accountId"] == ACCOUNT
    iam = event["requestContext"]["authorizer"]["iam"]
    assert (iam["cognitoIdentity"], iam["principalOrgId"]) == (None, None)
    shown = iam["accessKey"]
    assert (
        shown
        == call(url.url, headers=headers).value["requestContext"]["authorizer"]["iam"]["accessKey"]
    )
    assert shown != lab.cloud.environ()["AWS_ACCESS_KEY_ID"]
    assert (
        missing_paths("function_url", event, but=("body", "cookies", "headers", "query")) == set()
    )
    LambdaFunctionUrlModel.model_validate(event)


@pytest.mark.parametrize(
    ("result", "body"),
    [
        ("parked", b"parked"),
        (3, b"3"),
        (True, b"true"),
        (None, b"null"),
        ({"bike": 7}, b'{"bike": 7}'),
        ({"statusCode": 200, "body": "text"}, b"text"),
    ],
)
def test_results(url, result, body):
    answer = returning(url.url, result)
    assert (answer.status, answer.body) == (200, body)
    assert answer.headers["Content-Type"] == "application/json"


def test_result_with_cookies_and_bytes(url):
    raw = bytes(range(256))
    result = {
        "statusCode": 201,
        "headers": {"Content-Type": "image/png"},
        "cookies": ["a=1", "b=2"],
        "body": base64.b64encode(raw).decode(),
        "isBase64Encoded": True,
    }
    answer = returning(url.url, result)
    assert (answer.status, answer.body) == (201, raw)
    assert answer.headers["Content-Type"] == "image/png"
    assert answer.headers.getlist("Set-Cookie") == ["a=1", "b=2"]


@pytest.mark.parametrize("result", [{"statusCode": "x"}, {"statusCode": 200, "body": {"a": 1}}])
def test_malformed_results(url, result):
    answer = returning(url.url, result)
    assert (answer.status, answer.body) == (502, b"Internal Server Error")


@pytest.mark.parametrize(
    "source",
    [
        "def handler(event, context): raise ValueError('x')",
        "import os\ndef handler(event, context): os._exit(1)",
        "import time\ndef handler(event, context): time.sleep(5)",
    ],
)
def test_a_function_that_fails_is_502(lab, source):
    arn = function_arn(lab, source, Timeout=1)
    answer = call(Url(lab, arn=arn).permit().url)
    assert (answer.status, answer.body) == (502, b"Internal Server Error")


def test_throttles(lab):
    url = Url(lab).permit()
    lab.client.put_function_concurrency(FunctionName=url.name, ReservedConcurrentExecutions=0)
    answer = call(url.url)
    assert answer.status == 429
    assert answer.value["Reason"] == "ReservedFunctionConcurrentInvocationLimitExceeded"


def test_too_large(url):
    assert call(url.url, "POST", body=b"x" * (5 * 1024 * 1024)).status == 413  # 6.7 MB in base64
    assert call(url.url, "POST", body=b"x" * (11 * 1024 * 1024)).status == 413


def test_bodies(url):
    raw = bytes(range(256))
    event = call(url.url, "PUT", body=raw, headers={"Content-Type": "image/png"}).value
    assert event["isBase64Encoded"] is True
    assert base64.b64decode(event["body"]) == raw
    text = json.dumps({"name": "räd"}, ensure_ascii=False)
    headers = {"Content-Type": "application/json"}
    event = call(url.url, "PATCH", body=text.encode(), headers=headers).value
    assert (event["isBase64Encoded"], event["body"]) == (False, text)
    assert "body" not in call(url.url).value


def test_url_of_an_alias(lab):
    arn = function_arn(lab, "def handler(event, context): return context.invoked_function_arn")
    lab.client.publish_version(FunctionName=arn)
    lab.client.create_alias(FunctionName=arn, Name="live", FunctionVersion="1")
    plain = Url(lab, arn=arn).permit()
    aliased = Url(lab, arn=arn, Qualifier="live")
    assert plain.url != aliased.url
    assert call(aliased.url).status == 403
    aliased.permit()
    assert call(aliased.url).body.decode() == f"{arn}:live"
    assert call(plain.url).body.decode() == arn
    assert aliased.config["FunctionArn"] == f"{arn}:live"
    found = lab.client.list_function_url_configs(FunctionName=arn)["FunctionUrlConfigs"]
    assert {each["FunctionArn"] for each in found} == {arn, f"{arn}:live"}


def test_configurations(lab):
    url = Url(lab)
    client = lab.client
    assert url.config["ResponseMetadata"]["HTTPStatusCode"] == 201
    host = urlsplit(url.config["FunctionUrl"])
    assert (host.scheme, host.path) == ("https", "/")
    assert host.hostname.endswith(".lambda-url.us-east-1.on.aws")
    assert url.config["FunctionArn"] == url.arn
    found = client.get_function_url_config(FunctionName=url.arn)
    assert found["ResponseMetadata"]["HTTPStatusCode"] == 200
    assert (found["AuthType"], found["InvokeMode"]) == ("NONE", "BUFFERED")
    assert "Cors" not in found
    cors = {"AllowOrigins": ["https://example.com"], "MaxAge": 300}
    changed = client.update_function_url_config(FunctionName=url.name, Cors=cors)
    assert (changed["Cors"], changed["AuthType"]) == (cors, "NONE")
    assert changed["FunctionUrl"] == url.config["FunctionUrl"]
    changed = client.update_function_url_config(FunctionName=url.name, AuthType="AWS_IAM")
    assert (changed["Cors"], changed["AuthType"]) == (cors, "AWS_IAM")
    gone = client.delete_function_url_config(FunctionName=url.name)
    assert gone["ResponseMetadata"]["HTTPStatusCode"] == 204
    assert call(url.url).status == 403
    with pytest.raises(client.exceptions.ResourceNotFoundException):
        client.get_function_url_config(FunctionName=url.name)


def test_a_deleted_function_takes_its_url_along(lab):
    url = Url(lab).permit()
    lab.client.delete_function(FunctionName=url.name)
    assert call(url.url).status == 403
    lab.create(ECHO, FunctionName=url.name)
    assert lab.client.list_function_url_configs(FunctionName=url.name)["FunctionUrlConfigs"] == []


def test_what_aws_refuses(lab, url):
    client = lab.client
    errors = client.exceptions
    with pytest.raises(errors.ResourceConflictException, match="FunctionUrlConfig exists"):
        client.create_function_url_config(FunctionName=url.name, AuthType="NONE")
    with pytest.raises(errors.ResourceNotFoundException, match="Function does not exist"):
        client.create_function_url_config(FunctionName="nope", AuthType="NONE")
    with pytest.raises(errors.ResourceNotFoundException):
        client.create_function_url_config(FunctionName=url.name, AuthType="NONE", Qualifier="no")
    with pytest.raises(errors.ClientError, match=r"enum value set: \[NONE, AWS_IAM\]"):
        client.update_function_url_config(FunctionName=url.name, AuthType="PUBLIC")
    with pytest.raises(errors.ClientError, match="'qualifier' failed"):
        client.create_function_url_config(FunctionName=url.name, AuthType="NONE", Qualifier="1")
    assert client.get_function_url_config(FunctionName=url.name)["AuthType"] == "NONE"


def test_addresses(lab, url):
    aws = url.config["FunctionUrl"]
    local = lab.cloud.url(aws + "x?a=1")
    assert local.startswith(lab.cloud.endpoint_url + "/_aws/lambda-url/")
    assert local.endswith("/x?a=1")
    for host in (urlsplit(aws).hostname, urlsplit(aws).hostname.replace("on.aws", "localhost")):
        answer = call(lab.cloud.endpoint_url + "/x", headers={"Host": host})
        assert answer.value["rawPath"] == "/x"
    unknown = lab.cloud.url(f"https://{'z' * 32}.lambda-url.us-east-1.on.aws/")
    assert call(unknown).status == 403
    assert lab.cloud.url("https://example.com/x") == "https://example.com/x"


def test_the_plain_function_leaves_real_aws_alone(url):
    from workshop.cloud.triggers.gateway.addresses import local_url

    aws = url.config["FunctionUrl"]
    assert local_url(aws, None) == aws
    assert local_url(aws, "http://127.0.0.1:5000/").startswith("http://127.0.0.1:5000/_aws/")
