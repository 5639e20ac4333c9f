"""What went wrong in a cloud where nobody waits for an answer: kept, counted and printed.

A thread in the background has no caller to whom an exception could go. So whatever runs there runs
under `Problems.guard`, or in a thread that `Problems.start` began.
"""

from __future__ import annotations

import contextlib
import sys
import threading
import time
import traceback
from collections import OrderedDict
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

KEPT = 1000  # different problems; the oldest go first
LONGEST = 2000  # characters of one problem
SAY_AGAIN_AFTER_S = 10.0  # a problem that comes again and again is printed that often at most
CAUGHT = (Exception, SystemExit)  # in a background thread; Ctrl-C comes to the main thread only


@dataclass
class _Problem:
    count: int = 0
    printed_at: float = float("-inf")


class Problems:
    """The problems of one cloud, in words. Any thread may note one."""

    def __init__(self) -> None:
        self._problems: OrderedDict[str, _Problem] = OrderedDict()  # noted last: at the end
        self._lock = threading.Lock()
        self._closing = False

    def note(self, problem: str) -> None:
        """Keeps a problem and says it on standard error; one that comes again is counted."""
        text = printable(problem)
        with self._lock:
            found = self._problems.setdefault(text, _Problem())
            self._problems.move_to_end(text)
            found.count += 1
            if len(self._problems) > KEPT:
                self._problems.popitem(last=False)
            now = time.monotonic()
            is_news = now - found.printed_at > SAY_AGAIN_AFTER_S
            if is_news:
                found.printed_at = now
        if is_news:
            with contextlib.suppress(OSError, ValueError):  # a terminal that was closed
                print(f"local cloud: {text}", file=sys.stderr)

    def failed(self, what: str, error: BaseException) -> None:
        """Notes an exception, with what was being done, and where in the code it was raised.

        While the cloud closes nothing is noted: what is cut off then fails, and nobody asks.
        """
        if not self._closing:
            self.note(f"{what}: {described(error)}")

    @contextlib.contextmanager
    def guard(self, what: str) -> Iterator[None]:
        """A context that ends with an exception that is noted, and goes no farther."""
        try:
            yield
        except CAUGHT as error:
            self.failed(what, error)

    def start(self, what: str, function: Callable[..., None], *args: Any) -> threading.Thread:
        """Calls a function in a daemon thread of its own, under `guard`. Gives the thread.

        Raises RuntimeError if the system has no more threads.
        """
        thread = threading.Thread(
            target=self._run, args=(what, function, args), name=what, daemon=True
        )
        thread.start()
        return thread

    def end(self, what: str, end: Callable[..., None], *args: Any) -> None:
        """One step of closing: what it raises is noted, and keeps no other step from being done."""
        try:
            end(*args)
        except Exception as error:
            self.note(f"closing the cloud: {what}: {described(error)}")

    def all(self) -> list[str]:
        """Every problem, the one that was noted last at the end."""
        with self._lock:
            return [
                text if problem.count == 1 else f"{text} ({problem.count} times)"
                for text, problem in self._problems.items()
            ]

    def close(self) -> None:
        """The cloud closes: from now on `failed` notes nothing."""
        self._closing = True

    def _run(self, what: str, function: Callable[..., None], args: tuple[Any, ...]) -> None:
        with self.guard(what):
            function(*args)


def described(error: BaseException) -> str:
    """An exception in one line: its type, its text, and where it was raised."""
    frames = traceback.extract_tb(error.__traceback__)
    where = f" ({Path(frames[-1].filename).name}, line {frames[-1].lineno})" if frames else ""
    return f"{type(error).__name__}: {error}{where}"


def printable(text: str) -> str:
    """A text as one line that a terminal only shows: no control characters, of bounded length."""
    shown = text if len(text) <= LONGEST else text[: LONGEST - 3] + "..."
    if shown.isprintable():
        return shown
    return "".join(each if each.isprintable() else repr(each)[1:-1] for each in shown)
