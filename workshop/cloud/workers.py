"""Threads that run what is queued, and that never keep Python from ending.

`concurrent.futures` waits for its threads when Python ends, and a function may run for 900 s.
"""

from __future__ import annotations

import contextlib
import queue
import threading
from collections.abc import Callable
from typing import Any

Job = tuple[Callable[..., None], tuple[Any, ...]]


class Workers:
    """At most `most` daemon threads, started as they are needed."""

    def __init__(self, most: int, name: str) -> None:
        self._most, self._name = most, name
        self._jobs: queue.SimpleQueue[Job | None] = queue.SimpleQueue()
        self._started = 0
        self._free = 0  # workers with nothing to do, less the calls that wait for one
        self._lock = threading.Lock()

    def submit(self, function: Callable[..., None], *args: Any) -> None:
        """Queues a call; its exceptions are its own business."""
        with self._lock:
            if self._free <= 0 and self._started < self._most:
                self._started += 1
                threading.Thread(target=self._work, name=self._name, daemon=True).start()
            else:
                self._free -= 1  # below 0: so many calls wait for a worker
        self._jobs.put((function, args))

    def close(self) -> None:
        """Forgets what is queued; what runs goes on."""
        with contextlib.suppress(queue.Empty):
            while True:
                self._jobs.get_nowait()
        for _ in range(self._started):
            self._jobs.put(None)

    def _work(self) -> None:
        while (job := self._jobs.get()) is not None:
            function, args = job
            with contextlib.suppress(Exception):
                function(*args)
            with self._lock:
                self._free += 1
