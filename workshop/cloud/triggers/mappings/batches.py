"""Batches: how long they are collected, and what a function's answer says of one.

Follows "Batching behavior" (https://docs.aws.amazon.com/lambda/latest/dg/
invocation-eventsourcemapping.html) and "Implementing partial batch responses"
(https://docs.aws.amazon.com/lambda/latest/dg/services-sqs-errorhandling.html).
"""

from __future__ import annotations

import json
from typing import Any

from ...base.json_text import from_json
from ...base.timers import shrunk

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
    reported = _reported(payload)
    if not all(isinstance(each, str) and each in identifiers for each in reported):
        raise WholeBatchFailed
    return set(reported)


def first_failure(payload: bytes, identifiers: list[Any]) -> int:
    """Where in a batch that is read in order the first failure is that an answer reports.

    Everything before it is done with: the batch's length for a success. An identifier may be a
    string, or an object as Kafka has it. Raises WholeBatchFailed as `failed_items` does.
    """
    places = {json.dumps(each, sort_keys=True): i for i, each in enumerate(identifiers)}
    reported = [json.dumps(each, sort_keys=True) for each in _reported(payload)]
    if any(each not in places for each in reported):
        raise WholeBatchFailed
    return min((places[each] for each in reported), default=len(identifiers))


def _reported(payload: bytes) -> list[Any]:
    """The identifiers in an answer, whatever they are. Raises WholeBatchFailed."""
    try:
        answer = from_json(payload)
    except ValueError:  # a handler may return bytes, which are passed on as they are
        raise WholeBatchFailed from None
    if answer in (None, "", [], {}):
        return []
    if not isinstance(answer, dict):
        raise WholeBatchFailed
    failures = answer.get("batchItemFailures")  # a name misspelt reports nothing, as on AWS
    if failures is None:
        return []
    if not isinstance(failures, list):
        raise WholeBatchFailed
    return [item.get("itemIdentifier") if isinstance(item, dict) else None for item in failures]
