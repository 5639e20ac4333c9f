"""The time of schedules: real time, and how far it was moved forward.

Nobody waits a night for a nightly report. `advance` moves the clock and runs on the way, in
order, whatever falls due. Left alone the clock runs as any other, and schedules fire by it.
"""

from __future__ import annotations

import heapq
import itertools
import threading
from collections.abc import Callable
from datetime import datetime, timedelta, timezone

from .activity import Activity
from .problems import Problems

FIRES = "schedule that fires"
FARTHEST = timedelta(days=366)
LONGEST_WAIT = 3600.0  # seconds; then it looks at the computer's clock again
Call = Callable[[datetime], None]
Plan = tuple[datetime, int, Call]  # what `at` gives, and `cancel` takes


class Clock:
    """Calls functions when their time has come, with that time; each is soon over."""

    def __init__(self, activity: Activity, problems: Problems) -> None:
        self._activity, self._problems = activity, problems
        self._moved = timedelta(0)
        self._calls: list[Plan] = []
        self._numbers = itertools.count()
        self._changed = threading.Condition()
        self._firing = threading.Lock()  # one after the other, in order
        self._closed = False
        self._thread: threading.Thread | None = None

    def now(self) -> datetime:
        """The time by this clock, in UTC."""
        return datetime.now(timezone.utc) + self._moved

    def at(self, due: datetime, call: Call) -> Plan:
        """Calls `call(due)` when the clock shows `due`; what it raises is noted as a problem.

        The cloud is idle while it waits, but not if it is due already. Gives what `cancel` takes.
        """
        is_due = due <= self.now()
        plan = due, next(self._numbers), self._then_end(call) if is_due else call
        with self._changed:
            if self._closed:
                return plan
            if is_due:
                self._activity.begin(FIRES)
            heapq.heappush(self._calls, plan)
            if self._thread is None:
                self._thread = self._problems.start("clock", self._work)
            self._changed.notify_all()
        return plan

    def cancel(self, plan: Plan) -> None:
        """Forgets a call that is due some time; does nothing if it was made, or is being made."""
        with self._changed:
            if plan not in self._calls or plan[0] <= self.now():
                return
            self._calls.remove(plan)
            heapq.heapify(self._calls)

    def advance(self, by: timedelta) -> datetime:
        """Moves the clock forward and runs what falls due on the way. Gives the new time.

        Raises ValueError for a step back, or for more than 366 days at once.
        """
        if not timedelta(0) <= by <= FARTHEST:
            raise ValueError(
                f"The clock moves forward, by {FARTHEST.days} days at most at once, not by {by}."
            )
        self._activity.begin(FIRES)
        try:
            with self._firing:
                until = self.now() + by
                self._run(until)
                self._move_to(until)
        finally:
            self._activity.end(FIRES)
        return self.now()

    def close(self) -> None:
        """Forgets what is to be called."""
        with self._changed:
            self._closed = True
            self._calls.clear()
            self._changed.notify_all()

    def _then_end(self, call: Call) -> Call:
        def wrapped(due: datetime) -> None:
            try:
                call(due)
            finally:
                self._activity.end(FIRES)

        return wrapped

    def _run(self, until: datetime) -> None:
        while (due_call := self._pop(until)) is not None:
            due, call = due_call
            self._move_to(due)
            with self._problems.guard("a schedule"):
                call(due)

    def _pop(self, until: datetime) -> tuple[datetime, Call] | None:
        with self._changed:
            if not self._calls or self._calls[0][0] > until:
                return None
            due, _, call = heapq.heappop(self._calls)
            return due, call

    def _move_to(self, moment: datetime) -> None:
        with self._changed:
            self._moved += max(timedelta(0), moment - self.now())
            self._changed.notify_all()

    def _work(self) -> None:
        while self._wait():
            self._activity.begin(FIRES)
            try:
                with self._firing:
                    self._run(self.now())
            finally:
                self._activity.end(FIRES)

    def _wait(self) -> bool:
        """Returns when something is due; False when the clock was closed."""
        with self._changed:
            while not self._closed:
                left = None
                if self._calls:
                    left = (self._calls[0][0] - self.now()).total_seconds()
                    if left <= 0:
                        return True
                self._changed.wait(left if left is None else min(left, LONGEST_WAIT))
        return False
