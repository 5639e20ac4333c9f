"""Many requests at the same moment, and a picture of who got the last one."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any

from ..grading.web import Reply

# Told apart by people who see no red or green, too; hatching tells them apart in print.
GOT, REFUSED, FAILED = "#0072b2", "#e69f00", "#999999"
LOOKS: dict[str, dict[str, Any]] = {
    GOT: {"facecolor": GOT, "label": "got it (201)"},
    REFUSED: {"facecolor": REFUSED, "label": "refused (409)", "hatch": "//"},
    FAILED: {"facecolor": FAILED, "label": "anything else", "hatch": ".."},
}


@dataclass(frozen=True)
class Attempt:
    """One request: when it was sent and answered, in seconds of one clock, and the status."""

    sent_at: float
    answered_at: float
    status: int


def at_once(send: Callable[[], Reply], count: int) -> list[Attempt]:
    """Sends `count` requests at the same moment; what came of each."""
    ready = threading.Barrier(count)

    def attempt(_: int) -> Attempt:
        ready.wait()
        sent_at = time.monotonic()
        reply = send()
        return Attempt(sent_at, time.monotonic(), reply.status)

    with ThreadPoolExecutor(count) as callers:
        return list(callers.map(attempt, range(count)))


def draw_races(races: Mapping[str, Sequence[Attempt]]) -> None:
    """Draws races side by side, by title: a row for each request, from sent to answered."""
    import matplotlib.pyplot as plt

    figure, every = plt.subplots(
        1, len(races), figsize=(8, 3), sharey=True, squeeze=False, layout="constrained"
    )
    for axes, (title, attempts) in zip(every[0], races.items(), strict=True):
        start = min((each.sent_at for each in attempts), default=0.0)
        for row, each in enumerate(sorted(attempts, key=lambda one: one.answered_at)):
            look = {k: v for k, v in LOOKS[_colour(each.status)].items() if k != "label"}
            left, width = each.sent_at - start, each.answered_at - each.sent_at
            axes.barh(row, width * 1000, left=left * 1000, edgecolor="white", **look)
        axes.set_title(title)
        axes.set_xlabel("milliseconds")
        axes.set_yticks([])
        axes.spines[["top", "right", "left"]].set_visible(False)
    every[0][0].invert_yaxis()
    every[0][0].set_ylabel("one row, one rider")
    there = {_colour(each.status) for attempts in races.values() for each in attempts}
    handles = [
        plt.Rectangle((0, 0), 1, 1, edgecolor="white", **look)
        for colour, look in LOOKS.items()
        if colour in there
    ]
    if handles:
        figure.legend(handles=handles, loc="outside lower center", ncols=3, frameon=False)
    plt.show()


def _colour(status: int) -> str:
    return {201: GOT, 409: REFUSED}.get(status, FAILED)
