"""WSGI requests and answers, as every part of the server reads and writes them."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable
from typing import Any

from .credentials import credential

XML_SERVICES = ("s3", "iam", "sts", "sns", "ec2", "rds", "cloudformation", "autoscaling")
StartResponse = Callable[..., Any]


def access_key(environ: dict[str, Any]) -> str | None:
    """The access key id that a request is signed with, in its header, its URL or its form."""
    return credential(environ).key


def region_of(environ: dict[str, Any]) -> str:
    return credential(environ).region or "us-east-1"


def service_of(environ: dict[str, Any]) -> str | None:
    return credential(environ).service


def read_body(environ: dict[str, Any]) -> bytes:
    if environ.get("wsgi.input_terminated"):
        return environ["wsgi.input"].read()
    return environ["wsgi.input"].read(int(environ.get("CONTENT_LENGTH") or 0))


def respond(
    start_response: StartResponse, status: int, headers: list[tuple[str, str]], body: bytes
) -> Iterable[bytes]:
    every = list(headers)
    if "Content-Type" not in dict(headers):
        every.append(("Content-Type", "application/json"))
    if status != 204:
        every.append(("Content-Length", str(len(body))))
    start_response(f"{status} {_REASONS.get(status, 'Error')}", every)
    return [body] if body else []


_REASONS = {200: "OK", 202: "Accepted", 204: "No Content", 403: "Forbidden", 404: "Not Found"}


def refuse(
    environ: dict[str, Any], start_response: StartResponse, code: str, message: str
) -> Iterable[bytes]:
    """403 in the form that the service's clients read."""
    service = service_of(environ)
    headers = [("Connection", "close")]  # the request's body was not read
    if service in XML_SERVICES and not environ["PATH_INFO"].startswith("/_aws/"):
        error = f"<Error><Code>{code}</Code><Message>{message}</Message></Error>"
        body = (error if service == "s3" else f"<ErrorResponse>{error}</ErrorResponse>").encode()
        headers += [("Content-Type", "text/xml"), ("Content-Length", str(len(body)))]
        start_response("403 Forbidden", headers)
        return [body]
    headers.append(("x-amzn-ErrorType", code))
    body = json.dumps({"__type": code, "message": message}).encode()
    return respond(start_response, 403, headers, body)
