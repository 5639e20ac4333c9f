"""Reads the SQL of AWS IoT's topic rules, and the `${templates}` of their actions.

Follows "AWS IoT SQL reference"
(https://docs.aws.amazon.com/iot/latest/developerguide/iot-sql-reference.html) and
"Substitution templates"
(https://docs.aws.amazon.com/iot/latest/developerguide/iot-substitution-templates.html).
"""

from __future__ import annotations

import functools
import re
from decimal import Decimal

from ..model import ApiError
from .iot_functions import ELSEWHERE, FUNCTIONS, NEWER_FUNCTIONS
from .iot_nodes import (
    Array,
    Binary,
    Call,
    Case,
    Cast,
    Item,
    Literal,
    Member,
    Name,
    Node,
    Object,
    Select,
    Star,
    Unary,
)
from .iot_topics import filter_error
from .iot_values import FIRST_VERSION, number

VERSIONS = (FIRST_VERSION, "2016-03-23", "beta")
DEEPEST = 50  # parentheses and the like within each other
TOKEN = re.compile(
    r"""\s*(?:
      (?P<number>\d+(?:\.\d+)?(?:[eE][+-]?\d{1,3})?)
    | (?P<string>'(?:[^']|'')*'|"(?:\\"|[^"])*")
    | (?P<word>[^\W\d]\w*|`[^`]+`)
    | (?P<sign><>|!=|<=|>=|[-+*/%=<>().,\[\]{}:])
    )""",
    re.VERBOSE,
)
KEYWORDS = {"select", "from", "where", "as", "and", "or", "not", "in", "case", "when", "then"}
KEYWORDS |= {"else", "end", "null", "true", "false"}
CONSTANTS = {"null": None, "true": True, "false": False}
AFTER_A_NAME = ("from", "where", "as", "and", "or", "in")
COMPARISONS = {"=", "<>", "!=", "<", "<=", ">", ">="}
CASTS = {"string", "nvarchar", "text", "ntext", "varchar", "int", "integer", "double"}
NEWER_CASTS = {"decimal", "bool", "boolean"}
Token = tuple[str, str, int]  # kind, text, position


@functools.lru_cache(maxsize=1000)
def parse_statement(sql: str, version: str) -> Select:
    """A rule's statement. Raises ApiError: SqlParseException, which says where."""
    parser = _Parser(sql, version)
    statement = parser.select(nested=False)
    parser.expect("end")
    return statement


@functools.lru_cache(maxsize=1000)
def parse_template(text: str, version: str) -> tuple[str | Node, ...]:
    """A template as its texts and expressions. Raises ApiError: SqlParseException."""
    parts: list[str | Node] = []
    at = 0
    while (start := text.find("${", at)) >= 0:
        parser = _Parser(text, version, start + 2)
        parts += [text[at:start], parser.expression()]
        at = parser.expect("}")
    return (*parts, text[at:])


class _Parser:
    """Reads from left to right, one token ahead."""

    def __init__(self, text: str, version: str, at: int = 0) -> None:
        self._text, self._version, self._at = text, version, at
        self._depth = 0

    def select(self, nested: bool) -> Select:
        """SELECT ... [FROM ...] [WHERE ...]."""
        self.expect("select")
        only_value = self._takes_value()
        items = [self._item(only_value)]
        while self._take(","):
            if only_value:
                raise self._error("one item only after SELECT VALUE")
            items.append(self._item(only_value))
        source, topic_filter = None, None
        if self._take("from"):
            if nested:
                source = self._postfix()
            else:
                topic_filter = self._topic_filter()
        elif nested:
            raise self._error("FROM")
        where = self.expression() if self._take("where") else None
        return Select(tuple(items), only_value, source, topic_filter, where)

    def expression(self) -> Node:
        """Any expression: OR binds least."""
        self._depth += 1
        if self._depth > DEEPEST:
            raise self._error("a simpler expression")
        left = self._and()
        while self._take("or"):
            left = Binary("or", left, self._and())
        self._depth -= 1
        return left

    def expect(self, what: str) -> int:
        """Takes a word or sign that must come now; the position behind it."""
        if not self._take(what):
            raise self._error("the end" if what == "end" else what.upper())
        return self._at

    def _item(self, only_value: bool) -> Item:
        start = self._peek()
        value = Star() if self._take("*") else self.expression()
        if self._take("as"):
            return Item(value, self._alias())
        if only_value or isinstance(value, Star):
            return Item(value, None)
        if isinstance(value, (Name, Member)):
            return Item(value, (value.name,))
        if isinstance(value, Call):
            return Item(value, (value.function,))
        return Item(value, (self._text[start[2] : self._at].strip(),))

    def _alias(self) -> tuple[str, ...]:
        """A name, a quoted name, or a path: `AS state.reported.docked`."""
        names = [self._alias_name()]
        while self._take("."):
            names.append(self._alias_name())
        return tuple(names)

    def _alias_name(self) -> str:
        kind, text, _ = self._next()
        if kind == "string":
            return _unquote(text)
        if kind != "word":
            raise self._error("a name after AS", back=True)
        return text.strip("`")

    def _topic_filter(self) -> str:
        kind, text, at = self._next()
        if kind != "string":
            raise self._error("a topic filter in single quotes after FROM", back=True)
        error = filter_error(_unquote(text))
        if error:
            raise sql_error(f"{error} (column {at + 1})")
        return _unquote(text)

    def _takes_value(self) -> bool:
        """Whether VALUE stands here as the keyword, and not as an attribute of that name."""
        before = self._at
        if not self._take("value"):
            return False
        kind, text, _ = self._peek()
        if text == "*":
            after = self._at
            self._next()
            is_keyword = self._peek()[1].lower() in ("from", "where", "")
            self._at = after
        else:
            is_keyword = kind in ("number", "string") or text in ("(", "[", "{")
            is_keyword |= kind == "word" and text.lower() not in AFTER_A_NAME
        self._at = self._at if is_keyword else before
        return is_keyword

    def _and(self) -> Node:
        left = self._not()
        while self._take("and"):
            left = Binary("and", left, self._not())
        return left

    def _not(self) -> Node:
        if self._take("not"):
            return Unary("not", self._not())
        return self._comparison()

    def _comparison(self) -> Node:
        left = self._sum()
        while True:
            operator = self._peek()[1].lower()
            if operator == "in":
                self._next()
                left = Binary("in", left, self._set())
            elif operator in COMPARISONS:
                self._next()
                left = Binary("<>" if operator == "!=" else operator, left, self._sum())
            else:
                return left

    def _set(self) -> Node:
        """What stands after IN: an array, or values in parentheses."""
        if self._peek()[1] != "(":
            return self._sum()
        self._next()
        if self._peek()[1].lower() == "select":
            self._newer("a query within a statement")
            query = self.select(nested=True)
            self.expect(")")
            return query
        items = [self.expression()]
        while self._take(","):
            items.append(self.expression())
        self.expect(")")
        return Array(tuple(items)) if len(items) > 1 else items[0]

    def _sum(self) -> Node:
        left = self._product()
        while self._peek()[1] in ("+", "-"):
            left = Binary(self._next()[1], left, self._product())
        return left

    def _product(self) -> Node:
        left = self._sign()
        while self._peek()[1] in ("*", "/", "%"):
            left = Binary(self._next()[1], left, self._sign())
        return left

    def _sign(self) -> Node:
        if self._take("-"):
            return Unary("-", self._postfix())
        return self._postfix()

    def _postfix(self) -> Node:
        value = self._primary()
        while self._take("."):
            kind, text, _ = self._next()
            if kind != "word":
                raise self._error("a name after the dot", back=True)
            value = Member(value, text.strip("`"))
        if self._peek()[1] == "[":
            raise self._error("get(array, index) for an element of an array, not [")
        return value

    def _primary(self) -> Node:
        kind, text, _ = self._next()
        if kind == "number":
            return Literal(number(text) if "." not in text else Decimal(text))
        if kind == "string":
            return Literal(_unquote(text))
        if text == "(":
            return self._in_parentheses()
        if text == "[":
            return self._array()
        if text == "{":
            return self._object()
        word = text.lower()
        if kind != "word" or (word in KEYWORDS and word not in CONSTANTS and word != "case"):
            raise self._error("an expression", back=True)
        if word in CONSTANTS:
            return Literal(CONSTANTS[word])
        if word == "case":
            return self._case()
        if self._peek()[1] == "(":
            return self._cast() if word == "cast" else self._call(text)
        return Name(text.strip("`"))

    def _in_parentheses(self) -> Node:
        if self._peek()[1].lower() == "select":
            self._newer("a query within a statement")
            value: Node = self.select(nested=True)
        else:
            value = self.expression()
        self.expect(")")
        return value

    def _array(self) -> Node:
        self._newer("an array literal")
        items: list[Node] = []
        while not self._take("]"):
            if items:
                self.expect(",")
            items.append(self.expression())
        return Array(tuple(items))

    def _object(self) -> Node:
        self._newer("an object literal")
        pairs: list[tuple[str, Node]] = []
        while not self._take("}"):
            if pairs:
                self.expect(",")
            kind, text, _ = self._next()
            if kind != "string":
                raise self._error("a key in quotes", back=True)
            self.expect(":")
            pairs.append((_unquote(text), self.expression()))
        return Object(tuple(pairs))

    def _case(self) -> Node:
        value, branches = self.expression(), []
        while self._take("when"):
            when = self.expression()
            self.expect("then")
            branches.append((when, self.expression()))
        if not branches:
            raise self._error("WHEN")
        otherwise = self.expression() if self._take("else") else None
        if not self._take_word("end"):
            raise self._error("END")
        return Case(value, tuple(branches), otherwise)

    def _cast(self) -> Node:
        self.expect("(")
        value = self.expression()
        self.expect("as")
        kind = self._next()[1].lower()
        if kind in NEWER_CASTS:
            self._newer(f"cast as {kind}")
        elif kind not in CASTS:
            raise self._error("a type", back=True)
        self.expect(")")
        return Cast(value, kind)

    def _call(self, text: str) -> Node:
        name = text.lower()
        if name not in FUNCTIONS and name not in ELSEWHERE:
            raise sql_error(f"unknown function {text}{self._place(self._at - len(text))}")
        if name in NEWER_FUNCTIONS:
            self._newer(f"the function {text}")
        self.expect("(")
        arguments: list[Node] = []
        while not self._take(")"):
            if arguments:
                self.expect(",")
            arguments.append(self._argument())
        return Call(name, tuple(arguments))

    def _argument(self) -> Node:
        if self._take("*"):
            return Star()
        if self._peek()[1].lower() == "select":  # exists(SELECT ...)
            self._newer("a query within a statement")
            return self.select(nested=True)
        return self.expression()

    def _newer(self, what: str) -> None:
        if self._version == FIRST_VERSION:
            raise sql_error(
                f"{what} needs awsIotSqlVersion 2016-03-23 (this rule: {FIRST_VERSION})"
            )

    def _peek(self) -> Token:
        found = TOKEN.match(self._text, self._at)
        if found:
            return str(found.lastgroup), found[str(found.lastgroup)], found.start(found.lastgroup)
        rest = self._text[self._at :]
        return ("end" if not rest.strip() else "other"), "", len(self._text) - len(rest.lstrip())

    def _next(self) -> Token:
        token = self._peek()
        self._last = token
        self._at = token[2] + len(token[1])
        return token

    def _take(self, what: str) -> bool:
        kind, text, _ = self._peek()
        if what == "end":
            return kind == "end"
        if kind == "string" or text.lower() != what:
            return False
        self._next()
        return True

    def _take_word(self, what: str) -> bool:
        if self._peek()[1].lower() != what:
            return False
        self._next()
        return True

    def _error(self, wanted: str, back: bool = False) -> ApiError:
        """`back`: the token in question was taken already."""
        at = self._last[2] if back else self._peek()[2]
        found = repr(self._text[at : at + 20]) if at < len(self._text) else "the end"
        return sql_error(f"expected {wanted}, but found {found}{self._place(at)}")

    def _place(self, at: int) -> str:
        before = self._text[:at]
        line = before.count("\n") + 1
        return f" (line {line}, column {at - before.rfind(chr(10))})"


def sql_error(message: str) -> ApiError:
    """The error of a statement that can't be read."""
    return ApiError(400, "SqlParseException", f"The SQL statement does not parse: {message}")


def _unquote(text: str) -> str:
    if text.startswith("'"):
        return text[1:-1].replace("''", "'")
    return text[1:-1].replace('\\"', '"')
