"""The functions of AWS IoT's SQL.

Follows "Functions" (https://docs.aws.amazon.com/iot/latest/developerguide/iot-sql-functions.html).
A function that is called with arguments of a wrong number or type answers Undefined.
"""

from __future__ import annotations

import base64
import hashlib
import math
import random
import time
import uuid
from collections.abc import Callable
from dataclasses import dataclass, field
from decimal import ROUND_HALF_UP, Decimal
from typing import Any

from ...base.regexes import LARGEST_RESULT, compiled
from .iot_nodes import UNDEFINED
from .iot_time import format_time
from .iot_values import CONTEXT, loads, to_decimal, to_int, to_string


@dataclass(frozen=True)
class Message:
    """A message that rules look at."""

    topic: str  # without the first three levels of Basic Ingest
    payload: bytes
    account_id: str
    principal: str = ""
    trace_id: str = field(default_factory=lambda: str(uuid.uuid4()))


Function = Callable[..., Any]  # (message, *arguments)
FUNCTIONS: dict[str, Function] = {}
NEWER_FUNCTIONS: set[str] = set()  # since version 2016-03-23
# What AWS has and the local cloud has not: Undefined here, and noted as a problem
ELSEWHERE = {
    "aws_lambda",
    "get_dynamodb",
    "get_mqtt_property",
    "get_or_create_topic_alias",
    "get_registry_data",
    "get_secret",
    "get_thing_shadow",
    "get_user_properties",
    "machinelearning_predict",
    "md2",
    "time_to_epoch",
}


def function(name: str, newer: bool = False) -> Callable[[Function], Function]:
    """Gives a Python function its name in SQL."""

    def register(implementation: Function) -> Function:
        FUNCTIONS[name.lower()] = implementation
        if newer:
            NEWER_FUNCTIONS.add(name.lower())
        return implementation

    return register


def call(name: str, message: Message, arguments: list[Any]) -> Any:
    """What a function answers. Raises TooSlow."""
    try:
        return FUNCTIONS[name](message, *arguments)
    except (TypeError, ValueError, ArithmeticError, AttributeError):
        return UNDEFINED


@function("topic")
def topic(message: Message, level: Any = None) -> Any:
    """The topic, or one level of it, counted from 1."""
    levels = message.topic.split("/")
    if level is None:
        return message.topic
    level = to_int(level)
    return levels[level - 1] if 1 <= level <= len(levels) else UNDEFINED


@function("get")
def get(message: Message, collection: Any, key: Any) -> Any:
    """An element, a character or an attribute."""
    if isinstance(collection, dict):
        return collection.get(key, UNDEFINED) if isinstance(key, str) else UNDEFINED
    if isinstance(collection, (list, str)):
        index = to_int(key)
        return collection[index] if 0 <= index < len(collection) else UNDEFINED
    return UNDEFINED


@function("concat")
def concat(message: Message, *values: Any) -> Any:
    """One array if any argument is one, otherwise one string."""
    if not values:
        return UNDEFINED
    if any(isinstance(value, list) for value in values):
        return [each for v in values for each in (v if isinstance(v, list) else [v])]
    texts = [to_string(value) for value in values]
    return UNDEFINED if UNDEFINED in texts else "".join(texts)


@function("encode", newer=True)
def encode(message: Message, value: Any, scheme: Any) -> Any:
    """base64; `encode(*, 'base64')` takes the payload as it came."""
    if scheme != "base64":
        return UNDEFINED
    raw = value if isinstance(value, bytes) else to_string(value).encode()
    return base64.b64encode(raw).decode()


@function("decode", newer=True)
def decode(message: Message, value: Any, scheme: Any) -> Any:
    """From base64: JSON if it is JSON, otherwise a string; Null if it can't be decoded."""
    if scheme != "base64":
        return UNDEFINED
    try:
        raw = base64.b64decode(value, validate=True)
        text = raw.decode()
    except (ValueError, TypeError):
        return None
    try:
        return loads(raw, "2016-03-23")
    except ValueError:
        return text


@function("parse_time", newer=True)
def parse_time(message: Message, pattern: Any, timestamp: Any, zone: Any = "UTC") -> Any:
    """A time in milliseconds, written after a pattern."""
    return format_time(pattern, to_int(timestamp), zone)


@function("regexp_replace")
def regexp_replace(message: Message, text: Any, pattern: Any, replacement: Any) -> Any:
    """Every match replaced; `$1` in the replacement is the first group."""
    return compiled(to_string(pattern)).replace(to_string(text), to_string(replacement))


@function("regexp_substr")
def regexp_substr(message: Message, text: Any, pattern: Any) -> Any:
    """The first match."""
    found = compiled(to_string(pattern)).search(to_string(text))
    return UNDEFINED if found is None else found


@function("substring")
def substring(message: Message, text: Any, start: Any, end: Any = None) -> Any:
    """From one index up to, and without, another; each is brought into the text's bounds."""
    text = to_string(text)
    first = min(max(to_int(start), 0), len(text))
    last = len(text) if end is None else min(max(to_int(end), 0), len(text))
    return text[first:last]


@function("trunc")
def trunc(message: Message, value: Any, places: Any) -> Any:
    """Cut after so many decimal places."""
    number, places = to_decimal(value), min(max(to_int(places), 0), 34)
    if isinstance(number, int):
        return number
    cut = number.quantize(Decimal(1).scaleb(-places), rounding="ROUND_DOWN", context=CONTEXT)
    return int(cut) if cut == cut.to_integral_value() else cut.normalize(CONTEXT)


@function("transform", newer=True)
def transform(message: Message, mode: Any, attributes: Any, array: Any) -> Any:
    """`enrichArray`: every object of an array with more attributes."""
    if mode != "enrichArray" or not isinstance(attributes, dict):
        return UNDEFINED
    return [{**each, **attributes} for each in array]


def remainder(left: Any, right: Any) -> Any:
    """The remainder, with the sign of the left operand; 0 on the right raises."""
    if isinstance(left, int) and isinstance(right, int):
        rest = abs(left) % abs(right)
        return rest if left >= 0 else -rest
    return CONTEXT.remainder(Decimal(left), Decimal(right))


def _rounded(number: Any) -> int:
    return int(Decimal(number).to_integral_value(ROUND_HALF_UP))


def _replaced(text: str, old: str, new: str) -> Any:
    size = len(text) + text.count(old) * (len(new) - len(old))
    return text.replace(old, new) if size <= LARGEST_RESULT else UNDEFINED


def _padding(count: Any) -> str:
    return " " * min(max(to_int(count), 0), 1000)


def _of_number(name: str, calculate: Callable[[Any], Any], newer: bool = False) -> None:
    @function(name, newer)
    def implementation(message: Message, value: Any) -> Any:
        found = to_decimal(value)
        result = UNDEFINED if found is UNDEFINED else calculate(found)
        return Decimal(repr(result)) if isinstance(result, float) else result


def _of_numbers(name: str, calculate: Callable[[Any, Any], Any]) -> None:
    @function(name)
    def implementation(message: Message, left: Any, right: Any) -> Any:
        result = calculate(to_decimal(left), to_decimal(right))  # raises for Undefined
        return Decimal(repr(result)) if isinstance(result, float) else result


def _of_texts(name: str, calculate: Callable[..., Any], newer: bool = False) -> None:
    @function(name, newer)
    def implementation(message: Message, *values: Any) -> Any:
        texts = [to_string(value) for value in values]
        return UNDEFINED if UNDEFINED in texts else calculate(*texts)


def _of_nothing(name: str, answer: Callable[[Message], Any]) -> None:
    @function(name)
    def implementation(message: Message) -> Any:
        return answer(message)


_of_nothing("accountid", lambda message: message.account_id)
_of_nothing("clientid", lambda message: "n/a")  # messages come over HTTP here
_of_nothing("traceid", lambda message: UNDEFINED)  # only messages over MQTT have one
_of_nothing("principal", lambda message: message.principal)
_of_nothing("newuuid", lambda message: str(uuid.uuid4()))
_of_nothing("rand", lambda message: Decimal(repr(random.random())))
_of_nothing("timestamp", lambda message: int(time.time() * 1000))

_of_number("abs", abs)
_of_number("ceil", math.ceil)
_of_number("floor", math.floor)
_of_number("round", _rounded)
_of_number("sign", lambda number: (number > 0) - (number < 0))
_of_number("sqrt", math.sqrt)
_of_number("exp", math.exp)
_of_number("ln", math.log)
_of_number("log", math.log10)
for _name in ("acos", "asin", "atan", "cos", "cosh", "sin", "sinh", "tan", "tanh"):
    _of_number(_name, getattr(math, _name))
_of_number("bitnot", lambda number: ~math.floor(number))
_of_number("chr", lambda number: chr(number) if 0 <= number < 128 else UNDEFINED)

_of_numbers("mod", remainder)
_of_numbers("remainder", remainder)
_of_numbers("power", math.pow)
_of_numbers("atan2", math.atan2)
_of_numbers("bitand", lambda left, right: math.floor(left) & math.floor(right))
_of_numbers("bitor", lambda left, right: math.floor(left) | math.floor(right))
_of_numbers("bitxor", lambda left, right: math.floor(left) ^ math.floor(right))

_of_texts("upper", str.upper)
_of_texts("lower", str.lower)
_of_texts("trim", str.strip)
_of_texts("ltrim", lambda text: text.lstrip())
_of_texts("rtrim", lambda text: text.rstrip())
_of_texts("startswith", lambda text, start: text.startswith(start))
_of_texts("endswith", lambda text, end: text.endswith(end))
_of_texts("replace", lambda text, old, new: _replaced(text, old, new))
_of_texts("indexof", lambda text, part: text.find(part), newer=True)
_of_texts("length", lambda text: len(text), newer=True)
_of_texts("numbytes", lambda text: len(text.encode()), newer=True)
_of_texts("lpad", lambda text, count: _padding(count) + text)
_of_texts("rpad", lambda text, count: text + _padding(count))
_of_texts("regexp_matches", lambda text, pattern: compiled(pattern).search(text) is not None)
for _name in ("md5", "sha1", "sha224", "sha256", "sha384", "sha512"):
    _of_texts(_name, lambda text, name=_name: hashlib.new(name, text.encode()).hexdigest())

FUNCTIONS["isnull"] = lambda message, value: value is None
FUNCTIONS["isundefined"] = lambda message, value: value is UNDEFINED
FUNCTIONS["nanvl"] = lambda message, value, other: other if value in (None, UNDEFINED) else value
FUNCTIONS["exists"] = lambda message, found: bool(found)  # of a query within a statement
NEWER_FUNCTIONS |= {"isundefined", "exists"}
