"""Invocations: what runs now, and concurrency with its limits."""

from __future__ import annotations

import time
import uuid
from collections import deque
from collections.abc import Callable

from ..base.activity import Activity
from ..base.arns import unqualified
from ..base.json_text import from_json
from ..base.model import ApiError, FunctionVersion, Invocation, LogEvent, Outcome, Request
from ..base.problems import Problems, described
from ..base.tracing import current, following, next_trace
from ..sandbox.environment import Environment
from .concurrency import Concurrency, Load
from .invocation import Run
from .metrics import Metrics, Value
from .pools import Pools
from .provisioned import Provisioned
from .runtime_names import check_runs_here

LARGEST_SYNCHRONOUS = 6 * 1024 * 1024  # bytes
KEPT_INVOCATIONS = 20_000

LogWriter = Callable[[FunctionVersion, str, list[LogEvent]], None]


class Invoker:
    """Runs requests; `write_logs(function, stream, events)` keeps what they log."""

    def __init__(
        self,
        pools: Pools,
        provisioned: Provisioned,
        concurrency: Concurrency,
        metrics: Metrics,
        write_logs: LogWriter,
        activity: Activity,
        problems: Problems,
    ) -> None:
        self._pools, self._provisioned = pools, provisioned
        self._problems = problems
        self._concurrency, self._metrics = concurrency, metrics
        self._write_logs = write_logs
        self._activity = activity
        self.invocations: deque[Invocation] = deque(maxlen=KEPT_INVOCATIONS)

    def synchronous(self, function: FunctionVersion, request: Request) -> Outcome:
        """RequestResponse: waits for the outcome. Raises ApiError when throttled."""
        check_size(request.payload, LARGEST_SYNCHRONOUS, "RequestResponse")
        check_runs_here(function)
        return self.run(function, request)

    def run(self, function: FunctionVersion, request: Request) -> Outcome:
        """Runs a request of any size.

        Raises ApiError: 429 when throttled, 500 for what is no fault of the function's.
        """
        try:
            return self._run_where_there_is_place(function, request)
        except ApiError as error:
            if error.status >= 500:
                self._problems.failed(f"invocation of {function.name}", error)
            raise
        except Exception as error:
            self._problems.failed(f"invocation of {function.name}", error)
            raise ApiError(
                500,
                "ServiceException",
                f"The local cloud could not run {function.name}: {described(error)}",
            ) from error

    def close(self) -> None:
        """Ends every environment."""
        self._provisioned.close()
        self._pools.close()

    def _run_where_there_is_place(self, function: FunctionVersion, request: Request) -> Outcome:
        taken = self._provisioned.take(function)
        try:
            load = self._enter(function, request, taken)
        except BaseException:
            if taken:
                self._provisioned.give_back(taken[0], True)
            raise
        try:
            if taken:
                environment, ahead_ms = taken
                run = Run(environment, request, False, ahead_ms)
            else:
                environment, is_new = self._pools.acquire(function)
                run = Run(environment, request, is_new)
            return self._run(environment, run, load, taken is not None)
        finally:
            self._leave(function, request, taken is not None)

    def _run(self, environment: Environment, run: Run, load: Load, provisioned: bool) -> Outcome:
        """Whatever happens, the environment is given back, to serve again or to end."""
        keeper = self._provisioned.give_back if provisioned else self._pools.release
        usable = False
        try:
            initialised = self._initialise(run) if run.cold else True
            outcome, invocation = run.invoke(initialised)
            self._note(environment, run, load, outcome, invocation, provisioned)
            usable = run.usable
        finally:
            keeper(environment, usable)
        return outcome

    def _initialise(self, run: Run) -> bool:
        try:
            return run.initialise()
        finally:
            self._pools.started()

    def _note(
        self,
        environment: Environment,
        run: Run,
        load: Load,
        outcome: Outcome,
        invocation: Invocation,
        provisioned: bool,
    ) -> None:
        """Keeps what is known of an invocation: metrics, its record, its log."""
        function = environment.function
        with self._problems.guard(f"metrics of {function.name}"):
            self._count(function, run, load, outcome, invocation, provisioned)
        self.invocations.append(invocation)
        logs = [*run.before, *outcome.logs]
        with (
            self._problems.guard(f"log of {function.name}"),
            following(run.request.trace_id),  # what its log lines lead to belongs to its trace
        ):
            self._write_logs(function, environment.log_stream, logs)

    def _count(
        self,
        function: FunctionVersion,
        run: Run,
        load: Load,
        outcome: Outcome,
        invocation: Invocation,
        provisioned: bool,
    ) -> None:
        """Notes the metrics of an invocation."""
        values: dict[str, Value] = {
            "Invocations": 1,
            "Errors": int(outcome.error),
            "Throttles": 0,
            "Duration": invocation.duration_ms,
            "ConcurrentExecutions": (load.account, load.function, load.resource),
            "UnreservedConcurrentExecutions": load.unreserved,
            "ClaimedAccountConcurrency": load.claimed,
        }
        if in_use := self._provisioned.in_use(function):
            busy, wanted = in_use
            values["ProvisionedConcurrentExecutions"] = busy
            values["ProvisionedConcurrencyUtilization"] = busy / wanted
            values["ProvisionedConcurrencyInvocations"] = int(provisioned)
            values["ProvisionedConcurrencySpilloverInvocations"] = int(not provisioned)
        self._metrics.note(function, run.invoked_arn, values, invocation.started_at)

    def _enter(
        self,
        function: FunctionVersion,
        request: Request,
        taken: tuple[Environment, float | None] | None,
    ) -> Load:
        try:
            load = self._concurrency.enter(function, request.invoked_arn, taken is not None)
        except ApiError:
            self._metrics.note(function, request.invoked_arn, {"Throttles": 1})
            raise
        self._activity.begin(f"{function.name} running")
        return load

    def _leave(self, function: FunctionVersion, request: Request, provisioned: bool) -> None:
        self._concurrency.leave(function, request.invoked_arn, provisioned)
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


def new_request(payload: bytes, invoked_arn: str, client_context: str | None) -> Request:
    """A request with ids of its own, in the trace that this thread follows.

    Raises ApiError if the payload is not JSON.
    """
    payload = payload or b"{}"
    try:
        from_json(payload)
    except ValueError as error:
        raise ApiError(
            400,
            "InvalidRequestContentException",
            "Could not parse request body into json: Could not parse payload into json: "
            f"{str(error)[:200]}",
        ) from None
    trace = next_trace(current(), unqualified(invoked_arn))
    return Request(str(uuid.uuid4()), payload, invoked_arn, client_context, trace, time.time())
