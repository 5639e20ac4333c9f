"""The event of payload format 2.0: of HTTP APIs and function URLs.

Follows "Create AWS Lambda proxy integrations for HTTP APIs in API Gateway"
(https://docs.aws.amazon.com/apigateway/latest/developerguide/http-api-develop-integrations-lambda.html)
and "Invoking Lambda function URLs"
(https://docs.aws.amazon.com/lambda/latest/dg/urls-invocation.html). A key with nothing in it is
left out.
"""

from __future__ import annotations

from typing import Any
from urllib.parse import parse_qsl

from ...base.variables import ACCOUNT_ID
from .bodies import encoded_body, is_text
from .caller import Caller
from .payload_v1 import HOP_BY_HOP
from .request import HttpRequest, Routed

ENDS_AT_THE_GATEWAY = HOP_BY_HOP - {"content-length"} | {"cookie"}


def event(
    request: HttpRequest,
    routed: Routed,
    request_id: str,
    caller: Caller | None,
    account_id: str = ACCOUNT_ID,
) -> dict[str, Any]:
    """The event; `caller` is whoever signed the request, where that was asked for."""
    body, is_base64 = encoded_body(request.body, not is_text(request.header("content-type")))
    cookies = request.header("cookie")
    context = {
        "accountId": account_id,
        "apiId": routed.domain.split(".")[0],
        "authorizer": _iam_authorizer(caller) if caller else None,
        "domainName": routed.domain,
        "domainPrefix": routed.domain.split(".")[0],
        "http": {
            "method": request.method,
            "path": routed.path,
            "protocol": request.protocol,
            "sourceIp": request.source_ip,
            "userAgent": request.user_agent or "",
        },
        "requestId": request_id,
        "routeKey": routed.route,
        "stage": routed.stage,
        "time": request.time,
        "timeEpoch": request.time_epoch,
    }
    whole = {
        "version": "2.0",
        "routeKey": routed.route,
        "rawPath": routed.path,
        "rawQueryString": request.query,
        "cookies": [each.strip() for each in cookies.split(";")] if cookies else None,
        "headers": _headers(request, routed.domain),
        "queryStringParameters": _joined(parse_qsl(request.query, keep_blank_values=True)),
        "requestContext": _filled(context),
        "pathParameters": routed.variables,
        "stageVariables": routed.stage_variables,
        "body": body,
        "isBase64Encoded": is_base64,
    }
    return _filled(whole)


def _iam_authorizer(caller: Caller) -> dict[str, Any]:
    """What an event says of a caller whose signature was verified.

    `accessKey` is a made-up one: a function must not be able to use its caller's.
    """
    return {
        "iam": {
            "accessKey": caller.access_key,
            "accountId": ACCOUNT_ID,
            "callerId": caller.user_id,
            "cognitoIdentity": None,
            "principalOrgId": None,
            "userArn": caller.arn,
            "userId": caller.user_id,
        }
    }


def _headers(request: HttpRequest, domain: str) -> dict[str, str]:
    """Names in small letters, several values joined by a comma."""
    pairs = [(name.lower(), value) for name, value in request.headers]
    headers = _joined([pair for pair in pairs if pair[0] not in ENDS_AT_THE_GATEWAY])
    return {
        **headers,
        "host": domain,
        "x-amzn-trace-id": request.trace,
        "x-forwarded-for": request.forwarded_for(),
        "x-forwarded-port": "443",
        "x-forwarded-proto": "https",
    }


def _joined(pairs: list[tuple[str, str]]) -> dict[str, str]:
    joined: dict[str, str] = {}
    for name, value in pairs:
        joined[name] = f"{joined[name]},{value}" if name in joined else value
    return joined


def _filled(values: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in values.items() if value not in (None, {}, [])}
