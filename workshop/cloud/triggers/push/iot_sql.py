"""Reads the SQL of AWS IoT's topic rules, and the `${templates}` of their actions.

Follows "AWS IoT SQL reference"
(https://docs.aws.amazon.com/iot/latest/developerguide/iot-sql-reference.html), "SET clause"
(https://docs.aws.amazon.com/iot/latest/developerguide/iot-sql-set.html) and
"Substitution templates"
(https://docs.aws.amazon.com/iot/latest/developerguide/iot-substitution-templates.html).
"""

from __future__ import annotations

import dataclasses
import functools
from collections.abc import Callable
from decimal import Decimal

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
    Variable,
)
from .iot_tokens import Tokens, sql_error, unquote
from .iot_topics import filter_error
from .iot_values import FIRST_VERSION, number

VERSIONS = (FIRST_VERSION, "2016-03-23", "beta")
DEEPEST = 50  # parentheses within each other
MOST_OPERATORS = 150  # and calls, in one item of a SELECT or SET, or in a WHERE
MOST_VARIABLES = 10
LONGEST_VARIABLE = 64  # characters of its name
KEYWORDS = {"select", "from", "where", "as", "and", "or", "not", "in", "case", "when", "then"}
KEYWORDS |= {"else", "end", "null", "true", "false"}
CONSTANTS = {"null": None, "true": True, "false": False}
AFTER_A_NAME = ("from", "where", "as", "and", "or", "in")
COMPARISONS = {"=", "<>", "!=", "<", "<=", ">", ">="}
CASTS = {"string", "nvarchar", "text", "ntext", "varchar", "int", "integer", "double"}
NEWER_CASTS = {"decimal", "bool", "boolean"}


@functools.lru_cache(maxsize=1000)
def parse_statement(sql: str, version: str) -> Select:
    """A rule's statement. Raises ApiError: SqlParseException, which says where."""
    parser = _Parser(sql, version)
    variables = parser.variables()
    statement = parser.select(nested=False)
    parser.expect("end")
    return dataclasses.replace(statement, variables=variables)


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


class _Parser(Tokens):
    """Every method reads one part of the grammar, and answers what it stands for."""

    def __init__(self, text: str, version: str, at: int = 0) -> None:
        super().__init__(text, at)
        self._version = version
        self._depth = 0  # of parentheses
        self._count = 0  # of operators and calls, in one item

    def variables(self) -> tuple[tuple[str, Node], ...]:
        """[SET @name = ..., @name = ...]: each is assigned once, in the order of the text."""
        found: dict[str, Node] = {}
        while self.take("," if found else "set"):
            kind, name, _ = self.next()
            if kind != "variable" or len(name) > LONGEST_VARIABLE:
                wanted = f"a variable, @ and up to {LONGEST_VARIABLE} characters"
                raise self.error(wanted, back=True)
            if name in found:
                raise self.error("a variable that has no value yet", back=True)
            self.expect("=")
            self._count = 0
            found[name] = self.expression()
        if len(found) > MOST_VARIABLES:
            raise sql_error(f"SET has {len(found)} variables, and {MOST_VARIABLES} is the limit")
        return tuple(found.items())

    def select(self, nested: bool) -> Select:
        """SELECT ... [FROM ...] [WHERE ...]."""
        self.expect("select")
        only_value = self._takes_value()
        items = [self._item(only_value)]
        while self.take(","):
            if only_value:
                raise self.error("one item only after SELECT VALUE")
            items.append(self._item(only_value))
        source, topic_filter = None, None
        if self.take("from"):
            if nested:
                source = self._postfix()
            else:
                topic_filter = self._topic_filter()
        elif nested:
            raise self.error("FROM")
        where = self.expression() if self.take("where") else None
        return Select(tuple(items), only_value, source, topic_filter, where)

    def expression(self) -> Node:
        """Any expression: OR binds least."""
        self._depth += 1
        if self._depth > DEEPEST:
            raise self.error("a simpler expression")
        value = self._chain(("or",), self._and)
        self._depth -= 1
        return value

    def _item(self, only_value: bool) -> Item:
        start, self._count = self.peek(), 0
        value = Star() if self.take("*") else self.expression()
        if self.take("as"):
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
        while self.take("."):
            names.append(self._alias_name())
        return tuple(names)

    def _alias_name(self) -> str:
        kind, text, _ = self.next()
        if kind == "string":
            return unquote(text)
        if kind != "word":
            raise self.error("a name after AS", back=True)
        return text.strip("`")

    def _topic_filter(self) -> str:
        kind, text, at = self.next()
        if kind != "string":
            raise self.error("a topic filter in single quotes after FROM", back=True)
        error = filter_error(unquote(text))
        if error:
            raise sql_error(f"{error} (column {at + 1})")
        return unquote(text)

    def _takes_value(self) -> bool:
        """Whether VALUE stands here as the keyword, and not as an attribute of that name."""
        before = self._at
        if not self.take("value"):
            return False
        kind, text, _ = self.peek()
        if text == "*":
            after = self._at
            self.next()
            is_keyword = self.peek()[1].lower() in ("from", "where", "")
            self._at = after
        else:
            is_keyword = kind in ("number", "string") or text in ("(", "[", "{")
            is_keyword |= kind == "word" and text.lower() not in AFTER_A_NAME
        self._at = self._at if is_keyword else before
        return is_keyword

    def _chain(self, operators: tuple[str, ...], part: Callable[[], Node]) -> Node:
        """`a + b - c`: operators that bind alike, from left to right."""
        left = part()
        while self.sees(*operators):
            left = self._counted(Binary(self.next()[1].lower(), left, part()))
        return left

    def _counted(self, node: Node) -> Node:
        """Keeps expressions small enough to be worked out."""
        self._count += 1
        if self._count > MOST_OPERATORS:
            raise self.error("a simpler expression")
        return node

    def _and(self) -> Node:
        return self._chain(("and",), self._not)

    def _not(self) -> Node:
        if self.take("not"):
            self._counted(Literal(None))
            return Unary("not", self._not())
        return self._comparison()

    def _comparison(self) -> Node:
        left = self._sum()
        while self.sees("in", *COMPARISONS):
            operator = self.next()[1].lower()
            right = self._set() if operator == "in" else self._sum()
            left = self._counted(Binary("<>" if operator == "!=" else operator, left, right))
        return left

    def _set(self) -> Node:
        """What stands after IN: an array, or values in parentheses."""
        if not self.take("("):
            return self._sum()
        if self.sees("select"):
            self._newer("a query within a statement")
            query = self.select(nested=True)
            self.expect(")")
            return query
        items = [self.expression()]
        while self.take(","):
            items.append(self.expression())
        self.expect(")")
        return Array(tuple(items)) if len(items) > 1 else items[0]

    def _sum(self) -> Node:
        return self._chain(("+", "-"), self._product)

    def _product(self) -> Node:
        return self._chain(("*", "/", "%"), self._sign)

    def _sign(self) -> Node:
        if self.take("-"):
            return Unary("-", self._postfix())
        return self._postfix()

    def _postfix(self) -> Node:
        value = self._primary()
        while self.take("."):
            kind, text, _ = self.next()
            if kind != "word":
                raise self.error("a name after the dot", back=True)
            value = self._counted(Member(value, text.strip("`")))
        if self.sees("["):
            raise self.error("get(array, index) for an element of an array, not [")
        return value

    def _primary(self) -> Node:
        kind, text, _ = self.next()
        if kind == "number":
            return Literal(number(text) if "." not in text else Decimal(text))
        if kind == "string":
            return Literal(unquote(text))
        if kind == "variable":
            return Variable(text)
        if text == "(":
            return self._in_parentheses()
        if text == "[":
            return self._array()
        if text == "{":
            return self._object()
        word = text.lower()
        if kind != "word" or (word in KEYWORDS and word not in CONSTANTS and word != "case"):
            raise self.error("an expression", back=True)
        if word in CONSTANTS:
            return Literal(CONSTANTS[word])
        if word == "case":
            return self._case()
        if self.sees("("):
            return self._cast() if word == "cast" else self._call(text)
        return Name(text.strip("`"))

    def _in_parentheses(self) -> Node:
        if self.sees("select"):
            self._newer("a query within a statement")
            value: Node = self.select(nested=True)
        else:
            value = self.expression()
        self.expect(")")
        return value

    def _array(self) -> Node:
        self._newer("an array literal")
        items: list[Node] = []
        while not self.take("]"):
            if items:
                self.expect(",")
            items.append(self.expression())
        return Array(tuple(items))

    def _object(self) -> Node:
        self._newer("an object literal")
        pairs: list[tuple[str, Node]] = []
        while not self.take("}"):
            if pairs:
                self.expect(",")
            kind, text, _ = self.next()
            if kind != "string":
                raise self.error("a key in quotes", back=True)
            self.expect(":")
            pairs.append((unquote(text), self.expression()))
        return Object(tuple(pairs))

    def _case(self) -> Node:
        value, branches = self.expression(), []
        while self.take("when"):
            when = self.expression()
            self.expect("then")
            branches.append((when, self.expression()))
        if not branches:
            raise self.error("WHEN")
        otherwise = self.expression() if self.take("else") else None
        if not self.sees("end"):
            raise self.error("END")
        self.next()
        return Case(value, tuple(branches), otherwise)

    def _cast(self) -> Node:
        self.expect("(")
        value = self.expression()
        self.expect("as")
        kind = self.next()[1].lower()
        if kind in NEWER_CASTS:
            self._newer(f"cast as {kind}")
        elif kind not in CASTS:
            raise self.error("a type", back=True)
        self.expect(")")
        return Cast(value, kind)

    def _call(self, text: str) -> Node:
        name = text.lower()
        if name not in FUNCTIONS and name not in ELSEWHERE:
            raise sql_error(f"unknown function {text}{self.place(self._at - len(text))}")
        if name in NEWER_FUNCTIONS:
            self._newer(f"the function {text}")
        self.expect("(")
        arguments: list[Node] = []
        while not self.take(")"):
            if arguments:
                self.expect(",")
            arguments.append(self._argument())
        return self._counted(Call(name, tuple(arguments)))

    def _argument(self) -> Node:
        if self.take("*"):
            return Star()
        if self.sees("select"):  # exists(SELECT ...)
            self._newer("a query within a statement")
            return self.select(nested=True)
        return self.expression()

    def _newer(self, what: str) -> None:
        if self._version == FIRST_VERSION:
            raise sql_error(
                f"{what} needs awsIotSqlVersion 2016-03-23 (this rule: {FIRST_VERSION})"
            )
