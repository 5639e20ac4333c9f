"""REST APIs: routes, deployments, the event of payload 1.0, results, errors, the wire."""

from __future__ import annotations

import base64
import http.client
import json
import socket
from urllib.parse import urlsplit

import pytest
from aws_lambda_powertools.utilities.parser.models import APIGatewayProxyEventModel
from gateways import (
    ACCOUNT,
    ECHO,
    RestApi,
    allow,
    call,
    function_arn,
    logged_event,
    proxy_uri,
    returning,
)
from published import missing_paths
from signed import owner, sign

# What AWS's sample has of its own client, of CloudFront, an authorizer, an API key, and mutual TLS.
OF_THE_SAMPLE = (
    *(
        f"{where}.{name}"
        for where in ("headers", "multiValueHeaders")
        for name in ("CloudFront-", "Via", "X-Amz-Cf-Id", "Postman-Token")
    ),
    "requestContext.authorizer",
    "requestContext.identity.apiKey",
    "requestContext.identity.clientCert",
)
INTERNAL = {"message": "Internal server error"}


@pytest.fixture(scope="module")
def echo(lab):
    return function_arn(lab)


@pytest.fixture(scope="module")
def api(lab, echo):
    """An API with one function behind every path."""
    made = RestApi(lab)
    for path in ("/", "/stations", "/stations/{id}", "/{proxy+}"):
        made.method(path, echo)
    allow(lab, echo, made.id)
    made.stage_url = made.deploy()
    return made


def test_event_is_complete(lab, echo):
    api = RestApi(lab)
    api.method("/{proxy+}", echo)
    allow(lab, echo, api.id)
    url = api.deploy(variables={"stageVariableName": "stageVariableValue"})
    headers = {
        "Accept": "*/*",
        "Accept-Encoding": "gzip",
        "cache-control": "no-cache",
        "headerName": "headerValue",
        "User-Agent": "test/1.0",
        "Content-Type": "application/json",
    }
    answer = call(url + "/hello/world?name=me", "POST", headers=headers, body=b'{"a": 1}')
    assert answer.status == 200
    event = logged_event(lab, echo)
    assert event == answer.value
    assert missing_paths("rest_api", event, but=OF_THE_SAMPLE) == set()
    APIGatewayProxyEventModel.model_validate(event)
    context = event["requestContext"]
    domain = f"{api.id}.execute-api.us-east-1.amazonaws.com"
    assert event["resource"] == context["resourcePath"] == "/{proxy+}"
    assert event["path"] == "/hello/world"
    assert context["path"] == "/prod/hello/world"
    assert event["headers"]["Host"] == context["domainName"] == domain
    assert event["headers"]["headerName"] == "headerValue"  # the client's case stays
    assert event["multiValueHeaders"]["headerName"] == ["headerValue"]
    assert event["pathParameters"] == {"proxy": "hello/world"}
    assert event["stageVariables"] == {"stageVariableName": "stageVariableValue"}
    assert (event["body"], event["isBase64Encoded"]) == ('{"a": 1}', False)
    assert (context["accountId"], context["apiId"]) == (ACCOUNT, api.id)
    assert context["resourceId"] == api.resource("/{proxy+}")
    assert "version" not in event and "operationName" not in context
    assert answer.headers["x-amzn-RequestId"] == context["requestId"]
    assert answer.headers["x-amz-apigw-id"] == context["extendedRequestId"]
    assert answer.headers["X-Amzn-Trace-Id"].startswith("Root=1-")
    assert answer.headers["Content-Type"] == "application/json"


def test_a_method_may_have_an_operations_name(lab, echo):
    api = RestApi(lab)
    api.method("/", echo, operationName="ListStations")
    allow(lab, echo, api.id)
    assert call(api.deploy()).value["requestContext"]["operationName"] == "ListStations"


def test_what_is_absent_is_null(api):
    event = call(api.stage_url).value
    assert event["path"] == "/"
    for name in (
        "queryStringParameters",
        "multiValueQueryStringParameters",
        "pathParameters",
        "stageVariables",
        "body",
    ):
        assert event[name] is None
    identity = event["requestContext"]["identity"]
    assert {name for name, value in identity.items() if value is not None} == {
        "sourceIp",
        "userAgent",
    }


@pytest.mark.parametrize(
    ("path", "resource", "variables"),
    [
        ("/stations", "/stations", None),
        ("/stations/", "/stations", None),  # a slash at the end is naught
        ("/stations/42", "/stations/{id}", {"id": "42"}),
        ("/stations/42/docks", "/{proxy+}", {"proxy": "stations/42/docks"}),
        ("/a/b/", "/{proxy+}", {"proxy": "a/b"}),
        ("/a//b", "/{proxy+}", {"proxy": "a//b"}),
        ("/stations/a%2Fb", "/stations/{id}", {"id": "a%2Fb"}),  # AWS does not decode it
        ("/p/test%2Balias@x.com/a+b", "/{proxy+}", {"proxy": "p/test%2Balias@x.com/a+b"}),
        ("/r%C3%A4d", "/{proxy+}", {"proxy": "r%C3%A4d"}),
    ],
)
def test_routes(api, path, resource, variables):
    event = call(api.stage_url + path).value
    assert event["resource"] == resource
    assert event["pathParameters"] == variables
    assert event["path"] == path
    assert event["requestContext"]["path"] == f"/prod{path}"


@pytest.mark.parametrize("method", ["GET", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"])
def test_methods(api, method):
    event = call(api.stage_url + "/stations", method).value
    assert event["httpMethod"] == event["requestContext"]["httpMethod"] == method


def test_head_has_no_body(lab, api, echo):
    answer = call(api.stage_url + "/stations", "HEAD")
    assert (answer.status, answer.body) == (200, b"")
    assert logged_event(lab, echo)["httpMethod"] == "HEAD"


def test_query_string(api):
    event = call(api.stage_url + "/stations?a=1&a=2&empty=&b=x+y&c=%2B&u=%C3%A4&bare").value
    assert event["queryStringParameters"] == {
        "a": "2",  # the last one
        "empty": "",
        "b": "x y",
        "c": "+",
        "u": "ä",
        "bare": "",
    }
    assert event["multiValueQueryStringParameters"]["a"] == ["1", "2"]


def test_unknown_paths_methods_stages_and_apis(lab, api, echo):
    missing = call(api.url("test") + "/stations")
    assert (missing.status, missing.value) == (403, {"message": "Forbidden"})
    unknown = lab.cloud.url("https://zzzzzzzzzz.execute-api.us-east-1.amazonaws.com/prod")
    assert call(unknown).value == {"message": "Forbidden"}
    small = RestApi(lab)
    small.method("/stations", echo, "GET")
    assert call(small.url("prod") + "/stations").value == {"message": "Forbidden"}  # not deployed
    url = small.deploy()
    for method, path in (("GET", "/bikes"), ("POST", "/stations"), ("GET", "/"), ("GET", "")):
        answer = call(url + path, method)
        assert (answer.status, answer.value) == (403, {"message": "Missing Authentication Token"})
        assert answer.headers["x-amzn-ErrorType"] == "MissingAuthenticationTokenException"


def test_a_change_shows_after_the_next_deployment_only(lab, echo):
    api = RestApi(lab)
    api.method("/stations", echo)
    allow(lab, echo, api.id)
    url = api.deploy(variables={"level": "one"})
    api.method("/bikes", echo)
    assert call(url + "/bikes").status == 403
    api.client.delete_method(
        restApiId=api.id, resourceId=api.resource("/stations"), httpMethod="ANY"
    )
    assert call(url + "/stations").value["stageVariables"] == {"level": "one"}
    api.deploy()
    assert call(url + "/bikes").value["stageVariables"] == {"level": "one"}  # the stage stays
    assert call(url + "/stations").status == 403


def test_a_stage_can_go_back_to_an_older_deployment(lab, echo):
    api = RestApi(lab)
    api.method("/one", echo)
    allow(lab, echo, api.id)
    first = api.client.create_deployment(restApiId=api.id, stageName="prod")["id"]
    api.method("/two", echo)
    url = api.deploy()
    assert call(url + "/two").value["requestContext"]["deploymentId"] != first
    api.client.update_stage(
        restApiId=api.id,
        stageName="prod",
        patchOperations=[{"op": "replace", "path": "/deploymentId", "value": first}],
    )
    assert call(url + "/two").status == 403
    assert call(url + "/one").value["requestContext"]["deploymentId"] == first


@pytest.mark.parametrize(
    ("result", "status", "body"),
    [
        ({}, 200, b""),
        ({"headers": {"x": "y"}}, 200, b""),
        ({"statusCode": "201", "body": "made"}, 201, b"made"),
        ({"statusCode": 404, "body": None}, 404, b""),
        ({"statusCode": 204}, 204, b""),
    ],
)
def test_results_that_are_responses(api, result, status, body):
    answer = returning(api.stage_url, result)
    assert (answer.status, answer.body) == (status, body)


@pytest.mark.parametrize(
    "result",
    [
        None,
        "text",
        7,
        ["a"],
        {"message": "hi"},
        {"statusCode": 200, "body": "x", "cookies": []},
        {"statusCode": "ok"},
        {"statusCode": 42},
        {"statusCode": True},
        {"statusCode": 200, "body": {"a": 1}},
        {"statusCode": 200, "headers": "x"},
        {"statusCode": 200, "headers": {"x": {"y": 1}}},
        {"statusCode": 200, "headers": {"x": "a\r\nSet-Cookie: b"}},
        {"statusCode": 200, "multiValueHeaders": {"x": "y"}},
        {"statusCode": 200, "isBase64Encoded": "yes"},
    ],
)
def test_results_that_are_none(api, result):
    answer = returning(api.stage_url, result)
    assert (answer.status, answer.value) == (502, INTERNAL)


def test_the_reason_of_a_502_can_be_found(lab, api):
    returning(api.stage_url, {"statusCode": 200, "body": {"a": 1}})
    assert "body is dict, not a string: use json.dumps" in lab.cloud.problems()[-1]


def test_headers_of_a_result(api):
    result = {
        "statusCode": 200,
        "headers": {"X-One": "1", "X-Number": 5, "X-True": True, "Content-Type": "text/csv"},
        "multiValueHeaders": {"Set-Cookie": ["a=1", "b=2"], "X-One": ["1", "2"]},
        "body": "a,b",
    }
    answer = returning(api.stage_url, result)
    assert answer.headers["Content-Type"] == "text/csv"
    assert (answer.headers["X-Number"], answer.headers["X-True"]) == ("5", "true")
    assert answer.headers.getlist("Set-Cookie") == ["a=1", "b=2"]
    assert answer.headers.getlist("X-One") == ["1", "2"]
    named = {"Server": "mine", "Date": "today", "WWW-Authenticate": "Basic", "Content-Length": "9"}
    answer = returning(api.stage_url, {"headers": named, "body": "four"})
    assert answer.headers["x-amzn-Remapped-Server"] == "mine"
    assert answer.headers["x-amzn-Remapped-WWW-Authenticate"] == "Basic"
    assert answer.headers["Content-Length"] == "4"


@pytest.mark.parametrize(
    "source",
    [
        "def handler(event, context): raise ValueError('x')",
        "def handler(event, context): return {1, 2}",
        "import os\ndef handler(event, context): os._exit(1)",
        "import nope",
    ],
)
def test_a_function_that_fails_is_502(lab, source):
    arn = function_arn(lab, source)
    api = RestApi(lab)
    api.method("/", arn)
    allow(lab, arn, api.id)
    answer = call(api.deploy())
    assert (answer.status, answer.value) == (502, INTERNAL)


def test_without_permission_or_function_it_is_500(lab):
    arn = function_arn(lab, ECHO)
    api = RestApi(lab)
    api.method("/stations/{id}", arn, "GET")
    url = api.deploy() + "/stations/7"
    answer = call(url)
    assert (answer.status, answer.value) == (500, INTERNAL)
    assert "is not authorized to perform: lambda:InvokeFunction" in lab.cloud.problems()[-1]
    allow(lab, arn, api.id, "test/GET/stations/*")
    assert call(url).status == 500  # for another stage
    lab.client.remove_permission(FunctionName=arn, StatementId=f"api-{api.id}")
    allow(lab, arn, api.id, "*/GET/stations/*")
    assert call(url).status == 200
    lab.client.delete_function(FunctionName=arn)
    assert call(url).value == INTERNAL


def test_a_throttled_function_is_500(lab):
    arn = function_arn(lab)
    api = RestApi(lab)
    api.method("/", arn)
    allow(lab, arn, api.id)
    lab.client.put_function_concurrency(FunctionName=arn, ReservedConcurrentExecutions=0)
    answer = call(api.deploy())
    assert (answer.status, answer.value) == (500, INTERNAL)


def test_an_integration_called_with_get_is_500(lab, echo):
    """The integration's own method is POST always: the classic mistake."""
    api = RestApi(lab)
    api.method("/", echo, "GET", integration={"integrationHttpMethod": "GET"})
    allow(lab, echo, api.id)
    assert call(api.deploy()).value == INTERNAL


def test_integration_timeout(lab):
    arn = function_arn(lab, "import time\ndef handler(event, context): time.sleep(0.5)")
    api = RestApi(lab)
    api.method("/", arn, integration={"timeoutInMillis": 50})
    allow(lab, arn, api.id)
    answer = call(api.deploy())
    assert (answer.status, answer.value) == (504, {"message": "Endpoint request timed out"})
    lab.cloud.idle()
    (ran,) = lab.cloud.invocations(arn.split(":")[6])
    assert ran.status == "success"  # it was not stopped


def test_stage_variables_in_the_uri_and_an_alias(lab):
    arn = function_arn(lab)
    lab.client.publish_version(FunctionName=arn)
    lab.client.create_alias(FunctionName=arn, Name="live", FunctionVersion="1")
    api = RestApi(lab)
    api.method("/", arn + ":${stageVariables.alias}")
    allow(lab, arn + ":live", api.id)
    url = api.deploy(variables={"alias": "live"})
    assert call(url).status == 200
    api.deploy("other", variables={"alias": "nope"})
    assert call(api.url("other")).value == INTERNAL


def test_binary_bodies(lab, echo):
    api = RestApi(lab, binaryMediaTypes=["image/*"])
    api.method("/", echo)
    allow(lab, echo, api.id)
    url, raw = api.deploy(), bytes(range(256))
    event = call(url, "POST", body=raw, headers={"Content-Type": "image/png"}).value
    assert event["isBase64Encoded"] is True
    assert base64.b64decode(event["body"]) == raw
    event = call(url, "POST", body=raw, headers={"Content-Type": "text/plain"}).value
    assert event["isBase64Encoded"] is False  # and the bytes are lost, as on AWS
    assert "\ufffd" in event["body"]
    picture = {"body": base64.b64encode(raw).decode(), "isBase64Encoded": True}
    assert returning(url, picture, headers={"Accept": "image/png"}).body == raw
    assert returning(url, picture).body.decode() == picture["body"]  # for another Accept
    api.client.update_rest_api(
        restApiId=api.id, patchOperations=[{"op": "add", "path": "/binaryMediaTypes/*~1*"}]
    )
    assert api.client.get_rest_api(restApiId=api.id)["binaryMediaTypes"] == ["image/*", "*/*"]
    assert returning(url, picture).body == raw


def test_payloads_that_are_too_large(api):
    answer = call(api.stage_url, "POST", body=b"x" * (10 * 1024 * 1024 + 1))
    assert (answer.status, answer.value) == (413, {"message": "Request Too Long"})
    assert call(api.stage_url, "POST", body=b"x" * (7 * 1024 * 1024)).status == 413  # Lambda's


def test_large_bodies_both_ways(lab):
    arn = function_arn(
        lab, "def handler(event, context): return {'body': event['body'], 'statusCode': 200}"
    )
    api = RestApi(lab)
    api.method("/", arn)
    allow(lab, arn, api.id)
    body = ("ä" * 2_000_000).encode()
    assert call(api.deploy(), "POST", body=body).body == body


def test_an_iam_method_wants_a_signature(lab, echo):
    api = RestApi(lab)
    api.method("/", echo, authorizationType="AWS_IAM")
    allow(lab, echo, api.id)
    url = api.deploy()
    assert call(url).value == {"message": "Missing Authentication Token"}
    event = call(url, headers=sign(owner(lab), "GET", url, "execute-api")).value
    shown = event["requestContext"]["identity"]
    assert shown["userArn"] == "arn:aws:iam::123456789012:root"
    assert shown["accessKey"] != lab.cloud.environ()["AWS_ACCESS_KEY_ID"]


def test_a_method_with_an_authorizer_is_closed(lab, echo):
    api = RestApi(lab)
    api.method("/", echo, authorizationType="CUSTOM")
    allow(lab, echo, api.id)
    answer = call(api.deploy(), headers={"Authorization": "Bearer x"})
    assert (answer.status, answer.value) == (401, {"message": "Unauthorized"})
    assert "runs no authorizer (CUSTOM)" in lab.cloud.problems()[-1]


def test_an_api_key_must_be_in_a_usage_plan_of_the_stage(lab, echo):
    api = RestApi(lab)
    api.method("/", echo, apiKeyRequired=True)
    allow(lab, echo, api.id)
    url = api.deploy()
    key = api.client.create_api_key(name="k", value="k" * 20, enabled=True)["id"]
    headers = {"x-api-key": "k" * 20}
    assert call(url, headers=headers).value == {"message": "Forbidden"}
    plan = api.client.create_usage_plan(name="p", apiStages=[{"apiId": api.id, "stage": "prod"}])[
        "id"
    ]
    api.client.create_usage_plan_key(usagePlanId=plan, keyId=key, keyType="API_KEY")
    assert call(url, headers=headers).value["requestContext"]["identity"]["apiKeyId"] == key
    assert call(url).status == 403


def test_host_names(lab, api):
    """AWS's own, and one that browsers resolve to this machine."""
    local = urlsplit(lab.cloud.endpoint_url).netloc
    for domain in ("us-east-1.amazonaws.com", "us-east-1.localhost"):
        host = f"{api.id}.execute-api.{domain}"
        headers = {"Host": f"{host}:{local.split(':')[1]}", "Origin": "https://example.com"}
        assert call(f"http://{local}/prod/stations", headers=headers).status == 200
        elsewhere = {"Host": host.replace("us-east-1", "eu-west-1")}
        assert call(f"http://{local}/prod/stations", headers=elsewhere).status == 403
    foreign = call(api.stage_url, headers={"Host": "example.com"})
    assert foreign.status == 403
    assert foreign.value["__type"] == "AccessDeniedException"


def exchange(lab, *parts: bytes, close: bool = False) -> bytes:
    """Sends bytes over one connection; returns everything that comes back."""
    address = urlsplit(lab.cloud.endpoint_url)
    with socket.create_connection((address.hostname, address.port), timeout=30) as connection:
        for part in parts:
            connection.sendall(part)
        if close:
            return b""
        received = b""
        while block := connection.recv(65536):
            received += block
    return received


def head(api, method="POST", *lines: str) -> bytes:
    path = urlsplit(api.stage_url).path
    text = "\r\n".join([f"{method} {path} HTTP/1.1", "Host: localhost", *lines, "", ""])
    return text.encode()


def test_chunked_body(lab, api):
    body = b"5\r\nhello\r\n6\r\n world\r\n0\r\n\r\n"
    received = exchange(lab, head(api, "POST", "Transfer-Encoding: chunked"), body)
    assert json.loads(received.partition(b"\r\n\r\n")[2])["body"] == "hello world"
    bad = exchange(lab, head(api, "POST", "Transfer-Encoding: chunked"), b"zz\r\nhello\r\n")
    assert bad.startswith(b"HTTP/1.1 400 ")


def test_expect_100_continue(lab, api):
    address = urlsplit(lab.cloud.endpoint_url)
    with socket.create_connection((address.hostname, address.port), timeout=30) as connection:
        connection.sendall(head(api, "POST", "Expect: 100-continue", "Content-Length: 2"))
        assert connection.recv(1000) == b"HTTP/1.1 100 Continue\r\n\r\n"  # once, and at once
        connection.sendall(b"hi")
        received = b""
        while block := connection.recv(65536):
            received += block
    assert received.startswith(b"HTTP/1.1 200 ")
    event = json.loads(received.partition(b"\r\n\r\n")[2])
    assert event["body"] == "hi"
    assert "Expect" not in event["headers"]


def test_several_requests_of_one_client(api):
    parts = urlsplit(api.stage_url)
    connection = http.client.HTTPConnection(parts.hostname, parts.port, timeout=30)
    for number in range(3):
        connection.request("POST", parts.path, body=f"body {number}")
        assert json.loads(connection.getresponse().read())["body"] == f"body {number}"
    connection.close()


def test_no_byte_of_a_body_is_taken_for_a_request(lab, api):
    smuggled = head(api, "GET")
    received = exchange(lab, head(api, "POST", "Content-Length: 2"), b"hi" + smuggled)
    assert received.count(b"HTTP/1.1 ") == 1


def test_a_client_that_goes_away_invokes_nothing(lab, api, echo):
    name = echo.split(":")[6]
    before = len(lab.cloud.invocations(name))
    exchange(lab, head(api, "POST", "Content-Length: 100"), b"half", close=True)
    assert call(api.stage_url).status == 200
    lab.cloud.idle()
    assert len(lab.cloud.invocations(name)) == before + 1


def test_a_learners_typos_are_refused_in_aws_words(lab, echo):
    api = RestApi(lab)
    client, errors, root = api.client, api.client.exceptions, api.resource("/")
    where = {"restApiId": api.id, "resourceId": root, "httpMethod": "GET"}
    proxy = {"type": "AWS_PROXY", "integrationHttpMethod": "POST"}
    with pytest.raises(errors.BadRequestException, match="doesn't contain any methods"):
        api.deploy()
    with pytest.raises(errors.NotFoundException, match="Invalid Method identifier"):
        client.put_integration(**where, **proxy, uri=proxy_uri(echo))
    with pytest.raises(errors.BadRequestException, match="Invalid HttpMethod"):
        client.put_method(**{**where, "httpMethod": "FETCH"}, authorizationType="NONE")
    client.put_method(**where, authorizationType="NONE")
    with pytest.raises(errors.ConflictException, match="Method already exists"):
        client.put_method(**where, authorizationType="NONE")
    with pytest.raises(errors.NotFoundException, match="No integration defined for method"):
        api.deploy()
    for uri in ({}, {"uri": "arn:nope"}):
        with pytest.raises(errors.BadRequestException, match="Invalid ARN"):
            client.put_integration(**where, **proxy, **uri)
    with pytest.raises(errors.BadRequestException, match="must contain path or action"):
        client.put_integration(**where, **proxy, uri=echo)
    with pytest.raises(errors.NotFoundException, match="Invalid Integration identifier"):
        client.get_integration(**where)
    with pytest.raises(errors.NotFoundException, match="Invalid resource identifier"):
        client.create_resource(restApiId=api.id, parentId="nope", pathPart="x")
    api.resource("/stations")
    with pytest.raises(errors.ConflictException, match="already has this name: stations"):
        client.create_resource(restApiId=api.id, parentId=root, pathPart="stations")
    assert len(client.get_resources(restApiId=api.id)["items"]) == 2  # nothing half made


def test_stages_and_deployments_that_are_not_there(lab, echo):
    api = RestApi(lab)
    client, errors = api.client, api.client.exceptions
    api.method("/", echo)
    api.deploy()
    with pytest.raises(errors.BadRequestException, match="Deployment id does not exist"):
        client.create_stage(restApiId=api.id, stageName="test", deploymentId="nope")
    for path, op in (("/deploymentId", "replace"), ("/variables/level", "add")):
        with pytest.raises(errors.BadRequestException):
            change = {"op": op, "path": path, "value": "nope"}
            client.update_stage(restApiId=api.id, stageName="prod", patchOperations=[change])
    with pytest.raises(errors.NotFoundException):
        client.get_deployment(restApiId=api.id, deploymentId="nope")
    with pytest.raises(errors.NotFoundException):
        client.delete_rest_api(restApiId="nope")
    with pytest.raises(errors.NotFoundException):
        client.get_stages(restApiId="nope")


def test_a_deleted_resource_takes_its_children_along(lab, echo):
    api = RestApi(lab)
    api.method("/stations/{id}/docks", echo)
    stations = api.resource("/stations")
    api.client.delete_resource(restApiId=api.id, resourceId=stations)
    assert [r["path"] for r in api.client.get_resources(restApiId=api.id)["items"]] == ["/"]


def test_import(lab, echo):
    client = lab.cloud.client("apigateway")
    integration = {"type": "aws_proxy", "httpMethod": "POST", "uri": proxy_uri(echo)}
    method = {"responses": {}, "x-amazon-apigateway-integration": integration}
    document = {
        "openapi": "3.0.1",
        "info": {"title": "stations"},
        "paths": {"/stations": {"get": method}, "/stations/{id}": {"get": method}},
    }
    api_id = client.import_rest_api(body=json.dumps(document))["id"]
    client.create_deployment(restApiId=api_id, stageName="prod")
    allow(lab, echo, api_id)
    url = lab.cloud.url(f"https://{api_id}.execute-api.us-east-1.amazonaws.com/prod/stations/7")
    assert call(url).value["pathParameters"] == {"id": "7"}
    client.put_rest_api(restApiId=api_id, mode="merge", body=json.dumps(document))  # once more
    assert len(client.get_resources(restApiId=api_id)["items"]) == 3
    for broken in ("nope: [", "7", '{"openapi": "3.0.1", "paths": {}}'):
        with pytest.raises(client.exceptions.BadRequestException, match="Invalid OpenAPI input"):
            client.import_rest_api(body=broken)


def test_import_with_warnings_is_refused_in_words(lab):
    client = lab.cloud.client("apigateway")
    document = {"openapi": "3.0.1", "info": {"title": "t", "description": "d"}, "paths": {}}
    with pytest.raises(client.exceptions.BadRequestException, match="leave out failOnWarnings"):
        client.import_rest_api(body=json.dumps(document), failOnWarnings=True)
    assert client.import_rest_api(body=json.dumps(document))["name"] == "t"
