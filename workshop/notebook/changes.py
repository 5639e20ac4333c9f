"""Pictures of a stream of changes: what a batch's records went through, and alerts over time."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

# Told apart without color, too: by hatching, and by the way a triangle points.
DONE, FAILED = "#0072b2", "#e69f00"
EMPTY, RECOVERED = "#d55e00", "#0072b2"


@dataclass(frozen=True)
class Attempt:
    """One invocation with a batch: the records in it, and those that it was done with."""

    records: tuple[str, ...]
    done: frozenset[str]


def attempts(lines: Iterable[str]) -> list[Attempt]:
    """Reads a function's log: a line `batch A B C` for each invocation, `done A` for a record."""
    found: list[Attempt] = []
    for words in map(str.split, lines):
        if words[:1] == ["batch"]:
            found.append(Attempt(tuple(words[1:]), frozenset()))
        elif words[:1] == ["done"] and found:
            found[-1] = Attempt(found[-1].records, found[-1].done | set(words[1:]))
    return found


def lost(tries: Sequence[Attempt]) -> list[str]:
    """The records that no attempt was done with, in the order in which they came."""
    records = list(dict.fromkeys(name for each in tries for name in each.records))
    done = {name for each in tries for name in each.done}
    return [name for name in records if name not in done]


def draw_attempts(panels: Mapping[str, Sequence[Attempt]]) -> None:
    """Draws what became of a batch: a row for each record, a column for each invocation."""
    import matplotlib.pyplot as plt

    if not any(panels.values()):
        print("Nothing was tried yet: run the cells above first.")
        return
    figure, rows = plt.subplots(
        len(panels), figsize=(8, 1.6 * len(panels)), layout="constrained", squeeze=False
    )
    width = max(len(tries) for tries in panels.values())
    for (title, tries), axes in zip(panels.items(), rows[:, 0], strict=True):
        records = list(dict.fromkeys(name for each in tries for name in each.records))
        for column, each in enumerate(tries, 1):
            for name in each.records:
                style = {"color": DONE} if name in each.done else {"color": FAILED, "hatch": "//"}
                axes.barh(records.index(name), 0.9, left=column - 0.45, edgecolor="white", **style)
        labels = [f"{name} (lost)" if name in lost(tries) else name for name in records]
        axes.set_yticks(range(len(records)), labels)
        axes.set_xticks(range(1, width + 1))
        axes.set_xlim(0.4, width + 0.6)
        axes.invert_yaxis()
        axes.set_title(title, loc="left", fontsize=10)
        axes.spines[["top", "right"]].set_visible(False)
    rows[-1, 0].set_xlabel("invocation")
    handles = [plt.Rectangle((0, 0), 1, 1, color=DONE)]
    handles.append(plt.Rectangle((0, 0), 1, 1, facecolor=FAILED, edgecolor="white", hatch="//"))
    figure.legend(
        handles,
        ["the function was done with it", "it was in the batch, and not done"],
        loc="outside upper center",
        ncols=2,
        frameon=False,
    )
    plt.show()


def draw_stations(
    bikes: Mapping[str, Sequence[int]], alerts: Iterable[tuple[int, str, str]]
) -> None:
    """Draws the bikes of stations, hour by hour, and the alerts: hour, station, kind."""
    import matplotlib.pyplot as plt

    alerts = list(alerts)
    figure, rows = plt.subplots(
        len(bikes), sharex=True, figsize=(8, 1.7 * len(bikes)), layout="constrained", squeeze=False
    )
    for (station, counts), axes in zip(bikes.items(), rows[:, 0], strict=True):
        axes.step(range(len(counts)), counts, where="post", color="#555555")
        for kind, marker, color in (("empty", "v", EMPTY), ("recovered", "^", RECOVERED)):
            hours = [hour for hour, name, which in alerts if (name, which) == (station, kind)]
            heights = [counts[hour] for hour in hours]
            axes.plot(hours, heights, marker, color=color, markersize=9, label=f"alert: {kind}")
        axes.set_ylabel(f"bikes at\n{station}")
        axes.set_ylim(-1, max(counts) + 2)
        axes.spines[["top", "right"]].set_visible(False)
    rows[-1, 0].set_xlabel("hour of the day")
    rows[-1, 0].set_xticks(range(0, len(next(iter(bikes.values()))), 3))
    rows[0, 0].legend(loc="lower center", bbox_to_anchor=(0.5, 1), ncols=2, frameon=False)
    plt.show()
