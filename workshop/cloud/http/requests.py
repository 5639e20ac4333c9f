"""Requests and refusals, as every part of the server reads and writes them."""

from __future__ import annotations

import json
from functools import cached_property
from xml.sax.saxutils import escape

import werkzeug

from ..access.credentials import signature
from ..base.answer import Answer
from ..base.model import ApiError
from .admission import key_of

XML_SERVICES = ("s3", "iam", "sts", "sns", "ec2", "rds", "cloudformation", "autoscaling")
CONTROL = "/_aws/"  # below it is the local cloud's own API


class Request(werkzeug.Request):
    """werkzeug's Request, with what AWS's clients sign it for. Its body's length is bounded.

    Both properties raise ApiError for a signature that can't be read.
    """

    @cached_property
    def region(self) -> str:
        """The region that it is signed for."""
        signed = signature(self.environ)
        return signed.region if signed else "us-east-1"

    @cached_property
    def service(self) -> str | None:
        """The service that it is signed for."""
        signed = signature(self.environ)
        return signed.service if signed else None


def json_answer(body: bytes, status: int = 200) -> Answer:
    """An answer in JSON."""
    return Answer(body, status, content_type="application/json")


def refusal(request: Request, error: ApiError) -> Answer:
    """An error in the form that the service's clients read: the one place where one is made."""
    try:
        service = request.service
    except ApiError:
        service = "s3" if error.code == "InvalidRequest" else None
    if service in XML_SERVICES and not request.path.startswith(CONTROL):
        text = f"<Error><Code>{escape(error.code)}</Code>"
        text += f"<Message>{escape(error.message)}</Message></Error>"
        if service != "s3":
            text = f"<ErrorResponse>{text}</ErrorResponse>"
        answer = Answer(text.encode("utf-8", "replace"), error.status, content_type="text/xml")
    else:
        # Lambda's clients read `Type`, those of services with JSON 1.1 read `__type`
        body = {"__type": error.code, **json.loads(error.body())}
        answer = json_answer(json.dumps(body).encode(), error.status)
        answer.headers["x-amzn-ErrorType"] = error.code
    if error.status == 429:
        answer.headers["Retry-After"] = "1"
    if key_of(request.environ) is None:  # it was not let in, and its body may not have been read
        answer.headers["Connection"] = "close"
    return answer
