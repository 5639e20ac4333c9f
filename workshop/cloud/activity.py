"""What goes on in the cloud, so that one call can wait until nothing does."""

from __future__ import annotations

import threading
from collections import Counter


class Activity:
    """Counts, by name, what runs or waits."""

    def __init__(self) -> None:
        self._going_on: Counter[str] = Counter()
        self._changed = threading.Condition()

    def begin(self, what: str) -> None:
        """Notes that one more of `what` goes on. Begin the next thing before ending the last."""
        with self._changed:
            self._going_on[what] += 1

    def end(self, what: str) -> None:
        """Notes that one of `what` is over."""
        with self._changed:
            self._going_on[what] -= 1
            if not self._going_on[what]:
                del self._going_on[what]
            self._changed.notify_all()

    def idle(self, timeout: float) -> None:
        """Returns when nothing goes on. Raises TimeoutError after `timeout` seconds."""
        with self._changed:
            if self._changed.wait_for(lambda: not self._going_on, timeout):
                return
            names = ", ".join(f"{count} x {what}" for what, count in self._going_on.items())
        raise TimeoutError(f"functions still run or wait after {timeout} s: {names}")
