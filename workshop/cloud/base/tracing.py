"""The trace that a request belongs to, and the loops that it shows.

AWS's SDKs send `X-Amzn-Trace-Id` from inside a function. Its `Lineage` counts how often each
function was invoked on the way here; Lambda stops a chain that comes round too often. Follows
"Use Lambda recursive loop detection to prevent infinite loops"
(https://docs.aws.amazon.com/lambda/latest/dg/invocation-recursion.html).
"""

from __future__ import annotations

import contextlib
import re
import secrets
import threading
import time
import zlib
from collections import Counter
from collections.abc import Iterator
from typing import Any
from urllib.parse import quote, unquote

MOST_ROUNDS = 16
KEPT_LOOPS = 1000
TRACE = re.compile(r"[ -~]{1,2048}")  # printable ASCII
_request = threading.local()


@contextlib.contextmanager
def following(trace: str | None) -> Iterator[None]:
    """What this thread sends meanwhile belongs to `trace`, a header's value, encoded or not."""
    before = current()
    _request.trace = clean(trace)
    try:
        yield
    finally:
        _request.trace = before


def current() -> str | None:
    """The trace of the API call that this thread serves, None for one from outside."""
    return getattr(_request, "trace", None)


def clean(trace: str | None) -> str | None:
    """A trace header's value; None for one that could not be sent in a header again."""
    text = unquote(trace or "", errors="replace")
    return text if TRACE.fullmatch(text) else None


def next_trace(before: str | None, function_arn: str) -> str:
    """The header for an invocation of a function that `before` led to."""
    fields = _fields(clean(before))
    root = fields.get("Root") or f"1-{int(time.time()):08x}-{secrets.token_hex(12)}"
    counts = _counts(fields.get("Lineage", ""))
    key = _key(function_arn)
    counts[key] = counts.get(key, -1) + 1
    lineage = "|".join(f"1:{each}:{count}" for each, count in counts.items())
    return f"Root={root};Parent={secrets.token_hex(8)};Sampled=0;Lineage={lineage}"


def rounds(trace: str, function_arn: str) -> int:
    """How often a function was invoked in a trace, this time included."""
    return _counts(_fields(trace).get("Lineage", "")).get(_key(function_arn), -1) + 1


class Rounds:
    """Counts how often a thing leads back to itself, for sources that Lambda does not watch.

    Counts over the whole trace, not along one line of descent: where each round starts two more,
    the sixteenth would be 65,536 at once.
    """

    def __init__(self) -> None:
        self._counts: Counter[tuple[str, str]] = Counter()
        self._lock = threading.Lock()

    def next(self, arn: str) -> int:
        """Which round it is, 1 at first, if what this thread does now starts `arn`."""
        trace = current()
        if trace is None or not rounds(trace, arn):
            return 1
        which = _fields(trace).get("Root", ""), arn
        with self._lock:
            if len(self._counts) > KEPT_LOOPS:
                self._counts.clear()
            self._counts[which] += 1
            return self._counts[which] + 1


def carry(client: Any) -> Any:
    """Has a boto3 client send the trace that its thread follows. Returns the client."""
    client.meta.events.register("before-call", _add_header)
    return client


def _add_header(params: dict[str, Any], **more: Any) -> None:
    trace = current()
    if trace:
        params["headers"].setdefault("X-Amzn-Trace-Id", quote(trace, safe="-=;:"))


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
