"""Invocations: what runs now, and concurrency with its limits."""

from __future__ import annotations

import json
import threading
import time
import uuid
from collections import Counter, deque
from collections.abc import Callable

from .activity import Activity
from .environment import Environment
from .model import ApiError, FunctionVersion, Invocation, LogEvent, Outcome, Request
from .pools import Pools
from .run import Run
from .tracing import current, following, next_trace

LARGEST_SYNCHRONOUS = 6 * 1024 * 1024  # bytes
KEPT_INVOCATIONS = 20_000

LogWriter = Callable[[FunctionVersion, str, list[LogEvent]], None]


class Invoker:
    """Runs requests; `write_logs(function, stream, events)` keeps what they log."""

    def __init__(self, pools: Pools, write_logs: LogWriter, activity: Activity) -> None:
        self._pools = pools
        self._write_logs = write_logs
        self._activity = activity
        self._running: Counter[str] = Counter()
        self._lock = threading.Lock()
        self.invocations: deque[Invocation] = deque(maxlen=KEPT_INVOCATIONS)

    def synchronous(self, function: FunctionVersion, request: Request) -> Outcome:
        """RequestResponse: waits for the outcome. Raises ApiError when throttled."""
        check_size(request.payload, LARGEST_SYNCHRONOUS, "RequestResponse")
        check_runs_here(function)
        return self.run(function, request)

    def run(self, function: FunctionVersion, request: Request) -> Outcome:
        """Runs a request of any size. Raises ApiError, 429, when throttled."""
        self._enter(function)
        try:
            return self._run(function, request)
        finally:
            self._leave(function)

    def close(self) -> None:
        """Ends every environment."""
        self._pools.close()

    def _run(self, function: FunctionVersion, request: Request) -> Outcome:
        environment, is_new = self._pools.acquire(function)
        run = Run(environment, request, is_new)
        try:
            initialised = self._initialise(run) if is_new else True
            outcome, invocation = run.invoke(initialised)
        except BaseException:
            self._pools.release(environment, False)
            raise
        with following(request.trace_id):  # what its log lines lead to belongs to its trace
            self._keep(environment, run, outcome, invocation)
        return outcome

    def _initialise(self, run: Run) -> bool:
        try:
            return run.initialise()
        finally:
            self._pools.started()

    def _keep(
        self, environment: Environment, run: Run, outcome: Outcome, invocation: Invocation
    ) -> None:
        self.invocations.append(invocation)
        function, stream = environment.function, environment.log_stream
        self._write_logs(function, stream, [*run.before, *outcome.logs])
        self._pools.release(environment, run.usable)

    def _enter(self, function: FunctionVersion) -> None:
        with self._lock:
            limit = function.reserved_concurrency
            if limit is not None and self._running[function.arn] >= limit:
                raise throttled("ReservedFunctionConcurrentInvocationLimitExceeded")
            self._running[function.arn] += 1
        self._activity.begin(f"{function.name} running")

    def _leave(self, function: FunctionVersion) -> None:
        with self._lock:
            self._running[function.arn] -= 1
            if not self._running[function.arn]:
                del self._running[function.arn]
        self._activity.end(f"{function.name} running")


def check_size(payload: bytes, limit: int, kind: str) -> None:
    """Raises ApiError, 413, for a payload over `limit` bytes."""
    if len(payload) > limit:
        raise ApiError(
            413,
            "RequestTooLargeException",
            f"{len(payload)} byte payload is too large for the {kind} invocation type "
            f"(limit {limit} bytes)",
        )


def check_runs_here(function: FunctionVersion) -> None:
    """Raises ApiError, 502, for a function in another language than Python."""
    if not function.is_python:
        raise ApiError(
            502,
            "InvalidRuntimeException",
            f"The local cloud runs Python runtimes only, not {function.runtime}. "
            "Create the function with a python3 runtime, or invoke it on AWS.",
        )


def throttled(reason: str) -> ApiError:
    """The error of a caller that came over a limit of concurrency."""
    return ApiError(429, "TooManyRequestsException", "Rate Exceeded.", Reason=reason)


def new_request(payload: bytes, invoked_arn: str, client_context: str | None) -> Request:
    """A request with ids of its own, in the trace that this thread follows.

    Raises ApiError if the payload is not JSON.
    """
    payload = payload or b"{}"
    try:
        json.loads(payload)
    except (ValueError, UnicodeDecodeError, RecursionError) as error:
        raise ApiError(
            400,
            "InvalidRequestContentException",
            "Could not parse request body into json: Could not parse payload into json: "
            f"{str(error)[:200]}",
        ) from None
    trace = next_trace(current(), ":".join(invoked_arn.split(":")[:7]))
    return Request(str(uuid.uuid4()), payload, invoked_arn, client_context, trace, time.time())
