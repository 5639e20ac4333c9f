"""HTTP APIs: routes, stages, the events of payload 2.0 and 1.0, results, errors."""

from __future__ import annotations

import base64
import json
import re

import pytest
from aws_lambda_powertools.utilities.parser.models import (
    APIGatewayProxyEventModel,
    APIGatewayProxyEventV2Model,
)
from gateways import ACCOUNT, HttpApi, allow, call, function_arn, logged_event, returning
from published import missing_paths
from signed import owner, sign

INTERNAL = {"message": "Internal Server Error"}
NOT_FOUND = {"message": "Not Found"}
OF_THE_SAMPLE = ("requestContext.authentication",)  # mutual TLS


@pytest.fixture(scope="module")
def echo(lab):
    return function_arn(lab)


@pytest.fixture(scope="module")
def api(lab, echo):
    """A function behind every path."""
    made = HttpApi(lab, Target=echo)
    allow(lab, echo, made.id)
    return made


def test_event_is_complete(lab, echo, api):
    answer = call(api.url, headers={"Accept": "*/*", "User-Agent": "curl/7.58.0"})
    assert answer.status == 200
    event = logged_event(lab, echo)
    assert event == answer.value
    assert missing_paths("http_api", event, but=OF_THE_SAMPLE) == set()
    APIGatewayProxyEventV2Model.model_validate(event)
    domain = f"{api.id}.execute-api.us-east-1.amazonaws.com"
    context = event["requestContext"]
    assert (event["version"], event["rawPath"]) == ("2.0", "/")
    assert event["headers"]["host"] == context["domainName"] == domain
    assert (context["apiId"], context["domainPrefix"]) == (api.id, api.id)
    assert context["accountId"] == ACCOUNT
    assert context["http"]["userAgent"] == "curl/7.58.0"
    assert answer.headers["Apigw-Requestid"] == context["requestId"]
    assert re.fullmatch(r"\d\d/[A-Z][a-z]{2}/\d{4}:\d\d:\d\d:\d\d \+0000", context["time"])
    # what is empty is left out
    assert set(event) == {
        "version",
        "routeKey",
        "rawPath",
        "rawQueryString",
        "headers",
        "requestContext",
        "isBase64Encoded",
    }


def test_event_with_everything(lab, echo):
    api = HttpApi(lab)
    api.stage("prod", StageVariables={"level": "one"})
    api.route("POST /stations/{id}", echo)
    allow(lab, echo, api.id)
    event = call(
        api.url + "/prod/stations/a%20b?x=1&x=2&y=a+b&z=",
        "POST",
        headers={
            "Cookie": "a=1; b=2",
            "X-Several": "one",
            "x-several": "two",
            "Content-Type": "application/json",
        },
        body=b'{"bike": 7}',
    ).value
    assert event["routeKey"] == event["requestContext"]["routeKey"] == "POST /stations/{id}"
    assert event["rawPath"] == event["requestContext"]["http"]["path"] == "/prod/stations/a b"
    assert event["requestContext"]["stage"] == "prod"
    assert event["rawQueryString"] == "x=1&x=2&y=a+b&z="
    assert event["queryStringParameters"] == {"x": "1,2", "y": "a b", "z": ""}
    assert event["pathParameters"] == {"id": "a b"}
    assert event["stageVariables"] == {"level": "one"}
    assert event["cookies"] == ["a=1", "b=2"]
    assert "cookie" not in event["headers"]
    assert (event["body"], event["isBase64Encoded"]) == ('{"bike": 7}', False)


def test_headers_are_small_and_joined(lab, api):
    import socket
    from urllib.parse import urlsplit

    parts = urlsplit(api.url)
    with socket.create_connection((parts.hostname, parts.port), timeout=30) as connection:
        lines = f"GET {parts.path} HTTP/1.1\r\nHost: localhost\r\nX-A: one\r\nx-a: two\r\n\r\n"
        connection.sendall(lines.encode())
        received = b""
        while block := connection.recv(65536):
            received += block
    event = json.loads(received.partition(b"\r\n\r\n")[2])
    assert event["headers"]["x-a"] == "one,two"
    assert not {name for name in event["headers"] if name != name.lower()}


@pytest.fixture(scope="module")
def routed(lab, echo):
    api = HttpApi(lab)
    api.stage()
    for key in (
        "GET /stations",
        "ANY /stations",
        "GET /stations/{id}",
        "GET /stations/first",
        "GET /stations/{proxy+}",
        "ANY /docks/{proxy+}",
    ):
        api.route(key, echo)
    allow(lab, echo, api.id)
    return api


@pytest.mark.parametrize(
    ("method", "path", "key", "variables"),
    [
        ("GET", "/stations", "GET /stations", None),
        ("PUT", "/stations", "ANY /stations", None),
        ("GET", "/stations/7", "GET /stations/{id}", {"id": "7"}),
        ("GET", "/stations/first", "GET /stations/first", None),
        ("GET", "/stations/7/docks", "GET /stations/{proxy+}", {"proxy": "7/docks"}),
        ("DELETE", "/docks/1/2", "ANY /docks/{proxy+}", {"proxy": "1/2"}),
        ("GET", "/stations/r%C3%A4d%2B", "GET /stations/{id}", {"id": "räd+"}),
    ],
)
def test_precedence_of_routes(routed, method, path, key, variables):
    event = call(routed.url + path, method).value
    assert event["routeKey"] == key
    assert event.get("pathParameters") == variables


@pytest.mark.parametrize(
    ("method", "path"),
    [("GET", "/"), ("GET", "/nope"), ("POST", "/stations/7"), ("GET", "/docks"), ("OPTIONS", "/")],
)
def test_unknown_routes(routed, method, path):
    answer = call(routed.url + path, method)
    assert (answer.status, answer.value) == (404, NOT_FOUND)


def test_default_route_takes_the_rest(lab, echo):
    api = HttpApi(lab)
    api.stage()
    api.route("GET /stations", echo)
    assert call(api.url + "/nope").value == NOT_FOUND
    api.route("$default", echo)
    allow(lab, echo, api.id, "*/$default")
    assert call(api.url + "/nope").value["routeKey"] == "$default"
    assert call(api.url + "/stations").status == 500  # the permission is for $default alone


def test_quick_create(lab, echo, api):
    client = api.client
    assert api.endpoint == f"https://{api.id}.execute-api.us-east-1.amazonaws.com"
    (route,) = client.get_routes(ApiId=api.id)["Items"]
    (integration,) = client.get_integrations(ApiId=api.id)["Items"]
    (stage,) = client.get_stages(ApiId=api.id)["Items"]
    assert route["RouteKey"] == "$default"
    assert route["Target"] == f"integrations/{integration['IntegrationId']}"
    assert integration["IntegrationUri"] == echo
    assert integration["PayloadFormatVersion"] == "2.0"
    assert (stage["StageName"], stage["AutoDeploy"]) == ("$default", True)
    keyed = HttpApi(lab, Target=echo, RouteKey="GET /stations")
    assert keyed.client.get_routes(ApiId=keyed.id)["Items"][0]["RouteKey"] == "GET /stations"


def test_local_addresses_of_the_default_stage(lab, api):
    assert lab.cloud.url(api.endpoint + "/x?a=1") == (
        f"{lab.cloud.endpoint_url}/_aws/execute-api/{api.id}/x?a=1"
    )
    for path in ("/x", "/$default/x", "/%24default/x"):
        assert call(api.url + path).value["rawPath"] == "/x"
    local = lab.cloud.endpoint_url
    host = {"Host": f"{api.id}.execute-api.us-east-1.amazonaws.com"}
    assert call(local + "/x", headers=host).value["rawPath"] == "/x"


def test_stages(lab, echo):
    """One that deploys by itself, and one that shows a snapshot."""
    api = HttpApi(lab)
    allow(lab, echo, api.id)
    api.route("GET /one", echo)
    assert call(api.url + "/one").value == NOT_FOUND  # there is no stage
    api.stage("auto", StageVariables={"level": "a"})
    api.stage("manual", AutoDeploy=False)
    assert call(api.url + "/auto/one").value["stageVariables"] == {"level": "a"}
    assert call(api.url + "/manual/one").value == NOT_FOUND
    first = api.client.create_deployment(ApiId=api.id, StageName="manual")["DeploymentId"]
    assert call(api.url + "/manual/one").value["requestContext"]["stage"] == "manual"
    api.route("GET /two", echo)
    assert call(api.url + "/auto/two").status == 200
    assert call(api.url + "/manual/two").value == NOT_FOUND
    second = api.client.create_deployment(ApiId=api.id)["DeploymentId"]
    found = api.client.get_deployments(ApiId=api.id)["Items"]
    assert {each["DeploymentId"] for each in found} == {first, second}
    stage = api.client.update_stage(ApiId=api.id, StageName="manual", DeploymentId=second)
    assert stage["DeploymentId"] == second
    assert call(api.url + "/manual/two").status == 200
    with pytest.raises(api.client.exceptions.NotFoundException):
        api.client.update_stage(ApiId=api.id, StageName="manual", DeploymentId="nope")
    with pytest.raises(api.client.exceptions.BadRequestException, match="Active stages"):
        api.client.delete_deployment(ApiId=api.id, DeploymentId=second)
    api.client.delete_deployment(ApiId=api.id, DeploymentId=first)
    api.client.delete_stage(ApiId=api.id, StageName="auto")
    assert call(api.url + "/auto/two").value == NOT_FOUND


@pytest.mark.parametrize(
    ("result", "body", "kind"),
    [
        ({"bike": 7}, b'{"bike": 7}', "application/json"),
        ("parked", b"parked", "application/json"),
        ([1, 2], b"[1, 2]", "application/json"),
        (7, b"7", "application/json"),
        (True, b"true", "application/json"),
        (None, b"null", "application/json"),
        ({"statusCode": 200, "body": "text"}, b"text", "text/plain;charset=UTF-8"),
        (
            {"statusCode": 200, "body": "a,b", "headers": {"content-type": "text/csv"}},
            b"a,b",
            "text/csv",
        ),
    ],
)
def test_inference_of_responses(api, result, body, kind):
    answer = returning(api.url, result)
    assert (answer.status, answer.body) == (200, body)
    assert answer.headers["Content-Type"] == kind


def test_cookies_and_status_of_a_result(api):
    result = {
        "statusCode": "201",
        "cookies": ["a=1; Secure", "b=2"],
        "headers": {"X-Count": 3, "Date": "today"},
        "body": base64.b64encode(b"\x00\xff").decode(),
        "isBase64Encoded": True,
    }
    answer = returning(api.url, result)
    assert (answer.status, answer.body) == (201, b"\x00\xff")
    assert answer.headers.getlist("Set-Cookie") == ["a=1; Secure", "b=2"]
    assert answer.headers["X-Count"] == "3"
    assert answer.headers["Date"] != "today"
    assert returning(api.url, {"statusCode": 204}).body == b""


@pytest.mark.parametrize(
    "result",
    [
        {"statusCode": "ok"},
        {"statusCode": 200, "body": {"a": 1}},
        {"statusCode": 200, "cookies": "a=1"},
        {"statusCode": 200, "cookies": ["a=1\r\nX: y"]},
        {"statusCode": 200, "body": "%", "isBase64Encoded": True},
    ],
)
def test_malformed_results(api, result):
    answer = returning(api.url, result)
    assert (answer.status, answer.value) == (500, INTERNAL)


@pytest.mark.parametrize(
    ("kind", "is_base64"),
    [
        ("text/plain; charset=utf-8", False),
        ("application/json", False),
        ("application/problem+json", False),
        ("application/x-www-form-urlencoded", True),  # as on AWS
        ("multipart/form-data; boundary=x", True),
        ("image/png", True),
    ],
)
def test_bodies_by_content_type(api, kind, is_base64):
    event = call(api.url, "POST", body=b"a=1", headers={"Content-Type": kind}).value
    assert event["isBase64Encoded"] is is_base64
    assert event["body"] == ("YT0x" if is_base64 else "a=1")


def test_payload_1_0(lab, echo):
    api = HttpApi(lab)
    api.stage()
    api.route("GET /stations/{id}", echo, payload="1.0")
    allow(lab, echo, api.id, "*/GET/stations/*")
    answer = call(api.url + "/stations/r%C3%A4d?a=1&a=2")
    event = answer.value
    APIGatewayProxyEventModel.model_validate(event)
    assert event["version"] == "1.0"
    assert event["resource"] == "/stations/{id}"
    assert event["path"] == "/stations/räd"
    assert event["pathParameters"] == {"id": "räd"}
    assert event["multiValueQueryStringParameters"] == {"a": ["1", "2"]}
    assert event["queryStringParameters"] == {"a": "2"}
    context = event["requestContext"]
    assert context["requestId"] == context["extendedRequestId"] == answer.headers["Apigw-Requestid"]
    several = {"statusCode": 200, "multiValueHeaders": {"Set-Cookie": ["a=1", "b=2"]}, "body": ""}
    answer = returning(api.url + "/stations/7", several)
    assert answer.headers.getlist("Set-Cookie") == ["a=1", "b=2"]
    assert returning(api.url + "/stations/7", {"bike": 7}).value == INTERNAL  # nothing is inferred


def test_errors_of_the_function(lab):
    arn = function_arn(lab, "def handler(event, context): raise ValueError('x')")
    api = HttpApi(lab, Target=arn)
    answer = call(api.url)  # no permission
    assert (answer.status, answer.value) == (500, INTERNAL)
    assert "is not authorized to perform: lambda:InvokeFunction" in lab.cloud.problems()[-1]
    assert lab.cloud.invocations(arn.split(":")[6]) == []
    allow(lab, arn, api.id)
    answer = call(api.url)
    assert (answer.status, answer.value) == (500, INTERNAL)
    assert len(lab.cloud.invocations(arn.split(":")[6])) == 1
    lab.client.put_function_concurrency(FunctionName=arn, ReservedConcurrentExecutions=0)
    answer = call(api.url)
    assert (answer.status, answer.value) == (503, {"message": "Service Unavailable"})
    lab.client.delete_function(FunctionName=arn)
    assert call(api.url).value == INTERNAL


def test_integration_timeout(lab):
    arn = function_arn(lab, "import time\ndef handler(event, context): time.sleep(0.5)")
    api = HttpApi(lab)
    api.stage()
    api.route("GET /", arn, integration={"TimeoutInMillis": 50})
    allow(lab, arn, api.id)
    answer = call(api.url)
    assert (answer.status, answer.value) == (503, {"message": "Service Unavailable"})
    lab.cloud.idle()


def test_iam_route(lab, echo):
    api = HttpApi(lab)
    api.stage()
    api.route("GET /", echo, AuthorizationType="AWS_IAM")
    allow(lab, echo, api.id)
    assert (call(api.url).status, call(api.url).value) == (403, {"message": "Forbidden"})
    event = call(api.url, headers=sign(owner(lab), "GET", api.url, "execute-api")).value
    shown = event["requestContext"]["authorizer"]["iam"]
    assert shown["userArn"] == "arn:aws:iam::123456789012:root"
    assert shown["accessKey"] != lab.cloud.environ()["AWS_ACCESS_KEY_ID"]


def test_a_route_with_an_authorizer_is_closed(lab, echo):
    api = HttpApi(lab)
    api.stage()
    api.route("GET /", echo, AuthorizationType="JWT")
    allow(lab, echo, api.id)
    answer = call(api.url, headers={"Authorization": "Bearer x"})
    assert (answer.status, answer.value) == (401, {"message": "Unauthorized"})
    assert "runs no authorizer (JWT)" in lab.cloud.problems()[-1]


def test_ids_can_not_be_guessed(lab):
    ids = {HttpApi(lab).id for _ in range(3)}
    assert len(ids) == 3
    assert all(re.fullmatch(r"[a-z0-9]{10}", each) for each in ids)


def test_tags_are_kept(lab):
    api = HttpApi(lab, Tags={"team": "bikes"})
    assert api.client.get_api(ApiId=api.id)["Tags"] == {"team": "bikes"}


def test_deleted_apis_are_gone(lab, echo):
    api = HttpApi(lab, Target=echo)
    api.client.delete_api(ApiId=api.id)
    assert call(api.url).status == 403


def test_import(lab, echo):
    client = lab.cloud.client("apigatewayv2")
    integration = {
        "type": "aws_proxy",
        "httpMethod": "POST",
        "uri": echo,
        "payloadFormatVersion": "2.0",
    }
    document = {
        "openapi": "3.0.1",
        "info": {"title": "stations", "version": "1"},
        "paths": {"/stations": {"get": {"x-amazon-apigateway-integration": integration}}},
    }
    api_id = client.import_api(Body=json.dumps(document))["ApiId"]
    client.create_stage(ApiId=api_id, StageName="$default", AutoDeploy=True)
    allow(lab, echo, api_id)
    url = lab.cloud.url(f"https://{api_id}.execute-api.us-east-1.amazonaws.com/stations")
    assert call(url).value["routeKey"] == "GET /stations"
    assert client.get_api(ApiId=api_id)["Name"] == "stations"


def test_a_learners_mistakes_are_refused(lab, echo):
    api = HttpApi(lab)
    errors = api.client.exceptions
    with pytest.raises(errors.BadRequestException, match="PayloadFormatVersion"):
        api.client.create_integration(
            ApiId=api.id, IntegrationType="AWS_PROXY", IntegrationUri=echo
        )
    api.route("GET /stations", echo)
    with pytest.raises(errors.ConflictException, match="Route with key GET /stations already"):
        api.route("GET /stations", echo)
    for key in ("/stations", "GET stations", "FETCH /stations", "get /stations"):
        with pytest.raises(errors.BadRequestException, match="not formatted properly"):
            api.route(key, echo)
    with pytest.raises(errors.NotFoundException):
        api.client.delete_route(ApiId=api.id, RouteId="nope")
    with pytest.raises(errors.NotFoundException):
        api.client.update_integration(ApiId=api.id, IntegrationId="nope", TimeoutInMillis=100)
    with pytest.raises(errors.NotFoundException):
        api.client.delete_api(ApiId="nope")
    with pytest.raises(errors.BadRequestException, match="Invalid OpenAPI input"):
        api.client.import_api(Body="nope: [")
    api.stage()
    with pytest.raises(errors.ConflictException):
        api.stage()
    with pytest.raises(errors.NotFoundException):
        api.client.create_deployment(ApiId="nope")
    with pytest.raises(errors.NotFoundException):
        api.client.create_deployment(ApiId=api.id, StageName="nope")
    assert api.client.get_deployments(ApiId=api.id)["Items"] == []  # nothing half made
    with pytest.raises(errors.NotFoundException):
        api.client.update_stage(ApiId=api.id, StageName="nope")
