"""Asynchronous invocation: the queue, its retries, and where an event ends.

Follows "How Lambda handles errors and retries with asynchronous invocation"
(https://docs.aws.amazon.com/lambda/latest/dg/invocation-async-error-handling.html).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from ..base.activity import Activity
from ..base.model import (
    LARGEST_EVENT,
    ApiError,
    EventSettings,
    FunctionVersion,
    Outcome,
    Request,
)
from ..base.problems import Problems
from ..base.timers import Timer, shrunk
from ..base.workers import Workers
from .destinations import Destinations
from .event import Event
from .invoker import check_size, new_request
from .loops import LoopGuard
from .metrics import Metrics
from .runtime_names import check_runs_here

AT_ONCE = 64
RETRY_AFTER = (60, 120)  # seconds on AWS
LONGEST_THROTTLE_DELAY = 300  # seconds on AWS
WAITING = "asynchronous event"

Run = Callable[[FunctionVersion, Request], Outcome]
Find = Callable[[str], tuple[FunctionVersion, EventSettings]]


@dataclass(frozen=True)
class Background:
    """What the queue uses of the cloud: it counts, waits, measures and notes."""

    activity: Activity
    timer: Timer
    metrics: Metrics
    problems: Problems


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
        background: Background,
    ) -> None:
        self._run, self._find = run, find
        self._destinations, self._loops = destinations, loops
        self._activity, self._timer = background.activity, background.timer
        self._metrics = background.metrics
        self._workers = Workers(AT_ONCE, WAITING, background.problems)

    def put(self, function: FunctionVersion, invoked_arn: str, payload: bytes) -> None:
        """Queues an event for a function. Raises ApiError if it can't be taken."""
        self.submit(function, new_request(payload, invoked_arn, None))

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
        condition = self._hopeless(event, function, settings)
        if condition:
            self._give_up(event, function, settings, condition)
            return None
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
            self._destinations.tell(event, function, settings, "Success")
            return None
        if event.attempts > settings.maximum_retries:
            self._give_up(event, function, settings, "RetriesExhausted")
            return None
        return RETRY_AFTER[event.attempts - 1]

    def _hopeless(
        self, event: Event, function: FunctionVersion, settings: EventSettings
    ) -> str | None:
        """Why an event is given up before it is tried, as AWS's records say it; mostly None."""
        if function.reserved_concurrency == 0:
            return "ZeroReservedConcurrency"
        if event.age() > settings.maximum_age_s:
            return "EventAgeExceeded"
        if event.attempts + event.throttles == 0 and self._loops.stops(function, event.request):
            return "RecursiveInvocation"
        return None

    def _give_up(
        self, event: Event, function: FunctionVersion, settings: EventSettings, condition: str
    ) -> None:
        self._metrics.note(function, event.request.invoked_arn, {"AsyncEventsDropped": 1})
        if condition == "RecursiveInvocation" and self._loops.goes_on(function, event.request):
            return  # its own destination leads back to it, for ever
        self._destinations.tell(event, function, settings, condition)
