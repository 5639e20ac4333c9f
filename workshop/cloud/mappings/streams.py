"""Streams as event sources: Kinesis data streams and DynamoDB Streams.

Follows "How Lambda processes records from stream and queue-based event sources"
(https://docs.aws.amazon.com/lambda/latest/dg/invocation-eventsourcemapping.html).
"""

from __future__ import annotations

import json
import threading
import time
import zlib
from dataclasses import dataclass
from typing import Any

from ..destinations import timestamp
from ..model import ApiError
from ..timers import shrunk
from .batches import WholeBatchFailed, failed_items
from .filters import passes
from .mapping import Mapping
from .poller import Answer, Poller, Tools
from .shards import SOURCES, Record, Shard

LONGEST_RETRY_DELAY = 60  # seconds on AWS


@dataclass
class Batch:
    """Records of one shard that are tried together, and how often they were."""

    records: list[Record]
    attempts: int = 0
    last: Answer | None = None


class StreamPoller(Poller):
    """Reads every shard in order; a batch that fails holds up its shard, as on AWS."""

    def __init__(self, mapping: Mapping, tools: Tools) -> None:
        super().__init__(mapping, tools)
        self._source = SOURCES[mapping.service](mapping, tools.client)
        self._shards: dict[str, Shard] = {}

    def check(self) -> None:
        """Asks for the stream; raises boto3's error if there is none."""
        self._source.shards()

    def prepare(self) -> None:
        """LATEST means from here on, so the place in each shard is taken now."""
        for shard in self._source.shards():
            self._shards[shard.id] = shard
            shard.seek()

    def poll(self) -> float | None:
        for shard in self._source.shards():  # a resharded stream has new ones
            if shard.id not in self._shards:
                self._shards[shard.id] = shard
                shard.seek(from_start=True)
        threads = [
            threading.Thread(target=self._drain, args=(shard,), daemon=True)
            for shard in list(self._shards.values())[1:]
        ]
        for thread in threads:
            thread.start()
        self._drain(next(iter(self._shards.values())))
        for thread in threads:
            thread.join()
        return None

    def _drain(self, shard: Shard) -> None:
        """Handles what a shard holds, batch after batch."""
        size = self.mapping["BatchSize"] * self.mapping["ParallelizationFactor"]
        while not self.stopped:
            records = self._read(shard, size)
            if not records:
                return
            lanes = self._lanes(records)
            threads = [
                threading.Thread(target=self._process_lane, args=(shard, lane), daemon=True)
                for lane in lanes[1:]
            ]
            for thread in threads:
                thread.start()
            self._process_lane(shard, lanes[0])
            for thread in threads:
                thread.join()

    def _read(self, shard: Shard, size: int) -> list[Record]:
        records = shard.read(size)
        window = self.mapping["MaximumBatchingWindowInSeconds"]
        until = time.monotonic() + window
        while records and window and len(records) < size and time.monotonic() < until:
            self.pause(min(0.05, window))
            records += shard.read(size - len(records))
        return records

    def _lanes(self, records: list[Record]) -> list[list[Record]]:
        """With a parallelization factor records of one partition key stay in one lane."""
        lanes: dict[int, list[Record]] = {}
        for record in records:
            lane = zlib.crc32(record.key.encode()) % self.mapping["ParallelizationFactor"]
            lanes.setdefault(lane, []).append(record)
        return list(lanes.values())

    def _process_lane(self, shard: Shard, records: list[Record]) -> None:
        patterns, service = self.mapping.patterns, self.mapping.service
        wanted = [r for r in records if passes(r.event, service, patterns, self.tools.matches)]
        size = self.mapping["BatchSize"]
        for start in range(0, len(wanted), size):
            self._process(shard, Batch(wanted[start : start + size]))

    def _process(self, shard: Shard, batch: Batch) -> None:
        """Tries a batch until all of it succeeded or was given up."""
        throttles = 0
        while batch.records and not self.stopped:
            self._drop_old(shard, batch)
            if not batch.records:
                return
            try:
                event = {"Records": [record.event for record in batch.records]}
                batch.last = self.invoke(event, _dump)
            except ApiError as error:
                if error.status != 429:
                    raise
                throttles += 1
                self._back_off(throttles)
                continue
            done = self._succeeded(batch)
            if done == len(batch.records):
                self.mapping.last_result = "OK"
                return
            self.mapping.last_result = "PROBLEM: Function call failed"
            if done:
                batch.records, batch.attempts = batch.records[done:], 0
            batch.attempts += 1
            if self._given_up(shard, batch):
                return
            if self.mapping["BisectBatchOnFunctionError"] and len(batch.records) > 1:
                middle = len(batch.records) // 2
                self._process(shard, Batch(batch.records[:middle], batch.attempts))
                batch.records = batch.records[middle:]
            else:
                self._back_off(batch.attempts)

    def _succeeded(self, batch: Batch) -> int:
        """How many records at the batch's start are done with."""
        outcome = batch.last.outcome
        if outcome.error:
            return 0
        if not self.mapping.reports_failures:
            return len(batch.records)
        identifiers = [record.sequence_number for record in batch.records]
        try:
            failed = failed_items(outcome.payload, identifiers)
        except WholeBatchFailed:
            return 0
        if not failed:
            return len(identifiers)
        return min(identifiers.index(each) for each in failed)

    def _given_up(self, shard: Shard, batch: Batch) -> bool:
        limit = self.mapping["MaximumRetryAttempts"]
        if limit == -1 or batch.attempts <= limit:
            return False
        if self.mapping["BisectBatchOnFunctionError"] and len(batch.records) > 1:
            return False  # splitting does not use up retries
        self._report(shard, batch, batch.records, "RetryAttemptsExhausted")
        return True

    def _drop_old(self, shard: Shard, batch: Batch) -> None:
        limit = self.mapping["MaximumRecordAgeInSeconds"]
        if limit == -1:
            return
        oldest = time.time() - limit
        old = [record for record in batch.records if record.arrived_at < oldest]
        if old:
            self._report(shard, batch, old, "RecordAgeExceeded")
            batch.records = batch.records[len(old) :]

    def _report(self, shard: Shard, batch: Batch, records: list[Record], condition: str) -> None:
        target = self.mapping.failure_destination
        if not target:
            return
        first, last = records[0], records[-1]
        record: dict[str, Any] = {
            "requestContext": {
                "requestId": batch.last.request.request_id if batch.last else "",
                "functionArn": self.mapping.function_arn,
                "condition": condition,
                "approximateInvokeCount": batch.attempts,
            },
            "version": "1.0",
            "timestamp": timestamp(),
            self._source.batch_info: {
                "shardId": shard.id,
                "startSequenceNumber": first.sequence_number,
                "endSequenceNumber": last.sequence_number,
                "approximateArrivalOfFirstRecord": _iso(first.arrived_at),
                "approximateArrivalOfLastRecord": _iso(last.arrived_at),
                "batchSize": len(records),
                "streamArn": self.mapping.source_arn,
            },
        }
        if batch.last:
            record["responseContext"] = {
                "statusCode": 200,
                "executedVersion": batch.last.function.version,
                "functionError": "Unhandled" if batch.last.outcome.error else None,
            }
        self.tools.destinations.send(target, record, None, "Failure")
        self.tools.wake("sqs")

    def _back_off(self, attempts: int) -> None:
        self.pause(shrunk(min(LONGEST_RETRY_DELAY, 2.0 ** (min(attempts, 10) - 1))))


def _iso(seconds: float) -> str:
    whole = time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(seconds))
    return f"{whole}.{int(seconds % 1 * 1000):03d}Z"


def _dump(event: Any) -> bytes:
    return json.dumps(event, ensure_ascii=False).encode()
