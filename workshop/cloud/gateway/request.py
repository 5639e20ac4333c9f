"""A client's request, as the gateways see it."""

from __future__ import annotations

import datetime
import secrets
import time
import uuid
from dataclasses import dataclass, field
from typing import Any

LARGEST_REQUEST = 10 * 1024 * 1024  # bytes; API Gateway's quota
CHUNK = 64 * 1024
MONTHS = "JanFebMarAprMayJunJulAugSepOctNovDec"  # strftime's depend on the locale
HEADERS_KEY = "workshop.headers"  # in the WSGI environ: the headers with the client's case


class RequestTooLong(Exception):
    """The body is over the quota."""


@dataclass(frozen=True)
class HttpRequest:
    """One HTTP request: `headers` in the client's order and case, `query` percent-encoded.

    `request_id` and `extended_id` are made for it, in the two forms that API Gateway has.
    """

    method: str
    query: str
    headers: list[tuple[str, str]]
    body: bytes
    source_ip: str
    protocol: str
    received_at: float = field(default_factory=time.time)
    request_id: str = field(default_factory=lambda: str(uuid.uuid4()))
    extended_id: str = field(default_factory=lambda: secrets.token_urlsafe(11) + "=")

    def header(self, name: str) -> str | None:
        """A header's value, its values joined by a comma; None if the client sent none."""
        values = [value for each, value in self.headers if each.lower() == name.lower()]
        return ",".join(values) if values else None

    @property
    def user_agent(self) -> str | None:
        """The User-Agent header."""
        return self.header("user-agent")

    @property
    def time(self) -> str:
        """When it came, as API Gateway writes it: `03/Nov/2026:12:34:56 +0000`."""
        moment = datetime.datetime.fromtimestamp(self.received_at, datetime.timezone.utc)
        month = MONTHS[3 * moment.month - 3 : 3 * moment.month]
        return moment.strftime(f"%d/{month}/%Y:%H:%M:%S +0000")

    @property
    def time_epoch(self) -> int:
        """When it came, in milliseconds."""
        return int(self.received_at * 1000)

    def forwarded_for(self) -> str:
        """The X-Forwarded-For header that a backend gets."""
        before = self.header("x-forwarded-for")
        return f"{before}, {self.source_ip}" if before else self.source_ip


def read_request(environ: dict[str, Any], query: str) -> HttpRequest:
    """Reads a WSGI request to its end.

    Raises RequestTooLong, and ConnectionError if the client went away before.
    """
    return HttpRequest(
        method=environ["REQUEST_METHOD"],
        query=query,
        headers=environ[HEADERS_KEY],
        body=_read_body(environ),
        source_ip=environ["REMOTE_ADDR"],
        protocol=environ["SERVER_PROTOCOL"],
    )


def _read_body(environ: dict[str, Any]) -> bytes:
    chunked = environ.get("wsgi.input_terminated")
    length = None if chunked else int(environ.get("CONTENT_LENGTH") or 0)
    if length is not None and length > LARGEST_REQUEST:
        raise RequestTooLong
    body, left = bytearray(), LARGEST_REQUEST + 1 if length is None else length
    while left:
        part = environ["wsgi.input"].read(min(left, CHUNK))
        if not part:
            break
        body += part
        left -= len(part)
    if length is not None and len(body) < length:
        raise ConnectionResetError("the client went away")
    if len(body) > LARGEST_REQUEST:
        raise RequestTooLong
    return bytes(body)
