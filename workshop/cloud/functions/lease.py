"""What an invocation borrows: an execution environment, for as long as the invocation runs."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from ..sandbox.environment import Environment
from .concurrency import Load

IDLE = Load(0, 0, 0, 0, 0)


@dataclass
class Lease:
    """An environment on loan, and what the loan means for the invocation.

    Whoever borrows it calls `started()` after the INIT of a new one, which lets another process
    start, and says in `usable` whether it can serve again.
    """

    environment: Environment
    is_new: bool = False  # INIT comes first
    provisioned: bool = False
    ahead_ms: float | None = None  # how long INIT took, at the first use of a provisioned one
    started: Callable[[], None] = lambda: None
    usable: bool = True
    load: Load = IDLE  # when the invocation began
    in_use: tuple[int, int] | None = None  # of the version's provisioned environments: so many of
