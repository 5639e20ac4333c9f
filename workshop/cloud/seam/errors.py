"""Errors as moto's services raise them."""

from __future__ import annotations

import functools
import json
from collections.abc import Callable
from typing import Any

from moto.core.exceptions import JsonRESTError

from ..model import ApiError


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
