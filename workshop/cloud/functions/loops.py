"""Stops functions that invoke each other, or themselves, in a loop."""

from __future__ import annotations

import time
from collections.abc import Callable

from ..base.model import ApiError, FunctionVersion, LogEvent, Request
from ..base.tracing import MOST_ROUNDS, following, rounds
from .loglines import stream_name
from .metrics import Metrics

LogWriter = Callable[[FunctionVersion, str, list[LogEvent]], None]


class LoopGuard:
    """Counts rounds by the requests' traces; `write_logs` tells the function's log of a stop."""

    def __init__(self, write_logs: LogWriter, metrics: Metrics) -> None:
        self._write_logs, self._metrics = write_logs, metrics

    def stops(self, function: FunctionVersion, request: Request) -> bool:
        """Whether a request closes a loop once too often; if so the log says it."""
        if function.recursive_loop == "Allow":
            return False
        if rounds(request.trace_id, function.arn) <= MOST_ROUNDS:
            return False
        message = (
            f"[WARNING] Recursive loop stopped: {function.name} was invoked {MOST_ROUNDS} times in "
            "one chain of events, so Lambda did not invoke it again (RequestId: "
            f"{request.request_id}). Does its output come back as its input?\n"
        )
        now = int(time.time() * 1000)
        with following(request.trace_id):  # a subscription may send this line to a function
            self._write_logs(function, stream_name(function), [LogEvent(now, message)])
        self._metrics.note(function, request.invoked_arn, {"RecursiveInvocationsDropped": 1})
        return True

    def goes_on(self, function: FunctionVersion, request: Request) -> bool:
        """Whether a request comes round although this loop was stopped before."""
        return rounds(request.trace_id, function.arn) > MOST_ROUNDS + 1

    def check(self, function: FunctionVersion, request: Request) -> None:
        """For callers that wait. Raises ApiError, 400, for a request that closes a loop."""
        if self.stops(function, request):
            raise ApiError(
                400,
                "RecursiveInvocationException",
                "Lambda has detected your function being invoked in a recursive loop with other "
                "Amazon Web Services resources and stopped your function's invocation.",
            )
