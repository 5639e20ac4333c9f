"""Invocations: synchronous, asynchronous and dry; concurrency and its limits."""

from __future__ import annotations

import json
import secrets
import threading
import time
import uuid
from collections import Counter, deque
from collections.abc import Callable

from .environment import Environment
from .model import ApiError, FunctionVersion, Invocation, LogEvent, Outcome, Request
from .pools import Pools
from .run import Run
from .workers import Workers

LARGEST_SYNCHRONOUS = 6 * 1024 * 1024  # bytes
LARGEST_ASYNCHRONOUS = 1024 * 1024  # bytes; 256 KB until 2025
ASYNCHRONOUS_AT_ONCE = 64
KEPT_INVOCATIONS = 20_000

LogWriter = Callable[[FunctionVersion, str, list[LogEvent]], None]


class Invoker:
    """Runs requests; `write_logs(function, stream, events)` keeps what they log."""

    def __init__(self, pools: Pools, write_logs: LogWriter) -> None:
        self._pools = pools
        self._write_logs = write_logs
        self._running: Counter[str] = Counter()
        self._pending = 0
        self._closed = False
        self._changed = threading.Condition()
        self._queue = Workers(ASYNCHRONOUS_AT_ONCE, "asynchronous-invocation")
        self.invocations: deque[Invocation] = deque(maxlen=KEPT_INVOCATIONS)

    def synchronous(self, function: FunctionVersion, request: Request) -> Outcome:
        """RequestResponse: waits for the outcome. Raises ApiError when throttled."""
        self._check_size(request.payload, LARGEST_SYNCHRONOUS, "RequestResponse")
        self._check_runs_here(function)
        self._enter(function)
        try:
            return self._run(function, request)
        finally:
            self._leave(function)

    def asynchronous(self, function: FunctionVersion, request: Request) -> None:
        """Event: queues the request and returns at once. Throttled events go back to the queue."""
        self._check_size(request.payload, LARGEST_ASYNCHRONOUS, "Event")
        self._check_runs_here(function)
        with self._changed:
            self._pending += 1
        self._queue.submit(self._from_queue, function, request)

    def idle(self, timeout: float) -> None:
        """Returns when nothing runs or waits. Raises TimeoutError after `timeout` seconds."""
        with self._changed:
            quiet = self._changed.wait_for(
                lambda: not self._pending and not self._running.total(), timeout
            )
        if not quiet:
            raise TimeoutError(f"functions still run or wait after {timeout} s")

    def close(self) -> None:
        """Forgets what is queued and ends every environment."""
        with self._changed:
            self._closed = True
            self._changed.notify_all()
        self._queue.close()
        self._pools.close()

    def _from_queue(self, function: FunctionVersion, request: Request) -> None:
        try:
            if self._enter_when_free(function):
                try:
                    self._run(function, request)
                finally:
                    self._leave(function)
        finally:
            with self._changed:
                self._pending -= 1
                self._changed.notify_all()

    def _run(self, function: FunctionVersion, request: Request) -> Outcome:
        environment, is_new = self._pools.acquire(function)
        run = Run(environment, request, is_new)
        try:
            initialised = self._initialise(run) if is_new else True
            outcome, invocation = run.invoke(initialised)
        except BaseException:
            self._pools.release(environment, False)
            raise
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
        with self._changed:
            limit = function.reserved_concurrency
            if limit is not None and self._running[function.arn] >= limit:
                raise throttled("ReservedFunctionConcurrentInvocationLimitExceeded")
            self._running[function.arn] += 1

    def _enter_when_free(self, function: FunctionVersion) -> bool:
        """Waits for a place; False if there will be none (no concurrency, or the cloud closes)."""
        limit = function.reserved_concurrency
        if limit == 0:
            return False
        with self._changed:
            self._changed.wait_for(
                lambda: self._closed or limit is None or self._running[function.arn] < limit
            )
            if self._closed:
                return False
            self._running[function.arn] += 1
            return True

    def _leave(self, function: FunctionVersion) -> None:
        with self._changed:
            self._running[function.arn] -= 1
            if not self._running[function.arn]:
                del self._running[function.arn]
            self._changed.notify_all()

    def _check_size(self, payload: bytes, limit: int, kind: str) -> None:
        if len(payload) > limit:
            raise ApiError(
                413,
                "RequestTooLargeException",
                f"{len(payload)} byte payload is too large for the {kind} invocation type "
                f"(limit {limit} bytes)",
            )

    def _check_runs_here(self, function: FunctionVersion) -> None:
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
    """A request with ids of its own. Raises ApiError if the payload is not JSON."""
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
    now = time.time()
    root = f"Root=1-{int(now):08x}-{secrets.token_hex(12)}"
    trace = f"{root};Parent={secrets.token_hex(8)};Sampled=0;Lineage=1:{secrets.token_hex(4)}:0"
    return Request(str(uuid.uuid4()), payload, invoked_arn, client_context, trace, now)
