"""One event source mapping: its settings, its state, and how AWS writes it.

Follows CreateEventSourceMapping
(https://docs.aws.amazon.com/lambda/latest/api/API_CreateEventSourceMapping.html).
"""

from __future__ import annotations

import json
import time
import uuid
from typing import Any

from ...base.arns import Arn

STREAM_DEFAULTS = {
    "ParallelizationFactor": 1,
    "MaximumRecordAgeInSeconds": -1,
    "MaximumRetryAttempts": -1,
    "TumblingWindowInSeconds": 0,
    "BisectBatchOnFunctionError": False,
}
ALWAYS = {"MaximumBatchingWindowInSeconds": 0, "FunctionResponseTypes": []}
OPTIONAL = (
    "FilterCriteria",
    "KMSKeyArn",
    "LoggingConfig",
    "MetricsConfig",
    "ProvisionedPollerConfig",
    "ScalingConfig",
    "StartingPositionTimestamp",
)
NOT_UPDATED = ("StartingPosition", "StartingPositionTimestamp")  # nor the source itself
NOTHING: tuple[Any, ...] = (
    None,
    {},
    {"Filters": []},
    {"Metrics": []},
)  # takes an optional setting away


class EventSourceMapping:
    """What connects a source with a function. moto calls `get_configuration`."""

    def __init__(self, spec: dict[str, Any], function_arn: str, region: str, account: str) -> None:
        self.uuid = str(uuid.uuid4())
        self.region = region
        self.source_arn: str = spec["EventSourceArn"]
        self.service = Arn.parse(self.source_arn).service  # sqs, kinesis or dynamodb
        self.function_arn = function_arn  # qualified if the mapping names a version or an alias
        self.role = ""  # the function's execution role, which reads the source
        self.arn = f"arn:aws:lambda:{region}:{account}:event-source-mapping:{self.uuid}"
        self.tags: dict[str, str] = dict(spec.get("Tags") or {})
        self.enabled = bool(spec.get("Enabled", True))
        self.state = "Creating" if self.enabled else "Disabled"
        self.last_result = "No records processed"
        self.progress: dict[str, Any] = {}  # by shard, how far a stream was read
        self._settings = {"BatchSize": 10 if self.service == "sqs" else 100, **ALWAYS}
        if self.service != "sqs":
            self._settings |= STREAM_DEFAULTS
            self._settings["StartingPosition"] = spec.get("StartingPosition")
            self._settings["DestinationConfig"] = {"OnFailure": {}}
        self._take_over(spec)

    def change(self, spec: dict[str, Any]) -> None:
        """Takes over the settings that an update names."""
        self._take_over({k: v for k, v in spec.items() if k not in NOT_UPDATED})

    def _take_over(self, spec: dict[str, Any]) -> None:
        for name, value in spec.items():
            if name in OPTIONAL and value in NOTHING:
                self._settings.pop(name, None)
            elif name in {*self._settings, *OPTIONAL} and value is not None:
                self._settings[name] = value
        self.last_modified = time.time()

    def __getitem__(self, name: str) -> Any:
        """A setting by AWS's name, None where it is not set."""
        return self._settings.get(name)

    def settings(self) -> dict[str, Any]:
        """Every setting that it has, by AWS's names."""
        return dict(self._settings)

    @property
    def function_name(self) -> str:
        """The function's name, without version or alias."""
        return Arn.parse(self.function_arn).name

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
        is_stream = self.service in ("kinesis", "dynamodb")
        configuration = {
            "UUID": self.uuid,
            "EventSourceMappingArn": self.arn,
            "EventSourceArn": self.source_arn,
            "FunctionArn": self.function_arn,
            "LastModified": self.last_modified,
            "State": self.state,
            "StateTransitionReason": "User action" if is_stream else "USER_INITIATED",
            **self._settings,
        }
        # AWS keeps no result for queues; here a problem shows, since nothing else would tell it
        if self.service != "sqs" or self.last_result.startswith("PROBLEM"):
            configuration["LastProcessingResult"] = self.last_result
        return configuration
