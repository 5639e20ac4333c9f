"""Pictures of data streams: how old records are when the function gets them, and sums that grow."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from ..cloud.base.timers import SHRINK

# Told apart without color, too: by the dashes of a line, and by hatching.
LINES = (("#d55e00", "-"), ("#e69f00", "--"), ("#cc79a7", "-."), ("#0072b2", "-"))
FIRST, AGAIN = "#0072b2", "#d55e00"

Ages = Sequence[tuple[float, float]]  # seconds since 1970, and seconds of age
Rides = Mapping[str, int]  # by window


def ages(lines: Iterable[str]) -> list[tuple[float, float]]:
    """Reads a function's log: a line `age 1795560449.5 0.25` for each batch, when and how old."""
    found = [words for words in map(str.split, lines) if words[:1] == ["age"]]
    return sorted((float(at), float(age)) for _, at, age in found)


def draw_ages(series: Mapping[str, Ages]) -> None:
    """Draws how old the last record of each batch was, over time.

    The local cloud waits 600 times shorter between attempts, so its seconds are drawn as ten
    minutes each.
    """
    import matplotlib.pyplot as plt

    if not any(series.values()):
        print("Nothing has arrived yet: run the cells above first.")
        return
    figure, axes = plt.subplots(figsize=(8, 3.6), layout="constrained")
    for (name, points), (color, dashes) in zip(series.items(), LINES, strict=False):
        first = min(at for at, _ in points)
        minutes = [(at - first) * SHRINK / 60 for at, _ in points]
        heights = [age * SHRINK / 60 for _, age in points]
        axes.plot(minutes, heights, dashes, color=color, marker="o", markersize=3, label=name)
    axes.set_xlabel("minutes since the first batch, as on AWS")
    axes.set_ylabel("iterator age\nin minutes")
    axes.set_ylim(bottom=0)
    axes.spines[["top", "right"]].set_visible(False)
    axes.legend(loc="lower center", bbox_to_anchor=(0.5, 1), ncols=2, frameon=False)
    plt.show()


def draw_sums(steps: Sequence[tuple[str, Rides]]) -> None:
    """Draws the rides of each window as they grow: what each step added, one on the other.

    A step is what came (such as "batch 1") and the rides of all windows after it. What a step
    called "again" adds is drawn as the fault that it is.
    """
    import matplotlib.pyplot as plt

    if not steps or not steps[-1][1]:
        print("Nothing is counted yet: complete your function, then run the cells above again.")
        return
    windows = sorted(steps[-1][1])
    figure, axes = plt.subplots(figsize=(8, 3.2), layout="constrained")
    before: Rides = {}
    for number, (name, rides) in enumerate(steps):
        again = name.startswith("again")
        for place, window in enumerate(windows):
            bottom = before.get(window, 0)
            added = rides.get(window, 0) - bottom
            style: dict[str, Any] = {"color": FIRST}
            if again:
                style = {"color": AGAIN, "hatch": "//"}
            shade = 1 - 0.5 * number / len(steps)
            axes.bar(place, added, 0.9, bottom=bottom, alpha=shade, edgecolor="white", **style)
        before = rides
    axes.set_xticks(range(len(windows)), [window[11:16] for window in windows], rotation=90)
    axes.set_xlabel("5 minutes from this time on (UTC)")
    axes.set_ylabel("rides")
    handles = [plt.Rectangle((0, 0), 1, 1, color=FIRST)]
    handles.append(plt.Rectangle((0, 0), 1, 1, facecolor=AGAIN, edgecolor="white", hatch="//"))
    axes.legend(
        handles,
        ["a batch that came for the first time", "a batch that came again"],
        loc="lower center",
        bbox_to_anchor=(0.5, 1),
        ncols=2,
        frameon=False,
    )
    axes.spines[["top", "right"]].set_visible(False)
    plt.show()
