"""Values of AWS IoT's SQL: how JSON is read and written, and how types turn into each other.

Follows "Data types" (https://docs.aws.amazon.com/iot/latest/developerguide/iot-sql-data-types.html).
Int is Python's int, Decimal is decimal.Decimal, Null is None.
"""

from __future__ import annotations

import decimal
import json
import math
import re
from decimal import Decimal
from typing import Any

from .iot_nodes import UNDEFINED

NUMBER = re.compile(r"-?\d+(\.\d+)?(E-?\d{1,3})?", re.IGNORECASE)
LARGEST_EXPONENT = 999
FIRST_VERSION = "2015-10-08"
# 34 digits, as AWS counts; what is no number raises, and becomes Undefined
CONTEXT = decimal.Context(prec=34, traps=[decimal.InvalidOperation, decimal.DivisionByZero])


def loads(payload: bytes, version: str) -> Any:
    """A message's JSON. Raises ValueError for any other bytes."""
    parse_float = _decimal if version == FIRST_VERSION else number
    try:
        return json.loads(payload, parse_float=parse_float, parse_constant=_no_constant)
    except (RecursionError, ArithmeticError):  # nested too deeply, or an absurd exponent
        raise ValueError("not JSON that AWS IoT reads") from None


def dumps(value: Any) -> str:
    """JSON without what is Undefined; Undefined by itself is an empty text."""
    if value is UNDEFINED:
        return ""
    return json.dumps(plain(value), separators=(",", ":"), ensure_ascii=False)


def plain(value: Any) -> Any:
    """The value in types that `json` knows."""
    if isinstance(value, dict):
        return {k: plain(each) for k, each in value.items() if each is not UNDEFINED}
    if isinstance(value, list):
        return [plain(each) for each in value if each is not UNDEFINED]
    if isinstance(value, Decimal):
        return float(value) if abs(value) < Decimal("1e308") else int(value)
    return value


def number(text: str) -> int | Decimal:
    """A number as version 2016-03-23 takes it: 10.0 is the Int 10."""
    value = _decimal(text)
    return int(value) if value == value.to_integral_value() else value


def is_number(value: Any) -> bool:
    """Whether a value is an Int or a Decimal; a Boolean is none."""
    return isinstance(value, (int, Decimal)) and not isinstance(value, bool)


def to_decimal(value: Any) -> Any:
    """An Int or a Decimal, or Undefined."""
    if is_number(value):
        return value
    if isinstance(value, str) and NUMBER.fullmatch(value):
        return number(value)
    return UNDEFINED


def to_int(value: Any) -> Any:
    """An Int, cut after the point, or Undefined."""
    value = to_decimal(value)
    return value if value is UNDEFINED else int(value)


def to_boolean(value: Any) -> Any:
    """True or False, for themselves and for their names; otherwise Undefined."""
    if isinstance(value, str):
        return {"true": True, "false": False}.get(value.lower(), UNDEFINED)
    return value if isinstance(value, bool) else UNDEFINED


def to_string(value: Any) -> Any:
    """A String, or Undefined for Null and Undefined."""
    if value is None or value is UNDEFINED:
        return UNDEFINED
    if isinstance(value, (str, Decimal)):
        return str(value)
    return dumps(value)


def cast(value: Any, kind: str) -> Any:
    """`cast(value as kind)`: like the conversions, but between numbers and Booleans as well."""
    if kind in ("bool", "boolean"):
        return value != 0 if is_number(value) else to_boolean(value)
    if kind in ("int", "integer", "double", "decimal"):
        if isinstance(value, bool):
            return int(value)
        found = to_decimal(value)
        if found is UNDEFINED or kind in ("double", "decimal"):
            return found
        return math.floor(found)
    return to_string(value)


def _decimal(text: str) -> Decimal:
    value = Decimal(text)
    if value and abs(value.adjusted()) > LARGEST_EXPONENT:
        raise ValueError(f"the number {text[:40]} is out of range")
    return value


def _no_constant(name: str) -> Any:
    raise ValueError(f"{name} is not JSON")
