"""A client's request, as the gateways see it."""

from __future__ import annotations

import datetime
import secrets
import time
import uuid
from dataclasses import dataclass, field
from typing import Any

from ...base.reading import read_body
from ...base.request_line import HEADERS_KEY, raw_target, split_target, without_signature
from ...base.tracing import clean
from .addresses import Address
from .caller import Signed

# Bytes: the quotas of API Gateway, and of a function's payload
LARGEST = {"execute-api": 10 * 1024 * 1024, "lambda-url": 6 * 1024 * 1024}
MONTHS = "JanFebMarAprMayJunJulAugSepOctNovDec"  # strftime's depend on the locale


@dataclass(frozen=True)
class HttpRequest:
    """One HTTP request: `headers` in the client's order and case.

    `path` and `query` are as they were sent, percent-encoded; of APIs the path may begin with a
    stage. `request_id` and `extended_id` are made for it, in the two forms that API Gateway has.
    """

    method: str
    path: str
    query: str
    headers: list[tuple[str, str]]
    body: bytes
    source_ip: str
    protocol: str
    signed: Signed
    trace: str  # an X-Amzn-Trace-Id
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


@dataclass(frozen=True)
class Routed:
    """Where a gateway led a request, as the events of both formats show it."""

    domain: str
    path: str
    route: str  # the path of a resource, or the key of a route
    stage: str
    variables: dict[str, str] = field(default_factory=dict)
    stage_variables: dict[str, str] = field(default_factory=dict)


def read_request(environ: dict[str, Any], address: Address, signed: Signed) -> HttpRequest:
    """Reads a WSGI request to its end; the body can be read again.

    A signature of AWS's is left out: who gets it in an event could send the request again.
    Raises TooLarge for too many bytes, ApiError for a body that is none, and ConnectionError if
    the client went away before.
    """
    _, query = split_target(raw_target(environ))
    return HttpRequest(
        method=environ["REQUEST_METHOD"],
        path=address.path,
        query=without_signature(query) if "X-Amz-Signature=" in query else query,
        headers=[pair for pair in environ[HEADERS_KEY] if not _is_signature(*pair)],
        body=read_body(environ, LARGEST[address.service]),
        source_ip=environ["REMOTE_ADDR"],
        protocol=environ["SERVER_PROTOCOL"],
        signed=signed,
        trace=clean(environ.get("HTTP_X_AMZN_TRACE_ID")) or _new_trace(),
    )


def _new_trace() -> str:
    return f"Root=1-{int(time.time()):08x}-{secrets.token_hex(12)}"


def _is_signature(name: str, value: str) -> bool:
    """Whether a header belongs to a signature, with the signer's key in it."""
    if name.lower() == "authorization":
        return value.lstrip().startswith("AWS4-")
    return name.lower() == "x-amz-security-token"
