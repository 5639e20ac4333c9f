"""Threads that run what is queued, and that never keep Python from ending.

`concurrent.futures` waits for its threads when Python ends, and a function may run for 900 s.
"""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable
from typing import Any

from .problems import Problems

KEPT_S = 10.0  # how long a thread with nothing to do waits for more

Job = tuple[Callable[..., None], tuple[Any, ...]]


class Workers:
    """At most `most` daemon threads, started as they are needed; they end when none is.

    `name` says what they do; a call that raises is a problem under that name.
    """

    def __init__(self, most: int, name: str, problems: Problems) -> None:
        self._most, self._name, self._problems = most, name, problems
        self._jobs: deque[Job] = deque()
        self._threads = 0
        self._waiting = 0  # threads with nothing to do
        self._closed = False
        self._changed = threading.Condition()

    def submit(self, function: Callable[..., None], *args: Any) -> None:
        """Queues a call. Raises RuntimeError if there is no thread, and none can be started."""
        with self._changed:
            if self._closed:
                return
            self._jobs.append((function, args))
            if self._waiting < len(self._jobs) and self._threads < self._most:
                self._start_thread()
            self._changed.notify()

    def close(self) -> None:
        """Forgets what is queued; what runs goes on."""
        with self._changed:
            self._closed = True
            self._jobs.clear()
            self._changed.notify_all()

    def _start_thread(self) -> None:
        try:
            threading.Thread(target=self._work, name=self._name, daemon=True).start()
        except RuntimeError:  # the system has no more; those that run will do it
            if not self._threads:
                self._jobs.pop()
                raise
            return
        self._threads += 1

    def _work(self) -> None:
        while (job := self._next()) is not None:
            function, args = job
            with self._problems.guard(self._name):
                function(*args)
            del job, function, args  # what was done is not kept until there is more to do

    def _next(self) -> Job | None:
        """The next call; None when there was none for a while, or when all is over."""
        with self._changed:
            self._waiting += 1
            self._changed.wait_for(lambda: self._jobs or self._closed, KEPT_S)
            self._waiting -= 1
            if self._jobs:
                return self._jobs.popleft()
            self._threads -= 1
            return None
