"""Values that nobody has seen before: what the checks send differs from run to run.

A check chooses what its question needs, such as one second over a minute, and leaves the rest to
chance. So whoever collects the answers of one run has none for the next.

The environment variable WORKSHOP_SEED brings the values of a run back; pytest's header shows it.
"""

from __future__ import annotations

import os
import random
from collections.abc import Sequence
from datetime import datetime, timedelta, timezone
from typing import Any, TypeVar

import pytest

Value = TypeVar("Value")
SEED = "WORKSHOP_SEED"
CONSONANTS, VOWELS = "bdfgklmnprstvz", "aeiou"
FIRST_DAY, DAYS = datetime(2025, 1, 1, tzinfo=timezone.utc), 1000

_random = random.Random()
_words: set[str] = set()


class Seeded:
    """A pytest plugin: each check has random values of its own, whichever others run."""

    def __init__(self) -> None:
        self.seed = os.environ.get(SEED) or f"{random.SystemRandom().getrandbits(48):012x}"
        _words.clear()

    def pytest_report_header(self) -> str:
        """Says how to get the same values again."""
        return f"{SEED}={self.seed}"

    @pytest.hookimpl(tryfirst=True)
    def pytest_runtest_setup(self, item: Any) -> None:
        """Begins anew before each check and the fixtures that it is the first to use."""
        _random.seed(f"{self.seed} {item.name}")


def whole(lowest: int, highest: int) -> int:
    """A whole number, both ends included."""
    return _random.randint(lowest, highest)


def one_of(choices: Sequence[Value]) -> Value:
    """One of several values."""
    return _random.choice(choices)


def some_of(choices: Sequence[Value], count: int) -> list[Value]:
    """So many different ones of several values, in any order; all of them are a shuffle."""
    return _random.sample(choices, count)


def digits(count: int) -> str:
    """So many digits, of which the first is not 0."""
    return str(whole(10 ** (count - 1), 10**count - 1))


def word() -> str:
    """A made-up word of eight small letters, never twice the same."""
    while True:
        made = "".join(one_of(CONSONANTS) + one_of(VOWELS) for _ in range(4))
        if made not in _words:
            _words.add(made)
            return made


def moment() -> datetime:
    """A time in UTC, on the second."""
    return FIRST_DAY + timedelta(days=whole(0, DAYS), seconds=whole(0, 86_399))
