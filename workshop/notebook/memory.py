"""The picture of what memory buys: duration and cost, as measured."""

from __future__ import annotations

import math
from collections.abc import Sequence
from decimal import Decimal

from ..cloud import Invocation
from ..cloud.sandbox.cpu import FULL_CPU_MB
from ..prices import bill

# Told apart by people who see no red or green, too, and by their markers in print.
DURATION, COST = "#0072b2", "#d55e00"


def duration_over_memory(invocations: Sequence[Invocation]) -> None:
    """Draws duration and price over memory: for each size its fastest invocation, without INIT."""
    import matplotlib.pyplot as plt

    fastest = fastest_by_memory(invocations)
    if not fastest:
        print("Nothing was measured yet: invoke the function at each size.")
        return
    sizes = list(fastest)
    figure, (above, below) = plt.subplots(2, sharex=True, figsize=(8, 5), layout="constrained")
    above.plot(sizes, [each.duration_ms for each in fastest.values()], "o-", color=DURATION)
    above.set_ylabel("duration, ms")
    below.plot(sizes, [float(price_of_a_million(e)) for e in fastest.values()], "s--", color=COST)
    below.set_ylabel("price of a million, $")
    below.set_xlabel("memory, MB")
    for axes in (above, below):
        axes.axvline(FULL_CPU_MB, color="0.6", linestyle=":")
        axes.set_ylim(bottom=0)
        axes.spines[["top", "right"]].set_visible(False)
    above.annotate("one vCPU", (FULL_CPU_MB, above.get_ylim()[1]), xytext=(4, -10),
                   textcoords="offset points", color="0.4")  # fmt: skip
    below.set_xscale("log")
    below.set_xticks(sizes, [f"{size:,}" for size in sizes])
    below.minorticks_off()
    plt.show()


def fastest_by_memory(invocations: Sequence[Invocation]) -> dict[int, Invocation]:
    """The shortest invocation at each size, smallest size first: a busy computer only adds."""
    complete = [each for each in invocations if each.status == "success"]
    slowest_first = sorted(complete, key=lambda each: -each.duration_ms)
    found = {each.memory_size_mb: each for each in slowest_first}
    return dict(sorted(found.items()))


def price_of_a_million(invocation: Invocation) -> Decimal:
    """What a million warm invocations like this one cost, in US dollars."""
    billed_ms = math.ceil(invocation.duration_ms)
    return 1_000_000 * bill([(billed_ms, invocation.memory_size_mb)]).total
