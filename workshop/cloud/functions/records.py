"""What is kept of invocations: their records, metrics and logs."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable

from ..base.model import FunctionVersion, Invocation, LogEvent, Request
from ..base.problems import Problems
from ..base.tracing import following
from .invocation import Done
from .lease import Lease
from .metrics import Metrics, Value

KEPT_INVOCATIONS = 10_000  # of all functions, the newest: 4 MB

LogWriter = Callable[[FunctionVersion, str, list[LogEvent]], None]


class Records:
    """Keeps them; `write_logs(function, stream, events)` keeps what functions log."""

    def __init__(self, metrics: Metrics, write_logs: LogWriter, problems: Problems) -> None:
        self._metrics, self._write_logs, self._problems = metrics, write_logs, problems
        self.invocations: deque[Invocation] = deque(maxlen=KEPT_INVOCATIONS)

    def throttled(self, function: FunctionVersion, invoked_arn: str) -> None:
        """Notes a request that found no place."""
        self._metrics.note(function, invoked_arn, {"Throttles": 1})

    def keep(self, lease: Lease, request: Request, done: Done) -> None:
        """Keeps what came of a request; what cannot be kept is a problem, and no error."""
        environment, function = lease.environment, lease.environment.function
        with self._problems.guard(f"metrics of {function.name}"):
            values = _values(lease, done)
            self._metrics.note(function, request.invoked_arn, values, done.record.started_at)
        self.invocations.append(done.record)
        with (
            self._problems.guard(f"log of {function.name}"),
            following(request.trace_id),  # what its log lines lead to belongs to its trace
        ):
            self._write_logs(function, environment.log_stream, done.log)


def _values(lease: Lease, done: Done) -> dict[str, Value]:
    load = lease.load
    values: dict[str, Value] = {
        "Invocations": 1,
        "Errors": int(done.outcome.error),
        "Throttles": 0,
        "Duration": done.record.duration_ms,
        "ConcurrentExecutions": (load.account, load.function, load.resource),
        "UnreservedConcurrentExecutions": load.unreserved,
        "ClaimedAccountConcurrency": load.claimed,
    }
    if lease.in_use:
        busy, wanted = lease.in_use
        values["ProvisionedConcurrentExecutions"] = busy
        values["ProvisionedConcurrencyUtilization"] = busy / wanted
        values["ProvisionedConcurrencyInvocations"] = int(lease.provisioned)
        values["ProvisionedConcurrencySpilloverInvocations"] = int(not lease.provisioned)
    return values
