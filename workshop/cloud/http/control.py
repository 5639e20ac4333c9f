"""The local cloud's own HTTP API, below `/_aws/`: for checks and tools in other processes.

    GET  /_aws/clock                            {"now": "2026-11-02T03:04:05Z"}
    POST /_aws/clock/advance {"seconds": 60}    the same, after what fell due was handed on
    POST /_aws/idle          {"timeout": 60}    {} when nothing goes on; 408 if that takes longer

All want a signature with the owner's access key: a function's own key does not do.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import datetime, timedelta

from ..base.answer import Answer
from ..base.clock import Clock
from ..base.json_text import from_json
from ..base.model import ApiError
from ..base.times import in_seconds
from .requests import CONTROL, SignedRequest, json_answer

UNITS = ("seconds", "minutes", "hours", "days")


class Control:
    """Answers the requests below `/_aws/` that are about the cloud itself."""

    def __init__(self, clock: Clock, idle: Callable[[float], None]) -> None:
        self._clock, self._idle = clock, idle

    def answer(self, request: SignedRequest) -> Answer | None:
        """The answer in JSON. Raises ApiError."""
        if not request.path.startswith(CONTROL):
            return None
        match request.method, request.path:
            case "GET", "/_aws/clock":
                return _time(self._clock.now())
            case "POST", "/_aws/clock/advance":
                return _time(self._advance(request.body))
            case "POST", "/_aws/idle":
                return self._wait(request.body)
        message = f"The local cloud has no {request.method} {request.path}."
        raise ApiError(404, "NotFoundException", message)

    def _advance(self, body: bytes) -> datetime:
        try:
            return self._clock.advance(timedelta(**_numbers(body, UNITS)))
        except (ValueError, TypeError, OverflowError) as error:
            raise ApiError(400, "ValidationException", str(error)) from None

    def _wait(self, body: bytes) -> Answer:
        try:
            self._idle(float(_numbers(body, ("timeout",)).get("timeout", 60)))
        except TimeoutError as error:
            raise ApiError(408, "RequestTimeoutException", str(error)) from None
        except (ValueError, TypeError) as error:
            raise ApiError(400, "ValidationException", str(error)) from None
        return json_answer(b"{}")


def _numbers(body: bytes, names: tuple[str, ...]) -> dict[str, float]:
    """A request's object. Raises ValueError if it is none, or has other names."""
    given = from_json(body or b"{}")
    if not isinstance(given, dict) or set(given) - set(names):
        raise ValueError(f"Give an object with some of {', '.join(names)}.")
    return given


def _time(now: datetime) -> Answer:
    return json_answer(json.dumps({"now": in_seconds(now)}).encode())
