"""Pictures and tables of what ran: a timeline, a bill, a day."""

from __future__ import annotations

from collections.abc import Sequence

from ..cloud import Invocation
from ..prices import READ_ON, bill

# Told apart by people who see no red or green, too; hatching tells INIT apart in print.
INIT, RUN = "#e69f00", "#0072b2"


def timeline(invocations: Sequence[Invocation]) -> None:
    """Draws invocations over time: a row for each execution environment."""
    import matplotlib.pyplot as plt

    if not invocations:
        print("Nothing ran yet: invoke a function first.")
        return
    rows = _rows(invocations)
    first = min(each.received_at for each in invocations)
    figure, axes = plt.subplots(figsize=(8, 0.6 + 0.32 * len(rows)), layout="constrained")
    for each in invocations:
        row = rows[each.environment_id]
        start = each.started_at - first
        if each.init_ms:
            axes.barh(row, each.init_ms / 1000, left=start - each.init_ms / 1000, color=INIT,
                      hatch="//", edgecolor="white")  # fmt: skip
        axes.barh(row, each.ended_at - each.started_at, left=start, color=RUN, edgecolor="white")
    axes.barh(0, 0, color=INIT, hatch="//", edgecolor="white", label="INIT (cold start)")
    axes.barh(0, 0, color=RUN, label="handler runs")
    axes.set_yticks(range(len(rows)), [f"environment {row + 1}" for row in range(len(rows))])
    axes.invert_yaxis()
    axes.set_xlabel("seconds since the first request")
    axes.legend(loc="lower center", bbox_to_anchor=(0.5, 1), ncols=2, frameon=False)
    axes.spines[["top", "right"]].set_visible(False)
    plt.show()


def print_bill(invocations: Sequence[Invocation]) -> None:
    """Prints what the invocations would cost on AWS, from their REPORT lines."""
    total = bill((each.billed_ms, each.memory_size_mb) for each in invocations)
    rows = (
        ("requests", f"{total.requests:,}"),
        ("billed duration", f"{sum(each.billed_ms for each in invocations):,} ms"),
        ("GB-seconds", f"{total.gb_seconds:.4f}"),
        ("price of the requests", f"${total.for_requests:.10f}"),
        ("price of the duration", f"${total.for_duration:.10f}"),
        ("together", f"${total.total:.10f}"),
    )
    for name, value in rows:
        print(f"{name:<22}{value:>16}")
    print(f"(us-east-1, x86, price list of {READ_ON:%d %B %Y}, without the free tier)")


def _rows(invocations: Sequence[Invocation]) -> dict[str, int]:
    """A row for each environment, in the order in which they began."""
    ordered = sorted(invocations, key=lambda each: each.started_at)
    return {name: row for row, name in enumerate(dict.fromkeys(e.environment_id for e in ordered))}
