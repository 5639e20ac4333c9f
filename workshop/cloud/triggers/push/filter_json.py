"""Filter patterns for JSON log events: `{ $.level = "ERROR" && $.ride.minutes >= 5 }`.

Follows "Using filter patterns to match terms in JSON log events"
(https://docs.aws.amazon.com/AmazonCloudWatch/latest/logs/matching-terms-json-log-events.html).
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from decimal import Decimal
from typing import Any

from .filter_values import Comparison, InvalidPattern, check_regexes, unescape

Test = Callable[[Any], bool]
MISSING = object()
DEEPEST = 50  # parentheses within each other
PART = r'\.[\w-]+|\[\d+\]|\["(?:\\.|[^"\\])+"\]|\.\["(?:\\.|[^"\\])+"\]'
TOKEN = re.compile(
    rf"""\s*(?:
      (?P<selector>\$(?:{PART})+)
    | (?P<sign>&&|\|\||\(|\))
    | (?P<operator>!=|<=|>=|=|<|>)
    | "(?P<quoted>(?:\\.|[^"\\])*)"
    | %(?P<regex>[^%]+)%
    | (?P<word>[\w.*+-]+)
    )""",
    re.VERBOSE,
)
SPECIAL: dict[tuple[str, str], Test] = {
    ("IS", "NULL"): lambda value: value is None,
    ("IS", "TRUE"): lambda value: value is True,
    ("IS", "FALSE"): lambda value: value is False,
    ("NOT", "EXISTS"): lambda value: value is MISSING,
}


class JsonPattern:
    """A condition on a log event that is one JSON object."""

    def __init__(self, text: str) -> None:
        if not text.endswith("}"):
            raise InvalidPattern()
        self._tokens = _tokens(text[1:-1])
        check_regexes(sum(kind == "regex" for kind, _ in self._tokens))
        self._at = self._depth = 0
        self._test = self._any()
        if self._at != len(self._tokens):
            raise InvalidPattern()

    def match(self, message: str) -> dict[str, str] | None:
        """An empty object, or None if the message does not match or is no JSON object."""
        try:
            event = json.loads(message, parse_float=Decimal)
        except (ValueError, RecursionError):
            return None
        return {} if isinstance(event, dict) and self._test(event) else None

    def _any(self) -> Test:
        tests = [self._all()]
        while self._take("sign", "||"):
            tests.append(self._all())
        return lambda event: any(test(event) for test in tests)

    def _all(self) -> Test:
        tests = [self._one()]
        while self._take("sign", "&&"):
            tests.append(self._one())
        return lambda event: all(test(event) for test in tests)

    def _one(self) -> Test:
        if self._take("sign", "("):
            self._depth += 1
            if self._depth > DEEPEST:
                raise InvalidPattern()
            test = self._any()
            self._depth -= 1
            if not self._take("sign", ")"):
                raise InvalidPattern()
            return test
        path = _path(self._next("selector"))
        if self._peek()[0] == "operator":
            return self._comparison(path, self._next("operator"))
        words = self._next("word").upper(), self._next("word").upper()
        if words not in SPECIAL:
            raise InvalidPattern()
        return lambda event: SPECIAL[words](_select(event, path))

    def _comparison(self, path: list[str | int], operator: str) -> Test:
        kind, value = self._peek()
        if kind not in ("quoted", "regex", "word"):
            raise InvalidPattern()
        self._at += 1
        comparison = Comparison(operator, unescape(value) if kind == "quoted" else value, kind)

        def test(event: Any) -> bool:
            found = _select(event, path)
            if isinstance(found, str):
                return comparison.holds(found, None)
            if isinstance(found, (int, Decimal)) and not isinstance(found, bool):
                return comparison.holds(str(found), Decimal(found))
            return False  # only text and numbers compare, for != as well

        return test

    def _peek(self) -> tuple[str, str]:
        return self._tokens[self._at] if self._at < len(self._tokens) else ("end", "")

    def _take(self, kind: str, value: str) -> bool:
        if self._peek() != (kind, value):
            return False
        self._at += 1
        return True

    def _next(self, kind: str) -> str:
        found, value = self._peek()
        if found != kind:
            raise InvalidPattern()
        self._at += 1
        return value


def _tokens(text: str) -> list[tuple[str, str]]:
    tokens, at, text = [], 0, text.rstrip()
    while at < len(text):
        found = TOKEN.match(text, at)
        if not found:
            raise InvalidPattern(f"Invalid character(s) in term '{text[at:].split()[0]}'")
        tokens.append((str(found.lastgroup), found[str(found.lastgroup)]))
        at = found.end()
    return tokens


def _path(selector: str) -> list[str | int]:
    """`$.a["b"][0]` as its steps: "a", "b", 0."""
    path: list[str | int] = []
    for part in re.findall(PART, selector[1:]):
        if '"' in part:
            path.append(unescape(part[part.index('"') + 1 : -2]))
        else:
            path.append(int(part[1:-1]) if part.startswith("[") else part[1:])
    return path


def _select(value: Any, path: list[str | int]) -> Any:
    for step in path:
        if isinstance(step, str):
            found = isinstance(value, dict) and step in value
        else:
            found = isinstance(value, list) and step < len(value)
        if not found:
            return MISSING
        value = value[step]
    return value
