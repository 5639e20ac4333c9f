"""Tumbling windows: what a function makes of the records of a time, from batch to batch.

Follows "Implementing stateful Kinesis Data Streams processing in Lambda"
(https://docs.aws.amazon.com/lambda/latest/dg/services-kinesis-windows.html). A window's records
are those that came into the stream in its time. It ends when a later record comes, or some time
after its end: two minutes on AWS, which are shrunk here. The window itself is as long as it says.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from ...base.json_text import from_json, to_json
from ...base.timers import shrunk
from ...base.times import in_seconds
from .batches import WholeBatchFailed

LARGEST_STATE = 1024 * 1024  # bytes
GRACE = 120  # seconds on AWS, for records that come late


@dataclass
class Window:
    """One window of one shard, and its state so far."""

    start: float  # seconds since 1970
    length: int
    state: dict[str, Any] = field(default_factory=dict)
    is_full: bool = False  # its state grew too large, so it ends early

    @property
    def end(self) -> float:
        """The moment after its last record."""
        return self.start + self.length

    @property
    def closes_at(self) -> float:
        """When it ends if no later record comes."""
        return self.end + shrunk(GRACE)

    def fields(self, is_final: bool) -> dict[str, Any]:
        """What an event of the window has beside its records, the source aside."""
        return {
            "window": {"start": in_seconds(self.start), "end": in_seconds(self.end)},
            "state": self.state,
            "isFinalInvokeForWindow": is_final,
            "isWindowTerminatedEarly": is_final and self.is_full,
        }

    def take_state(self, payload: bytes) -> None:
        """Takes over the state of an answer. Raises WholeBatchFailed if it has none."""
        try:
            answer = from_json(payload)
        except ValueError:  # a handler may return bytes, which are passed on as they are
            raise WholeBatchFailed from None
        state = answer.get("state") if isinstance(answer, dict) else None
        if not isinstance(state, dict):
            raise WholeBatchFailed
        self.state = state
        self.is_full = len(to_json(state)) > LARGEST_STATE

    def renewed(self) -> Window:
        """The same window with a fresh state, after it ended early."""
        return Window(self.start, self.length)


def window_of(moment: float, length: int) -> Window:
    """The window in which a record came. Windows follow each other from 1970 on."""
    return Window(moment - moment % length, length)
