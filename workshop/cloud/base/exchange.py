"""An API call and its answer, for the parts of the cloud that act on what moto has done."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Exchange:
    """One call that changed something, after moto answered it."""

    service: str  # as requests are signed for it: "s3", "apigateway", ...
    region: str
    method: str
    path: str
    query: str
    headers: dict[str, str]  # names in small letters
    status: int
    answer_headers: dict[str, str]  # names in small letters
    answer: bytes
    source_ip: str = "127.0.0.1"

    @property
    def succeeded(self) -> bool:
        """Whether moto did what was asked."""
        return self.status < 400


Watcher = Callable[[Exchange], None]


def request_headers(environ: dict[str, Any]) -> dict[str, str]:
    """A WSGI request's headers."""
    headers = {
        name[5:].replace("_", "-").lower(): value
        for name, value in environ.items()
        if name.startswith("HTTP_")
    }
    for name in ("CONTENT_TYPE", "CONTENT_LENGTH"):
        if environ.get(name):
            headers[name.replace("_", "-").lower()] = environ[name]
    return headers
