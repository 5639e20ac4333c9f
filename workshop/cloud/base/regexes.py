"""Regular expressions that come from requests and functions.

Python's `re` tries one way to match after another, and holds up every other thread while it does:
eleven times `a*` and a `b` take it minutes. RE2 reads the text once, whatever the expression is
(https://github.com/google/re2/wiki/WhyRE2). It has no lookaround and no backreferences.
"""

from __future__ import annotations

import functools

import re2

from .time_limit import check_time

LONGEST = 1024  # characters; as long as a filter pattern of CloudWatch Logs may be
MOST_MEMORY = 1 << 20  # bytes for a compiled expression
LARGEST_RESULT = 1 << 20  # characters of a text with its matches replaced


class BadRegex(ValueError):
    """An expression that RE2 does not take; the text says why."""


class Regex:
    """A compiled expression; `expression` is RE2's own. Raises BadRegex."""

    def __init__(self, text: str) -> None:
        if len(text) > LONGEST:
            raise BadRegex(f"a regular expression has at most {LONGEST} characters")
        options = re2.Options()
        options.log_errors = False
        options.max_mem = MOST_MEMORY
        try:
            self.expression = re2.compile(_encodable(text), options)
        except re2.error as error:
            raise BadRegex(_words(error)) from None

    def search(self, text: str) -> str | None:
        """The first match, or None. Raises TooSlow."""
        check_time()
        found = self.expression.search(_encodable(text))
        return found[0] if found else None

    def replace(self, text: str, replacement: str) -> str:
        """Every match replaced; `$1` stands for the first group.

        Raises ValueError for a group that is not there, or a result over 1 MB; and TooSlow.
        """
        text, parts, at, size = _encodable(text), [], 0, 0
        for found in self.expression.finditer(text):
            check_time()
            parts += [text[at : found.start()], _expanded(replacement, found)]
            size += len(parts[-2]) + len(parts[-1])
            at = found.end()
            if size > LARGEST_RESULT:
                raise ValueError("the result is too long")
        return "".join([*parts, text[at:]])


@functools.lru_cache(maxsize=500)
def compiled(text: str) -> Regex:
    """The expression, compiled once. Raises BadRegex."""
    return Regex(text)


def _expanded(replacement: str, found: re2._Match) -> str:
    first, *rest = replacement.split("$")
    parts = [first]
    for each in rest:
        if each[:1].isdigit() and each[:1].isascii():
            if int(each[0]) > len(found.groups()):
                raise ValueError(f"there is no group {each[0]}")
            parts += [found[int(each[0])] or "", each[1:]]
        else:
            parts += ["$", each]
    return "".join(parts)


def _encodable(text: str) -> str:
    """The text without lone surrogates, which JSON may bring and RE2 can't read."""
    return text.encode("utf-8", "replace").decode()


def _words(error: Exception) -> str:
    text = error.args[0] if error.args else ""
    return text.decode(errors="replace") if isinstance(text, bytes) else str(text)
