"""Wildcards: `*` for any characters, and where asked `?` for one.

Each part between two stars is looked for once, from where the part before it ended, so the time
grows with the text and the pattern, and not with the number of ways to match.
"""

from __future__ import annotations

from itertools import pairwise


def like(pattern: str, text: str, *, question: bool = True) -> bool:
    """Whether the whole text is as the pattern says, as IAM's StringLike compares.

    With `question` a `?` stands for one character. A bracket is nothing special.
    """
    return fits(pattern.split("*"), text, question=question)


def like_escaped(pattern: str, text: str) -> bool:
    """The same as EventBridge compares: without `?`, and with `\\*` and `\\\\` for themselves."""
    parts, escaped = [""], False
    for char, following in pairwise([*pattern, ""]):
        if not escaped and char == "\\" and following in ("*", "\\"):
            escaped = True
            continue
        if char == "*" and not escaped:
            parts.append("")
        else:
            parts[-1] += char
        escaped = False
    return fits(parts, text, question=False)


def fits(parts: list[str], text: str, *, question: bool) -> bool:
    """Whether the text is made of the parts in their order, with anything between two of them."""
    if len(parts) == 1:
        return len(text) == len(parts[0]) and _same(parts[0], text, question)
    first, *middle, last = parts
    at, end = len(first), len(text) - len(last)
    if at > end or not _same(first, text[:at], question) or not _same(last, text[end:], question):
        return False
    for part in middle:
        found = _find(part, text, at, end, question)
        if found < 0:
            return False
        at = found + len(part)
    return True


def _same(part: str, text: str, question: bool) -> bool:
    """Whether a part without a star is this text, of the same length."""
    if not question or "?" not in part:
        return part == text
    return all(want in ("?", char) for want, char in zip(part, text, strict=True))


def _find(part: str, text: str, start: int, end: int, question: bool) -> int:
    """Where a part is first found between two places, or -1."""
    if not question or "?" not in part:
        return text.find(part, start, end)
    for at in range(start, end - len(part) + 1):
        if _same(part, text[at : at + len(part)], question):
            return at
    return -1
