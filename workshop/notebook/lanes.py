"""The picture of a conversation: who says what to whom, from the top down."""

from __future__ import annotations

import textwrap
from collections.abc import Iterator, Sequence
from typing import Any

from .conversations import Turn

LANES = ("you", "Lex", "function")
SAID, ASKED, ANSWERED = "#333333", "#0072b2", "#d55e00"
WIDEST = 38  # characters of a label
Arrow = tuple[int, int, str, str]  # from which lane, to which, the words, the color


def draw_turns(turns: Sequence[Turn]) -> None:
    """Draws the turns of a conversation with a bot: three lanes, and an arrow for each message."""
    import matplotlib.pyplot as plt

    arrows = list(arrows_of(turns))
    if not arrows:
        print("Nothing was said yet: run the cells above first.")
        return
    _, axes = plt.subplots(figsize=(8, 0.7 + 0.42 * len(arrows)), layout="constrained")
    for row, (start, end, words, color) in enumerate(arrows):
        style = {"arrowstyle": "->", "color": color, "linewidth": 1.5}
        axes.annotate("", (end, row), (start, row), arrowprops=style)
        label = textwrap.shorten(words, WIDEST, placeholder="...")
        axes.text((start + end) / 2, row - 0.12, label, ha="center", va="bottom", fontsize=9)
    for lane in range(len(LANES)):
        axes.axvline(lane, color="#bbbbbb", zorder=0)
    axes.set_xticks(range(len(LANES)), LANES)
    axes.xaxis.tick_top()
    axes.set_xlim(-0.15, len(LANES) - 0.85)
    axes.set_ylim(len(arrows) - 0.5, -0.9)
    axes.set_yticks([])
    axes.spines[:].set_visible(False)
    plt.show()


def arrows_of(turns: Sequence[Turn]) -> Iterator[Arrow]:
    """Each message of a conversation, in order."""
    for turn in turns:
        yield 0, 1, f'"{turn.said}"', SAID
        for event, answer in turn.exchanges:
            yield 1, 2, event["invocationSource"], ASKED
            yield 2, 1, _action_of(answer), ANSWERED
        yield 1, 0, turn.problem or f'"{turn.heard}"', SAID


def _action_of(answer: Any) -> str:
    """What the function wants Lex to do, in a word or two."""
    try:
        action = answer["sessionState"]["dialogAction"]
        return " ".join([action["type"], action.get("slotToElicit", "")]).strip()
    except (KeyError, TypeError):
        return "?"
