"""Ends many things at once, within a time that is known."""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable, Iterable

from .problems import Problems

AT_ONCE = 16
WITHIN_S = 8.0


def end_all(
    what: str,
    ends: Iterable[Callable[[], None]],
    problems: Problems,
    within_s: float = WITHIN_S,
) -> None:
    """Calls every function in `ends`, some at a time; after `within_s` it waits no longer.

    One that raises is a problem (`what` names it), and keeps none of the others from being called.
    """
    todo = deque(ends)

    def work() -> None:
        while todo:
            try:
                end = todo.popleft()
            except IndexError:  # another thread took the last one
                return
            with problems.guard(what):
                end()

    until = time.monotonic() + within_s
    threads = [problems.start(what, work) for _ in range(min(AT_ONCE, len(todo)))]
    for thread in threads:
        thread.join(max(0.0, until - time.monotonic()))
