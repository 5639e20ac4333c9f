"""What a function's answer says of a batch.

Follows "Reporting batch item failures"
(https://docs.aws.amazon.com/lambda/latest/dg/services-sqs-errorhandling.html).
"""

from __future__ import annotations

import json
from typing import Any


class WholeBatchFailed(Exception):
    """The answer makes the whole batch a failure."""


def failed_items(payload: bytes, identifiers: list[str]) -> set[str]:
    """The identifiers that an answer reports, an empty set for a success.

    Raises WholeBatchFailed for an answer that AWS takes as a failure of everything.
    """
    reported = _reported(json.loads(payload))
    if not all(isinstance(each, str) and each in identifiers for each in reported):
        raise WholeBatchFailed
    return set(reported)


def first_failure(payload: bytes, identifiers: list[Any]) -> int:
    """Where in a batch that is read in order the first failure is that an answer reports.

    Everything before it is done with: the batch's length for a success. An identifier may be a
    string, or an object as Kafka has it. Raises WholeBatchFailed as `failed_items` does.
    """
    places = {json.dumps(each, sort_keys=True): i for i, each in enumerate(identifiers)}
    reported = _reported(json.loads(payload))
    if any(json.dumps(each, sort_keys=True) not in places for each in reported):
        raise WholeBatchFailed
    return min(
        (places[json.dumps(each, sort_keys=True)] for each in reported), default=len(identifiers)
    )


def _reported(answer: Any) -> list[Any]:
    if answer in (None, "", [], {}):
        return []
    if not isinstance(answer, dict) or "batchItemFailures" not in answer:
        raise WholeBatchFailed
    failures = answer["batchItemFailures"]
    if failures is None:
        return []
    if not isinstance(failures, list):
        raise WholeBatchFailed
    return [item.get("itemIdentifier") if isinstance(item, dict) else None for item in failures]
