"""What every poller shares: a thread that looks at its source when told that something changed."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from ...access import Allows
from ...base.activity import Activity
from ...base.model import ApiError, FunctionVersion, Outcome, QueueState, Request
from ...base.problems import CAUGHT, Problems
from ...base.timers import Timer
from ...base.tracing import following
from ...base.workers import Workers
from ...functions.destinations import Destinations
from ...functions.loops import LoopGuard
from ...functions.metrics import Metrics
from ...functions.runtime_names import check_runs_here
from .mapping import EventSourceMapping

LONGEST_PAUSE = 30.0  # seconds, between looks that fail


@dataclass(frozen=True)
class Tools:
    """What the pollers use of the cloud."""

    client: Callable[[str, str], Any]  # (service, region) to a boto3 client
    find: Callable[[str, str, str | None], tuple[FunctionVersion, str]]
    run: Callable[[FunctionVersion, Request], Outcome]
    new_request: Callable[[bytes, str, str | None], Request]
    matches: Callable[[dict[str, Any], dict[str, Any]], bool]
    destinations: Destinations
    loops: LoopGuard
    metrics: Metrics
    activity: Activity
    problems: Problems
    timer: Timer
    workers: Workers  # for what is due later, and takes a moment
    wake: Callable[[str], None]  # has the pollers of a service look again
    queue_state: Callable[[str], QueueState | None]  # by a queue's ARN; None if it is gone
    allows: Allows  # what a role lets Lambda do, where roles are enforced
    now: Callable[[], float] = time.time


@dataclass(frozen=True)
class Answer:
    """One invocation by a poller."""

    function: FunctionVersion
    request: Request
    outcome: Outcome


class Poller:
    """Calls `poll` in a thread of its own, at first and whenever it is woken."""

    def __init__(self, mapping: EventSourceMapping, tools: Tools) -> None:
        self.mapping, self.tools = mapping, tools
        self._changed = threading.Condition()
        self._dirty = False
        self._stopped = False
        self._failures = 0  # in a row
        self.what = f"{mapping.service} mapping of {mapping.function_name}"

    def start(self) -> None:
        """Polls in another thread."""
        self.wake()
        self.tools.problems.start(self.what, self._work)

    def poll(self) -> float | None:
        """Handles what there is. Seconds after which to look again unasked, or None."""
        raise RuntimeError("a poller says how it polls")

    def wake(self) -> None:
        """Has it look at its source again; the cloud is not idle until it did."""
        with self._changed:
            if self._stopped or self._dirty:
                return
            self._dirty = True
            self.tools.activity.begin(self.what)
            self._changed.notify_all()

    def stop(self) -> None:
        """Ends it after what it is doing."""
        with self._changed:
            self._stopped = True
            self._changed.notify_all()

    @property
    def stopped(self) -> bool:
        """Whether it shall do nothing more."""
        return self._stopped

    def pause(self, seconds: float) -> None:
        """Waits, but not longer than until it is stopped."""
        with self._changed:
            self._changed.wait_for(lambda: self._stopped, seconds)

    def finish(self) -> None:
        """What must be done when it has ended."""

    def find(self) -> tuple[FunctionVersion, str]:
        """The mapping's function and its ARN as invoked. Raises ApiError if it can't run here."""
        function, arn = self.tools.find(self.mapping.region, self.mapping.function_arn, None)
        check_runs_here(function)
        return function, arn

    def invoke(
        self, event: dict[str, Any], dump: Callable[[Any], bytes], trace: str | None = None
    ) -> Answer:
        """Invokes the mapping's function, in the trace that led to the event.

        Raises ApiError if it is throttled or gone, or if this closes a loop once too often.
        """
        function, invoked_arn = self.find()
        with following(trace):
            request = self.tools.new_request(dump(event), invoked_arn, None)
        self.tools.loops.check(function, request)
        return Answer(function, request, self.tools.run(function, request))

    def has_function(self) -> bool:
        """Whether the mapping's function is there."""
        try:
            self.tools.find(self.mapping.region, self.mapping.function_arn, None)
        except ApiError:
            return False
        return True

    def _work(self) -> None:
        again: float | None = None
        while True:
            with self._changed:
                self._changed.wait_for(lambda: self._dirty or self._stopped, again)
                if self._stopped:
                    break
                woken, self._dirty = self._dirty, False
            try:
                again = self._look()
            finally:
                if woken:
                    self.tools.activity.end(self.what)
        with self.tools.problems.guard(self.what):
            self.finish()
        with self._changed:
            if self._dirty:
                self._dirty = False
                self.tools.activity.end(self.what)

    def _look(self) -> float | None:
        """Polls. Seconds after which to look again: longer each time that it fails."""
        try:
            again = self.poll()
            self._failures = 0
        except ApiError:
            again = 0.2  # the function is gone or throttled
        except CAUGHT as error:
            self.mapping.last_result = f"PROBLEM: {error}"
            if not is_gone(error):
                self.tools.problems.failed(self.what, error)
            self._failures = min(self._failures + 1, 10)
            again = min(LONGEST_PAUSE, 2.0 ** (self._failures - 1))
        return again


def is_gone(error: BaseException) -> bool:
    """Whether boto3 raised an error because there is no such queue or stream any more."""
    response = getattr(error, "response", None) or {}  # a lost connection has none
    code = str(response.get("Error", {}).get("Code"))
    return "ResourceNotFound" in code or "NonExistentQueue" in code or "QueueDoesNotExist" in code
