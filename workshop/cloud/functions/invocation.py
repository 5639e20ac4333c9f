"""Runs one invocation in an environment, from START to REPORT, and says what came of it."""

from __future__ import annotations

import time
from dataclasses import dataclass

from ..base.model import LARGEST_RESPONSE, Invocation, LogEvent, Outcome, Request, error_payload
from ..sandbox.environment import INIT_LIMIT_S, Ended, Environment
from .lease import Lease
from .loglines import LogLines, Report

OUT_OF_MEMORY = "Runtime exited with error: signal: killed"
AHEAD_LIMIT_S = 130.0  # of an INIT ahead of requests, or the function's timeout if longer


def initialise_ahead(environment: Environment) -> tuple[float | None, list[LogEvent]]:
    """INIT before there is a request, as provisioned concurrency has it.

    How long it took, in milliseconds, or None if it failed; and its log.
    """
    lines = LogLines(environment.function, "provisioned-concurrency")
    log = lines.init_start()
    began = time.perf_counter()
    ended = environment.init(max(AHEAD_LIMIT_S, environment.function.timeout_s))
    took_ms = (time.perf_counter() - began) * 1000
    environment.freeze()
    log += environment.take_output()
    status = {"ready": "success", "timeout": "timeout"}.get(ended.kind, "error")
    failure = error_type(ended) if status == "error" else None
    log += lines.init_report(took_ms, "init", status, failure)
    return took_ms if status == "success" else None, log


@dataclass(frozen=True)
class Done:
    """What came of one request: what the caller gets, what is kept, and all that was logged."""

    outcome: Outcome
    record: Invocation
    log: list[LogEvent]


def run(lease: Lease, request: Request) -> Done:
    """Runs one request in an environment on loan. Raises ApiError, 500, if no process starts."""
    lease.usable = False  # unless it ends well
    return _Run(lease, request).run()


class _Run:
    """One request in one environment."""

    def __init__(self, lease: Lease, request: Request) -> None:
        self._lease, self._request = lease, request
        self._environment = lease.environment
        self._function = lease.environment.function
        self._lines = LogLines(self._function)
        self._before: list[LogEvent] = []  # log of INIT, ahead of START
        self._init_ms = lease.ahead_ms

    def run(self) -> Done:
        """INIT in a new environment; INVOKE, with INIT again in it where the first one failed."""
        initialised = self._initialise() if self._lease.is_new else True
        limit_s = float(self._function.timeout_s)
        start_lines = self._lines.start(self._request.request_id)
        started_at, began = time.time(), time.perf_counter()
        ended = Ended("ready") if initialised else self._repeat_init(limit_s)
        if ended.kind == "ready":
            left_s = limit_s - (time.perf_counter() - began)
            ended = self._environment.invoke(self._request, max(left_s, 0.001))
        took_ms = (time.perf_counter() - began) * 1000
        outcome = self._outcome(ended)
        report = self._report(
            ended, outcome, limit_s * 1000 if ended.kind == "timeout" else took_ms
        )
        printed = self._environment.take_output()
        outcome.logs = [*start_lines, *printed, *self._lines.end(report)]
        record = self._record(report, outcome, started_at)
        self._lease.usable = ended.kind in ("response", "error")
        return Done(outcome, record, [*self._before, *outcome.logs])

    def _initialise(self) -> bool:
        """The INIT phase; False if it failed, so that the invocation repeats it."""
        self._before += self._lines.init_start()
        began = time.perf_counter()
        try:
            ended = self._environment.init()
        finally:
            self._lease.started()
        took_ms = (time.perf_counter() - began) * 1000
        self._before += self._environment.take_output()
        if ended.kind == "ready":
            self._init_ms = took_ms
            return True
        took_ms = min(took_ms, INIT_LIMIT_S * 1000)
        self._before += self._init_report(ended, took_ms, "init")
        return False

    def _repeat_init(self, limit_s: float) -> Ended:
        began = time.perf_counter()
        ended = self._environment.init(limit_s)
        took_ms = (time.perf_counter() - began) * 1000
        self._before += self._environment.take_output()
        if ended.kind != "ready":
            self._before += self._init_report(ended, took_ms, "invoke")
        return ended

    def _init_report(self, ended: Ended, took_ms: float, phase: str) -> list[LogEvent]:
        status = "timeout" if ended.kind == "timeout" else "error"
        failure = None if status == "timeout" else error_type(ended)
        return self._lines.init_report(took_ms, phase, status, failure)

    def _outcome(self, ended: Ended) -> Outcome:
        """The payload that the caller gets."""
        request_id = self._request.request_id
        prefix = f"RequestId: {request_id} Error: "
        if len(ended.body) > LARGEST_RESPONSE:
            message = (
                "Response payload size exceeded maximum allowed payload size "
                f"({LARGEST_RESPONSE} bytes)."
            )
            return Outcome(error_payload("Function.ResponseSizeTooLarge", message), True)
        if ended.kind == "response":
            return Outcome(ended.body)
        if ended.kind in ("error", "init-error"):
            return Outcome(self._environment.as_on_aws(ended.body), True)
        if ended.kind == "timeout":
            message = f"{prefix}Task timed out after {self._function.timeout_s:.2f} seconds"
            return Outcome(error_payload("Sandbox.Timedout", message), True)
        reason = OUT_OF_MEMORY if ended.kind == "memory" else ended.reason
        return Outcome(error_payload("Runtime.ExitError", prefix + reason), True)

    def _report(self, ended: Ended, outcome: Outcome, duration_ms: float) -> Report:
        status, failure = "success", None
        if ended.kind == "timeout":
            status = "timeout"
        elif ended.kind in ("exit", "memory", "init-error"):
            status, failure = "error", error_type(ended)
        elif self._function.log_format == "JSON" and outcome.error:
            status = "error"
        return Report(
            self._request.request_id,
            duration_ms,
            self._init_ms,
            self._environment.max_memory_mb,
            status,
            failure,
            self._lease.ahead_ms is not None,
        )

    def _record(self, report: Report, outcome: Outcome, started_at: float) -> Invocation:
        status = report.status
        if outcome.error and status == "success":
            status = "error"
        return Invocation(
            function_name=self._function.name,
            request_id=self._request.request_id,
            environment_id=self._environment.id,
            cold=self._lease.is_new,
            received_at=self._request.received_at,
            started_at=started_at,
            ended_at=started_at + report.duration_ms / 1000,
            init_ms=report.init_ms if self._lease.is_new else None,
            duration_ms=report.duration_ms,
            billed_ms=report.billed_ms,
            memory_size_mb=self._function.memory_mb,
            max_memory_mb=report.max_memory_mb,
            status=status,
        )


def error_type(ended: Ended) -> str:
    """The Error Type of a log line, for a runtime that did not come to an answer."""
    if ended.kind == "memory":
        return "Runtime.OutOfMemory"
    if ended.kind == "init-error":
        known = ended.error_type.startswith("Runtime.")
        return ended.error_type if known else "Runtime.Unknown"
    return "Runtime.ExitError"
