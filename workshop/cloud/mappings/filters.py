"""Filters of event source mappings.

Follows "Control which events Lambda sends to your function"
(https://docs.aws.amazon.com/lambda/latest/dg/invocation-eventfiltering.html).
"""

from __future__ import annotations

import base64
import json
from collections.abc import Callable
from typing import Any

Matches = Callable[[dict[str, Any], dict[str, Any]], bool]
JSON_FIELDS = {"sqs": "body", "kinesis": "data"}


def passes(
    record: dict[str, Any], service: str, patterns: list[dict[str, Any]], matches: Matches
) -> bool:
    """Whether a record, as the event has it, matches one of the patterns, or there is none."""
    if not patterns:
        return True
    seen = _as_filters_see_it(record, service)
    return any(matches(pattern, seen) for pattern in patterns)


def _as_filters_see_it(record: dict[str, Any], service: str) -> dict[str, Any]:
    """A queue's body and a stream's data are decoded: patterns reach into their JSON.

    Of a Kafka record they see the value alone.
    """
    if service == "sqs":
        return {**record, "body": _decoded(record["body"])}
    if service == "kinesis":
        text = base64.b64decode(record["kinesis"]["data"]).decode(errors="replace")
        return {**record, **record["kinesis"], "data": _decoded(text)}
    if service == "kafka":
        text = base64.b64decode(record.get("value", "")).decode(errors="replace")
        return {"value": _decoded(text)}
    return record


def _decoded(text: str) -> Any:
    try:
        return json.loads(text)
    except ValueError:
        return text
