"""The event of payload format 1.0: of REST APIs, and of HTTP APIs that ask for it.

Follows "Lambda proxy integrations in API Gateway"
(https://docs.aws.amazon.com/apigateway/latest/developerguide/set-up-lambda-proxy-integrations.html).
"""

from __future__ import annotations

from typing import Any
from urllib.parse import parse_qsl

from ...base.variables import ACCOUNT_ID
from .bodies import encoded_body
from .request import HttpRequest, Routed

IDENTITY = (
    "accessKey",
    "accountId",
    "caller",
    "cognitoAuthenticationProvider",
    "cognitoAuthenticationType",
    "cognitoIdentityId",
    "cognitoIdentityPoolId",
    "principalOrgId",
    "user",
    "userArn",
)
# What belongs to the connection between client and gateway, and ends there.
HOP_BY_HOP = {
    "connection",
    "content-length",
    "expect",
    "keep-alive",
    "proxy-connection",
    "te",
    "trailer",
    "transfer-encoding",
    "upgrade",
}


def rest_event(
    request: HttpRequest, routed: Routed, is_binary: bool, context: dict[str, Any]
) -> dict[str, Any]:
    """The event; `context` adds to requestContext."""
    headers = _headers(request, routed.domain)
    body, is_base64 = encoded_body(request.body, is_binary)
    query = parse_qsl(request.query, keep_blank_values=True)
    return {
        "resource": routed.route,
        "path": routed.path,
        "httpMethod": request.method,
        "headers": dict(headers),
        "multiValueHeaders": _grouped(headers),
        "queryStringParameters": dict(query) or None,  # the last of several values
        "multiValueQueryStringParameters": _grouped(query) or None,
        "pathParameters": routed.variables or None,
        "stageVariables": routed.stage_variables or None,
        "requestContext": _context(request, routed, context),
        "body": body,
        "isBase64Encoded": is_base64,
    }


def http_event(
    request: HttpRequest, routed: Routed, is_binary: bool, context: dict[str, Any]
) -> dict[str, Any]:
    """The same of an HTTP API: it says its version."""
    return {"version": "1.0", **rest_event(request, routed, is_binary, context)}


def _headers(request: HttpRequest, domain: str) -> list[tuple[str, str]]:
    ours = {"host", "x-amzn-trace-id", "x-forwarded-for", "x-forwarded-port", "x-forwarded-proto"}
    kept = [(k, v) for k, v in request.headers if k.lower() not in HOP_BY_HOP | ours]
    return [
        *kept,
        ("Host", domain),
        ("X-Amzn-Trace-Id", request.trace),
        ("X-Forwarded-For", request.forwarded_for()),
        ("X-Forwarded-Port", "443"),
        ("X-Forwarded-Proto", "https"),
    ]


def _grouped(pairs: list[tuple[str, str]]) -> dict[str, list[str]]:
    groups: dict[str, list[str]] = {}
    for name, value in pairs:
        groups.setdefault(name, []).append(value)
    return groups


def _context(request: HttpRequest, routed: Routed, more: dict[str, Any]) -> dict[str, Any]:
    identity = dict.fromkeys(IDENTITY)
    identity |= {"sourceIp": request.source_ip, "userAgent": request.user_agent}
    identity |= more.pop("identity", {})
    return {
        "accountId": ACCOUNT_ID,
        "domainName": routed.domain,
        "domainPrefix": routed.domain.split(".")[0],
        "extendedRequestId": request.extended_id,
        "httpMethod": request.method,
        "identity": identity,
        "protocol": request.protocol,
        "requestId": request.request_id,
        "requestTime": request.time,
        "requestTimeEpoch": request.time_epoch,
        "resourcePath": routed.route,
        "stage": routed.stage,
        **more,
    }
