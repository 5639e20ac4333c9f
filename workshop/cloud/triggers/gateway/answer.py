"""What a gateway answers a client with."""

from __future__ import annotations

import http
import json
import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import Any

NAME = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")
VALUE = re.compile(r"[^\r\n\0]*")
NO_BODY = {204, 304}


@dataclass
class Answer:
    """A status, headers and a body."""

    status: int
    headers: list[tuple[str, str]] = field(default_factory=list)
    body: bytes = b""

    def has(self, name: str) -> bool:
        """Whether a header is set."""
        return any(each.lower() == name.lower() for each, _ in self.headers)

    def drop(self, names: Iterable[str]) -> None:
        """Takes headers out; the names are in small letters."""
        self.headers = [(k, v) for k, v in self.headers if k.lower() not in names]

    def send(self, method: str, start_response: Callable[..., Any]) -> Iterable[bytes]:
        """Sends it, as WSGI does; HEAD gets no body."""
        headers = [(k, v.encode().decode("latin-1")) for k, v in self.headers]
        if self.status not in NO_BODY:
            headers.append(("Content-Length", str(len(self.body))))
        start_response(f"{self.status} {_phrase(self.status)}", headers)
        return [self.body] if method != "HEAD" and self.status not in NO_BODY else []


def message(status: int, text: str, key: str = "message") -> Answer:
    """An error in the form of API Gateway: `{"message": text}`."""
    body = json.dumps({key: text}, separators=(",", ":")).encode()
    return Answer(status, [("Content-Type", "application/json")], body)


def is_header(name: str, value: str) -> bool:
    """Whether a header could be sent: no line break in it, no blank in its name."""
    return bool(NAME.fullmatch(name) and VALUE.fullmatch(value))


def _phrase(status: int) -> str:
    try:
        return http.HTTPStatus(status).phrase
    except ValueError:
        return "Unknown"
