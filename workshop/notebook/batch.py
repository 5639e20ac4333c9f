"""Pictures of batch work: throughput over concurrency, a queue over the night, rides by month."""

from __future__ import annotations

import csv
import threading
import time
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from types import TracebackType
from typing import Any

WAITING, IN_FLIGHT, DEAD = "#0072b2", "#e69f00", "#d55e00"
EVERY = 0.05  # seconds
NUMBERS = ("ApproximateNumberOfMessages", "ApproximateNumberOfMessagesNotVisible")


@dataclass(frozen=True)
class Depth:
    """What was in a queue and in its dead-letter queue at one moment."""

    seconds: float
    waiting: int
    in_flight: int
    dead: int


class QueueWatch:
    """Looks into a queue and its dead-letter queue while a `with` block runs; see `depths`."""

    def __init__(self, sqs: Any, queue_url: str, dead_url: str) -> None:
        self.depths: list[Depth] = []
        self._sqs, self._urls = sqs, (queue_url, dead_url)
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._work, daemon=True)

    def __enter__(self) -> QueueWatch:
        self._start = time.monotonic()
        self._thread.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._over.set()
        self._thread.join()
        if kind is None:
            self._look()

    def _work(self) -> None:
        while not self._over.wait(EVERY):
            self._look()

    def _look(self) -> None:
        (waiting, in_flight), (dead, _) = (self._numbers(url) for url in self._urls)
        self.depths.append(Depth(time.monotonic() - self._start, waiting, in_flight, dead))

    def _numbers(self, url: str) -> tuple[int, ...]:
        found = self._sqs.get_queue_attributes(QueueUrl=url, AttributeNames=list(NUMBERS))
        return tuple(int(found["Attributes"][name]) for name in NUMBERS)


def draw_throughput(seconds: Mapping[int, float], messages: int) -> None:
    """Draws messages a second over the greatest concurrency, and the line of the smallest one."""
    import matplotlib.pyplot as plt

    limits = sorted(seconds)
    rates = [messages / seconds[limit] for limit in limits]
    _, axes = plt.subplots(figsize=(6, 3), layout="constrained")
    axes.plot(limits, rates, "o-", color=WAITING, label="measured")
    even = [rates[0] * limit / limits[0] for limit in limits]
    axes.plot(limits, even, "--", color="#999999", label="in proportion")
    axes.set_xticks(limits)
    axes.set_ylim(0, max([*rates, *even]) * 1.1)
    axes.set_xlabel("MaximumConcurrency of the mapping")
    axes.set_ylabel("messages a second")
    axes.legend(loc="upper left", frameon=False)
    axes.spines[["top", "right"]].set_visible(False)
    plt.show()


def draw_depths(depths: Sequence[Depth]) -> None:
    """Draws what waited in a queue, what was in flight, and what the dead-letter queue held."""
    import matplotlib.pyplot as plt

    if not depths:
        print("Nothing was watched yet: run the cells above first.")
        return
    depths = [*depths, replace(depths[-1], seconds=depths[-1].seconds * 1.1)]  # so that it shows
    times = [each.seconds for each in depths]
    _, axes = plt.subplots(figsize=(8, 3), layout="constrained")
    for name, color, style, values in (
        ("waiting in the queue", WAITING, "-", [each.waiting for each in depths]),
        ("in flight", IN_FLIGHT, "--", [each.in_flight for each in depths]),
        ("in the dead-letter queue", DEAD, ":", [each.dead for each in depths]),
    ):
        axes.step(times, values, style, where="post", color=color, label=name, linewidth=2)
    axes.set_xlabel("seconds")
    axes.set_ylabel("messages")
    axes.set_ylim(bottom=0)
    axes.legend(loc="lower center", bbox_to_anchor=(0.5, 1), ncols=3, frameon=False)
    axes.spines[["top", "right"]].set_visible(False)
    plt.show()


def rides_by_month(report: Iterable[str]) -> dict[str, int]:
    """Adds up the lines of a report, `day,hours,casual,registered`, by month."""
    months: Counter[str] = Counter()
    for row in csv.DictReader(report):
        months[row["day"][:7]] += int(row["casual"]) + int(row["registered"])
    return dict(sorted(months.items()))
