"""Filter patterns for space-delimited log events: `[ip, user, ..., status = 4*, size > 1000]`.

Follows "Using filter patterns to match terms in space-delimited log events"
(https://docs.aws.amazon.com/AmazonCloudWatch/latest/logs/matching-terms-in-space-delimited-log-events.html).
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from decimal import Decimal

from .filter_values import NUMBER, Comparison, InvalidPattern, check_regexes, unescape

# text in [brackets] or "quotes" is one field
ENCLOSED = {"[": re.compile(r"\[([^\]]*)\]"), '"': re.compile(r'"((?:\\.|[^"\\])*)"')}
FIELD_START, FIELD = re.compile(r"\S"), re.compile(r"(\S+)")
ELLIPSIS = "..."
TOKEN = re.compile(
    r"""\s*(?:
      (?P<sign>,|&&|\|\||\(|\)|\.\.\.)
    | (?P<operator>!=|<=|>=|=|<|>)
    | "(?P<quoted>(?:\\.|[^"\\])*)"
    | %(?P<regex>[^%]+)%
    | (?P<word>[\w.*+/:@-]+?(?=\.\.\.|[^\w.*+/:@-]|$))
    )""",
    re.VERBOSE,
)


@dataclass
class Column:
    """One place of a pattern: a name, and conditions of which one list must hold entirely."""

    name: str = ""
    alternatives: list[list[Comparison]] = field(default_factory=list)

    def passes(self, text: str) -> bool:
        """Whether the field at this place is as the pattern wants it."""
        number = Decimal(text) if NUMBER.fullmatch(text) else None
        return not self.alternatives or any(
            all(each.holds(text, number) for each in conditions) for conditions in self.alternatives
        )


class FieldPattern:
    """A pattern of named fields, in their order; `...` stands for any number of fields."""

    def __init__(self, text: str) -> None:
        if not text.endswith("]"):
            raise InvalidPattern()
        self._columns = _Parser(text[1:-1]).columns()
        names = [each.name for each in self._columns]
        self._gap = names.index(ELLIPSIS) if ELLIPSIS in names else None
        if names.count(ELLIPSIS) > 1:
            raise InvalidPattern()

    def match(self, message: str) -> dict[str, str] | None:
        """The message's fields by their names, or None if it does not match.

        A field without a name goes by its place, counted from 1.
        """
        fields = _fields(message)
        columns = self._spread(len(fields))
        if columns is None:
            return None
        if not all(column.passes(text) for column, text in zip(columns, fields, strict=True)):
            return None
        pairs = enumerate(zip(columns, fields, strict=True), start=1)
        return {column.name or str(place): text for place, (column, text) in pairs}

    def _spread(self, count: int) -> list[Column] | None:
        """The columns with as many unnamed ones for the ellipsis as make `count`."""
        if self._gap is None:
            return self._columns if len(self._columns) == count else None
        more = count - (len(self._columns) - 1)
        if more < 0:
            return None
        before, after = self._columns[: self._gap], self._columns[self._gap + 1 :]
        return [*before, *(Column() for _ in range(more)), *after]


class _Parser:
    def __init__(self, text: str) -> None:
        self._tokens: list[tuple[str, str]] = []
        at, text = 0, text.rstrip()
        while at < len(text):
            found = TOKEN.match(text, at)
            if not found:
                raise InvalidPattern(f"Invalid character(s) in term '{text[at:].split()[0]}'")
            self._tokens.append((str(found.lastgroup), found[str(found.lastgroup)]))
            at = found.end()
        check_regexes(sum(kind == "regex" for kind, _ in self._tokens))
        self._at = 0

    def columns(self) -> list[Column]:
        columns = [self._column()]
        while self._take(","):
            columns.append(self._column())
        if self._at != len(self._tokens):
            raise InvalidPattern()
        return columns

    def _column(self) -> Column:
        if self._take(ELLIPSIS):
            return Column(ELLIPSIS)
        kind, name = self._peek()
        if kind != "word":
            return Column()  # a place without a name
        if not re.fullmatch(r"[\w-]+", name):
            raise InvalidPattern(f"Invalid character(s) in term '{name}'")
        if self._ahead(1)[0] != "operator":
            self._at += 1
            return Column(name)
        return Column(name, self._alternatives(name))

    def _alternatives(self, name: str) -> list[list[Comparison]]:
        alternatives = [[self._condition(name)]]
        while True:
            if self._take("&&"):
                alternatives[-1].append(self._condition(name))
            elif self._take("||"):
                alternatives.append([self._condition(name)])
            else:
                return alternatives

    def _condition(self, name: str) -> Comparison:
        """`name operator value`; a condition may speak of its own field only."""
        if self._peek() != ("word", name) or self._ahead(1)[0] != "operator":
            raise InvalidPattern()
        operator, (kind, value) = self._ahead(1)[1], self._ahead(2)
        if kind not in ("quoted", "regex", "word"):
            raise InvalidPattern()
        self._at += 3
        return Comparison(operator, unescape(value) if kind == "quoted" else value, kind)

    def _peek(self) -> tuple[str, str]:
        return self._ahead(0)

    def _ahead(self, count: int) -> tuple[str, str]:
        at = self._at + count
        return self._tokens[at] if at < len(self._tokens) else ("end", "")

    def _take(self, sign: str) -> bool:
        if self._peek() != ("sign", sign):
            return False
        self._at += 1
        return True


def _fields(message: str) -> list[str]:
    """The message's fields. What opens and is never closed is a field like any other.

    That nothing closes is found out once: looking for it from each place would take long.
    """
    fields, at, enclosed = [], 0, dict(ENCLOSED)
    while start := FIELD_START.search(message, at):
        pattern = enclosed.get(start[0])
        found = pattern.match(message, start.start()) if pattern else None
        if found is None:
            enclosed.pop(start[0], None)
            found = FIELD.match(message, start.start())
        assert found is not None  # where a field starts, one can be read
        fields.append(found[1])
        at = found.end()
    return fields
