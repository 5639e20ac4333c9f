"""A Kafka topic as one consumer group reads it, through librdkafka.

Its partitions are assigned by hand, not by the group's coordinator: a mapping reads at once, where
joining a group takes three seconds, and reads all partitions. How far it came is committed to the
group all the same. Follows "Apache Kafka polling and stream starting positions in Lambda"
(https://docs.aws.amazon.com/lambda/latest/dg/kafka-starting-positions.html).
"""

from __future__ import annotations

import importlib
import threading
import time
from collections import deque
from typing import Any

from ...base.model import ApiError

ANSWER_WITHIN = 1.0  # seconds, of a broker
POLL = 0.2  # seconds that a read waits for a record; data ends it at once
MISSING = (
    "Kafka event sources need the Python package confluent-kafka, which is not installed here. "
    "Install it with: python -m pip install confluent-kafka==2.16.1"
)
NOT_CONNECTED = (
    "PROBLEM: Connection error. Please check your event source connection configuration. If your "
    "event source lives in a VPC, try setting up a new Lambda function or EC2 instance with the "
    "same VPC, Subnet, and Security Group settings. Connect the new device to the Kafka cluster "
    "and consume messages to ensure that the issue is not related to VPC or Endpoint configuration."
)
NO_TOPIC = "PROBLEM: Topic not found."


class TopicProblem(Exception):
    """The topic can't be read now; says why as LastProcessingResult does."""


def load_client() -> Any:
    """The package confluent_kafka. Raises ApiError, 400, if it is not installed."""
    try:
        return importlib.import_module("confluent_kafka")
    except ImportError:
        raise ApiError(400, "InvalidParameterValueException", MISSING) from None


class Topic:
    """A place in every partition of a topic. One thread reads; any may ask whether more waits."""

    def __init__(self, servers: str, name: str, group: str) -> None:
        self._kafka = load_client()
        self.name = name
        self._next: dict[int, int] = {}  # by partition: the first offset that is not done with
        self._read: dict[int, int] = {}  # by partition: the offset after the last that was read
        self._ends: dict[int, int] = {}  # by partition: the end, if it was reached
        self._held: deque[Any] = deque()  # read, and not handed out yet
        self._down = False  # no broker answers any more
        self._closed = False
        self._closing = threading.Lock()
        settings = {
            "bootstrap.servers": servers,
            "group.id": group,
            "client.id": "lambda",
            "allow.auto.create.topics": False,
            "reconnect.backoff.max.ms": 1000,
            "log_level": 0,  # librdkafka's own words would go to standard error
        }
        reading = {
            "enable.auto.commit": False,
            "enable.partition.eof": True,
            "auto.offset.reset": "earliest",  # where records that retention removed were next
            "fetch.wait.max.ms": 100,
            "fetch.error.backoff.ms": 100,
            "error_cb": self._note,
        }
        self._consumer = self._kafka.Consumer({**settings, **reading})
        # Questions go over connections of their own: a fetch that waits for data holds up its own.
        self._asked = self._kafka.Consumer(settings)

    def open(self, position: str, timestamp: float | None) -> None:
        """Goes on in every partition where its group is, else at the starting position.

        A partition that appears later is read from its start. Raises TopicProblem.
        """
        found = self._partitions()
        new = [each for each in found if each not in self._next]
        if not new:
            return
        places = self._committed(new)
        first = {p: self._start(p, position, timestamp) for p in new if p not in places}
        if first:
            self.commit(first)
        self._next |= places | first
        assigned = [self._place(p, self._next[p]) for p in new]
        self._ask(self._consumer.list_topics, self.name)  # else the first fetch takes a second
        self._consumer.incremental_assign(assigned)

    def read(self, wait: float = POLL) -> Any | None:
        """The next record (confluent_kafka.Message), waiting for it; None if none came.

        Raises TopicProblem.
        """
        if self._held:
            return self._held.popleft()
        until = time.monotonic() + wait
        while True:
            message = self._consumer.poll(max(0.0, until - time.monotonic()))
            if self._down:
                self._down = False
                raise TopicProblem(NOT_CONNECTED)
            if message is None:
                return None
            error = message.error()
            if error is None:
                self._read[message.partition()] = message.offset() + 1
                return message
            if error.code() != self._kafka.KafkaError._PARTITION_EOF:
                raise TopicProblem(_words(self._kafka, error))
            self._ends[message.partition()] = message.offset()

    def hold(self, message: Any) -> None:
        """Takes a record back: the next read gives it again."""
        self._held.appendleft(message)

    def commit(self, offsets: dict[int, int]) -> None:
        """Tells the group, by partition, the next offset to handle. Raises TopicProblem."""
        try:
            places = [self._place(p, offset) for p, offset in offsets.items()]
            done = self._consumer.commit(offsets=places, asynchronous=False)
            failed = next((each.error for each in done if each.error), None)
        except self._kafka.KafkaException as error:
            failed = error.args[0]
        if failed is not None:
            raise TopicProblem(_words(self._kafka, failed))
        self._next |= offsets

    def waits(self) -> bool:
        """Whether the brokers hold records that were not handled yet. Raises TopicProblem."""
        for partition, offset in list(self._next.items()):
            if self._read.get(partition, 0) > offset:
                return True
            # A transaction's last offset holds no record: the end that was reached counts.
            done = max(offset, self._ends.get(partition, 0))
            with self._closing:
                if self._closed:
                    return False
                if self._watermarks(partition)[1] > done:
                    return True
        return False

    def close(self) -> None:
        """Leaves the brokers; only for the thread that reads."""
        with self._closing:
            self._closed = True
            self._asked.close()
            self._consumer.close()

    def _note(self, error: Any) -> None:
        if error.code() == self._kafka.KafkaError._ALL_BROKERS_DOWN:
            self._down = True

    def _partitions(self) -> list[int]:
        found = self._ask(self._asked.list_topics, self.name).topics[self.name]
        if found.error is not None:
            raise TopicProblem(_words(self._kafka, found.error))
        if not found.partitions:
            raise TopicProblem(NO_TOPIC)
        return sorted(found.partitions)

    def _committed(self, partitions: list[int]) -> dict[int, int]:
        found = self._ask(self._asked.committed, [self._place(p) for p in partitions])
        return {each.partition: each.offset for each in found if each.offset >= 0}

    def _start(self, partition: int, position: str, timestamp: float | None) -> int:
        oldest, newest = self._watermarks(partition)
        if position == "TRIM_HORIZON" or self._next:
            return oldest
        if position == "LATEST":
            return newest
        wanted = [self._place(partition, int((timestamp or 0) * 1000))]
        found = self._ask(self._asked.offsets_for_times, wanted)[0].offset
        return found if found >= 0 else newest  # no record is that young

    def _watermarks(self, partition: int) -> tuple[int, int]:
        return self._ask(self._asked.get_watermark_offsets, self._place(partition))

    def _place(self, partition: int, *offset: int) -> Any:
        return self._kafka.TopicPartition(self.name, partition, *offset)

    def _ask(self, question: Any, about: Any) -> Any:
        try:
            return question(about, timeout=ANSWER_WITHIN)
        except self._kafka.KafkaException as error:
            raise TopicProblem(_words(self._kafka, error.args[0])) from None


def _words(kafka: Any, error: Any) -> str:
    """An error in the words of LastProcessingResult."""
    codes = kafka.KafkaError
    if error.code() in (codes.UNKNOWN_TOPIC_OR_PART, codes._UNKNOWN_TOPIC):
        return NO_TOPIC
    if error.code() in (codes._TRANSPORT, codes._TIMED_OUT, codes._ALL_BROKERS_DOWN):
        return NOT_CONNECTED
    return f"PROBLEM: {error.str()}"
