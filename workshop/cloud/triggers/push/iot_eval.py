"""Works out what a rule's SQL makes of a message.

Follows "Operators" (https://docs.aws.amazon.com/iot/latest/developerguide/iot-sql-operators.html),
"SELECT clause" (https://docs.aws.amazon.com/iot/latest/developerguide/iot-sql-select.html),
"SET clause" (https://docs.aws.amazon.com/iot/latest/developerguide/iot-sql-set.html) and
"Working with binary payloads"
(https://docs.aws.amazon.com/iot/latest/developerguide/binary-payloads.html).
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator
from decimal import Decimal
from typing import Any

from ...base.time_limit import TooSlow, check_time, time_limit
from .iot_functions import FUNCTIONS, Message, call, remainder
from .iot_nodes import (
    UNDEFINED,
    Array,
    Binary,
    Call,
    Case,
    Cast,
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
from .iot_values import CONTEXT, cast, dumps, is_number, loads, to_boolean, to_decimal, to_string

LONGEST_S = 5.0  # for one statement, or one template, on one message
LARGEST_VARIABLES = 128 * 1024  # bytes of JSON, all variables of a statement together
ORDERS: dict[str, Callable[[Any, Any], bool]] = {
    "<": lambda left, right: left < right,
    "<=": lambda left, right: left <= right,
    ">": lambda left, right: left > right,
    ">=": lambda left, right: left >= right,
}
ARITHMETIC: dict[str, Callable[[Decimal, Decimal], Decimal]] = {
    "+": CONTEXT.add,
    "-": CONTEXT.subtract,
    "*": CONTEXT.multiply,
    "/": CONTEXT.divide,
}


class CannotEvaluate(Exception):
    """A message that a statement can't be applied to; the text says why."""


@contextlib.contextmanager
def _limited() -> Iterator[None]:
    """What takes too long, or is nested too deep for Python, can't be evaluated."""
    try:
        with time_limit(LONGEST_S):
            yield
    except (TooSlow, RecursionError):
        raise CannotEvaluate(
            f"the statement took more than {LONGEST_S:g} s on a message, or is nested too deep"
        ) from None


class Evaluation:
    """One statement, and the templates of its rule's actions, applied to one message."""

    def __init__(self, message: Message, version: str) -> None:
        self.message = message
        self.lacking: set[str] = set()  # functions that only AWS has
        self._variables: dict[str, Any] = {}  # for the templates of the actions, too
        try:
            self._scope: Any = loads(message.payload, version)
            self.is_json = True
        except ValueError:
            self._scope, self.is_json = UNDEFINED, False

    def run(self, statement: Select) -> Any:
        """The outgoing message: JSON values, or bytes where `SELECT *` met no JSON.

        Undefined if the WHERE clause is not true. Raises CannotEvaluate.
        """
        with _limited():
            return self._run(statement)

    def _run(self, statement: Select) -> Any:
        self._set(statement)
        if not self._passes(statement):
            return UNDEFINED
        only_star = len(statement.items) == 1 and isinstance(statement.items[0].value, Star)
        if only_star and not self.is_json and statement.items[0].key is None:
            return self.message.payload
        return self._selected(statement)

    def _set(self, statement: Select) -> None:
        """Works out the variables; a later one may refer to an earlier one."""
        size = 0
        for name, node in statement.variables:
            value = self._variables[name] = self.value(node)
            size += 0 if value is UNDEFINED else len(dumps(value).encode())
            if size > LARGEST_VARIABLES:
                raise CannotEvaluate(f"the variables of SET exceed {LARGEST_VARIABLES} bytes")

    def fill(self, template: tuple[str | Node, ...]) -> str:
        """A template's text. Raises CannotEvaluate."""
        with _limited():
            return "".join(each if isinstance(each, str) else self._text(each) for each in template)

    def _text(self, node: Node) -> str:
        value = self.value(node)
        return value if isinstance(value, str) else dumps(value)

    def value(self, node: Node) -> Any:
        """An expression's value."""
        check_time()
        return _EVALUATE[type(node)](self, node)

    def _passes(self, query: Select) -> bool:
        return query.where is None or to_boolean(self.value(query.where)) is True

    def _selected(self, query: Select) -> Any:
        if query.only_value:
            return self.value(query.items[0].value)
        result: dict[str, Any] = {}
        for item in query.items:
            value = self.value(item.value)
            if item.key is not None:
                _put(result, item.key, value)
            elif isinstance(value, dict):
                result.update(value)
            elif len(query.items) == 1:
                return value  # JSON, but no object
            else:
                raise CannotEvaluate("SELECT *, ... needs a payload that is a JSON object")
        return result

    def _query(self, query: Select) -> Any:
        """A query within a statement: over the elements of an array, or one object."""
        source = self.value(query.source) if query.source else UNDEFINED
        elements = source if isinstance(source, list) else [source]
        outer, found = self._scope, []
        try:
            for self._scope in elements:
                if self._scope is not UNDEFINED and self._passes(query):
                    found.append(self._selected(query))
        finally:
            self._scope = outer
        if isinstance(source, list):
            return [each for each in found if each is not UNDEFINED]
        return found[0] if found else UNDEFINED

    def _json(self, what: str) -> Any:
        if not self.is_json:
            raise CannotEvaluate(f"the payload is not JSON, and the rule refers to {what}")
        return self._scope

    def _name(self, node: Name) -> Any:
        return _attribute(self._json(node.name), node.name)

    def _call(self, node: Call) -> Any:
        if node.function not in FUNCTIONS:
            self.lacking.add(node.function)
            return UNDEFINED
        arguments = [self.value(each) for each in node.arguments if not self._is_raw(node, each)]
        if len(arguments) < len(node.arguments):
            arguments.insert(0, self.message.payload)
        return call(node.function, self.message, arguments)

    def _is_raw(self, node: Call, argument: Node) -> bool:
        """Whether it is the * of `encode(*, 'base64')`, which need not be JSON."""
        return node.function == "encode" and isinstance(argument, Star)

    def _unary(self, node: Unary) -> Any:
        value = self.value(node.operand)
        if node.operator == "not":
            value = to_boolean(value)
            return value if value is UNDEFINED else not value
        value = to_decimal(value)
        return value if value is UNDEFINED else -value

    def _binary(self, node: Binary) -> Any:
        left, right = self.value(node.left), self.value(node.right)
        if node.operator in ("and", "or"):
            left, right = to_boolean(left), to_boolean(right)
            if UNDEFINED in (left, right):
                return UNDEFINED
            return (left and right) if node.operator == "and" else (left or right)
        if node.operator == "in":
            return isinstance(right, list) and any(_equal(left, each) is True for each in right)
        if node.operator in ("=", "<>"):
            equal = _equal(left, right)
            return equal if equal is UNDEFINED else equal == (node.operator == "=")
        if node.operator in ORDERS:
            left, right = to_decimal(left), to_decimal(right)
            return UNDEFINED if UNDEFINED in (left, right) else ORDERS[node.operator](left, right)
        return _arithmetic(node.operator, left, right)

    def _case(self, node: Case) -> Any:
        value = self.value(node.value)
        for when, then in node.branches:
            if _equal(value, self.value(when)) is True:
                return self.value(then)
        return self.value(node.otherwise) if node.otherwise else UNDEFINED

    def _object(self, node: Object) -> Any:
        return {key: self.value(each) for key, each in node.pairs}


_EVALUATE: dict[type, Callable[[Evaluation, Any], Any]] = {
    Literal: lambda evaluation, node: node.value,
    Star: lambda evaluation, node: evaluation._json("*"),
    Name: Evaluation._name,
    Variable: lambda evaluation, node: evaluation._variables.get(node.name, UNDEFINED),
    Member: lambda evaluation, node: _attribute(evaluation.value(node.of), node.name),
    Call: Evaluation._call,
    Cast: lambda evaluation, node: cast(evaluation.value(node.value), node.kind),
    Unary: Evaluation._unary,
    Binary: Evaluation._binary,
    Array: lambda evaluation, node: [evaluation.value(each) for each in node.items],
    Object: Evaluation._object,
    Case: Evaluation._case,
    Select: Evaluation._query,
}


def _attribute(value: Any, name: str) -> Any:
    return value.get(name, UNDEFINED) if isinstance(value, dict) else UNDEFINED


def _put(result: dict[str, Any], path: tuple[str, ...], value: Any) -> None:
    """Sets `result["a"]["b"]` for the path a, b. What is Undefined is left out."""
    if value is UNDEFINED:
        return
    for step in path[:-1]:
        if not isinstance(result.get(step), dict):
            result[step] = {}
        else:
            result[step] = dict(result[step])  # may be the message's own
        result = result[step]
    result[path[-1]] = value


def _equal(left: Any, right: Any) -> Any:
    """True, False, or Undefined if either is."""
    if UNDEFINED in (left, right):
        return UNDEFINED
    return _typed(left) == _typed(right)


def _typed(value: Any) -> Any:
    """The value so that Python compares as AWS does: true is not 1."""
    if isinstance(value, bool):
        return "boolean", value
    if isinstance(value, list):
        return [_typed(each) for each in value]
    if isinstance(value, dict):
        return {key: _typed(each) for key, each in value.items()}
    return value


def _arithmetic(operator: str, left: Any, right: Any) -> Any:
    if operator == "+" and (isinstance(left, str) or isinstance(right, str)):
        texts = to_string(left), to_string(right)
        return UNDEFINED if UNDEFINED in texts else texts[0] + texts[1]
    if operator == "+" and not (is_number(left) and is_number(right)):
        return UNDEFINED
    left, right = to_decimal(left), to_decimal(right)
    if UNDEFINED in (left, right):
        return UNDEFINED
    try:
        if operator == "%":
            return remainder(left, right)
        if isinstance(left, int) and isinstance(right, int):
            return _of_ints(operator, left, right)
        return ARITHMETIC[operator](Decimal(left), Decimal(right))
    except ArithmeticError:  # a division by 0, or a result out of range
        return UNDEFINED


def _of_ints(operator: str, left: int, right: int) -> int:
    if operator == "/":  # an Int as well, cut after the point
        quotient = abs(left) // abs(right)
        return quotient if (left < 0) == (right < 0) else -quotient
    return {"+": left + right, "-": left - right, "*": left * right}[operator]
