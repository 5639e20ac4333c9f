"""What a function's answer says of a batch.

Follows "Reporting batch item failures"
(https://docs.aws.amazon.com/lambda/latest/dg/services-sqs-errorhandling.html).
"""

from __future__ import annotations

import json


class WholeBatchFailed(Exception):
    """The answer makes the whole batch a failure."""


def failed_items(payload: bytes, identifiers: list[str]) -> set[str]:
    """The identifiers that an answer reports, an empty set for a success.

    Raises WholeBatchFailed for an answer that AWS takes as a failure of everything.
    """
    answer = json.loads(payload)
    if answer in (None, "", [], {}):
        return set()
    if not isinstance(answer, dict) or "batchItemFailures" not in answer:
        raise WholeBatchFailed
    failures = answer["batchItemFailures"]
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
