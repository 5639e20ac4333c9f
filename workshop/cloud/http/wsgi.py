"""WSGI requests and answers, as every part of the server reads and writes them."""

from __future__ import annotations

import http
import json
from collections.abc import Callable, Iterable
from typing import Any
from xml.sax.saxutils import escape

from ..access.credentials import signature
from ..base.model import ApiError

XML_SERVICES = ("s3", "iam", "sts", "sns", "ec2", "rds", "cloudformation", "autoscaling")
StartResponse = Callable[..., Any]


def region_of(environ: dict[str, Any]) -> str:
    """The region that a request is signed for."""
    signed = signature(environ)
    return signed.region if signed else "us-east-1"


def service_of(environ: dict[str, Any]) -> str | None:
    """The service that a request is signed for."""
    signed = signature(environ)
    return signed.service if signed else None


def body_of(environ: dict[str, Any]) -> bytes:
    """The body of a request that was let in."""
    return environ["wsgi.input"].read()


def respond(
    start_response: StartResponse, status: int, headers: list[tuple[str, str]], body: bytes
) -> Iterable[bytes]:
    """Answers with a body, JSON if the headers do not say otherwise."""
    every = list(headers)
    if "Content-Type" not in dict(headers):
        every.append(("Content-Type", "application/json"))
    if status != 204:
        every.append(("Content-Length", str(len(body))))
    start_response(f"{status} {_reason(status)}", every)
    return [body] if body else []


def refuse(
    environ: dict[str, Any], start_response: StartResponse, error: ApiError
) -> Iterable[bytes]:
    """An error in the form that the service's clients read."""
    try:
        service = service_of(environ)
    except ApiError:
        service = "s3" if error.code == "InvalidRequest" else None
    headers = [("Connection", "close")]  # the request's body may not have been read
    if service in XML_SERVICES and not environ["PATH_INFO"].startswith("/_aws/"):
        text = f"<Error><Code>{escape(error.code)}</Code>"
        text += f"<Message>{escape(error.message)}</Message></Error>"
        if service != "s3":
            text = f"<ErrorResponse>{text}</ErrorResponse>"
        headers.append(("Content-Type", "text/xml"))
        return respond(start_response, error.status, headers, text.encode("utf-8", "replace"))
    headers.append(("x-amzn-ErrorType", error.code))
    body = json.dumps({"__type": error.code, "message": error.message}).encode()
    return respond(start_response, error.status, headers, body)


def _reason(status: int) -> str:
    try:
        return http.HTTPStatus(status).phrase
    except ValueError:
        return "Error"
