"""What a function returned, as an HTTP answer.

Each function takes the payload that the function answered with, and raises MalformedResult where
it is no response in the service's eyes.
"""

from __future__ import annotations

import base64
import binascii
from collections.abc import Iterable
from typing import Any

from ...base.answer import Answer
from ...base.json_text import from_json
from .answer import is_header

REST_KEYS = {"statusCode", "headers", "multiValueHeaders", "body", "isBase64Encoded"}
# REST APIs rename these of a function's headers, HTTP APIs and function URLs leave them out.
GATEWAYS_OWN = {"connection", "content-length", "date", "server", "transfer-encoding"}
REMAPPED = GATEWAYS_OWN - {"transfer-encoding"} | {"www-authenticate", "authorization", "host"}


class MalformedResult(Exception):
    """The function's result is no response."""


def rest_answer(payload: bytes, decode: bool) -> Answer:
    """The answer of a REST API; `decode`: whether the client takes a binary body as such.

    Follows "Output format of a Lambda function for proxy integration"
    (https://docs.aws.amazon.com/apigateway/latest/developerguide/set-up-lambda-proxy-integrations.html);
    by AWS's recordings no key is required, but no other may be there.
    """
    result = _parsed(payload)
    if not isinstance(result, dict):
        raise MalformedResult("the result is no object")
    if unknown := set(result) - REST_KEYS:
        raise MalformedResult(f"unknown key {min(unknown)!r}; a body belongs in 'body'")
    headers = _pairs(result.get("headers")) + _several(result.get("multiValueHeaders"))
    headers = _without_repeats(headers, result.get("multiValueHeaders") or {})
    answer = Answer(
        _body(result, decode),
        _status(result.get("statusCode")),
        [_remapped(pair) for pair in headers if pair[0].lower() != "transfer-encoding"],
    )
    answer.headers.setdefault("Content-Type", "application/json")
    return answer


def http_answer_v1(payload: bytes) -> Answer:
    """The answer of an HTTP API with payload format 1.0: statusCode is required."""
    result = _parsed(payload)
    if not isinstance(result, dict) or result.get("statusCode") is None:
        raise MalformedResult("payload format 1.0 needs a statusCode")
    headers = _pairs(result.get("headers")) + _several(result.get("multiValueHeaders"))
    headers = _without_repeats(headers, result.get("multiValueHeaders") or {})
    return _http_answer(result, headers, "text/plain;charset=UTF-8")


def answer_v2(payload: bytes, default_type: str) -> Answer:
    """The answer of payload format 2.0; a result without statusCode is a JSON body.

    `default_type`: the Content-Type of a response that names none.
    """
    result = _parsed(payload)
    if isinstance(result, dict) and "statusCode" in result:
        cookies = result.get("cookies") or []
        if not isinstance(cookies, list):
            raise MalformedResult("cookies is no list")
        headers = _pairs(result.get("headers"))
        headers += _checked([("Set-Cookie", _text(each)) for each in cookies])
        return _http_answer(result, headers, default_type)
    body = result.encode() if isinstance(result, str) else payload
    return Answer(body, content_type="application/json")


def _http_answer(
    result: dict[str, Any], headers: list[tuple[str, str]], default_type: str
) -> Answer:
    kept = [pair for pair in headers if pair[0].lower() not in GATEWAYS_OWN]
    answer = Answer(_body(result, decode=True), _status(result["statusCode"]), kept)
    answer.headers.setdefault("Content-Type", default_type)
    return answer


def _parsed(payload: bytes) -> Any:
    try:
        return from_json(payload)
    except ValueError:
        raise MalformedResult("the result is not JSON") from None


def _status(value: Any) -> int:
    """200 if there is none; a number may come as a string."""
    if value is None:
        return 200
    try:
        status = int(value)
    except (TypeError, ValueError):
        raise MalformedResult(f"statusCode {value!r} is no number") from None
    if isinstance(value, bool) or not 200 <= status <= 599:
        raise MalformedResult(f"statusCode {value!r} is no status of a response")
    return status


def _body(result: dict[str, Any], decode: bool) -> bytes:
    body, is_base64 = result.get("body"), result.get("isBase64Encoded")
    if not isinstance(body, (str, type(None))):
        raise MalformedResult(f"body is {type(body).__name__}, not a string: use json.dumps")
    if not isinstance(is_base64, (bool, type(None))):
        raise MalformedResult("isBase64Encoded is neither true nor false")
    if not (body and is_base64 and decode):
        return (body or "").encode("utf-8", "surrogatepass")
    try:
        return base64.b64decode("".join(body.split()), validate=True)
    except (binascii.Error, ValueError):
        raise MalformedResult("isBase64Encoded is true, and body is no base64") from None


def _pairs(headers: Any) -> list[tuple[str, str]]:
    if not isinstance(headers, (dict, type(None))):
        raise MalformedResult("headers is no object")
    pairs = [(name, _text(v)) for name, v in (headers or {}).items() if v is not None]
    return _checked(pairs)


def _several(headers: Any) -> list[tuple[str, str]]:
    if not isinstance(headers, (dict, type(None))):
        raise MalformedResult("multiValueHeaders is no object")
    if not all(isinstance(values, list) for values in (headers or {}).values()):
        raise MalformedResult("a value of multiValueHeaders is no list")
    return _checked([(k, _text(v)) for k, values in (headers or {}).items() for v in values])


def _checked(pairs: list[tuple[str, str]]) -> list[tuple[str, str]]:
    if not all(is_header(name, value) for name, value in pairs):
        raise MalformedResult("a header with a blank in its name, or a line break")
    return pairs


def _without_repeats(pairs: list[tuple[str, str]], several: Iterable[str]) -> list[tuple[str, str]]:
    """Where both keys name a header and a value, it is sent once."""
    names = {name.lower() for name in several}
    seen, kept = set(), []
    for name, value in pairs:
        if name.lower() in names and (name.lower(), value) in seen:
            continue
        seen.add((name.lower(), value))
        kept.append((name, value))
    return kept


def _text(value: Any) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, (str, int, float)):
        return str(value)
    raise MalformedResult(f"a header's value is {type(value).__name__}, not a string")


def _remapped(pair: tuple[str, str]) -> tuple[str, str]:
    name, value = pair
    return (f"x-amzn-Remapped-{name}" if name.lower() in REMAPPED else name), value
