"""What goes on in the cloud, counted, so that one call can wait until nothing does."""

from __future__ import annotations

import threading
import time
from collections import Counter
from collections.abc import Callable

GRACE_S = 1.0  # for probes, which ask others, beyond the time that `idle` was given


class Activity:
    """Counts, by name, what runs or waits."""

    def __init__(self) -> None:
        self._going_on: Counter[str] = Counter()
        self._changed = threading.Condition()
        self._probes: list[Callable[[], None]] = []
        self._closed = False

    def begin(self, what: str) -> None:
        """Notes that one more of `what` goes on. Begin the next thing before ending the last."""
        with self._changed:
            self._going_on[what] += 1

    def end(self, what: str) -> None:
        """Notes that one of `what` is over."""
        with self._changed:
            self._going_on[what] -= 1
            if self._going_on[what] <= 0:
                del self._going_on[what]
            self._changed.notify_all()

    def add_probe(self, probe: Callable[[], None]) -> None:
        """Has `idle` call `probe`, which begins what waits outside, where no call tells of it."""
        with self._changed:
            self._probes.append(probe)

    def remove_probe(self, probe: Callable[[], None]) -> None:
        """Forgets a probe; does nothing if there is none."""
        with self._changed:
            if probe in self._probes:
                self._probes.remove(probe)

    def idle(self, timeout: float) -> None:
        """Returns when nothing goes on.

        Raises TimeoutError after `timeout` seconds, with the names of what goes on; RuntimeError
        if the cloud closes meanwhile.
        """
        until = time.monotonic() + timeout
        while True:
            self._wait(until, timeout)
            for probe in list(self._probes):
                if time.monotonic() > until + GRACE_S:
                    raise TimeoutError(f"event sources did not answer within {timeout:g} s")
                probe()
            with self._changed:
                if not self._going_on:
                    return

    def close(self) -> None:
        """Lets go of those who wait: nothing that goes on comes to an end any more."""
        with self._changed:
            self._closed = True
            self._changed.notify_all()

    def _wait(self, until: float, timeout: float) -> None:
        with self._changed:
            left = max(0.0, until - time.monotonic())
            self._changed.wait_for(lambda: self._closed or not self._going_on, left)
            if self._closed:
                raise RuntimeError("The local cloud was closed.")
            if not self._going_on:
                return
            names = ", ".join(f"{count} x {what}" for what, count in self._going_on.items())
        raise TimeoutError(f"functions still run or wait after {timeout:g} s: {names}")
