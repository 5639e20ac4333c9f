"""Items of DynamoDB: their size, and whether one differs from another.

Follows "DynamoDB item sizes and formats"
(https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/CapacityUnitCalculations.html).
"""

from __future__ import annotations

import base64
from decimal import Decimal
from typing import Any

OVERHEAD = 3  # bytes of a list or a map


def size_of(item: dict[str, Any]) -> int:
    """Bytes of an item: its names and its values."""
    return sum(len(name.encode()) + _size(value) for name, value in item.items())


def changed(old: Any, new: Any) -> bool:
    """Whether moto's items differ; a set's order and a number's form do not count."""
    if old is None or new is None:
        return old is not new
    return _canonical_item(old) != _canonical_item(new)


def _size(value: dict[str, Any]) -> int:
    ((kind, content),) = value.items()
    if kind == "M":
        return OVERHEAD + len(content) + size_of(content)  # one byte more for each element
    if kind == "L":
        return OVERHEAD + len(content) + sum(_size(each) for each in content)
    if kind in ("SS", "NS", "BS"):
        return sum(_size({kind[0]: each}) for each in content)
    if kind == "N":
        return _number_size(content)
    if kind == "B":
        return len(content if isinstance(content, bytes) else base64.b64decode(content))
    return len(content.encode()) if kind == "S" else 1


def _number_size(text: str) -> int:
    """One byte for two significant digits, one more, and one for a minus."""
    number = Decimal(text)
    digits = len(number.normalize().as_tuple().digits) if number else 0
    return (digits + 1) // 2 + 1 + (number < 0)


def _canonical_item(item: Any) -> dict[str, Any]:
    attributes = item.to_json()["Attributes"]
    return {name: _canonical(value) for name, value in attributes.items()}


def _canonical(value: dict[str, Any]) -> tuple[str, Any]:
    ((kind, content),) = value.items()
    if kind == "M":
        return kind, {name: _canonical(each) for name, each in content.items()}
    if kind == "L":
        return kind, [_canonical(each) for each in content]
    if kind == "N":
        return kind, Decimal(content)
    if kind == "NS":
        return kind, {Decimal(each) for each in content}
    if kind in ("SS", "BS"):
        return kind, set(content)
    return kind, content
