"""The words and signs of a rule's SQL, and errors that say where one is wrong."""

from __future__ import annotations

import re

from ...base.model import ApiError

TOKEN = re.compile(
    r"""\s*(?:
      (?P<number>\d+(?:\.\d+)?(?:[eE][+-]?\d{1,3})?)
    | (?P<string>'(?:[^']|'')*'|"(?:\\"|[^"])*")
    | (?P<word>[^\W\d]\w*|`[^`]+`)
    | (?P<variable>@[A-Za-z0-9_]+)
    | (?P<sign><>|!=|<=|>=|[-+*/%=<>().,\[\]{}:])
    )""",
    re.VERBOSE,
)
Token = tuple[str, str, int]  # kind, text, position


class Tokens:
    """Reads a text from left to right, one token ahead.

    A token's kind is "number", "string", "word", "variable" or "sign"; at the end of the text
    "end", and "other" before what is no token at all.
    """

    def __init__(self, text: str, at: int = 0) -> None:
        self._text, self._at = text, at
        self._last: Token = ("end", "", at)

    def peek(self) -> Token:
        """The next token, which stays the next."""
        found = TOKEN.match(self._text, self._at)
        if found:
            kind = str(found.lastgroup)
            return kind, found[kind], found.start(kind)
        rest = self._text[self._at :]
        return ("end" if not rest.strip() else "other"), "", len(self._text) - len(rest.lstrip())

    def sees(self, *what: str) -> bool:
        """Whether the next token is one of some words (in small letters) or signs."""
        kind, text, _ = self.peek()
        return kind != "string" and text.lower() in what

    def next(self) -> Token:
        """Takes the next token."""
        self._last = self.peek()
        self._at = self._last[2] + len(self._last[1])
        return self._last

    def take(self, what: str) -> bool:
        """Takes the next token if it is a certain word or sign, or "end"."""
        if what == "end":
            return self.peek()[0] == "end"
        if not self.sees(what):
            return False
        self.next()
        return True

    def expect(self, what: str) -> int:
        """Takes a word or sign that must come now; the position behind it. Raises ApiError."""
        if not self.take(what):
            raise self.error("the end" if what == "end" else what.upper())
        return self._at

    def error(self, wanted: str, back: bool = False) -> ApiError:
        """The error of something else than `wanted`; `back` if the token was taken already."""
        at = self._last[2] if back else self.peek()[2]
        found = repr(self._text[at : at + 20]) if at < len(self._text) else "the end"
        return sql_error(f"expected {wanted}, but found {found}{self.place(at)}")

    def place(self, at: int) -> str:
        """A position in words."""
        line = self._text[:at].count("\n") + 1
        return f" (line {line}, column {at - self._text[:at].rfind(chr(10))})"


def sql_error(message: str) -> ApiError:
    """The error of a statement that can't be read."""
    return ApiError(400, "SqlParseException", f"The SQL statement does not parse: {message}")


def unquote(text: str) -> str:
    """A string's text: a quote within it is written '' or \\"."""
    if text.startswith("'"):
        return text[1:-1].replace("''", "'")
    return text[1:-1].replace('\\"', '"')
