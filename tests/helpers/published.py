"""The key paths of the events that AWS publishes as samples, to hold the local cloud's to."""

from __future__ import annotations

import json
from collections.abc import Iterable
from pathlib import Path
from typing import Any

_PUBLISHED = json.loads(
    Path(__file__).with_name("published_events.json").read_text(encoding="utf-8")
)


def key_paths(value: Any, path: str = "") -> set[str]:
    """Such as `Records[].s3.bucket.name`; an empty object or list counts as itself."""
    if isinstance(value, dict):
        parts = [key_paths(v, f"{path}.{k}" if path else k) for k, v in value.items()]
    elif isinstance(value, list):
        parts = [key_paths(each, f"{path}[]") for each in value]
    else:
        return {path}
    return set().union(*parts) or {path}


def missing_paths(source: str, event: Any, but: Iterable[str] = ()) -> set[str]:
    """Key paths of AWS's sample that an event lacks, less those named (and what is below them).

    `but` holds what differs from one event to the next: names of attributes, headers, columns.
    """
    skipped = tuple(but)
    wanted = {p for p in _PUBLISHED[source]["paths"] if not p.startswith(skipped)}
    return wanted - key_paths(event)
