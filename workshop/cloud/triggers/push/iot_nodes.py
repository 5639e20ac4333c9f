"""What a rule's SQL consists of, once it is read."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any


class _Undefined:
    """AWS IoT's Undefined: not a value; what is Undefined is left out of JSON."""

    def __repr__(self) -> str:
        return "Undefined"


UNDEFINED = _Undefined()


@dataclass(frozen=True)
class Literal:
    value: Any  # str, int, Decimal, bool or None


@dataclass(frozen=True)
class Star:
    """The message as a whole."""


@dataclass(frozen=True)
class Name:
    name: str  # of an attribute of the message


@dataclass(frozen=True)
class Variable:
    name: str  # with its @


@dataclass(frozen=True)
class Member:
    of: Node
    name: str


@dataclass(frozen=True)
class Call:
    function: str  # in small letters
    arguments: tuple[Node, ...]


@dataclass(frozen=True)
class Cast:
    value: Node
    kind: str  # in small letters


@dataclass(frozen=True)
class Unary:
    operator: str  # "-" or "not"
    operand: Node


@dataclass(frozen=True)
class Binary:
    operator: str
    left: Node
    right: Node


@dataclass(frozen=True)
class Array:
    items: tuple[Node, ...]


@dataclass(frozen=True)
class Object:
    pairs: tuple[tuple[str, Node], ...]


@dataclass(frozen=True)
class Case:
    value: Node
    branches: tuple[tuple[Node, Node], ...]  # WHEN, THEN
    otherwise: Node | None


@dataclass(frozen=True)
class Item:
    """One item of a SELECT; `key` is where it goes in the result, None for * without AS."""

    value: Node
    key: tuple[str, ...] | None


@dataclass(frozen=True)
class Select:
    """A statement, or a query within one. With VALUE there is one item, and no object."""

    items: tuple[Item, ...]
    only_value: bool
    source: Node | None  # of a query within a statement
    topic_filter: str | None  # of a statement; None if it has no FROM
    where: Node | None
    variables: tuple[tuple[str, Node], ...] = ()  # of a statement: what SET defines, in order


Node = (
    Literal
    | Star
    | Name
    | Variable
    | Member
    | Call
    | Cast
    | Unary
    | Binary
    | Array
    | Object
    | Case
    | Select
)
