"""Errors as moto's services raise them."""

from __future__ import annotations

import functools
import json
import uuid
from collections.abc import Callable
from typing import Any
from xml.sax.saxutils import escape

from moto.core.exceptions import JsonRESTError

from ..base.model import ApiError


def as_moto_error(method: Callable[..., Any]) -> Callable[..., Any]:
    """Lets moto serialise an ApiError as it does its own."""

    @functools.wraps(method)
    def wrapped(*args: Any, **kwargs: Any) -> Any:
        try:
            return method(*args, **kwargs)
        except ApiError as error:
            moto_error = JsonRESTError(error.code, error.message)
            moto_error.code = error.status
            # Lambda's clients read `Type`, those of services with JSON 1.1 read `__type`
            body = {"__type": error.code, **json.loads(error.body())}
            moto_error.description = json.dumps(body)
            raise moto_error from None

    return wrapped


def code_error(error: ValueError) -> ApiError:
    """moto raises ValueError("Code", "message") for a missing bucket or key."""
    if len(error.args) == 2:
        return ApiError(400, error.args[0], error.args[1])
    return ApiError(400, "InvalidParameterValueException", str(error))


def validation_error(content_type: str, message: str) -> tuple[str, int, dict[str, str]]:
    """A ValidationException as a Flask answer: JSON for who sent JSON, XML for the others."""
    if "json" in content_type:
        code = "ValidationException"
        body = json.dumps({"__type": code, "Type": "User", "message": message})
        return body, 400, {"Content-Type": content_type, "x-amzn-ErrorType": code}
    error = f"<Type>Sender</Type><Code>ValidationError</Code><Message>{escape(message)}</Message>"
    body = f"<ErrorResponse><Error>{error}</Error><RequestId>{uuid.uuid4()}</RequestId>"
    return f"{body}</ErrorResponse>", 400, {"Content-Type": "text/xml"}
