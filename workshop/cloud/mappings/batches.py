"""Batches: how long they are collected, and what a function's answer says of one.

Follows "Batching behavior" (https://docs.aws.amazon.com/lambda/latest/dg/
invocation-eventsourcemapping.html) and "Implementing partial batch responses"
(https://docs.aws.amazon.com/lambda/latest/dg/services-sqs-errorhandling.html).
"""

from __future__ import annotations

import json
from typing import Any

from ..timers import shrunk

LARGEST_BATCH = 6 * 1024 * 1024  # bytes of an event
LEAST_WINDOW = 0.2  # seconds; less would part records that a client sends one after the other


class WholeBatchFailed(Exception):
    """The answer makes the whole batch a failure."""


def batching_window(seconds: float) -> float:
    """How long MaximumBatchingWindowInSeconds lasts here: shrunk, but long enough to be of use."""
    return max(shrunk(seconds), LEAST_WINDOW) if seconds else 0.0


def failed_items(payload: bytes, identifiers: list[str]) -> set[str]:
    """The identifiers that an answer reports, an empty set for a success.

    Raises WholeBatchFailed for an answer that AWS takes as a failure of everything.
    """
    answer = _loaded(payload)
    if answer in (None, "", [], {}):
        return set()
    if not isinstance(answer, dict):
        raise WholeBatchFailed
    failures = answer.get("batchItemFailures")  # a name misspelt reports nothing, as on AWS
    if failures is None:
        return set()
    if not isinstance(failures, list):
        raise WholeBatchFailed
    reported = set()
    for item in failures:
        identifier = item.get("itemIdentifier") if isinstance(item, dict) else None
        if not identifier or identifier not in identifiers:
            raise WholeBatchFailed
        reported.add(identifier)
    return reported


def _loaded(payload: bytes) -> Any:
    try:
        return json.loads(payload)
    except ValueError:  # a handler may return bytes, which are passed on as they are
        raise WholeBatchFailed from None
