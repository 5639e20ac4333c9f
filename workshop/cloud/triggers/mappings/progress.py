"""How far a mapping has come in a shard: kept while it is disabled, and when a poller fails."""

from __future__ import annotations

import threading
from collections import deque

from .windows import Window


class Progress:
    """What of a shard was read, and what of that is done with.

    Records of several keys may be handled at once, so a record may be done with before another
    that came earlier. `position` is the number up to which all are.
    """

    def __init__(self) -> None:
        self.start: str | None = None  # the iterator with which reading began
        self.position: str | None = None
        self.ended = False  # the shard was closed, and everything in it is done with
        self.window: Window | None = None  # the tumbling window that is open
        self._read: deque[str] = deque()
        self._done: set[str] = set()
        self._changed = threading.Condition()
        self._users = 0

    def read(self, numbers: list[str]) -> set[str]:
        """Notes what was read; gives those that were done with already."""
        with self._changed:
            self._read.extend(numbers)
            old = self._done & set(numbers)
            self._advance()
            return old

    def done(self, numbers: list[str]) -> None:
        """Notes what is done with."""
        with self._changed:
            self._done.update(numbers)
            self._advance()

    def unread(self) -> None:
        """Reading begins again after `position`."""
        with self._changed:
            self._read.clear()

    def enter(self) -> None:
        """Notes that somebody handles records of the shard."""
        with self._changed:
            self._users += 1

    def leave(self) -> None:
        """Notes that it has ended."""
        with self._changed:
            self._users -= 1
            self._changed.notify_all()

    def wait_until_free(self) -> None:
        """Waits until nobody handles records: of a poller that was stopped, one may still run."""
        with self._changed:
            self._changed.wait_for(lambda: not self._users)

    @property
    def all_done(self) -> bool:
        """Whether everything that was read is done with."""
        with self._changed:
            return not self._read

    def _advance(self) -> None:
        while self._read and self._read[0] in self._done:
            self.position = self._read.popleft()
            self._done.discard(self.position)
