"""What AWS refuses of an event source mapping, beyond what the model of its API says.

The messages were recorded from AWS (2022 to 2026) or follow the API's constraints
(https://docs.aws.amazon.com/lambda/latest/api/API_CreateEventSourceMapping.html).
"""

from __future__ import annotations

from typing import Any

from ...base.model import ApiError
from ...base.parameters import invalid
from .filters import check_filters

OF_STREAMS = (
    "BisectBatchOnFunctionError",
    "DestinationConfig",
    "MaximumRecordAgeInSeconds",
    "MaximumRetryAttempts",
    "ParallelizationFactor",
    "StartingPosition",
    "StartingPositionTimestamp",
    "TumblingWindowInSeconds",
)
OF_QUEUES = ("ScalingConfig",)


def check_creation(spec: dict[str, Any]) -> None:
    """Checks what only CreateEventSourceMapping has, then the settings. Raises ApiError."""
    source = spec.get("EventSourceArn") or ""
    service = source.split(":")[2] if source else ""
    is_table = service == "dynamodb" and "/stream/" not in source  # no source, but its stream is
    if service not in ("sqs", "kinesis", "dynamodb") or is_table:
        raise invalid("Unrecognized event source.")
    if service == "dynamodb" and spec.get("StartingPosition") == "AT_TIMESTAMP":
        raise invalid(f"Unsupported starting position for arn type: {source}")
    if service != "sqs":
        check_position(spec)
    check_settings(spec, source)


def check_settings(spec: dict[str, Any], source_arn: str) -> None:
    """Checks the settings of a mapping that is made, or as a change makes them. Raises ApiError."""
    service = source_arn.split(":")[2]
    check_filters(spec.get("FilterCriteria") or {}, service)
    for name in OF_STREAMS if service == "sqs" else OF_QUEUES:
        if spec.get(name):
            raise unsupported(name)
    if service == "sqs":
        _check_queue_settings(spec, source_arn)
    elif service in ("kinesis", "dynamodb"):
        _check_stream_settings(spec)


def check_position(spec: dict[str, Any]) -> None:
    """Checks where a stream or a topic is read from. Raises ApiError."""
    position = spec.get("StartingPosition")
    if position is None:  # recorded: not the ValidationException that a missing member is elsewhere
        raise invalid(
            "1 validation error detected: Value null at 'startingPosition' failed to satisfy "
            "constraint: Member must not be null."
        )
    if position == "AT_TIMESTAMP" and not spec.get("StartingPositionTimestamp"):
        raise invalid("Need to specify a timestamp")


def unsupported(name: str) -> ApiError:
    """The error of a setting that a source of this kind does not have."""
    return invalid(f"Unsupported {name} parameter for given event source mapping type.")


def _check_queue_settings(spec: dict[str, Any], source_arn: str) -> None:
    window = spec.get("MaximumBatchingWindowInSeconds") or 0
    size = spec.get("BatchSize") or 10
    if source_arn.endswith(".fifo"):
        if window:
            raise invalid("Batching window is not supported for FIFO queues.")
        if size > 10:
            raise invalid("Batch size must not exceed 10 for FIFO queues.")
    elif size > 10 and not window:
        raise invalid(
            "Maximum batch window in seconds must be greater than 0 if maximum batch size is "
            "greater than 10"
        )
    if spec.get("ScalingConfig") and spec.get("ProvisionedPollerConfig"):
        raise invalid("ScalingConfig and ProvisionedPollerConfig can't be used together.")


def _check_stream_settings(spec: dict[str, Any]) -> None:
    age = spec.get("MaximumRecordAgeInSeconds")
    if age is not None and 0 <= age < 60:
        raise invalid(
            "MaximumRecordAgeInSeconds must be either -1 (forever) or between 60 and 604800 "
            "(inclusive)"
        )
    if (spec.get("DestinationConfig") or {}).get("OnSuccess"):
        raise unsupported("DestinationConfig")
