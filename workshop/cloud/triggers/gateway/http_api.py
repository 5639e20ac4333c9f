"""HTTP APIs of API Gateway, with payload format 2.0 or 1.0.

Follows "Create AWS Lambda proxy integrations for HTTP APIs in API Gateway"
(https://docs.aws.amazon.com/apigateway/latest/developerguide/http-api-develop-integrations-lambda.html)
and "Create routes for HTTP APIs in API Gateway"
(https://docs.aws.amazon.com/apigateway/latest/developerguide/http-api-develop-routes.html).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any
from urllib.parse import unquote

from ...access.resource_policy import Source
from ...base.answer import Answer
from ...base.model import ApiError
from ...base.variables import ACCOUNT_ID
from . import payload_v1, payload_v2
from .addresses import domain_name
from .answer import message
from .apis import HttpApi, HttpRoute, HttpStage
from .bodies import is_text
from .caller import Caller
from .cors import Cors
from .invoking import Functions, IntegrationTimeout, function_arn
from .paths import best_match
from .request import HttpRequest, Routed
from .results import MalformedResult, answer_v2, http_answer_v1

TIMEOUT_MS = 30_000
DEFAULT = "$default"
PLAIN_TEXT = "text/plain;charset=UTF-8"


@dataclass(frozen=True)
class Matched:
    """What a request leads to.

    raw_path: with the stage's name, where it is a named one. HTTP APIs decode it, and lose what
    follows an encoded `?`; REST APIs and function URLs hand it on as it was sent.
    """

    stage: HttpStage
    route: HttpRoute
    variables: dict[str, str]
    raw_path: str


@dataclass(frozen=True)
class HttpCall:
    """One request to an API that leads to a route."""

    api: HttpApi
    request: HttpRequest
    matched: Matched


def serve(api: HttpApi, request: HttpRequest, functions: Functions) -> Answer:
    """Answers a request, whatever comes of it."""
    cors = Cors.of_http_api(api.cors)
    answer = cors.preflight(request) if cors else None
    if answer is None:
        answer = _answer(api, request, functions)
        if cors:
            cors.add(request, answer)
    answer.headers["Apigw-Requestid"] = request.extended_id
    return answer


def _answer(api: HttpApi, request: HttpRequest, functions: Functions) -> Answer:
    matched = match(api, request.method, request.path)
    if matched is None:
        return message(404, "Not Found")
    call, authorization = HttpCall(api, request, matched), matched.route.authorization
    caller = request.signed.caller() if authorization == "AWS_IAM" else None
    if authorization == "AWS_IAM" and not _may_call(caller, call):
        return message(403, "Forbidden")
    if authorization not in ("NONE", "AWS_IAM"):
        functions.no_authorizer(authorization)
        return message(401, "Unauthorized")
    if (matched.route.integration or {}).get("integrationType") != "AWS_PROXY":
        return message(500, "Internal Server Error")
    return _invoke(call, caller, functions)


def match(api: HttpApi, http_method: str, path: str) -> Matched | None:
    """The stage and the route of a request; a stage's name goes before the `$default` stage."""
    first, slash, rest = path[1:].partition("/")
    name = unquote(first)
    below = slash + rest or "/"
    if name == DEFAULT:  # only a local address spells it out
        stage, raw_path = api.stages.get(DEFAULT), below
    elif name in api.stages:
        stage, raw_path = api.stages[name], path
    else:
        stage, raw_path, below = api.stages.get(DEFAULT), path, path
    found = _find_route(stage, http_method, below) if stage else None
    if stage is None or found is None:
        return None
    route, variables = found
    decoded = {name: unquote(value) for name, value in variables.items()}
    return Matched(stage, route, decoded, unquote(raw_path).partition("?")[0])


def _find_route(
    stage: HttpStage, http_method: str, path: str
) -> tuple[HttpRoute, dict[str, str]] | None:
    routes = []
    for route in sorted(stage.routes, key=lambda each: each.key.startswith("ANY ")):
        method, _, pattern = route.key.partition(" ")
        if method in (http_method, "ANY"):
            routes.append((pattern, route))
    found = best_match(path, routes)
    if found:
        return found
    default = next((each for each in stage.routes if each.key == DEFAULT), None)
    return (default, {}) if default else None


def _invoke(call: HttpCall, caller: Caller | None, functions: Functions) -> Answer:
    matched = call.matched
    integration = matched.route.integration or {}
    is_v1 = integration.get("payloadFormatVersion") == "1.0"
    event = _event_v1(call) if is_v1 else _event_v2(call, caller)
    timeout_s = int(integration.get("timeoutInMillis") or TIMEOUT_MS) / 1000
    try:
        arn = function_arn(integration["integrationUri"], matched.stage.variables)
        source = None if integration.get("credentialsArn") else _source(call)
        outcome = functions.invoke(arn, event, source, timeout_s)
    except IntegrationTimeout:
        return message(503, "Service Unavailable")
    except ApiError as refusal:
        if refusal.status == 413:
            return message(413, "Request Entity Too Large")
        if refusal.status == 429:
            return message(503, "Service Unavailable")
        return message(500, "Internal Server Error")
    if outcome.error:
        return message(500, "Internal Server Error")
    try:
        if is_v1:
            return http_answer_v1(outcome.payload)
        return answer_v2(outcome.payload, PLAIN_TEXT)
    except MalformedResult as problem:
        functions.note(f"{arn}: malformed response for an HTTP API: {problem}")
        return message(500, "Internal Server Error")


def _event_v2(call: HttpCall, caller: Caller | None) -> dict[str, Any]:
    routed = _routed(call, call.matched.route.key)
    event = payload_v2.event(call.request, routed, call.request.extended_id, caller)
    event["headers"].setdefault("content-length", str(len(call.request.body)))
    return event


def _event_v1(call: HttpCall) -> dict[str, Any]:
    matched, request = call.matched, call.request
    pattern = matched.route.key.partition(" ")[2] or DEFAULT
    context = {
        "apiId": call.api.api_id,
        "path": matched.raw_path,
        "requestId": request.extended_id,
        "resourceId": matched.route.key,
    }
    is_binary = not is_text(request.header("content-type"))
    return payload_v1.http_event(request, _routed(call, pattern), is_binary, context)


def _routed(call: HttpCall, route: str) -> Routed:
    matched = call.matched
    return Routed(
        domain=domain_name("execute-api", call.api.api_id, call.api.region),
        path=matched.raw_path,
        route=route,
        stage=matched.stage.name,
        variables=matched.variables,
        stage_variables=matched.stage.variables,
    )


def _may_call(caller: Caller | None, call: HttpCall) -> bool:
    """Whether the caller's policies let it call the route, where roles are enforced.

    Follows "Control access to HTTP APIs with IAM authorization"
    (https://docs.aws.amazon.com/apigateway/latest/developerguide/http-api-access-control-iam.html).
    """
    return caller is not None and caller.may("execute-api:Invoke", _source(call).arn)


def _source(call: HttpCall) -> Source:
    """Such as `arn:aws:execute-api:REGION:ACCOUNT:API/STAGE/GET/stations/{id}`."""
    api, key = call.api, call.matched.route.key
    method, _, pattern = key.partition(" ")
    route = DEFAULT if key == DEFAULT else f"{call.request.method}{pattern}"
    path = f"{api.api_id}/{call.matched.stage.name}/{route}"
    arn = f"arn:aws:execute-api:{api.region}:{ACCOUNT_ID}:{path}"
    return Source("apigateway.amazonaws.com", arn, ACCOUNT_ID)
