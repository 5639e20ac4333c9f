"""All event source mappings: made, changed, deleted, and their pollers."""

from __future__ import annotations

import threading
from typing import Any

from ..model import ApiError, FunctionVersion
from ..timers import Timer
from ..validation import invalid
from .failures import check_destination
from .kafka import KafkaPoller
from .kafka_mapping import (
    KafkaMapping,
    check_kafka_conflict,
    check_kafka_creation,
    check_kafka_settings,
    is_kafka,
)
from .mapping import Mapping, check_creation, check_settings
from .poller import Poller, Tools
from .queues import QueuePoller
from .streams import StreamPoller

TRANSITION = 0.02  # seconds; AWS takes up to a minute


class Mappings:
    """The event source mappings of a cloud."""

    def __init__(self, tools: Tools, timer: Timer) -> None:
        self._tools, self._timer = tools, timer
        self._mappings: dict[str, Mapping] = {}
        self._pollers: dict[str, Poller] = {}
        self._ending: list[KafkaPoller] = []
        self._lock = threading.RLock()

    def create(self, spec: dict[str, Any], region: str, account: str) -> Mapping:
        """CreateEventSourceMapping. Raises ApiError."""
        kafka = is_kafka(spec)
        check_kafka_creation(spec) if kafka else check_creation(spec)
        function, function_arn = self._function(spec.get("FunctionName", ""), region)
        mapping = (KafkaMapping if kafka else Mapping)(spec, function_arn, region, account)
        mapping.role = function.role
        self._check_conflict(mapping)
        poller = self._poller(mapping, function.timeout_s)
        with self._lock:
            self._mappings[mapping.uuid] = mapping
        self._begin(mapping, poller)
        return mapping

    def get(self, uuid: str) -> Mapping | None:
        """One mapping, or None."""
        return self._mappings.get(uuid)

    def list(self, source_arn: str | None, function_name: str | None) -> list[Mapping]:
        """The mappings of a source and of a function, in the order in which they were made."""
        name = (function_name or "").split(":function:")[-1].split(":")[0]
        return [
            each
            for each in self._mappings.values()
            if (not source_arn or each.source_arn == source_arn)
            and (not name or each.function_name == name)
        ]

    def update(self, uuid: str, spec: dict[str, Any]) -> Mapping:
        """UpdateEventSourceMapping. Raises ApiError."""
        mapping = self._existing(uuid)
        merged = {**mapping.get_configuration(), **spec}
        if isinstance(mapping, KafkaMapping):
            check_kafka_settings(merged)
        else:
            check_settings(merged, mapping.source_arn)
        ends = spec.get("DestinationConfig") or {}
        check_destination((ends.get("OnFailure") or {}).get("Destination"), self._tools)
        if spec.get("FunctionName"):
            function, mapping.function_arn = self._function(spec["FunctionName"], mapping.region)
            mapping.role = function.role
        mapping.change(spec)
        was_enabled, mapping.enabled = mapping.enabled, bool(spec.get("Enabled", mapping.enabled))
        if mapping.enabled and not was_enabled:
            mapping.state = "Enabling"
            self._begin(mapping, self._poller(mapping, 0))
        elif was_enabled and not mapping.enabled:
            self._end(uuid)
            mapping.state = "Disabling"
            self._timer.later(TRANSITION, self._settle, mapping, "Disabled")
        else:
            mapping.state = "Updating"
            state = "Enabled" if mapping.enabled else "Disabled"
            self._timer.later(TRANSITION, self._settle, mapping, state)
            self._look_again(uuid)
        return mapping

    def delete(self, uuid: str) -> Mapping:
        """DeleteEventSourceMapping. Raises ApiError."""
        mapping = self._existing(uuid)
        mapping.state = "Deleting"
        self._end(uuid)
        self._timer.later(TRANSITION, self._mappings.pop, uuid, None)
        return mapping

    def wake(self, service: str) -> None:
        """Has the pollers of sqs, kinesis or dynamodb look at their sources."""
        for poller in list(self._pollers.values()):
            if poller.mapping.service == service:
                poller.wake()

    def arrived(self, source_arn: str, shard_id: str) -> None:
        """Has the pollers of a stream read a shard: something came, or it is new, or closed."""
        for poller in list(self._pollers.values()):
            if poller.mapping.source_arn == source_arn and isinstance(poller, StreamPoller):
                poller.arrived(shard_id)

    def close(self) -> None:
        """Ends every poller."""
        for uuid in list(self._pollers):
            self._end(uuid)

    def join(self) -> None:
        """Waits, after `close`, for the threads that speak to Kafka's brokers."""
        for poller in self._ending:
            poller.join(timeout=5)

    def _begin(self, mapping: Mapping, poller: Poller) -> None:
        if not mapping.enabled:
            self._timer.later(TRANSITION, self._settle, mapping, "Disabled")
            return
        with self._lock:  # first, so that it misses nothing from its start on
            self._pollers[mapping.uuid] = poller
        poller.start()
        self._timer.later(TRANSITION, self._settle, mapping, "Enabled")

    def _end(self, uuid: str) -> None:
        with self._lock:
            poller = self._pollers.pop(uuid, None)
        if poller:
            poller.stop()
        if isinstance(poller, KafkaPoller):
            self._ending = [each for each in self._ending if each.is_alive()] + [poller]

    def _look_again(self, uuid: str) -> None:
        """Has a mapping's poller see its settings."""
        poller = self._pollers.get(uuid)
        if poller:
            poller.wake()

    def _settle(self, mapping: Mapping, state: str) -> None:
        if mapping.state not in ("Deleting", state):
            mapping.state = state

    def _existing(self, uuid: str) -> Mapping:
        mapping = self._mappings.get(uuid)
        if mapping is None:
            raise ApiError(
                404, "ResourceNotFoundException", "The resource you requested does not exist."
            )
        return mapping

    def _function(self, name: str, region: str) -> tuple[FunctionVersion, str]:
        """The function, and its ARN as it was asked for."""
        try:
            return self._tools.find(region, name, None)
        except ApiError:
            raise invalid("Function does not exist") from None

    def _check_conflict(self, mapping: Mapping) -> None:
        if isinstance(mapping, KafkaMapping):
            check_kafka_conflict(mapping, self._mappings.values())
            return
        for other in self.list(mapping.source_arn, mapping.function_name):
            if other.state != "Deleting":
                raise ApiError(
                    409,
                    "ResourceConflictException",
                    f'The event source arn (" {mapping.source_arn} ") and function '
                    f'(" {mapping.function_name} ") provided mapping already exists. Please '
                    f"update or delete the existing mapping with UUID {other.uuid}",
                )

    def _poller(self, mapping: Mapping, timeout_s: int) -> Poller:
        """The mapping's poller. Raises ApiError if there is no such source."""
        if isinstance(mapping, KafkaMapping):
            check_destination(mapping.failure_destination, self._tools)
            return KafkaPoller(mapping, self._tools)
        if mapping.service == "sqs":
            return self._queue_poller(mapping, timeout_s)
        poller = StreamPoller(mapping, self._tools)
        try:
            poller.check()
        except Exception as error:
            raise invalid(f"Stream not found: {mapping.source_arn}") from error
        poller.check_destination()
        return poller

    def _queue_poller(self, mapping: Mapping, timeout_s: int) -> Poller:
        try:
            poller = QueuePoller(mapping, self._tools)
        except Exception as error:
            raise invalid(
                "Error occurred while ReceiveMessage. SQS Error Code: "
                "AWS.SimpleQueueService.NonExistentQueue. SQS Error Message: The specified "
                "queue does not exist for this wsdl version."
            ) from error
        visible = poller.visibility_timeout()
        if visible < timeout_s:
            raise invalid(
                f"Queue visibility timeout: {visible} seconds is less than Function timeout: "
                f"{timeout_s} seconds"
            )
        return poller
