"""Delays, and by how much they are shorter here than on AWS."""

from __future__ import annotations

import heapq
import itertools
import threading
import time
from collections.abc import Callable
from typing import Any

from .problems import Problems

SHRINK = 600  # what takes AWS one minute takes 0.1 s here

Call = tuple[str, Callable[..., None], tuple[Any, ...]]


def shrunk(seconds: float) -> float:
    """How long a delay of AWS's takes here, in seconds."""
    return seconds / SHRINK


class Timer:
    """Calls functions later, each soon over, in one daemon thread."""

    def __init__(self, problems: Problems) -> None:
        self._problems = problems
        self._calls: list[tuple[float, int, Call]] = []
        self._numbers = itertools.count()
        self._changed = threading.Condition()
        self._closed = False
        self._thread: threading.Thread | None = None

    def later(self, delay: float, what: str, function: Callable[..., None], *args: Any) -> None:
        """Calls `function` after `delay` seconds; `what` names it if it raises."""
        with self._changed:
            if self._closed:
                return
            due = time.monotonic() + delay
            heapq.heappush(self._calls, (due, next(self._numbers), (what, function, args)))
            if self._thread is None:
                self._thread = self._problems.start("timer", self._work)
            self._changed.notify_all()

    def close(self) -> None:
        """Forgets what is to be called."""
        with self._changed:
            self._closed = True
            self._calls.clear()
            self._changed.notify_all()

    def _work(self) -> None:
        while (call := self._next()) is not None:
            what, function, args = call
            with self._problems.guard(what):
                function(*args)

    def _next(self) -> Call | None:
        with self._changed:
            while not self._closed:
                left = self._calls[0][0] - time.monotonic() if self._calls else None
                if left is not None and left <= 0:
                    return heapq.heappop(self._calls)[2]
                self._changed.wait(left)
        return None
