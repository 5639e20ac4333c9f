"""Pictures of money: sizes of memory, a bill in bars, where two prices cross, an idle month."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from decimal import Decimal

from ..cloud import Invocation
from ..prices import bill

# Told apart by people who see no red or green, too, and by hatching and line style in print.
COLORS = ("#0072b2", "#e69f00", "#009e73", "#cc79a7", "#d55e00", "#56b4e9")
HATCHES = ("", "//", "..", "xx", "\\\\", "--")
STYLES = ("-", "--", ":", "-.")
HOURS = 730  # of a month, as AWS counts


def sizes(invocations: Sequence[Invocation]) -> dict[int, tuple[Decimal, Decimal]]:
    """The p95 in ms and the price of a million in dollars, by memory, smallest first.

    Cold starts are left out: the picture is of warm invocations.
    """
    by_memory: dict[int, list[Invocation]] = {}
    for each in invocations:
        if each.status == "success" and not each.init_ms:
            by_memory.setdefault(each.memory_size_mb, []).append(each)
    return {memory: _size(memory, found) for memory, found in sorted(by_memory.items())}


def _size(memory_mb: int, found: list[Invocation]) -> tuple[Decimal, Decimal]:
    waits = sorted(each.duration_ms for each in found)
    p95 = waits[math.ceil(95 * len(waits) / 100) - 1]
    total = bill((each.billed_ms, memory_mb) for each in found).total
    return round(Decimal(p95), 2), round(total / len(found) * 1_000_000, 2)


def draw_sizes(found: Mapping[int, tuple[Decimal, Decimal]], goal_ms: int) -> None:
    """Draws p95 and price over memory, and the goal that the p95 should meet."""
    import matplotlib.pyplot as plt

    if not found:
        print("Nothing was measured yet: invoke the function at each size.")
        return
    memory = list(found)
    _, (above, below) = plt.subplots(2, sharex=True, figsize=(8, 5), layout="constrained")
    above.plot(memory, [float(p95) for p95, _ in found.values()], "o-", color=COLORS[0])
    above.axhline(goal_ms, color=COLORS[4], linestyle="--")
    above.annotate(f"goal: {goal_ms} ms", (memory[0], goal_ms), xytext=(0, 4),
                   textcoords="offset points", color=COLORS[4])  # fmt: skip
    above.set_ylabel("p95, ms")
    below.plot(memory, [float(price) for _, price in found.values()], "s--", color=COLORS[1])
    below.set_ylabel("a million, $")
    below.set_xlabel("memory, MB")
    below.set_xscale("log")
    below.set_xticks(memory, [f"{size:,}" for size in memory])
    below.minorticks_off()
    for axes in (above, below):
        axes.set_ylim(bottom=0)
        axes.spines[["top", "right"]].set_visible(False)
    plt.show()


def draw_bills(bills: Mapping[str, Mapping[str, Decimal]]) -> None:
    """Draws a stacked bar for each bill: {"a month": {"requests": dollars, ...}, ...}."""
    import matplotlib.pyplot as plt

    _, axes = plt.subplots(figsize=(8, 3.6), layout="constrained")
    names = list(dict.fromkeys(name for parts in bills.values() for name in parts))
    left = [0.0] * len(bills)
    for number, name in enumerate(names):
        values = [float(parts.get(name, 0)) for parts in bills.values()]
        axes.barh(list(bills), values, left=left, label=name, color=COLORS[number],
                  hatch=HATCHES[number], edgecolor="white")  # fmt: skip
        left = [start + value for start, value in zip(left, values, strict=True)]
    for row, total in enumerate(left):
        axes.annotate(f"${total:,.2f}", (total, row), xytext=(4, 0), va="center",
                      textcoords="offset points")  # fmt: skip
    axes.invert_yaxis()
    axes.margins(x=0.15)
    axes.set_xlabel("US dollars a month")
    axes.legend(loc="lower center", bbox_to_anchor=(0.5, 1), ncols=3, frameon=False)
    axes.spines[["top", "right"]].set_visible(False)
    plt.show()


def draw_costs(
    lines: Mapping[str, Callable[[float], float]], upto: float, across: str, crossing: float
) -> None:
    """Draws what several things cost, each a function of what is `across`, and a crossing."""
    import matplotlib.pyplot as plt

    _, axes = plt.subplots(figsize=(8, 3.2), layout="constrained")
    points = [upto * step / 200 for step in range(201)]
    for number, (name, cost) in enumerate(lines.items()):
        axes.plot(points, [cost(x) for x in points], STYLES[number], color=COLORS[number],
                  label=name, linewidth=2)  # fmt: skip
    height = next(iter(lines.values()))(crossing)
    axes.plot([crossing], [height], "o", color="black")
    axes.annotate(f"{crossing:,.1f}", (crossing, height), xytext=(6, -14),
                  textcoords="offset points")  # fmt: skip
    axes.set_xlabel(across)
    axes.set_ylabel("US dollars a month")
    axes.set_xlim(0, upto)
    axes.set_ylim(bottom=0)
    axes.legend(loc="upper left", frameon=False)
    axes.spines[["top", "right"]].set_visible(False)
    plt.show()


def crossing(one: Callable[[float], float], other: Callable[[float], float], upto: float) -> float:
    """Where `one`, which begins lower, becomes the dearer one. Raises ValueError if nowhere."""
    low, high = 0.0, upto
    if one(low) >= other(low) or one(high) <= other(high):
        raise ValueError(f"they do not cross between 0 and {upto:,}")
    while high - low > upto / 1_000_000:
        middle = (low + high) / 2
        low, high = (middle, high) if one(middle) < other(middle) else (low, middle)
    return high


def draw_idle(costs: Mapping[str, Decimal]) -> None:
    """Draws what a month costs in which nobody comes; what costs nothing is named as well."""
    import matplotlib.pyplot as plt

    rows = dict(sorted(costs.items(), key=lambda item: item[1]))
    _, axes = plt.subplots(figsize=(8, 0.6 + 0.36 * len(rows)), layout="constrained")
    axes.barh(list(rows), [float(cost) for cost in rows.values()], color=COLORS[0])
    for row, cost in enumerate(rows.values()):
        axes.annotate(f"${cost:,.2f}", (float(cost), row), xytext=(4, 0), va="center",
                      textcoords="offset points")  # fmt: skip
    axes.margins(x=0.12)
    axes.set_xlabel("US dollars a month, without a single request")
    axes.spines[["top", "right"]].set_visible(False)
    plt.show()
