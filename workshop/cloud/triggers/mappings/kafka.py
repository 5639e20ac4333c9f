"""Self-managed Apache Kafka as an event source.

Follows "Using Lambda with self-managed Apache Kafka"
(https://docs.aws.amazon.com/lambda/latest/dg/with-kafka.html).
"""

from __future__ import annotations

import contextlib
import threading
import time
from typing import Any

from ...base.problems import CAUGHT
from ...base.timers import shrunk
from .filters import passes
from .kafka_mapping import KafkaMapping
from .kafka_records import as_record, by_partition, failed_batch, failed_record, send_keyed
from .kafka_topic import POLL, Topic, TopicProblem, load_client
from .poller import Poller, Tools
from .processing import Processor
from .source import Record

LARGEST_EVENT = 6 * 1024 * 1024 - 16 * 1024  # bytes, less what stands around the records
DEFAULT_WINDOW = 0.5  # seconds at most, where the mapping names no window
LEAST_WINDOW = 0.2  # seconds; one that a mapping names is shrunk, but not below
QUIET = 0.05  # seconds without a record that end a batch early then
LOOK_AGAIN = 1.0  # seconds, after a problem with the brokers
NEW_PARTITIONS = 10.0  # seconds between looks for them


class KafkaPoller(Poller):
    """Reads a topic in a thread of its own, which waits for data and needs no waking.

    A producer speaks to the brokers, so no API call tells of a record. `look` asks the brokers
    when someone waits for the cloud to be idle; from then on the lag counts as going on.
    """

    mapping: KafkaMapping

    def __init__(self, mapping: KafkaMapping, tools: Tools) -> None:
        super().__init__(mapping, tools)
        load_client()
        self._topic: Topic | None = None
        self._thread: threading.Thread | None = None
        self._counted = False
        self._problem = False
        self._looked_at = 0.0  # when partitions were asked for
        self._done: dict[int, int] = {}  # offsets to commit, by partition
        self._processor = Processor(self, self, self.what)
        self.where = mapping.topic

    def start(self) -> None:
        """Takes the starting position if the brokers answer, then reads in another thread."""
        self._count()
        self.tools.activity.add_probe(self.look)
        if not self.mapping.reading.locked():  # by the poller before, at its last batch
            with contextlib.suppress(TopicProblem):  # creating succeeds; the problem shows later
                self._open()
        try:
            self._thread = self.tools.problems.start(self.what, self._work)
        except BaseException:
            self._leave()
            raise

    def is_alive(self) -> bool:
        """Whether its thread runs; after `stop` it does until its batch has ended."""
        return self._thread is not None and self._thread.is_alive()

    def join(self, timeout: float) -> None:
        """Waits for the thread's end, after `stop`."""
        if self._thread is not None:
            self._thread.join(timeout)

    def wake(self) -> None:
        """Nothing: the brokers wake it."""

    def look(self) -> None:
        """Counts as going on if records wait that were not handled."""
        topic = self._topic
        if topic is None or self._problem or self.stopped or self._counted:
            return
        with contextlib.suppress(TopicProblem, RuntimeError):  # unreachable, or just closed
            if topic.waits():
                self._count()

    def _work(self) -> None:
        try:
            while not self.stopped:
                if self.mapping.reading.acquire(timeout=0.1):
                    try:
                        self._work_alone()
                    finally:
                        self.mapping.reading.release()
        finally:
            self._leave()

    def _leave(self) -> None:
        self.tools.activity.remove_probe(self.look)
        self._uncount()
        if self._topic:
            self._topic.close()

    def _work_alone(self) -> None:
        while not self.stopped:
            try:
                self._round()
            except TopicProblem as problem:
                self._wait_after(str(problem))
            except CAUGHT as error:  # the cloud's own fault
                self.tools.problems.failed(self.what, error)
                self._wait_after(f"PROBLEM: {error}")

    def _round(self) -> None:
        topic = self._open()
        self._commit(topic)
        if self._problem:
            self._problem, self.mapping.last_result = False, "No records processed"
        records = self._read(topic)
        if records and not self.stopped:
            self._handle(records)
        if self._counted and not topic.waits():
            self._uncount()

    def _open(self) -> Topic:
        """Knows the topic's partitions, and looks for new ones from time to time."""
        if self._topic is None:
            self._topic = Topic(self.mapping.servers, self.mapping.topic, self.mapping.group)
        if not self._looked_at or time.monotonic() > self._looked_at + NEW_PARTITIONS:
            position = self.mapping["StartingPosition"]
            self._topic.open(position, self.mapping["StartingPositionTimestamp"])
            self._looked_at = time.monotonic()
        return self._topic

    def _read(self, topic: Topic) -> list[Record]:
        """The records of one batch: full, 6 MB large, or at the end of the batching window."""
        first = topic.read(QUIET if self._counted else POLL)
        if first is None:
            return []
        self._count()
        window = shrunk(self.mapping["MaximumBatchingWindowInSeconds"] or 0)
        until = time.monotonic() + (max(window, LEAST_WINDOW) if window else DEFAULT_WINDOW)
        records = [as_record(first)]
        size = records[0].size
        while len(records) < self.mapping["BatchSize"] and not self.stopped:
            left = max(0.0, until - time.monotonic())
            message = topic.read(min(left, POLL if window else QUIET))
            if message is None:
                if window and left:
                    continue
                break
            record = as_record(message)
            size += record.size
            if size > LARGEST_EVENT:
                topic.hold(message)
                break
            records.append(record)
        return records

    def _handle(self, records: list[Record]) -> None:
        """Invokes until the batch succeeded or was given up; what a filter drops is done with."""
        patterns, matches = self.mapping.patterns, self.tools.matches
        wanted = [r for r in records if passes(r.event, "kafka", patterns, matches)]
        for record in wanted:
            record.delays_before = self._processor.delays
        self._processor.process(sorted(wanted, key=lambda r: r.event["partition"]))
        if not self.stopped:
            self.done(records)

    def _commit(self, topic: Topic) -> None:
        if self._done:
            topic.commit(self._done)
            self._done = {}

    def event(self, records: list[Record]) -> dict[str, Any]:
        """The event of a batch: its records by topic and partition, in order."""
        return {
            "eventSource": "SelfManagedKafka",
            "bootstrapServers": self.mapping.servers,
            "records": by_partition([record.event for record in records]),
        }

    def batch_info(self, records: list[Record]) -> dict[str, Any]:
        """What the record of a failure says of a batch."""
        return failed_batch(self.mapping.servers, self.event(records))

    def answered(self, payload: bytes, done: int) -> None:
        """An answer that is no error has nothing more to say."""

    def done(self, records: list[Record]) -> None:
        """Tells the group how far it is; what fails is told again in the next round."""
        self._done |= {r.event["partition"]: r.event["offset"] + 1 for r in records}
        if self._topic:
            with contextlib.suppress(TopicProblem):
                self._commit(self._topic)

    def send_to_topic(self, topic: str, records: list[Record], failure: dict[str, Any]) -> None:
        """Sends records that were given up to a topic of the same cluster."""
        servers = self.mapping.servers
        messages = [
            (r.event.get("key"), failed_record(servers, r.event, failure, self.event([r])))
            for r in records
        ]
        send_keyed(servers, topic, messages)

    def _wait_after(self, problem: str) -> None:
        """Shows what is wrong; the cloud may be idle meanwhile."""
        self.mapping.last_result = problem
        self._problem, self._looked_at = True, 0.0
        self._uncount()
        self.pause(LOOK_AGAIN)

    def _count(self) -> None:
        with self._changed:
            if not self._counted:
                self._counted = True
                self.tools.activity.begin(self.what)

    def _uncount(self) -> None:
        with self._changed:
            if self._counted:
                self._counted = False
                self.tools.activity.end(self.what)
