"""All event source mappings: made, changed, deleted, and their pollers."""

from __future__ import annotations

import re
import threading
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError

from ...access import check_source
from ...base.arns import Arn
from ...base.model import ApiError, FunctionVersion
from ...base.parameters import check_parameters, invalid
from .failures import check_destination
from .kafka import KafkaPoller
from .kafka_mapping import (
    KafkaMapping,
    check_kafka_conflict,
    check_kafka_creation,
    check_kafka_settings,
    is_kafka,
)
from .mapping import EventSourceMapping
from .poller import Poller, Tools
from .queues import QueuePoller
from .settings import check_creation, check_settings
from .streams import StreamPoller

TRANSITION = 0.02  # seconds; AWS takes up to a minute
TRANSITIONS = ("Creating", "Enabling", "Disabling", "Updating", "Deleting")
FUNCTION = re.compile(r"(?:.*:function:)?([^:]+)(?::([^:]+))?")
NO_SUCH_QUEUE = (
    "Error occurred while ReceiveMessage. SQS Error Code: AWS.SimpleQueueService.NonExistentQueue. "
    "SQS Error Message: The specified queue does not exist for this wsdl version."
)


class Mappings:
    """The event source mappings of a cloud.

    A change of state takes a moment, as on AWS, and the cloud is not idle meanwhile.
    """

    def __init__(self, tools: Tools) -> None:
        self._tools = tools
        self._mappings: dict[str, EventSourceMapping] = {}
        self._pollers: dict[str, Poller] = {}
        self._ending: list[KafkaPoller] = []
        self._lock = threading.RLock()

    def create(self, spec: dict[str, Any], region: str, account: str) -> EventSourceMapping:
        """CreateEventSourceMapping. Raises ApiError."""
        check_parameters("lambda", "CreateEventSourceMapping", spec)
        kafka = is_kafka(spec)
        check_kafka_creation(spec) if kafka else check_creation(spec)
        function, function_arn = self._function(spec.get("FunctionName", ""), region)
        mapping = (KafkaMapping if kafka else EventSourceMapping)(
            spec, function_arn, region, account
        )
        mapping.role = function.role
        self._check_conflict(mapping)
        poller = self._poller(mapping, function)
        with self._lock:
            self._check_conflict(mapping)  # two requests may have come at once
            self._mappings[mapping.uuid] = mapping
        try:
            if mapping.enabled:
                self._begin(mapping, poller, "Creating")
        except BaseException:  # nothing is left half made
            self._end(mapping.uuid)
            self._mappings.pop(mapping.uuid, None)
            raise
        return mapping

    def get(self, uuid: str) -> EventSourceMapping | None:
        """One mapping, or None."""
        return self._mappings.get(uuid)

    def existing(self, uuid: str, region: str | None = None) -> EventSourceMapping:
        """One mapping (of a Region). Raises ApiError, 404, if there is none."""
        mapping = self._mappings.get(uuid)
        if mapping is None or region not in (None, mapping.region):
            raise ApiError(
                404, "ResourceNotFoundException", "The resource you requested does not exist."
            )
        return mapping

    def matching(
        self, source_arn: str | None, function_name: str | None, region: str | None = None
    ) -> list[EventSourceMapping]:
        """The mappings of a source and of a function, in the order in which they were made.

        A name finds those of all versions and aliases, a name with one of them its own.
        """
        found = FUNCTION.fullmatch(function_name or "")
        name, qualifier = found.groups() if found else (function_name, None)
        return [
            each
            for each in list(self._mappings.values())
            if region in (None, each.region)
            and (not source_arn or each.source_arn == source_arn)
            and (not name or each.function_name == name)
            and (not qualifier or each.function_arn.endswith(f":{name}:{qualifier}"))
        ]

    def update(
        self, uuid: str, spec: dict[str, Any], region: str | None = None
    ) -> EventSourceMapping:
        """UpdateEventSourceMapping. Raises ApiError; then nothing has changed."""
        check_parameters("lambda", "UpdateEventSourceMapping", {**spec, "UUID": uuid})
        mapping = self.existing(uuid, region)
        self._check_not_in_use(mapping, "update")
        self._check_update(mapping, spec)
        name = spec.get("FunctionName") or mapping.function_arn
        enabled = bool(spec.get("Enabled", mapping.enabled))
        poller, function_arn = None, mapping.function_arn
        if spec.get("FunctionName") or enabled:
            function, function_arn = self._function(name, mapping.region)
            poller = self._poller(mapping, function)
            mapping.role = function.role
        mapping.function_arn = function_arn
        mapping.change(spec)
        was_enabled, mapping.enabled = mapping.enabled, enabled
        if enabled and not was_enabled and poller:
            self._begin(mapping, poller, "Enabling")
        elif was_enabled and not enabled:
            self._end(uuid)
            self._go_through(mapping, "Disabling", "Disabled")
        else:
            self._go_through(mapping, "Updating", "Enabled" if enabled else "Disabled")
            self._wake(uuid)
        return mapping

    def delete(self, uuid: str, region: str | None = None) -> EventSourceMapping:
        """DeleteEventSourceMapping. Raises ApiError."""
        mapping = self.existing(uuid, region)
        self._check_not_in_use(mapping, "delete")
        self._end(uuid)
        self._go_through(mapping, "Deleting", None)
        return mapping

    def wake(self, service: str, source_arn: str | None = None) -> None:
        """Has the pollers of sqs, kinesis or dynamodb look at their sources, or at this one."""
        for poller in list(self._pollers.values()):
            mapping = poller.mapping
            if mapping.service == service and source_arn in (None, mapping.source_arn):
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

    def _begin(self, mapping: EventSourceMapping, poller: Poller, transition: str) -> None:
        with self._lock:  # first, so that it misses nothing from its start on
            self._pollers[mapping.uuid] = poller
        poller.start()
        self._go_through(mapping, transition, "Enabled")

    def _end(self, uuid: str) -> None:
        with self._lock:
            poller = self._pollers.pop(uuid, None)
        if poller:
            poller.stop()
        if isinstance(poller, KafkaPoller):
            self._ending = [each for each in self._ending if each.is_alive()] + [poller]

    def _wake(self, uuid: str) -> None:
        poller = self._pollers.get(uuid)
        if poller:
            poller.wake()

    def _go_through(self, mapping: EventSourceMapping, transition: str, state: str | None) -> None:
        """Takes a mapping through a transition to a state, or to its end."""
        mapping.state = transition
        what = f"mapping of {mapping.function_name}: {transition}"
        self._tools.activity.begin(what)
        try:
            self._tools.timer.later(TRANSITION, what, self._settle, what, mapping, state)
        except BaseException:
            self._tools.activity.end(what)
            raise

    def _settle(self, what: str, mapping: EventSourceMapping, state: str | None) -> None:
        if state is None:
            self._mappings.pop(mapping.uuid, None)
        elif what.endswith(f" {mapping.state}"):
            mapping.state = state
        self._tools.activity.end(what)

    def _check_not_in_use(self, mapping: EventSourceMapping, what: str) -> None:
        """Neither is possible during a transition, but a mapping that is made can be deleted."""
        if mapping.state in TRANSITIONS and (what, mapping.state) != ("delete", "Creating"):
            raise ApiError(
                400,
                "ResourceInUseException",
                f"Cannot {what} the event source mapping because it is in use.",
            )

    def _check_update(self, mapping: EventSourceMapping, spec: dict[str, Any]) -> None:
        """Checks the settings as they would be."""
        merged = {**mapping.settings(), **spec}
        is_kafka = isinstance(mapping, KafkaMapping)
        check_kafka_settings(merged) if is_kafka else check_settings(merged, mapping.source_arn)
        ends = spec.get("DestinationConfig") or {}
        target = (ends.get("OnFailure") or {}).get("Destination")
        check_destination(target, mapping.role, self._tools, may_be_topic=is_kafka)

    def _function(self, name: str, region: str) -> tuple[FunctionVersion, str]:
        """The function, and its ARN as it was asked for."""
        if name.startswith("arn:") and Arn.parse(name).region != region:
            raise invalid("Function does not exist")
        try:
            return self._tools.find(region, name, None)
        except ApiError as error:
            if error.status != 404:
                raise
            raise invalid("Function does not exist") from None

    def _check_conflict(self, mapping: EventSourceMapping) -> None:
        if isinstance(mapping, KafkaMapping):
            check_kafka_conflict(mapping, self._mappings.values())
            return
        source, name = mapping.source_arn, mapping.function_name
        for other in self.matching(source, name, mapping.region):
            if other.function_arn != mapping.function_arn or other.state == "Deleting":
                continue
            if mapping.service == "sqs":
                what = f'An event source mapping with SQS arn (" {source} ") and function '
                what += f'(" {name} ") already exists.'
            else:
                what = f'The event source arn (" {source} ") and function (" {name} ") provided '
                what += "mapping already exists."
            raise ApiError(
                409,
                "ResourceConflictException",
                f"{what} Please update or delete the existing mapping with UUID {other.uuid}",
            )

    def _poller(self, mapping: EventSourceMapping, function: FunctionVersion) -> Poller:
        """The mapping's poller. Raises ApiError if the function's role may not read the source,
        or if there is none.
        """
        if isinstance(mapping, KafkaMapping):
            target = mapping.failure_destination
            check_destination(target, function.role, self._tools, may_be_topic=True)
            return KafkaPoller(mapping, self._tools)
        check_source(self._tools.allows, function.role, mapping.source_arn)
        if mapping.service == "sqs":
            return self._queue_poller(mapping, function.timeout_s)
        poller = StreamPoller(mapping, self._tools)
        try:
            poller.check()
        except (BotoCoreError, ClientError) as error:
            raise invalid(f"Stream not found: {mapping.source_arn}") from error
        check_destination(mapping.failure_destination, function.role, self._tools)
        return poller

    def _queue_poller(self, mapping: EventSourceMapping, timeout_s: int) -> Poller:
        is_here = Arn.parse(mapping.source_arn).region == mapping.region
        if not is_here or self._tools.queue_state(mapping.source_arn) is None:
            raise invalid(NO_SUCH_QUEUE)
        poller = QueuePoller(mapping, self._tools)
        visible = poller.visibility_timeout()
        if visible < timeout_s:
            raise invalid(
                f"Queue visibility timeout: {visible} seconds is less than Function timeout: "
                f"{timeout_s} seconds"
            )
        return poller
