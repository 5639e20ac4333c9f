"""A source as the processing of its records sees it: records, batches, and what it says of them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Protocol

from .poller import Answer


@dataclass
class Record:
    """One record, and what is to be known of it to handle it."""

    event: dict[str, Any]  # as the function gets it
    identifier: Any  # what `itemIdentifier` names it by: a string, or for Kafka an object
    key: str  # records of one key stay in order
    arrived_at: float  # seconds since 1970
    size: int = 0  # bytes as JSON
    delays_before: float = 0.0  # what `Processor.delays` was when it came


class Source(Protocol):
    """What a processor asks of the service that it works for."""

    where: str  # the shard or the partition

    def event(self, records: list[Record]) -> dict[str, Any]:
        """What the function is invoked with."""

    def batch_info(self, records: list[Record]) -> dict[str, Any]:
        """What the record of a failure says of a batch, under the service's own key."""

    def answered(self, payload: bytes, done: int) -> None:
        """Looks at an answer that is no error; `done` records of the batch it covers.

        Raises WholeBatchFailed if the answer is not what it must be.
        """

    def done(self, records: list[Record]) -> None:
        """Notes that records were handled, or given up: they don't come again."""


@dataclass
class Batch:
    """Records that are tried together, and what came of it so far."""

    records: list[Record]
    attempts: int = 0
    last: Answer | None = None
