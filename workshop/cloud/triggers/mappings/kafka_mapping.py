"""A mapping of a self-managed Kafka cluster: its settings, and what AWS refuses.

Follows "All self-managed Apache Kafka event source configuration parameters in Lambda"
(https://docs.aws.amazon.com/lambda/latest/dg/kafka-esm-parameters.html) and "Customizable consumer
group ID in Lambda" (https://docs.aws.amazon.com/lambda/latest/dg/kafka-consumer-group-id.html).
"""

from __future__ import annotations

import re
import threading
from collections.abc import Iterable
from typing import Any

from ...base.model import ApiError
from ...base.parameters import check_range, constraint, invalid
from .mapping import EventSourceMapping, check_settings
from .stream_settings import check_timestamp

SELF_MANAGED = "arn:aws:kafka:::self-managed"  # stands for the ARN that such a cluster has not
SERVERS = "KAFKA_BOOTSTRAP_SERVERS"
POSITIONS = ("LATEST", "AT_TIMESTAMP", "TRIM_HORIZON")
SERVER = (
    r"^(([a-zA-Z0-9]|[a-zA-Z0-9][a-zA-Z0-9\-]*[a-zA-Z0-9])\.)*"
    r"([A-Za-z0-9]|[A-Za-z0-9][A-Za-z0-9\-]*[A-Za-z0-9]):[0-9]{1,5}"
)
GROUP = r"[ a-zA-Z0-9-\/*:_+=.@-]*"
TOPIC = r"[^.]([a-zA-Z0-9\-_.]+)"
ACCESS = (
    *("BASIC_AUTH", "VPC_SUBNET", "VPC_SECURITY_GROUP", "SASL_SCRAM_512_AUTH"),
    *("SASL_SCRAM_256_AUTH", "VIRTUAL_HOST", "CLIENT_CERTIFICATE_TLS_AUTH"),
    "SERVER_ROOT_CA_CERTIFICATE",
)
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
    _check_topics(spec.get("Topics"))
    _check_position(spec)
    config = spec.get("SelfManagedKafkaEventSourceConfig") or {}
    _check_pattern(
        config.get("ConsumerGroupId"),
        "selfManagedKafkaEventSourceConfig.consumerGroupId",
        GROUP,
        200,
    )
    if config.get("ConsumptionMode", "Stream") != "Stream":
        raise invalid("The local cloud reads Kafka in ConsumptionMode Stream only.")
    check_kafka_settings(spec)


def check_kafka_settings(spec: dict[str, Any]) -> None:
    """Checks the settings of a request to create or to change a mapping. Raises ApiError."""
    for name in ("ParallelizationFactor", "TumblingWindowInSeconds", "ScalingConfig", "Queues"):
        if spec.get(name):
            raise _unsupported(name)
    _check_destination(spec.get("DestinationConfig") or {}, spec.get("Topics"))
    pollers = spec.get("ProvisionedPollerConfig")
    for name, default in PROVISIONED.items():
        if not pollers and spec.get(name) not in (None, default):
            raise invalid(f"{name} needs provisioned mode: set ProvisionedPollerConfig as well.")
    for name, most in (("MinimumPollers", 200), ("MaximumPollers", 10_000)):
        field = "provisionedPollerConfig." + name[0].lower() + name[1:]
        check_range((pollers or {}).get(name), field, 1, most)
    for access in spec.get("SourceAccessConfigurations") or []:
        if access.get("Type") not in ACCESS:
            rule = f"Member must satisfy enum value set: [{', '.join(ACCESS)}]"
            field = "sourceAccessConfigurations.1.member.type"
            raise constraint(access.get("Type"), field, rule)
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
    for name in endpoints:
        if name != SERVERS:
            rule = f"Member must satisfy enum value set: [{SERVERS}]"
            raise constraint(endpoints, field, f"Map keys must satisfy constraint: [{rule}]")
    if not endpoints.get(SERVERS):
        raise invalid(f"Required '{field}.{SERVERS}' parameter is missing.")
    for server in endpoints[SERVERS]:
        if not re.fullmatch(SERVER, server) or int(server.rpartition(":")[2]) > 65_535:
            rule = f"Member must satisfy regular expression pattern: {SERVER}"
            raise constraint(endpoints, field, f"Map value must satisfy constraint: [{rule}]")


def _check_topics(topics: list[str] | None) -> None:
    if not topics:
        raise invalid("Required 'topics' parameter is missing.")
    if len(topics) > 1:
        names = f"[{', '.join(topics)}]"
        raise constraint(names, "topics", "Member must have length less than or equal to 1")
    _check_pattern(topics[0], "topics", TOPIC, 249)


def _check_position(spec: dict[str, Any]) -> None:
    position = spec.get("StartingPosition")
    if position is None:
        raise invalid(
            "1 validation error detected: Value null at 'startingPosition' failed to satisfy "
            "constraint: Member must not be null."
        )
    if position not in POSITIONS:
        rule = f"Member must satisfy enum value set: [{', '.join(POSITIONS)}]"
        raise constraint(position, "startingPosition", rule)
    check_timestamp(spec)


def _check_destination(config: dict[str, Any], topics: list[str] | None) -> None:
    if config.get("OnSuccess"):
        raise _unsupported("DestinationConfig")
    target = (config.get("OnFailure") or {}).get("Destination")
    if target and target.startswith("kafka://"):
        topic = target.partition("//")[2]
        _check_pattern(topic, "destinationConfig.onFailure.destination", TOPIC, 249)
        if topics == [topic]:
            raise invalid("The source topic and the destination topic must differ.")


def _check_pattern(value: str | None, field: str, pattern: str, longest: int) -> None:
    if value is None:
        return
    if not 1 <= len(value) <= longest:
        raise constraint(value, field, f"Member must have length between 1 and {longest}")
    if not re.fullmatch(pattern, value):
        raise constraint(value, field, f"Member must satisfy regular expression pattern: {pattern}")


def _unsupported(name: str) -> ApiError:
    return invalid(f"Unsupported {name} parameter for given event source mapping type.")
