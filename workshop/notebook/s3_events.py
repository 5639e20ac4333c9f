"""Pictures of stage 04: the tries of an event, the rounds of a loop, the rides of a month."""

from __future__ import annotations

import itertools
from collections.abc import Mapping, Sequence
from typing import Any

from ..cloud import Invocation
from .plots import INIT, RUN


def draw_rides(report: Mapping[str, Any], title: str) -> None:
    """Draws the rides by day and by hour, from a report as the exercise of stage 04 writes it."""
    import matplotlib.pyplot as plt

    figure, (above, below) = plt.subplots(2, figsize=(8, 4.5), layout="constrained")
    figure.suptitle(title)
    for axes, field, color, label in (
        (above, "by_day", RUN, "day of the year"),
        (below, "by_hour", INIT, "hour of the day, all days together"),
    ):
        totals = sorted((int(number), rides) for number, rides in report[field].items())
        axes.bar([number for number, _ in totals], [rides for _, rides in totals], color=color)
        axes.set_xlabel(label)
        axes.set_ylabel("rides")
        axes.spines[["top", "right"]].set_visible(False)
    plt.show()


def draw_tries(invocations: Sequence[Invocation]) -> None:
    """Draws the tries of one event as marks over time, and how long Lambda waits in between."""
    import matplotlib.pyplot as plt

    if not invocations:
        print("Nothing ran yet: upload an empty photo first.")
        return
    ordered = sorted(invocations, key=lambda each: each.started_at)
    first = ordered[0].started_at
    figure, axes = plt.subplots(figsize=(8, 1.5), layout="constrained")
    for number, each in enumerate(ordered, 1):
        start = each.started_at - first
        axes.plot(start, 0, "o", color=RUN, markersize=11)
        axes.annotate(f"try {number}", (start, 0), (0, 12), textcoords="offset points", ha="center")
    for one, other in itertools.pairwise(ordered):
        begin, end = one.ended_at - first, other.started_at - first
        axes.annotate(
            "", (end, 0), (begin, 0), arrowprops={"arrowstyle": "->", "shrinkA": 8, "shrinkB": 8}
        )
        axes.annotate(
            f"waits {end - begin:.1f} s", ((begin + end) / 2, 0), (0, -16),
            textcoords="offset points", ha="center",
        )  # fmt: skip
    axes.set_ylim(-1, 1)
    axes.margins(x=0.08)
    axes.set_yticks([])
    axes.set_xlabel("seconds since the first try began")
    axes.spines[["top", "right", "left"]].set_visible(False)
    plt.show()


def draw_rounds(invocations: Sequence[Invocation]) -> None:
    """Draws a loop: one row for each round, over time, and where Lambda stopped it.

    A cold start is hatched, as in `timeline`.
    """
    import matplotlib.pyplot as plt

    if not invocations:
        print("Nothing ran yet: upload a photo first.")
        return
    ordered = sorted(invocations, key=lambda each: each.started_at)
    first = ordered[0].started_at - (ordered[0].init_ms or 0) / 1000
    figure, axes = plt.subplots(figsize=(8, 0.8 + 0.22 * len(ordered)), layout="constrained")
    for number, each in enumerate(ordered, 1):
        start = each.started_at - first
        if each.init_ms:
            axes.barh(number, each.init_ms / 1000, left=start - each.init_ms / 1000, color=INIT,
                      hatch="//", edgecolor="white")  # fmt: skip
        axes.barh(number, each.ended_at - each.started_at, left=start, color=RUN)
    last = max(each.ended_at for each in ordered) - first
    axes.plot(last, len(ordered) + 1, "X", color="black", markersize=11, clip_on=False)
    axes.annotate(
        "stopped by Lambda", (last, len(ordered) + 1), (-10, 0), textcoords="offset points",
        ha="right", va="center",
    )  # fmt: skip
    axes.barh(1, 0, color=INIT, hatch="//", edgecolor="white", label="INIT (cold start)")
    axes.barh(1, 0, color=RUN, label="handler runs")
    axes.legend(loc="lower center", bbox_to_anchor=(0.5, 1), ncols=2, frameon=False)
    axes.set_yticks(range(1, len(ordered) + 2))
    axes.invert_yaxis()
    axes.set_ylabel("round")
    axes.set_xlabel("seconds since the first round began")
    axes.spines[["top", "right"]].set_visible(False)
    plt.show()
