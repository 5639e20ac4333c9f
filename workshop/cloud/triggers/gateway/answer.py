"""What a gateway answers of its own, and which headers it can send."""

from __future__ import annotations

import json
import re

from ...base.answer import Answer

NAME = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")
VALUE = re.compile(r"[^\r\n\0]*")


def message(status: int, text: str, key: str = "message") -> Answer:
    """An error in the form of API Gateway: `{"message": text}`."""
    body = json.dumps({key: text}, separators=(",", ":")).encode()
    return Answer(body, status, content_type="application/json")


def is_header(name: str, value: str) -> bool:
    """Whether a header could be sent: no line break in it, no space in its name."""
    return bool(NAME.fullmatch(name) and VALUE.fullmatch(value))
