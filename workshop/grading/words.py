"""How a check speaks: what was asked, what was expected, what came, where to look."""

from __future__ import annotations

import json
import re
from typing import Any

LONGEST_MESSAGE = 8_000  # characters of what one check says
LONGEST_EVENT = 600  # characters of what was asked
CONTEXT = 60  # characters shown on each side of the first difference
# What a terminal would obey rather than show: the controls (C0, DEL, C1) but newline and tab, what
# turns the direction of writing, the separators of lines; and halves of characters (surrogates).
UNSEEN = re.compile(
    r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u061c\u200b\u200e\u200f\u2028-\u202e\u2060-\u206f\ufeff]"
    r"|[\ud800-\udfff]"
)


def visible(text: str) -> str:
    """Text that is safe to print and to encode: each character in UNSEEN is written as an escape.

    ESC is `\\x1b`, a lone surrogate `\\ud800`. Newlines and tabs stay, `\\r\\n` is a newline.
    """
    return UNSEEN.sub(lambda found: _escape(found[0]), text.replace("\r\n", "\n"))


def message(text: str) -> str:
    """What a check says, as it may be printed: visible, and cut in its middle if it is long."""
    left_out = len(text) - LONGEST_MESSAGE
    if left_out > 0:
        half = LONGEST_MESSAGE // 2
        text = f"{text[:half]}\n... ({left_out:,} characters are left out) ...\n{text[-half:]}"
    return visible(text)


def show(value: Any) -> str:
    """A value as JSON, as the function got or gave it."""
    try:
        try:
            return json.dumps(value, ensure_ascii=False)
        except (TypeError, ValueError):
            return repr(value)
    except RecursionError:
        return f"a {type(value).__name__} in which values are nested too deeply to show"


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


def _escape(character: str) -> str:
    code = ord(character)
    return f"\\x{code:02x}" if code < 0x100 else f"\\u{code:04x}"


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
