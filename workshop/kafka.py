"""A Kafka broker on this machine, to send records to.

It is the one that comes with librdkafka, on which the package confluent_kafka is built. It speaks
Kafka's own protocol over TCP, so a mapping of Lambda's reads from it as from any other broker. A
topic is there with its first record, and has four partitions. Nothing is written to disk.
"""

from __future__ import annotations

import contextlib
import logging
from collections.abc import Sequence
from typing import Any

from confluent_kafka import KafkaException, Producer
from confluent_kafka.admin import AdminClient

PARTITIONS = 4  # of each topic
WITHIN_S = 30
Headers = Sequence[tuple[str, bytes]]

_quiet = logging.getLogger("workshop.kafka")  # librdkafka would write to standard error
_quiet.addHandler(logging.NullHandler())
_quiet.propagate = False


class Broker:
    """One broker on 127.0.0.1, for as long as this object lives."""

    def __init__(self) -> None:
        cluster: dict[str, Any] = {"test.mock.num.brokers": 1, "logger": _quiet}
        self._cluster = AdminClient(cluster)
        found = self._cluster.list_topics(timeout=WITHIN_S).brokers.values()
        self.servers = [f"{each.host}:{each.port}" for each in found]
        self.settings = {"bootstrap.servers": ",".join(self.servers), "logger": _quiet}
        self._producer = Producer({**self.settings, "linger.ms": 0})

    def send(
        self,
        topic: str,
        value: str | bytes | None,
        key: str | bytes | None = None,
        headers: Headers | None = None,
        partition: int | None = None,
    ) -> str:
        """Sends one record and waits for the broker; returns where it is, such as `docks-0@17`.

        The partition follows from the key unless it is named. A value of None is a tombstone.
        Raises RuntimeError if the broker refuses the record or does not answer.
        """
        where: list[str] = []

        def told(error: Any, message: Any) -> None:
            if error is None:
                where.append(f"{message.topic()}-{message.partition()}@{message.offset()}")

        more: dict[str, Any] = {"headers": list(headers or [])}
        if partition is not None:
            more["partition"] = partition
        with contextlib.suppress(KafkaException):  # refused before it was sent
            self._producer.produce(topic, value, key=key, on_delivery=told, **more)
        self._producer.flush(WITHIN_S)
        if not where:
            raise RuntimeError(f"the broker at {self.servers[0]} did not take a record of {topic}")
        return where[0]
