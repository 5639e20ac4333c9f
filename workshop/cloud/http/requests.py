"""Requests and refusals, as every part of the server reads and writes them."""

from __future__ import annotations

import json
from xml.sax.saxutils import escape

import werkzeug
from werkzeug.utils import cached_property

from ..access.credentials import signature
from ..base.answer import Answer
from ..base.model import ApiError
from .admission import key_of

XML_SERVICES = ("s3", "iam", "sts", "sns", "ec2", "rds", "cloudformation", "autoscaling")
CONTROL = "/_aws/"  # below it is the local cloud's own API


class SignedRequest(werkzeug.Request):
    """werkzeug's Request, with what AWS's clients sign it for.

    `region` and `service` raise ApiError for a signature that can't be read.
    """

    @cached_property
    def body(self) -> bytes:
        """The body of a request that was let in: it was read then, within its bounds."""
        return self.environ["wsgi.input"].read()

    @property
    def region(self) -> str:
        """The region that it is signed for."""
        signed = signature(self.environ)
        return signed.region if signed else "us-east-1"

    @property
    def service(self) -> str | None:
        """The service that it is signed for."""
        signed = signature(self.environ)
        return signed.service if signed else None


def json_answer(body: bytes, status: int = 200, *headers: tuple[str, str]) -> Answer:
    """An answer in JSON."""
    return Answer(body, status, [*headers, ("Content-Type", "application/json")])


def refusal(request: SignedRequest, error: ApiError) -> Answer:
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
        kind = ("x-amzn-ErrorType", error.code)
        answer = json_answer(json.dumps(body).encode(), error.status, kind)
    if error.status == 429:
        answer.headers["Retry-After"] = "1"
    if key_of(request.environ) is None:  # it was not let in, and its body may not have been read
        answer.headers["Connection"] = "close"
    return answer
