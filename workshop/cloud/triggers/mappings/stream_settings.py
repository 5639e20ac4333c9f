"""What AWS refuses of the settings of a stream's mapping.

Follows CreateEventSourceMapping
(https://docs.aws.amazon.com/lambda/latest/api/API_CreateEventSourceMapping.html); the messages are
AWS's where public reports quote them.
"""

from __future__ import annotations

from typing import Any

from ...base.parameters import constraint, invalid
from ...functions.validation import check_destination_arn


def check_stream_settings(spec: dict[str, Any]) -> None:
    """Checks what only streams have. Raises ApiError."""
    age = spec.get("MaximumRecordAgeInSeconds")
    if age is not None and 0 <= age < 60:
        raise invalid(
            "MaximumRecordAgeInSeconds must be either -1 (forever) or between 60 and 604800 "
            "(inclusive)"
        )
    for kind in spec.get("FunctionResponseTypes") or []:
        if kind != "ReportBatchItemFailures":
            raise constraint(
                [kind],
                "functionResponseTypes",
                "Member must satisfy constraint: [Member must satisfy enum value set: "
                "[ReportBatchItemFailures]]",
            )
    _check_destination(spec.get("DestinationConfig") or {})


def check_timestamp(spec: dict[str, Any]) -> None:
    """Checks that a position in time says which. Raises ApiError."""
    if spec.get("StartingPosition") == "AT_TIMESTAMP" and not spec.get("StartingPositionTimestamp"):
        raise invalid("Need to specify a timestamp")


def _check_destination(config: dict[str, Any]) -> None:
    if config.get("OnSuccess"):
        raise invalid(
            "Unsupported DestinationConfig parameter for given event source mapping type."
        )
    check_destination_arn("onFailure", (config.get("OnFailure") or {}).get("Destination"))
