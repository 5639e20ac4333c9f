"""Pictures of concurrency: who got through, and who was throttled."""

from __future__ import annotations

from collections.abc import Mapping

ANSWERED, THROTTLED = "#0072b2", "#d55e00"  # blue and vermilion: told apart by everybody


def throttles(outcomes: Mapping[int, tuple[int, int]]) -> None:
    """Draws a bar for each reserved concurrency: {reserved: (answered, throttled)}."""
    import matplotlib.pyplot as plt

    if not outcomes:
        print("Nothing ran yet: send a burst first.")
        return
    labels = [str(reserved) for reserved in outcomes]
    answered = [got for got, _ in outcomes.values()]
    refused = [lost for _, lost in outcomes.values()]
    figure, axes = plt.subplots(figsize=(8, 3), layout="constrained")
    axes.bar(labels, answered, color=ANSWERED, edgecolor="white", label="answered")
    axes.bar(labels, refused, bottom=answered, color=THROTTLED, hatch="//", edgecolor="white",
             label="throttled (429)")  # fmt: skip
    axes.set_xlabel("reserved concurrency")
    axes.set_ylabel("requests sent at once")
    axes.legend(loc="lower center", bbox_to_anchor=(0.5, 1), ncols=2, frameon=False)
    axes.spines[["top", "right"]].set_visible(False)
    plt.show()
