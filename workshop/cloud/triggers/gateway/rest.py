"""REST APIs of API Gateway: Lambda proxy integrations, and MOCK ones for CORS.

Follows "Lambda proxy integrations in API Gateway"
(https://docs.aws.amazon.com/apigateway/latest/developerguide/set-up-lambda-proxy-integrations.html),
"Gateway response types for API Gateway"
(https://docs.aws.amazon.com/apigateway/latest/developerguide/supported-gateway-response-types.html)
and "Handling Lambda errors with an API Gateway API"
(https://docs.aws.amazon.com/lambda/latest/dg/services-apigateway-errors.html).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any
from urllib.parse import unquote

from ...access.resource_policy import Source
from ...base.answer import Answer
from ...base.model import ApiError
from ...base.variables import ACCOUNT_ID
from . import mock
from .addresses import domain_name
from .answer import message
from .apis import RestMethod, RestStage
from .bodies import matches_media_type, media_type
from .caller import Caller
from .invoking import Functions, IntegrationTimeout, function_arn
from .paths import best_match
from .payload_v1 import rest_event
from .request import HttpRequest, Routed
from .results import MalformedResult, rest_answer

TIMEOUT_MS = 29_000
ANY = {"DELETE", "GET", "HEAD", "OPTIONS", "PATCH", "POST", "PUT"}
ERROR_TYPES = {
    "Forbidden": "ForbiddenException",
    "Unauthorized": "UnauthorizedException",
    "Missing Authentication Token": "MissingAuthenticationTokenException",
    "Internal server error": "InternalServerErrorException",
    "Request Too Long": "RequestTooLongException",
}


@dataclass(frozen=True)
class RestCall:
    """One request to a stage that leads to a method; `path` is below the stage, as it was sent."""

    stage: RestStage
    request: HttpRequest
    path: str
    method: RestMethod
    variables: dict[str, str]


def split_stage(path: str) -> tuple[str, str]:
    """A path's stage and the rest of it."""
    stage, slash, rest = path[1:].partition("/")
    return unquote(stage), slash + rest


def serve(stage: RestStage, request: HttpRequest, functions: Functions) -> Answer:
    """Answers a request, whatever comes of it."""
    answer = _answer(stage, request, functions)
    answer.headers["x-amzn-RequestId"] = request.request_id
    answer.headers["x-amz-apigw-id"] = request.extended_id
    return answer


def error(status: int, text: str) -> Answer:
    """API Gateway's own answer, with its x-amzn-ErrorType."""
    answer = message(status, text)
    if text in ERROR_TYPES:
        answer.headers["x-amzn-ErrorType"] = ERROR_TYPES[text]
    return answer


def _answer(stage: RestStage, request: HttpRequest, functions: Functions) -> Answer:
    _, path = split_stage(request.path)
    found = find_method(stage, request.method, path)
    if found is None:
        return error(403, "Missing Authentication Token")
    method, variables = found
    call = RestCall(stage, request, path, method, variables)
    caller = request.signed.caller() if method.authorization == "AWS_IAM" else None
    if method.authorization == "AWS_IAM":
        if caller is None:
            return error(403, "Missing Authentication Token")
        resource = _source(call).arn
        if not caller.may("execute-api:Invoke", resource):
            return error(403, _not_authorized(caller, resource))
    if method.authorization not in ("NONE", "AWS_IAM"):
        functions.no_authorizer(method.authorization)
        return error(401, "Unauthorized")
    if method.api_key_required and request.header("x-api-key") not in stage.api_keys:
        return error(403, "Forbidden")
    integration = method.integration or {}
    if integration.get("type") == "MOCK":
        return mock.answer(integration) or error(500, "Internal server error")
    if integration.get("type") != "AWS_PROXY" or integration.get("httpMethod") != "POST":
        return error(500, "Internal server error")
    return _invoke(call, caller, functions)


def find_method(
    stage: RestStage, http_method: str, path: str
) -> tuple[RestMethod, dict[str, str]] | None:
    """The method that a request is for, with the path's variables; a slash at its end is naught."""
    wanted = {http_method, "ANY"} if http_method in ANY else {http_method}
    methods = [each for each in stage.methods if each.http_method in wanted]
    methods.sort(key=lambda each: each.http_method == "ANY")
    return best_match(path.rstrip("/") or "/", [(each.resource_path, each) for each in methods])


def _invoke(call: RestCall, caller: Caller | None, functions: Functions) -> Answer:
    integration = call.method.integration or {}
    timeout_s = int(integration.get("timeoutInMillis") or TIMEOUT_MS) / 1000
    try:
        arn = function_arn(integration["uri"], call.stage.variables)
        source = None if integration.get("credentials") else _source(call)
        outcome = functions.invoke(arn, _event(call, caller), source, timeout_s)
    except IntegrationTimeout:
        return error(504, "Endpoint request timed out")
    except ApiError as refusal:
        if refusal.status == 413:
            return error(413, "Request Too Long")
        return error(500, "Internal server error")
    if outcome.error:
        return error(502, "Internal server error")
    try:
        answer = rest_answer(outcome.payload, _takes_binary(call))
    except MalformedResult as problem:
        functions.note(f"{arn}: malformed Lambda proxy response: {problem}")
        return error(502, "Internal server error")
    answer.headers["X-Amzn-Trace-Id"] = call.request.trace
    return answer


def _event(call: RestCall, caller: Caller | None) -> dict[str, Any]:
    stage, request, method = call.stage, call.request, call.method
    kind = media_type(request.header("content-type"))
    identity: dict[str, Any] = {}
    if caller:
        identity |= {
            "accessKey": caller.access_key,
            "accountId": ACCOUNT_ID,
            "caller": caller.user_id,
            "user": caller.user_id,
            "userArn": caller.arn,
        }
    if method.api_key_required:
        key = request.header("x-api-key") or ""
        identity |= {"apiKey": key, "apiKeyId": stage.api_keys[key]}
    routed = Routed(
        domain=domain_name("execute-api", stage.api_id, stage.region),
        path=call.path or "/",
        route=method.resource_path,
        stage=stage.name,
        variables=call.variables,
        stage_variables=stage.variables,
    )
    context = {
        "apiId": stage.api_id,
        "deploymentId": stage.deployment_id,
        "identity": identity,
        "path": f"/{stage.name}{call.path}",
        "resourceId": method.resource_id,
    }
    if method.operation_name:
        context["operationName"] = method.operation_name
    is_binary = matches_media_type(kind, stage.binary_media_types)
    return rest_event(request, routed, is_binary, context)


def _not_authorized(caller: Caller, resource: str) -> str:
    return f"User: {caller.arn} is not authorized to perform: execute-api:Invoke on {resource}"


def _source(call: RestCall) -> Source:
    stage = call.stage
    path = f"{stage.api_id}/{stage.name}/{call.request.method}{call.method.resource_path}"
    arn = f"arn:aws:execute-api:{stage.region}:{ACCOUNT_ID}:{path}"
    return Source("apigateway.amazonaws.com", arn, ACCOUNT_ID)


def _takes_binary(call: RestCall) -> bool:
    """Whether the first media type that the client accepts is one of the API's binary ones."""
    first = (call.request.header("accept") or "*/*").partition(",")[0]
    patterns = call.stage.binary_media_types
    return "*/*" in patterns or matches_media_type(media_type(first), patterns)
