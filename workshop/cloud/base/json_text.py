"""JSON that comes from functions and goes to them, whatever is in it."""

from __future__ import annotations

import json
from typing import Any


def from_json(text: bytes | str) -> Any:
    """What JSON says. Raises ValueError for what is none: not UTF-8, or nested too deep, too."""
    try:
        return json.loads(text)
    except RecursionError:
        raise ValueError("nested too deep") from None


def to_json(value: Any, separators: tuple[str, str] | None = None) -> bytes:
    """A value as JSON in UTF-8. Half of a surrogate pair, which UTF-8 lacks, becomes `?`."""
    return json.dumps(value, ensure_ascii=False, separators=separators).encode("utf-8", "replace")
