"""Calls a function now and then, in the background, until it is closed."""

from __future__ import annotations

import threading
from collections.abc import Callable

from .problems import Problems

LEAST_S, MOST_S = 0.05, 30.0  # between two sweeps


class Sweeper:
    """Sweeps often enough that nothing stays much longer than `longest_s` seconds."""

    def __init__(
        self, what: str, sweep: Callable[[], object], longest_s: float, problems: Problems
    ) -> None:
        self._what, self._sweep, self._problems = what, sweep, problems
        self._every_s = min(MOST_S, max(LEAST_S, longest_s / 4))
        self._over = threading.Event()
        problems.start(what, self._work)

    def close(self) -> None:
        """Ends it after what it is doing."""
        self._over.set()

    def _work(self) -> None:
        while not self._over.wait(self._every_s):
            with self._problems.guard(self._what):
                self._sweep()
