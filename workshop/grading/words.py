"""How a check speaks: what was asked, what was expected, what came, where to look."""

from __future__ import annotations

import json
from typing import Any

LONGEST_EVENT = 600  # characters of what was asked
CONTEXT = 60  # characters shown on each side of the first difference


def show(value: Any) -> str:
    """A value as JSON, as the function got or gave it."""
    try:
        return json.dumps(value, ensure_ascii=False)
    except (TypeError, ValueError):
        return repr(value)


def compare(expected: Any, came: Any) -> str:
    """Two lines, cut around the first difference where they are long."""
    left, right = show(expected), show(came)
    start = _first_difference(left, right)
    return f"  expected: {_cut(left, start)}\n  came:     {_cut(right, start)}"


def failure(
    what: str, event: Any, expected: Any, came: Any, look: str, given: str = "event"
) -> str:
    """The message of a check that failed; `given` says what `event` is, if it is no event.

    An event that is a list of texts is shown one a line, as it is.
    """
    lines = isinstance(event, list) and event and all(isinstance(each, str) for each in event)
    said = f"\n{'':<12}".join(event) if lines else show(event)
    asked = f"  {given + ':':<9} {_shorten(said)}"
    return f"{what}\n{asked}\n{compare(expected, came)}\n  look at:  {look}"


def _shorten(text: str) -> str:
    return text if len(text) <= LONGEST_EVENT else text[:LONGEST_EVENT] + "..."


def _first_difference(left: str, right: str) -> int:
    for index, (one, other) in enumerate(zip(left, right)):  # noqa: B905 - the shorter one ends it
        if one != other:
            return index
    return min(len(left), len(right))


def _cut(text: str, at: int) -> str:
    start, end = max(0, at - CONTEXT), at + CONTEXT
    if len(text) <= 2 * CONTEXT:
        return text
    return ("..." if start else "") + text[start:end] + ("..." if end < len(text) else "")
