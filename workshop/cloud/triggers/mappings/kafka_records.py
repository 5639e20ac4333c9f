"""Kafka's records as events have them, and as the records of failures name them.

Follows "Capturing discarded batches for Amazon MSK and self-managed Apache Kafka event sources"
(https://docs.aws.amazon.com/lambda/latest/dg/kafka-on-failure.html) and "Using a Kafka topic as an
on-failure destination"
(https://docs.aws.amazon.com/lambda/latest/dg/kafka-on-failure-destination.html).
"""

from __future__ import annotations

import base64
from typing import Any

from ...base.times import in_milliseconds
from .kafka_topic import load_client
from .processing import dump
from .source import Record

TIMESTAMP_TYPES = {1: "CREATE_TIME", 2: "LOG_APPEND_TIME"}
SEND_WITHIN = 10  # seconds


def as_record(message: Any) -> Record:
    """A confluent_kafka.Message as a record of a batch."""
    kind, timestamp = message.timestamp()
    event = {
        "topic": message.topic(),
        "partition": message.partition(),
        "offset": message.offset(),
        "timestamp": timestamp,
        "timestampType": TIMESTAMP_TYPES.get(kind, "NO_TIMESTAMP_TYPE"),
    }
    for name, content in (("key", message.key()), ("value", message.value())):
        if content is not None:
            event[name] = base64.b64encode(content).decode()
    event["headers"] = [
        {name: [byte - 256 if byte > 127 else byte for byte in value or b""]}
        for name, value in message.headers() or []
    ]
    return Record(
        event=event,
        identifier={"partition": partition_name(event), "offset": event["offset"]},
        key=partition_name(event),
        arrived_at=timestamp / 1000,
        size=len(dump(event)) + 1,
    )


def partition_name(event: dict[str, Any]) -> str:
    """Such as `rides-0`."""
    return f"{event['topic']}-{event['partition']}"


def by_partition(events: list[dict[str, Any]]) -> dict[str, list[dict[str, Any]]]:
    """The records of an event."""
    partitions: dict[str, list[dict[str, Any]]] = {}
    for event in events:
        partitions.setdefault(partition_name(event), []).append(event)
    return partitions


def failed_batch(servers: str, event: dict[str, Any]) -> dict[str, Any]:
    """What the record of a failure says of the batch that was given up."""
    partitions = event["records"]
    return {
        "KafkaBatchInfo": {
            "batchSize": sum(len(records) for records in partitions.values()),
            "bootstrapServers": servers,
            "payloadSize": len(dump(event)),
            "recordsInfo": {
                name: {
                    "firstRecordOffset": str(records[0]["offset"]),
                    "lastRecordOffset": str(records[-1]["offset"]),
                    "firstRecordTimestamp": _time(records[0]),
                    "lastRecordTimestamp": _time(records[-1]),
                }
                for name, records in partitions.items()
            },
        }
    }


def failed_record(
    servers: str, record: dict[str, Any], failure: dict[str, Any], event: dict[str, Any]
) -> dict[str, Any]:
    """The record of one record's failure, with the record, as a topic gets it."""
    info = {
        "batchSize": 1,
        "bootstrapServers": servers,
        "payloadSize": len(dump(event)),
        "recordInfo": {
            "offset": str(record["offset"]),
            "timestamp": _time(record),
        },
    }
    return {**failure, "KafkaBatchInfo": info, "payload": event}


def send_keyed(servers: str, topic: str, messages: list[tuple[str | None, dict[str, Any]]]) -> None:
    """Produces messages: their keys (base64) and what they say."""
    settings = {"bootstrap.servers": servers, "client.id": "lambda", "log_level": 0}
    producer = load_client().Producer(settings)
    for key, content in messages:
        producer.produce(topic, dump(content), key=base64.b64decode(key) if key else None)
    producer.flush(SEND_WITHIN)


def _time(event: dict[str, Any]) -> str:
    return in_milliseconds(event["timestamp"] / 1000)
