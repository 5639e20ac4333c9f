"""What the forms of filter patterns share: values to compare with, and conditions on them."""

from __future__ import annotations

import re
from collections.abc import Callable
from decimal import Decimal

from ...base.regexes import BadRegex, compiled

NUMBER = re.compile(r"[+-]?\d+(\.\d+)?(e[+-]?\d{1,3})?", re.IGNORECASE)
# What a regular expression may hold; AWS knows no groups: ( and ) are refused
REGEX = re.compile(r"(\\x[0-9a-fA-F]{2}|\\[\x21-\x7e]|[a-zA-Z0-9 :_#=@/;,^$?\[\]{}|*+.-])+")
MOST_REGEXES = 2  # in one JSON or space-delimited pattern
ORDERS: dict[str, Callable[[Decimal, Decimal], bool]] = {
    "=": lambda left, right: left == right,
    "!=": lambda left, right: left != right,
    "<": lambda left, right: left < right,
    "<=": lambda left, right: left <= right,
    ">": lambda left, right: left > right,
    ">=": lambda left, right: left >= right,
}


class InvalidPattern(ValueError):
    """A pattern that does not parse; its text is AWS's message."""

    def __init__(self, message: str = "Invalid filter pattern") -> None:
        super().__init__(message)


def regex_test(text: str) -> Callable[[str], bool]:
    """A test for a regular expression as it stands between % and %. Raises InvalidPattern."""
    if not REGEX.fullmatch(text):
        raise InvalidPattern(f"Invalid character(s) in term '{text}'")
    try:
        search = compiled(text).search
    except BadRegex:
        raise InvalidPattern() from None
    return lambda message: search(message.removesuffix("\n")) is not None


def unescape(quoted: str) -> str:
    """The text between double quotes, without its backslashes."""
    return re.sub(r"\\(.)", r"\1", quoted)


def check_regexes(count: int) -> None:
    """Raises InvalidPattern for more regular expressions than a pattern may have."""
    if count > MOST_REGEXES:
        raise InvalidPattern(
            f"Invalid filter pattern: at most {MOST_REGEXES} regular expressions are allowed"
        )


class Comparison:
    """`operator value`, such as `>= 5`, `= 4*` or `!= %[Ee]rror%`.

    kind: "quoted", "regex" or "word"; a word that reads as a number compares as one.
    """

    def __init__(self, operator: str, value: str, kind: str) -> None:
        self.operator, self.value = operator, value
        self.number = Decimal(value) if kind == "word" and NUMBER.fullmatch(value) else None
        self.regex = regex_test(value) if kind == "regex" else None
        if operator not in ("=", "!=") and self.number is None:
            raise InvalidPattern()

    def holds(self, text: str, number: Decimal | None) -> bool:
        """Whether a field passes: its text, and its number where it is one."""
        if self.number is not None and number is not None:
            return ORDERS[self.operator](number, self.number)
        if self.operator not in ("=", "!="):
            return False
        return self._equals(text) == (self.operator == "=")

    def _equals(self, text: str) -> bool:
        if self.regex:
            return self.regex(text)
        value = self.value  # a * counts at the two ends only: Ev*ent means that very text
        if value == "*":
            return True
        if len(value) > 2 and value.startswith("*") and value.endswith("*"):
            return value[1:-1] in text
        if value.startswith("*"):
            return text.endswith(value[1:])
        if value.endswith("*"):
            return text.startswith(value[:-1])
        return text == value
