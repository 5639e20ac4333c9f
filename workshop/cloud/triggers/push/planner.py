"""Keeps when each schedule is due next, as schedules are made, changed and deleted."""

from __future__ import annotations

import functools
import threading
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Generic, Protocol, TypeVar

from ...base.clock import Clock, Plan
from ...base.tracing import following
from .expressions import Times

STALE = timedelta(minutes=1)  # what was due while the computer slept is left out


class Scheduled(Protocol):
    """What is planned: by its ARN, at its times."""

    @property
    def arn(self) -> str:
        """Names it."""

    def times(self, now: datetime) -> Times:
        """When it runs, made or changed now."""


Item = TypeVar("Item", bound=Scheduled)


class Planner(Generic[Item]):
    """Plans one kind of schedule.

    `find(arn)` gives a schedule as it is now, None if it is gone or disabled;
    `fire(schedule, due)` runs it; `finish(schedule)` is told after the last time.
    """

    def __init__(
        self,
        clock: Clock,
        find: Callable[[str], Item | None],
        fire: Callable[[Item, datetime], None],
        finish: Callable[[Item], None] = lambda _: None,
    ) -> None:
        self._clock, self._find = clock, find
        self._fire_item, self._finish = fire, finish
        self._times: dict[str, Times] = {}  # those that count, by ARN
        self._plans: dict[str, Plan] = {}  # what the clock was asked for, by ARN
        self._lock = threading.Lock()

    def changed(self, arn: str) -> None:
        """Plans a schedule anew: it was made, changed, enabled, disabled or deleted."""
        with self._lock:  # two changes at once: the second one sees what the first one did
            found = self._find(arn)
            self._forget(arn)
            if found is None:
                return
            now = self._clock.now()
            times = self._times[arn] = found.times(now)
            self._plan(arn, times, times.first(now))

    def _forget(self, arn: str) -> None:
        self._times.pop(arn, None)
        plan = self._plans.pop(arn, None)
        if plan is not None:
            self._clock.cancel(plan)

    def _plan(self, arn: str, times: Times, due: datetime | None) -> None:
        if due is not None:
            self._plans[arn] = self._clock.at(due, functools.partial(self._fire, arn, times))

    def _fire(self, arn: str, times: Times, due: datetime) -> None:
        with self._lock:
            if self._times.get(arn) is not times:  # changed since
                return
            self._plans.pop(arn, None)
            found = self._find(arn)
            if found is None:
                del self._times[arn]
                return
            following_due = times.after(max(due, self._clock.now() - STALE))
            self._plan(arn, times, following_due)
        with following(None):
            self._fire_item(found, due)
            if following_due is None:
                self._finish(found)
