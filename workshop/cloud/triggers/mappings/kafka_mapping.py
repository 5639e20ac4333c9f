"""A mapping of a self-managed Kafka cluster: its settings, and what AWS refuses.

Follows "All self-managed Apache Kafka event source configuration parameters in Lambda"
(https://docs.aws.amazon.com/lambda/latest/dg/kafka-esm-parameters.html) and "Customizable consumer
group ID in Lambda" (https://docs.aws.amazon.com/lambda/latest/dg/kafka-consumer-group-id.html).
"""

from __future__ import annotations

import threading
from collections.abc import Iterable
from typing import Any

from ...base.model import ApiError
from ...base.parameters import constraint, invalid
from .mapping import EventSourceMapping
from .settings import check_pollers, check_position, check_settings, unsupported

SELF_MANAGED = "arn:aws:kafka:::self-managed"  # stands for the ARN that such a cluster has not
SERVERS = "KAFKA_BOOTSTRAP_SERVERS"
LAST_PORT = 65_535
ONLY_AT_CREATION = ("SelfManagedEventSource", "Topics", "StartingPosition")
CHANGEABLE = (
    *("BatchSize", "MaximumBatchingWindowInSeconds", "FilterCriteria", "DestinationConfig"),
    *("SourceAccessConfigurations", "ProvisionedPollerConfig", "FunctionResponseTypes"),
    *("MaximumRetryAttempts", "MaximumRecordAgeInSeconds", "BisectBatchOnFunctionError"),
    *("KMSKeyArn", "MetricsConfig", "LoggingConfig"),
)
PROVISIONED = {  # what AWS has in provisioned mode only, with its defaults
    "MaximumRetryAttempts": -1,
    "MaximumRecordAgeInSeconds": -1,
    "BisectBatchOnFunctionError": False,
    "FunctionResponseTypes": [],
}
RETRIES_BEFORE_DESTINATION = 10  # where a mapping with a destination names none


class KafkaMapping(EventSourceMapping):
    """What connects a topic of a self-managed cluster with a function."""

    def __init__(self, spec: dict[str, Any], function_arn: str, region: str, account: str) -> None:
        super().__init__({**spec, "EventSourceArn": SELF_MANAGED}, function_arn, region, account)
        self.reading = threading.Lock()  # held by the one poller that reads
        group = (spec.get("SelfManagedKafkaEventSourceConfig") or {}).get("ConsumerGroupId")
        self._settings = {
            "BatchSize": 100,
            **{name: spec[name] for name in ONLY_AT_CREATION},
            "SelfManagedKafkaEventSourceConfig": {"ConsumerGroupId": group or self.uuid},
            "DestinationConfig": {"OnFailure": {}},
        }
        if spec["StartingPosition"] == "AT_TIMESTAMP":
            self._settings["StartingPositionTimestamp"] = spec["StartingPositionTimestamp"]
        self.change(spec)

    def change(self, spec: dict[str, Any]) -> None:
        """Takes over the settings that a request names and that may change."""
        self._settings |= {n: spec[n] for n in CHANGEABLE if spec.get(n) is not None}
        super().change({})

    def __getitem__(self, name: str) -> Any:
        """A setting by AWS's name, its default where it is not set."""
        found = super().__getitem__(name)
        if name == "MaximumRetryAttempts" and found in (None, -1) and self.failure_destination:
            return RETRIES_BEFORE_DESTINATION
        return PROVISIONED.get(name) if found is None else found

    @property
    def servers(self) -> str:
        """The bootstrap servers, as an event has them."""
        return ",".join(self["SelfManagedEventSource"]["Endpoints"][SERVERS])

    @property
    def topic(self) -> str:
        """The topic's name."""
        return self["Topics"][0]

    @property
    def group(self) -> str:
        """The consumer group's id: it keeps how far the topic was read."""
        return self["SelfManagedKafkaEventSourceConfig"]["ConsumerGroupId"]

    def get_configuration(self) -> dict[str, Any]:
        """As AWS answers it."""
        configuration = super().get_configuration()
        del configuration["EventSourceArn"]
        return configuration


def is_kafka(spec: dict[str, Any]) -> bool:
    """Whether a request to create a mapping means Kafka."""
    return "SelfManagedEventSource" in spec or ":kafka:" in str(spec.get("EventSourceArn"))


def check_kafka_creation(spec: dict[str, Any]) -> None:
    """Checks a request for a Kafka mapping. Raises ApiError."""
    if spec.get("SelfManagedEventSource") is None:
        raise invalid(
            "The local cloud runs no MSK clusters. Use SelfManagedEventSource with the address of "
            "a Kafka broker."
        )
    if spec.get("EventSourceArn"):
        raise invalid("Unrecognized event source.")
    if not spec.get("SourceAccessConfigurations"):
        raise invalid("Required 'sourceAccessConfigurations' parameter is missing.")
    _check_servers(spec["SelfManagedEventSource"])
    if not spec.get("Topics"):
        raise invalid("Required 'topics' parameter is missing.")
    check_position(spec)
    config = spec.get("SelfManagedKafkaEventSourceConfig") or {}
    if config.get("ConsumptionMode", "Stream") != "Stream":
        raise invalid("The local cloud reads Kafka in ConsumptionMode Stream only.")
    check_kafka_settings(spec)


def check_kafka_settings(spec: dict[str, Any]) -> None:
    """Checks the settings of a request to create or to change a mapping. Raises ApiError."""
    for name in ("ParallelizationFactor", "TumblingWindowInSeconds", "ScalingConfig", "Queues"):
        if spec.get(name):
            raise unsupported(name)
    _check_destination(spec.get("DestinationConfig") or {}, spec.get("Topics"))
    check_pollers(spec, 1, 2000)
    pollers = spec.get("ProvisionedPollerConfig")
    for name, default in PROVISIONED.items():
        if not pollers and spec.get(name) not in (None, default):
            raise invalid(f"{name} needs provisioned mode: set ProvisionedPollerConfig as well.")
    check_settings(spec, SELF_MANAGED)


def check_kafka_conflict(mapping: KafkaMapping, others: Iterable[EventSourceMapping]) -> None:
    """Refuses a second mapping of one topic and function, or of one consumer group."""
    for other in others:
        if not isinstance(other, KafkaMapping) or other.state == "Deleting":
            continue
        here = (mapping.servers, mapping.topic, mapping.function_arn)
        if here == (other.servers, other.topic, other.function_arn):
            raise ApiError(
                409,
                "ResourceConflictException",
                f'An event source mapping with event source ("{mapping.servers}"), function '
                f'("{mapping.function_arn}"), topics ("{mapping.topic}") already exists. Please '
                f"update or delete the existing mapping with UUID {other.uuid}",
            )
        if (mapping.servers, mapping.group) == (other.servers, other.group):
            raise ApiError(
                409,
                "ResourceConflictException",
                f'The consumer group ID "{mapping.group}" is in use by the event source mapping '
                f"with UUID {other.uuid}. It must be unique among all your Kafka event sources.",
            )


def _check_servers(source: dict[str, Any]) -> None:
    endpoints = source.get("Endpoints") or {}
    field = "selfManagedEventSource.endpoints"
    if not endpoints.get(SERVERS):
        raise invalid(f"Required '{field}.{SERVERS}' parameter is missing.")
    if any(int(server.rpartition(":")[2]) > LAST_PORT for server in endpoints[SERVERS]):
        rule = f"Map value must satisfy constraint: [Member must name a port up to {LAST_PORT}]"
        raise constraint(endpoints, field, rule)


def _check_destination(config: dict[str, Any], topics: list[str] | None) -> None:
    if config.get("OnSuccess"):
        raise unsupported("DestinationConfig")
    target = (config.get("OnFailure") or {}).get("Destination") or ""
    if topics and target == f"kafka://{topics[0]}":
        raise invalid("The source topic and the destination topic must differ.")
