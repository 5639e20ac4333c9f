"""How a check speaks: what was asked, what was expected, what came, where to look."""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from typing import Any

from .own_lines import last_error, own_lines, place_of

LONGEST_MESSAGE = 8_000  # characters of what one check says
LONGEST_EVENT = 600  # characters of what was asked
CONTEXT = 60  # characters shown on each side of the first difference
UNDER = f"\n{'':<12}"  # begins a line below what a label names
TIMED_OUT = re.compile(r"Task timed out after ([\d.]+) seconds")
ENDLESS = "what never ends: a loop whose condition stays true, or a wait without a limit"
IN_THE_LOG = "what your handler does with this event: a `print` there shows up here"
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
    return f"  expected: {_cut(left, start)}\n  got:      {_cut(right, start)}"


def failure(
    what: str,
    event: Any,
    expected: Any,
    came: Any,
    look: str,
    given: str = "event",
    log: str = "",
) -> str:
    """The message of a check that failed; `given` says what `event` is, if it is not an event.

    An event that is a list of strings is shown one a line, as it is. `log` is the log of the
    invocation: what the function wrote itself is shown, so a `print` helps.
    """
    lines = isinstance(event, list) and event and all(isinstance(each, str) for each in event)
    said = UNDER.join(event) if lines else show(event)
    asked = f"  {given + ':':<9} {_shorten(said)}"
    written = own_lines(log)
    logged = f"\n  log:      {UNDER.join(written)}" if written else ""
    return f"{what}\n{asked}\n{compare(expected, came)}{logged}\n  look at:  {look}"


def ended_in_error(
    what: str,
    event: Any,
    error: dict[str, Any],
    log: str,
    look: str = "",
    wanted: str = "an answer",
) -> str:
    """The message for an invocation that should have ended well and did not.

    `error` is the invocation's error object, `log` its log. `look` is where to look, besides the
    line that raised the error. A timeout has words of its own.
    """
    said = f"{error.get('errorType')}: {error.get('errorMessage')}"[:LONGEST_EVENT]
    timed_out = TIMED_OUT.search(said)
    if timed_out:
        what = f"Your function ran into the {float(timed_out[1]):g} s timeout."
        return failure(what, event, wanted, "no answer", ENDLESS, log=log)
    look = UNDER.join(each for each in (place_of(error), look) if each) or IN_THE_LOG
    return failure(f"{what.rstrip('.')}: {said}", event, wanted, "an error", look, log=log)


def logged(messages: Sequence[str]) -> str:
    """What follows where to look: a log's last error, or else the last lines of the function's own.

    `messages` are those of CloudWatch Logs. Empty if the function wrote nothing.
    """
    said = last_error(messages) or "\n".join(own_lines("\n".join(messages)))
    return f"{UNDER}The function logged:{UNDER}" + said.replace("\n", UNDER) if said else ""


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
