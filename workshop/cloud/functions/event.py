"""An asynchronous event, and what came of it so far."""

from __future__ import annotations

import time
from dataclasses import dataclass

from ..base.model import Outcome, Request
from ..base.timers import SHRINK


@dataclass
class Event:
    """An event in the queue."""

    request: Request
    attempts: int = 0  # that the function answered, well or not
    throttles: int = 0
    waited: float = 0.0  # seconds of deliberate delay, as on AWS
    outcome: Outcome | None = None

    def age(self) -> float:
        """Seconds on AWS since it came: deliberate delays in full, the rest as it was."""
        return time.time() - self.request.received_at + self.waited * (1 - 1 / SHRINK)
