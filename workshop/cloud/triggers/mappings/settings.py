"""What AWS refuses when an event source mapping is made or changed, in AWS's words.

The messages were recorded from AWS (2022 to 2026) or follow the API's constraints
(https://docs.aws.amazon.com/lambda/latest/api/API_CreateEventSourceMapping.html).
"""

from __future__ import annotations

import re
from typing import Any

from ...base.model import ApiError
from ...base.parameters import check_range, constraint, invalid
from .filters import check_filters
from .stream_settings import check_stream_settings, check_timestamp

SOURCE_ARN = (
    r"arn:(aws[a-zA-Z0-9-]*):([a-zA-Z0-9\-])+:"
    r"((eusc-)?[a-z]{2}((-gov)|(-iso([a-z]?)))?-[a-z]+-\d{1})?:(\d{12})?:(.*)"
)
KMS_KEY_ARN = r"(arn:(aws[a-zA-Z-]*)?:[a-z0-9-.]+:.*)|()"
RANGES = {
    "BatchSize": (1, 10_000),
    "MaximumBatchingWindowInSeconds": (0, 300),
    "ParallelizationFactor": (1, 10),
    "MaximumRetryAttempts": (-1, 10_000),
    "MaximumRecordAgeInSeconds": (-1, 604_800),
    "TumblingWindowInSeconds": (0, 900),
    "ScalingConfig.MaximumConcurrency": (2, 1000),
    "ProvisionedPollerConfig.MinimumPollers": (1, 200),
    "ProvisionedPollerConfig.MaximumPollers": (1, 10_000),
}
ENUMS = {
    "FunctionResponseTypes": ("ReportBatchItemFailures",),
    "MetricsConfig.Metrics": ("EventCount", "ErrorCount", "KafkaMetrics"),
}
POSITIONS = ("LATEST", "AT_TIMESTAMP", "TRIM_HORIZON")
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
    if source and not re.fullmatch(SOURCE_ARN, source):
        raise constraint(source, "eventSourceArn", _pattern(SOURCE_ARN))
    if not spec.get("FunctionName"):
        raise _missing("functionName")
    service = source.split(":")[2] if source else ""
    is_table = service == "dynamodb" and "/stream/" not in source  # no source, but its stream is
    if service not in ("sqs", "kinesis", "dynamodb") or is_table:
        raise invalid("Unrecognized event source.")
    if service != "sqs":
        _check_position(spec.get("StartingPosition"), source)
        check_timestamp(spec)
    check_settings(spec, source)


def check_settings(spec: dict[str, Any], source_arn: str) -> None:
    """Checks the settings of a request to create or to change a mapping. Raises ApiError."""
    for name, (least, most) in RANGES.items():
        check_range(_value(spec, name), _path(name), least, most)
    for name, allowed in ENUMS.items():
        values = _value(spec, name) or []
        if not set(values) <= set(allowed):
            rule = f"Member must satisfy enum value set: [{', '.join(allowed)}]"
            raise constraint(f"[{', '.join(values)}]", _path(name), rule)
    key = spec.get("KMSKeyArn") or ""
    if not re.fullmatch(KMS_KEY_ARN, key):
        raise constraint(key, "kmsKeyArn", _pattern(KMS_KEY_ARN))
    service = source_arn.split(":")[2]
    check_filters(spec.get("FilterCriteria") or {}, service)
    for name in OF_STREAMS if service == "sqs" else OF_QUEUES:
        if spec.get(name):
            raise invalid(f"Unsupported {name} parameter for given event source mapping type.")
    if service == "sqs":
        _check_queue_settings(spec, source_arn)
    elif service in ("kinesis", "dynamodb"):
        check_stream_settings(spec)


def _check_position(position: str | None, source_arn: str) -> None:
    if position is None:  # recorded: not the ValidationException that a missing member is elsewhere
        raise invalid(_missing("startingPosition").message)
    if position not in POSITIONS:
        rule = f"Member must satisfy enum value set: [{', '.join(POSITIONS)}]"
        raise constraint(position, "startingPosition", rule)
    if source_arn.split(":")[2] == "dynamodb" and position == "AT_TIMESTAMP":
        raise invalid(f"Unsupported starting position for arn type: {source_arn}")


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


def _value(spec: dict[str, Any], path: str) -> Any:
    """A setting, or one of a group of settings: "ScalingConfig.MaximumConcurrency"."""
    value: Any = spec
    for name in path.split("."):
        value = (value or {}).get(name)
    return value


def _path(name: str) -> str:
    """As AWS's messages write it: scalingConfig.maximumConcurrency."""
    return ".".join(part[0].lower() + part[1:] for part in name.split("."))


def _pattern(pattern: str) -> str:
    return f"Member must satisfy regular expression pattern: {pattern}"


def _missing(field: str) -> ApiError:
    return ApiError(
        400,
        "ValidationException",
        f"1 validation error detected: Value null at '{field}' failed to satisfy constraint: "
        "Member must not be null.",
    )
