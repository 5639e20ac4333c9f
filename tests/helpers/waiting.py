"""Waiting for what other threads and processes do, without a time that a slow machine misses."""

from __future__ import annotations

import time
from collections.abc import Callable

LONG = 30.0  # seconds, to tell what never comes from what is slow


def until(condition: Callable[[], object], what: str = "it never came to this") -> None:
    """Waits until a condition holds. Raises AssertionError, with what failed, after 30 s."""
    end = time.monotonic() + LONG
    while not condition():
        assert time.monotonic() < end, what
        time.sleep(0.01)
