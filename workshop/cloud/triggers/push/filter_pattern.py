"""Filter patterns of CloudWatch Logs: which log events a subscription filter lets pass.

Follows "Filter pattern syntax for metric filters, subscription filters, filter log events, and
Live Tail" (https://docs.aws.amazon.com/AmazonCloudWatch/latest/logs/FilterAndPatternSyntax.html).
A pattern has one of three forms: terms (here), `{ JSON }` (filter_json.py) and
`[space, delimited]` (filter_fields.py). What these share is in filter_values.py.
"""

from __future__ import annotations

import functools
import re
from collections.abc import Callable
from dataclasses import dataclass, field

from .filter_fields import FieldPattern
from .filter_json import JsonPattern
from .filter_values import InvalidPattern, regex_test, unescape

Test = Callable[[str], bool]
LONGEST = 1024  # characters
# a sign, then a quoted phrase, a regular expression or a bare word; then space or the end
TERM = re.compile(r'\s*([-?]?)(?:"((?:\\.|[^"\\])+)"|%([^%]+)%|(\w+))(?=\s|$)')


class Pattern:
    """What every form of pattern can do."""

    def match(self, message: str) -> dict[str, str] | None:
        """The fields that the pattern extracts from a message, or None if it does not match."""
        raise RuntimeError("each kind of pattern says what it matches")


@dataclass
class TermPattern(Pattern):
    """`ERROR "not found" -DEBUG`, or `?ERROR ?WARN`."""

    wanted: list[Test] = field(default_factory=list)
    unwanted: list[Test] = field(default_factory=list)
    any_of: list[Test] = field(default_factory=list)

    def match(self, message: str) -> dict[str, str] | None:
        """AWS ignores terms with a question mark beside terms without one."""
        passes = all(test(message) for test in self.wanted)
        passes = passes and not any(test(message) for test in self.unwanted)
        if self.any_of and not (self.wanted or self.unwanted):
            passes = any(test(message) for test in self.any_of)
        return {} if passes else None


@functools.lru_cache(maxsize=1000)
def parse_pattern(text: str) -> Pattern | JsonPattern | FieldPattern:
    """Reads a filter pattern. Raises InvalidPattern, with AWS's message."""
    if len(text) > LONGEST:
        raise InvalidPattern(
            f"1 validation error detected: Value '{text}' at 'filterPattern' failed to satisfy "
            f"constraint: Member must have length less than or equal to {LONGEST}"
        )
    text = text.strip()
    if text.startswith("{"):
        return JsonPattern(text)
    if text.startswith("["):
        return FieldPattern(text)
    return _terms(text)


def _terms(text: str) -> TermPattern:
    pattern, at = TermPattern(), 0
    while at < len(text):
        found = TERM.match(text, at)
        if not found:
            raise InvalidPattern()
        sign, phrase, regex, word = found.groups()
        test = _contains(unescape(phrase) if phrase else word) if not regex else regex_test(regex)
        {"": pattern.wanted, "-": pattern.unwanted, "?": pattern.any_of}[sign].append(test)
        at = found.end()
    return pattern


def _contains(term: str) -> Test:
    return lambda message: term in message
