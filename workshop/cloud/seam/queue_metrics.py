"""How full a queue is, minute by minute, as SQS tells CloudWatch.

Follows "Available CloudWatch metrics for Amazon SQS"
(https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/sqs-available-cloudwatch-metrics.html).
AWS measures once a minute. Here a night is over in seconds, so a queue is measured as it changes
and when somebody asks, and a minute's maximum shows what was in it.
"""

from __future__ import annotations

import time
from collections.abc import Iterable, Iterator
from typing import Any

from ..functions.metrics import Datum

UNITS = {
    "ApproximateNumberOfMessagesVisible": "Count",
    "ApproximateNumberOfMessagesNotVisible": "Count",
    "ApproximateNumberOfMessagesDelayed": "Count",
    "ApproximateAgeOfOldestMessage": "Seconds",
}
KEPT_MINUTES = 180
AT_MOST_EVERY = 0.05  # seconds; to count the messages of a long queue takes its time


class Depths:
    """The metrics of one queue. Whoever calls holds the lock of the queues."""

    def __init__(self) -> None:
        self._measured_at = 0.0
        self._minutes: dict[int, dict[str, tuple[int, float, float, float]]] = {}

    def changed(self, messages: Iterable[Any]) -> None:
        """Measures moto's messages, unless that was done just now."""
        if time.monotonic() >= self._measured_at + AT_MOST_EVERY:
            self._measure(messages)

    def data(self, queue: str, messages: Iterable[Any]) -> Iterator[Datum]:
        """What is known of the queue, by metric and minute, up to now."""
        self._measure(messages)
        for minute, metrics in self._minutes.items():
            for name, (count, total, lowest, highest) in metrics.items():
                dimensions = (("QueueName", queue),)
                yield Datum(name, dimensions, minute, UNITS[name], count, total, lowest, highest)

    def _measure(self, messages: Iterable[Any]) -> None:
        self._measured_at = time.monotonic()
        minute = int(time.time()) // 60 * 60
        found = self._minutes.setdefault(minute, {})
        for name, value in _values(messages, time.time() * 1000).items():
            count, total, lowest, highest = found.get(name, (0, 0.0, value, value))
            found[name] = count + 1, total + value, min(lowest, value), max(highest, value)
        for old in list(self._minutes)[:-KEPT_MINUTES]:
            del self._minutes[old]


def _values(messages: Iterable[Any], now: float) -> dict[str, float]:
    """The metrics of some messages at a time in milliseconds.

    In a dead-letter queue a message is as old as its move.
    """
    hidden = delayed = visible = 0
    oldest = now
    for each in messages:
        delayed += each.delayed_until > now
        hidden += each.visible_at > now
        visible += each.visible_at <= now and each.delayed_until <= now
        oldest = min(oldest, getattr(each, "moved_at", each.sent_timestamp))
    values = visible, hidden, delayed, (now - oldest) / 1000
    return dict(zip(UNITS, values, strict=True))
