"""The local cloud's own HTTP API, below `/_aws/`: for checks and tools in other processes.

    GET  /_aws/clock                            {"now": "2026-11-02T03:04:05Z"}
    POST /_aws/clock/advance {"seconds": 60}    the same, after what fell due was handed on

Both want the owner's access key id, as every request does.
"""

from __future__ import annotations

import json
from datetime import datetime, timedelta

from .clock import Clock, iso
from .model import ApiError

UNITS = ("seconds", "minutes", "hours", "days")


class Control:
    """Answers the requests below `/_aws/` that are about the cloud itself."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock

    def answer(self, method: str, path: str, body: bytes) -> bytes:
        """The answer's JSON. Raises ApiError."""
        if (method, path) == ("GET", "/_aws/clock"):
            return _time(self._clock.now())
        if (method, path) == ("POST", "/_aws/clock/advance"):
            return _time(self._advance(body))
        raise ApiError(404, "NotFoundException", f"The local cloud has no {method} {path}.")

    def _advance(self, body: bytes) -> datetime:
        try:
            step = json.loads(body or b"{}")
            if not isinstance(step, dict) or set(step) - set(UNITS):
                raise ValueError(f"Give an object with some of {', '.join(UNITS)}.")
            return self._clock.advance(timedelta(**step))
        except (ValueError, TypeError, OverflowError) as error:
            raise ApiError(400, "ValidationException", str(error)) from None


def _time(now: datetime) -> bytes:
    return json.dumps({"now": iso(now)}).encode()
