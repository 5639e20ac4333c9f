"""Faults of the cloud's own in a loop that must go on: noted, and followed by a growing pause."""

from __future__ import annotations

from .poller import Poller

PAUSES = (0.1, 10.0)  # seconds, the first and the longest
WAITED_FOR = 4  # faults in a row for which the cloud is not idle; with more, nobody waits


class Faults:
    """Counts the faults in a row of one loop of a poller.

    `what` is the name under which the loop counts in the cloud's activity.
    """

    def __init__(self, poller: Poller, what: str) -> None:
        self._what, self._pause = what, poller.pause
        self._problems, self._activity = poller.tools.problems, poller.tools.activity
        self._in_a_row = 0

    def forget(self) -> None:
        """It went well: the next fault is the first."""
        self._in_a_row = 0

    def wait_after(self, error: BaseException) -> None:
        """Notes a fault and waits, longer each time."""
        self._problems.failed(self._what, error)
        self.wait()

    def wait(self) -> None:
        """Waits as after a fault that was noted elsewhere."""
        self._in_a_row = min(self._in_a_row + 1, 20)
        first, longest = PAUSES
        seconds = min(longest, first * 2 ** (self._in_a_row - 1))
        if self._in_a_row <= WAITED_FOR:
            self._pause(seconds)
            return
        self._activity.end(self._what)
        try:
            self._pause(seconds)
        finally:
            self._activity.begin(self._what)
