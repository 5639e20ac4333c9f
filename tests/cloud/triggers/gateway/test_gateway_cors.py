"""CORS: by an HTTP API's configuration, a function URL's, and a REST API's MOCK integration."""

from __future__ import annotations

import pytest
from gateways import HttpApi, RestApi, allow, call, function_arn, returning

SITE = "https://bikes.example.com"
PREFLIGHT = {"Origin": SITE, "Access-Control-Request-Method": "POST"}
# A function that answers for itself.
RESULT = {
    "statusCode": 200,
    "headers": {"Access-Control-Allow-Origin": "https://own.example.com", "X-Own": "1"},
    "body": "ok",
}


def cors_headers(reply) -> dict[str, str]:
    return {
        name.lower(): value
        for name, value in reply.headers.items()
        if name.lower().startswith("access-control-")
    }


@pytest.fixture(scope="module")
def echo(lab):
    return function_arn(lab)


@pytest.fixture(scope="module", params=["http_api", "function_url"])
def site(request, lab, echo):
    """The URL of an API, or of a function URL, with a CORS configuration."""
    cors = {
        "AllowOrigins": [SITE, "http://localhost:8888"],
        "AllowMethods": ["GET", "POST"],
        "AllowHeaders": ["content-type", "x-station"],
        "ExposeHeaders": ["x-own"],
        "AllowCredentials": True,
        "MaxAge": 300,
    }
    if request.param == "http_api":
        api = HttpApi(lab, Target=echo, CorsConfiguration=cors)
        allow(lab, echo, api.id)
        return api.url
    config = lab.client.create_function_url_config(FunctionName=echo, AuthType="NONE", Cors=cors)
    for number, more in enumerate(
        (
            {"Action": "lambda:InvokeFunctionUrl", "FunctionUrlAuthType": "NONE"},
            {"Action": "lambda:InvokeFunction", "InvokedViaFunctionUrl": True},
        )
    ):
        lab.client.add_permission(
            FunctionName=echo, StatementId=f"url-{number}", Principal="*", **more
        )
    return lab.cloud.url(config["FunctionUrl"]).rstrip("/")


def test_preflight_of_an_allowed_origin(lab, echo, site):
    before = len(lab.cloud.invocations())
    answer = call(site + "/any", "OPTIONS", headers=PREFLIGHT)
    assert (answer.status, answer.body) == (204, b"")
    assert cors_headers(answer) == {
        "access-control-allow-origin": SITE,
        "access-control-allow-methods": "GET,POST",
        "access-control-allow-headers": "content-type,x-station",
        "access-control-allow-credentials": "true",
        "access-control-max-age": "300",
    }
    assert len(lab.cloud.invocations()) == before


def test_preflight_of_another_origin(site):
    for origin in ("https://evil.example.com", SITE + ".evil.com", "null"):
        answer = call(site, "OPTIONS", headers={**PREFLIGHT, "Origin": origin})
        assert answer.status == 204
        assert cors_headers(answer) == {}


def test_answers_carry_the_configured_headers(site):
    answer = returning(site, {"statusCode": 200, "body": "ok"}, headers={"Origin": SITE})
    assert cors_headers(answer) == {
        "access-control-allow-origin": SITE,
        "access-control-allow-credentials": "true",
        "access-control-expose-headers": "x-own",
    }
    for headers in ({"Origin": "https://evil.example.com"}, {}):
        answer = returning(site, {"statusCode": 200, "body": "ok"}, headers=headers)
        assert cors_headers(answer) == {}


def test_the_functions_own_headers(site):
    """An HTTP API drops them; a function URL sends both, which no browser takes."""
    answer = returning(site, RESULT, headers={"Origin": SITE})
    own = ["https://own.example.com"] if "lambda-url" in site else []
    assert answer.headers.getlist("access-control-allow-origin") == [*own, SITE]
    assert answer.headers["X-Own"] == "1"


def test_errors_carry_them_too(site):
    answer = returning(site, {"statusCode": "x"}, headers={"Origin": SITE})
    assert answer.status >= 500
    assert cors_headers(answer)["access-control-allow-origin"] == SITE


def test_options_that_is_no_preflight_reaches_the_function(site):
    event = call(site, "OPTIONS").value
    assert event["requestContext"]["http"]["method"] == "OPTIONS"


@pytest.mark.parametrize(
    ("allowed", "origin", "answered"),
    [
        ("*", SITE, "*"),
        ("*", "null", "*"),
        ("https://*", SITE, SITE),
        ("https://*", "http://bikes.example.com", None),
    ],
)
def test_wildcards(lab, echo, allowed, origin, answered):
    api = HttpApi(lab, CorsConfiguration={"AllowOrigins": [allowed], "AllowMethods": ["*"]})
    answer = call(api.url, "OPTIONS", headers={**PREFLIGHT, "Origin": origin})
    assert answer.headers.get("access-control-allow-origin") == answered
    assert answer.headers.get("access-control-allow-methods") == ("*" if answered else None)


def test_a_function_url_for_everybody_names_the_origin(lab):
    arn = function_arn(lab)
    config = lab.client.create_function_url_config(
        FunctionName=arn, AuthType="NONE", Cors={"AllowOrigins": ["*"]}
    )
    answer = call(lab.cloud.url(config["FunctionUrl"]), "OPTIONS", headers=PREFLIGHT)
    assert cors_headers(answer) == {"access-control-allow-origin": SITE}


def test_unknown_routes_carry_them_too(lab):
    api = HttpApi(lab, CorsConfiguration={"AllowOrigins": ["*"]})
    answer = call(api.url, headers={"Origin": SITE})
    assert answer.status == 404
    assert answer.headers["access-control-allow-origin"] == "*"


def test_without_a_configuration_the_function_answers_for_itself(lab, echo):
    api = HttpApi(lab, Target=echo)
    allow(lab, echo, api.id)
    answer = returning(api.url, RESULT, headers={"Origin": SITE})
    assert cors_headers(answer) == {"access-control-allow-origin": "https://own.example.com"}
    api.client.update_api(ApiId=api.id, CorsConfiguration={"AllowOrigins": [SITE]})
    answer = returning(api.url, RESULT, headers={"Origin": SITE})
    assert cors_headers(answer) == {"access-control-allow-origin": SITE}
    api.client.delete_cors_configuration(ApiId=api.id)
    answer = returning(api.url, RESULT, headers={"Origin": SITE})
    assert cors_headers(answer) == {"access-control-allow-origin": "https://own.example.com"}


def enable_cors(api: RestApi, path: str) -> None:
    """What the console's "Enable CORS" makes of a resource."""
    where = {
        "restApiId": api.id,
        "resourceId": api.resource(path),
        "httpMethod": "OPTIONS",
    }
    headers = {
        "Access-Control-Allow-Headers": "'Content-Type,Authorization'",
        "Access-Control-Allow-Methods": "'GET,OPTIONS'",
        "Access-Control-Allow-Origin": "'*'",
    }
    names = {f"method.response.header.{name}": value for name, value in headers.items()}
    api.client.put_method(**where, authorizationType="NONE")
    api.client.put_method_response(
        **where, statusCode="200", responseParameters=dict.fromkeys(names, False)
    )
    api.client.put_integration(
        **where, type="MOCK", requestTemplates={"application/json": '{"statusCode": 200}'}
    )
    api.client.put_integration_response(
        **where,
        statusCode="200",
        responseParameters=names,
        responseTemplates={"application/json": ""},
    )


def test_mock_integration_of_a_rest_api(lab, echo):
    api = RestApi(lab)
    api.method("/stations", echo, "GET")
    allow(lab, echo, api.id)
    enable_cors(api, "/stations")
    url = api.deploy() + "/stations"
    answer = call(url, "OPTIONS", headers=PREFLIGHT)
    assert (answer.status, answer.body) == (200, b"")
    assert cors_headers(answer) == {
        "access-control-allow-headers": "Content-Type,Authorization",
        "access-control-allow-methods": "GET,OPTIONS",
        "access-control-allow-origin": "*",
    }
    # The answer itself is the function's business: the classic mistake.
    assert cors_headers(call(url, headers={"Origin": SITE})) == {}
    answer = returning(url, RESULT, headers={"Origin": SITE})
    assert cors_headers(answer) == {"access-control-allow-origin": "https://own.example.com"}
