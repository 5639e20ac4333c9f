"""One event source mapping: its settings, its state, and how AWS writes it.

Follows CreateEventSourceMapping
(https://docs.aws.amazon.com/lambda/latest/api/API_CreateEventSourceMapping.html).
"""

from __future__ import annotations

import json
import time
import uuid
from typing import Any

from ..model import ApiError
from ..validation import check_range, constraint, invalid
from .stream_settings import check_stream_settings, check_timestamp

STREAM_DEFAULTS = {
    "ParallelizationFactor": 1,
    "MaximumRecordAgeInSeconds": -1,
    "MaximumRetryAttempts": -1,
    "TumblingWindowInSeconds": 0,
    "BisectBatchOnFunctionError": False,
}
ALWAYS = {"MaximumBatchingWindowInSeconds": 0, "FunctionResponseTypes": []}
OPTIONAL = ("FilterCriteria", "ScalingConfig", "StartingPositionTimestamp")
RANGES = {
    "BatchSize": (1, 10_000),
    "MaximumBatchingWindowInSeconds": (0, 300),
    "ParallelizationFactor": (1, 10),
    "MaximumRetryAttempts": (-1, 10_000),
    "MaximumRecordAgeInSeconds": (-1, 604_800),
    "TumblingWindowInSeconds": (0, 900),
}


class Mapping:
    """What connects a source with a function. moto calls `get_configuration`."""

    def __init__(self, spec: dict[str, Any], function_arn: str, region: str, account: str) -> None:
        self.uuid = str(uuid.uuid4())
        self.region = region
        self.source_arn: str = spec["EventSourceArn"]
        self.service = self.source_arn.split(":")[2]  # sqs, kinesis or dynamodb
        self.function_arn = function_arn  # qualified if the mapping names a version or an alias
        self.role = ""  # the function's execution role, which reads the source
        self.arn = f"arn:aws:lambda:{region}:{account}:event-source-mapping:{self.uuid}"
        self.enabled = bool(spec.get("Enabled", True))
        self.state = "Creating"
        self.last_result = "No records processed"
        self.progress: dict[str, Any] = {}  # by shard, how far a stream was read
        self._settings = {"BatchSize": 10 if self.service == "sqs" else 100, **ALWAYS}
        if self.service != "sqs":
            self._settings |= STREAM_DEFAULTS
            self._settings["StartingPosition"] = spec.get("StartingPosition")
            self._settings["DestinationConfig"] = {"OnFailure": {}}
        self.change(spec)

    def change(self, spec: dict[str, Any]) -> None:
        """Takes over the settings that a request names."""
        known = {*self._settings, *OPTIONAL}
        for name, value in spec.items():
            if name in known and value is not None:
                self._settings[name] = value
        self.last_modified = time.time()

    def __getitem__(self, name: str) -> Any:
        """A setting by AWS's name, None where it is not set."""
        return self._settings.get(name)

    @property
    def function_name(self) -> str:
        """The function's name, without version or alias."""
        return self.function_arn.split(":")[6]

    @property
    def reports_failures(self) -> bool:
        """Whether the function's answer names the items that failed."""
        return "ReportBatchItemFailures" in self["FunctionResponseTypes"]

    @property
    def failure_destination(self) -> str | None:
        """The ARN that gets a record of what was given up."""
        return ((self["DestinationConfig"] or {}).get("OnFailure") or {}).get("Destination")

    @property
    def patterns(self) -> list[dict[str, Any]]:
        """The filters; a record passes that matches one of them."""
        filters = (self["FilterCriteria"] or {}).get("Filters") or []
        return [json.loads(each["Pattern"]) for each in filters if each.get("Pattern")]

    def get_configuration(self) -> dict[str, Any]:
        """As AWS answers it."""
        configuration = {
            "UUID": self.uuid,
            "EventSourceMappingArn": self.arn,
            "EventSourceArn": self.source_arn,
            "FunctionArn": self.function_arn,
            "LastModified": self.last_modified,
            "State": self.state,
            "StateTransitionReason": "USER_INITIATED",
            **self._settings,
        }
        if self.service != "sqs":
            configuration["LastProcessingResult"] = self.last_result
        return configuration


def check_settings(spec: dict[str, Any], source_arn: str) -> None:
    """Checks the settings of a request to create or to change a mapping. Raises ApiError."""
    for name, (least, most) in RANGES.items():
        check_range(spec.get(name), name[0].lower() + name[1:], least, most)
    limit = (spec.get("ScalingConfig") or {}).get("MaximumConcurrency")
    check_range(limit, "scalingConfig.maximumConcurrency", 2, 1000)
    _check_filters(spec.get("FilterCriteria") or {})
    if source_arn.split(":")[2] == "sqs":
        _check_queue_settings(spec, source_arn)
    elif source_arn.split(":")[2] in ("kinesis", "dynamodb"):
        check_stream_settings(spec)


def check_creation(spec: dict[str, Any]) -> None:
    """Checks what only CreateEventSourceMapping has. Raises ApiError."""
    source = spec.get("EventSourceArn") or ""
    service = source.split(":")[2] if source.count(":") >= 5 else ""
    if service not in ("sqs", "kinesis", "dynamodb"):
        raise invalid("Unrecognized event source.")
    if service == "dynamodb" and "/stream/" not in source:  # a table is none, its stream is
        raise invalid("Unrecognized event source.")
    position = spec.get("StartingPosition")
    if service != "sqs":
        if position is None:
            raise ApiError(
                400,
                "InvalidParameterValueException",
                "1 validation error detected: Value null at 'startingPosition' failed to satisfy "
                "constraint: Member must not be null.",
            )
        positions = ("LATEST", "AT_TIMESTAMP", "TRIM_HORIZON")
        if position not in positions:
            enum = ", ".join(positions)
            raise constraint(
                position, "startingPosition", f"Member must satisfy enum value set: [{enum}]"
            )
        if service == "dynamodb" and position == "AT_TIMESTAMP":
            raise invalid(f"Unsupported starting position for arn type: {source}")
        check_timestamp(spec)
    check_settings(spec, source)


def _check_queue_settings(spec: dict[str, Any], source_arn: str) -> None:
    window = spec.get("MaximumBatchingWindowInSeconds") or 0
    size = spec.get("BatchSize") or 10
    if source_arn.endswith(".fifo"):
        if window:
            raise invalid("Batching window is not supported for FIFO queues.")
        if size > 10:
            raise invalid("Batch size for a FIFO queue must be less than or equal to 10.")
    elif size > 10 and not window:
        raise invalid(
            "Maximum batch window in seconds must be greater than 0 if maximum batch size is "
            "greater than 10"
        )
    for name in ("BisectBatchOnFunctionError", "MaximumRetryAttempts", "TumblingWindowInSeconds"):
        if spec.get(name):
            raise invalid(f"Unsupported {name} parameter for event source mapping type: SQS")


def _check_filters(criteria: dict[str, Any]) -> None:
    filters = criteria.get("Filters") or []
    if len(filters) > 5:
        raise invalid("Number of filters must be less than or equal to 5.")
    for each in filters:
        try:
            pattern = json.loads(each.get("Pattern") or "{}")
        except ValueError:
            pattern = None
        if not isinstance(pattern, dict) or not _is_pattern(pattern):
            raise invalid("Invalid filter pattern definition.")


def _is_pattern(node: dict[str, Any]) -> bool:
    """Every leaf of a filter's pattern is a list that is not empty."""
    return all(
        _is_pattern(value) if isinstance(value, dict) else isinstance(value, list) and bool(value)
        for value in node.values()
    )
