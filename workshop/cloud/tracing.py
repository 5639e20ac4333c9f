"""The trace that a request belongs to, and the loops that it shows.

AWS's SDKs send `X-Amzn-Trace-Id` from inside a function. Its `Lineage` counts how often each
function was invoked on the way here; Lambda stops a chain that comes round too often. Follows
"Use Lambda recursive loop detection to prevent infinite loops"
(https://docs.aws.amazon.com/lambda/latest/dg/invocation-recursion.html).
"""

from __future__ import annotations

import contextlib
import secrets
import threading
import time
import zlib
from collections.abc import Iterator
from typing import Any
from urllib.parse import quote

MOST_ROUNDS = 16
_request = threading.local()


@contextlib.contextmanager
def following(trace: str | None) -> Iterator[None]:
    """What this thread sends meanwhile belongs to `trace`, a header's value."""
    before = current()
    _request.trace = trace
    try:
        yield
    finally:
        _request.trace = before


def current() -> str | None:
    """The trace of the API call that this thread serves, None for one from outside."""
    return getattr(_request, "trace", None)


def carry(params: dict[str, Any], **_: Any) -> None:
    """Has a request of the cloud's own clients belong to the trace that this thread follows.

    A handler of botocore's event `before-call`; in functions botocore does the same itself.
    """
    trace = current()
    if trace:
        params["headers"].setdefault("X-Amzn-Trace-Id", quote(trace, safe="-=;:"))


def next_trace(before: str | None, function_arn: str) -> str:
    """The header for an invocation of a function that `before` led to."""
    fields = _fields(before)
    root = fields.get("Root") or f"1-{int(time.time()):08x}-{secrets.token_hex(12)}"
    counts = _counts(fields.get("Lineage", ""))
    key = _key(function_arn)
    counts[key] = counts.get(key, -1) + 1
    lineage = "|".join(f"1:{each}:{count}" for each, count in counts.items())
    return f"Root={root};Parent={secrets.token_hex(8)};Sampled=0;Lineage={lineage}"


def rounds(trace: str, function_arn: str) -> int:
    """How often a function was invoked in a trace, this time included."""
    return _counts(_fields(trace).get("Lineage", "")).get(_key(function_arn), -1) + 1


def _fields(trace: str | None) -> dict[str, str]:
    pairs = (part.partition("=") for part in (trace or "").split(";"))
    return {name.strip(): value for name, _, value in pairs if value}


def _counts(lineage: str) -> dict[str, int]:
    counts = {}
    for entry in lineage.split("|"):
        parts = entry.split(":")
        if len(parts) == 3 and parts[2].isdigit():
            counts[parts[1]] = int(parts[2])
    return counts


def _key(function_arn: str) -> str:
    return f"{zlib.crc32(function_arn.encode()):08x}"
