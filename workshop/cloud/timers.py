"""Delays, and by how much they are shorter here than on AWS."""

from __future__ import annotations

import contextlib
import heapq
import itertools
import threading
import time
from collections.abc import Callable
from typing import Any

SHRINK = 600  # what takes AWS one minute takes 0.1 s here


def shrunk(seconds: float) -> float:
    """How long a delay of AWS's takes here, in seconds."""
    return seconds / SHRINK


class Timer:
    """Calls functions later, each soon over, in one daemon thread."""

    def __init__(self) -> None:
        self._calls: list[tuple[float, int, Callable[..., None], tuple[Any, ...]]] = []
        self._numbers = itertools.count()
        self._changed = threading.Condition()
        self._closed = False
        self._thread: threading.Thread | None = None

    def later(self, delay: float, function: Callable[..., None], *args: Any) -> None:
        """Calls `function` after `delay` seconds; its exceptions are its own business."""
        with self._changed:
            due = time.monotonic() + delay
            heapq.heappush(self._calls, (due, next(self._numbers), function, args))
            if self._thread is None:
                self._thread = threading.Thread(target=self._work, name="timer", daemon=True)
                self._thread.start()
            self._changed.notify_all()

    def close(self) -> None:
        """Forgets what is to be called."""
        with self._changed:
            self._closed = True
            self._calls.clear()
            self._changed.notify_all()

    def _work(self) -> None:
        while (call := self._next()) is not None:
            function, args = call
            with contextlib.suppress(Exception):
                function(*args)

    def _next(self) -> tuple[Callable[..., None], tuple[Any, ...]] | None:
        with self._changed:
            while not self._closed:
                left = self._calls[0][0] - time.monotonic() if self._calls else None
                if left is not None and left <= 0:
                    return heapq.heappop(self._calls)[2:]
                self._changed.wait(left)
        return None
