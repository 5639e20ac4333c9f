"""Asynchronous invocation: the queue, its retries, and where an event ends.

Follows "How Lambda handles errors and retries with asynchronous invocation"
(https://docs.aws.amazon.com/lambda/latest/dg/invocation-async-error-handling.html).
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass

from ..base.activity import Activity
from ..base.model import ApiError, EventSettings, FunctionVersion, Outcome, Request
from ..base.problems import Problems
from ..base.timers import SHRINK, Timer, shrunk
from ..base.workers import Workers
from .destinations import Destinations
from .invoker import check_size
from .loops import LoopGuard
from .metrics import Metrics
from .runtime_names import check_runs_here

AT_ONCE = 64
RETRY_AFTER = (60, 120)  # seconds on AWS
LONGEST_THROTTLE_DELAY = 300  # seconds on AWS
LARGEST_EVENT = 1024 * 1024  # bytes; 256 KB until 2025
WAITING = "asynchronous event"

Run = Callable[[FunctionVersion, Request], Outcome]
Find = Callable[[str], tuple[FunctionVersion, EventSettings]]


@dataclass
class Event:
    """An event in the queue, and what came of it so far."""

    request: Request
    attempts: int = 0  # that the function answered, well or not
    throttles: int = 0
    waited: float = 0.0  # seconds of deliberate delay, as on AWS
    outcome: Outcome | None = None

    def age(self) -> float:
        """Seconds on AWS since it came: deliberate delays in full, the rest as it was."""
        return time.time() - self.request.received_at + self.waited * (1 - 1 / SHRINK)


class AsynchronousQueue:
    """Runs events some time after they came.

    `run(function, request)` invokes and raises ApiError when throttled; `find(arn)` gives the
    function as it is now and its settings for events, and raises ApiError if it is gone.
    """

    def __init__(
        self,
        run: Run,
        find: Find,
        destinations: Destinations,
        loops: LoopGuard,
        activity: Activity,
        timer: Timer,
        metrics: Metrics,
        problems: Problems,
    ) -> None:
        self._run, self._find, self._loops = run, find, loops
        self._problems = problems
        self._destinations = destinations
        self._activity = activity
        self._timer, self._metrics = timer, metrics
        self._workers = Workers(AT_ONCE, WAITING, problems)

    def submit(self, function: FunctionVersion, request: Request) -> None:
        """Queues a request and returns at once. Raises ApiError if it can't be taken."""
        check_size(request.payload, LARGEST_EVENT, "Event")
        check_runs_here(function)
        self._activity.begin(WAITING)
        try:
            self._metrics.note(function, request.invoked_arn, {"AsyncEventsReceived": 1})
            self._workers.submit(self._attempt, Event(request))
        except BaseException:
            self._activity.end(WAITING)
            raise

    def close(self) -> None:
        """Forgets what is queued."""
        self._workers.close()

    def _attempt(self, event: Event) -> None:
        waits = False
        try:
            delay = self._invoke(event)
            if delay is not None:
                event.waited += delay
                self._timer.later(shrunk(delay), WAITING, self._attempt_again, event)
                waits = True
        finally:
            if not waits:
                self._activity.end(WAITING)

    def _attempt_again(self, event: Event) -> None:
        try:
            self._workers.submit(self._attempt, event)
        except BaseException:
            self._activity.end(WAITING)
            raise

    def _invoke(self, event: Event) -> float | None:
        """Seconds (on AWS) until the next attempt, or None when the event has ended."""
        try:
            function, settings = self._find(event.request.invoked_arn)
        except ApiError as error:
            if error.status != 404:
                raise
            return None  # the function was deleted, and its events with it
        if function.reserved_concurrency == 0:
            return self._give_up(event, function, settings, "ZeroReservedConcurrency")
        if event.age() > settings.maximum_age_s:
            return self._give_up(event, function, settings, "EventAgeExceeded")
        if event.attempts + event.throttles == 0 and self._loops.stops(function, event.request):
            return self._give_up(event, function, settings, "RecursiveInvocation")
        age = {"AsyncEventAge": event.age() * 1000}
        try:
            event.outcome = self._run(function, event.request)
            self._metrics.note(function, event.request.invoked_arn, age)
        except ApiError as error:
            if error.status == 429:
                event.throttles += 1
                return min(LONGEST_THROTTLE_DELAY, 2.0 ** (min(event.throttles, 20) - 1))
            # On AWS a system error is tried again for hours. What does not start here mostly never
            # does, so it counts as an attempt; the invoker has noted why.
            event.outcome = None
        event.attempts += 1
        if event.outcome and not event.outcome.error:
            self._destinations.success(event, function, settings)
            return None
        if event.attempts > settings.maximum_retries:
            return self._give_up(event, function, settings, "RetriesExhausted")
        return RETRY_AFTER[event.attempts - 1]

    def _give_up(
        self, event: Event, function: FunctionVersion, settings: EventSettings, condition: str
    ) -> None:
        self._metrics.note(function, event.request.invoked_arn, {"AsyncEventsDropped": 1})
        if condition == "RecursiveInvocation" and self._loops.goes_on(function, event.request):
            return  # its own destination leads back to it, for ever
        self._destinations.failure(event, function, settings, condition)
