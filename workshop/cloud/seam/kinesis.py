"""Kinesis as AWS has it: sequence numbers, resharding, and readers told of what arrives.

moto numbers records 1, 2, 3, moves the records of a split or merged shard to its children, goes on
writing to the closed parents, and may lose one of two records that come at once. Here the records
stay where they were written, a closed shard ends, and no two records get one number. Follows
"Resharding a stream"
(https://docs.aws.amazon.com/streams/latest/dev/kinesis-using-sdk-java-resharding.html).
"""

from __future__ import annotations

import base64
import threading
import time
from bisect import bisect_right
from collections import OrderedDict
from datetime import datetime
from typing import Any

import moto.kinesis.models as kinesis_models
import moto.kinesis.urls as kinesis_urls
from moto.core.exceptions import JsonRESTError

from .hooks import hooks_or_none

LARGEST_RECORD = 1024 * 1024  # bytes, the partition key included


def install() -> None:
    """Puts the subclasses in moto's place; does nothing the second time."""
    kinesis_models.Shard = Shard
    kinesis_models.Stream = Stream
    kinesis_models.kinesis_backends.backend = KinesisBackend


class Shard(kinesis_models.Shard):
    """A shard whose numbers have 56 digits and ascend."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._numbers: list[int] = []
        self._latest_ms = 0

    def put_record(self, partition_key: str, data: str, explicit_hash_key: str) -> str:
        self._latest_ms = max(self._latest_ms, int(time.time() * 1000))
        count = len(self._numbers) + 1
        number = int(f"49{self._latest_ms:015d}{count:027d}{self._shard_id:012d}")
        record = kinesis_models.Record(partition_key, data, number, explicit_hash_key)
        self.records[number] = record
        self._numbers.append(number)
        return str(number)

    def get_records(
        self, last_sequence_id: str, limit: int | None
    ) -> tuple[list[kinesis_models.Record], int, int]:
        first = bisect_right(self._numbers, int(last_sequence_id))
        wanted = self._numbers[first : first + (limit or 10_000)]
        found = [self.records[number] for number in wanted]
        if not found:
            return [], int(last_sequence_id), 0
        behind = self.records[self._numbers[-1]].created_at - found[-1].created_at
        return found, wanted[-1], int(behind * 1000)

    def get_max_sequence_number(self) -> int:
        return self._numbers[-1] if self._numbers else 0

    def get_sequence_number_at(self, at_timestamp: float | datetime) -> int:
        if isinstance(at_timestamp, datetime):
            at_timestamp = at_timestamp.timestamp()
        before = 0
        for number in self._numbers:
            if self.records[number].created_at >= float(at_timestamp):
                break
            before = number
        return before

    def is_read(self, last_sequence_id: str) -> bool:
        """Whether nothing comes after a number, now or later."""
        return not self.is_open and int(last_sequence_id) >= self.get_max_sequence_number()


class Stream(kinesis_models.Stream):
    """A stream that keeps records in the shard they were written to, and tells its readers."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        self._lock = threading.RLock()
        super().__init__(*args, **kwargs)

    def put_record(self, partition_key: str, explicit_hash_key: str, data: str) -> tuple[str, str]:
        with self._lock:
            number, shard_id = super().put_record(partition_key, explicit_hash_key, data)
        self._tell(shard_id)
        return number, shard_id

    def get_shard_for_key(self, partition_key: str, explicit_hash_key: str) -> Shard | None:
        super().get_shard_for_key(partition_key, explicit_hash_key)  # checks both
        hashed = kinesis_models.md5_hash((partition_key or "").encode()).hexdigest()
        key = int(explicit_hash_key) if explicit_hash_key else int(hashed, 16)
        for shard in self.shards.values():
            if shard.is_open and shard.starting_hash <= key <= shard.ending_hash:
                return shard
        return None

    def split_shard(self, shard_to_split: str, new_starting_hash_key: str) -> None:
        with self._lock:
            known = set(self.shards)
            with _records_hidden(self.shards[shard_to_split]):
                super().split_shard(shard_to_split, new_starting_hash_key)
        self._tell(shard_to_split, *(set(self.shards) - known))

    def merge_shards(self, shard_to_merge: str, adjacent_shard_to_merge: str) -> None:
        first, second = self.shards[shard_to_merge], self.shards[adjacent_shard_to_merge]
        if second.starting_hash < first.starting_hash:
            first, second = second, first  # moto knows neighbours in this order only
        with self._lock:
            known = set(self.shards)
            with _records_hidden(first), _records_hidden(second):
                super().merge_shards(first.shard_id, second.shard_id)
        self._tell(first.shard_id, second.shard_id, *(set(self.shards) - known))

    def _tell(self, *shard_ids: str) -> None:
        hooks = hooks_or_none()
        if hooks:
            for shard_id in sorted(shard_ids):
                hooks.mappings.arrived(self.arn, shard_id)


class KinesisBackend(kinesis_models.KinesisBackend):
    """Refuses records that are too large, and lets closed shards end."""

    _url_module = kinesis_urls  # moto looks for it beside the class

    def put_record(
        self,
        stream_arn: str,
        stream_name: str,
        partition_key: str,
        explicit_hash_key: str,
        data: str,
    ) -> tuple[str, str]:
        if len(base64.b64decode(data)) + len(partition_key.encode()) > LARGEST_RECORD:
            raise JsonRESTError(
                "ValidationException",
                "1 validation error detected: Value at 'data' failed to satisfy constraint: "
                f"Member must have length less than or equal to {LARGEST_RECORD}",
            )
        return super().put_record(stream_arn, stream_name, partition_key, explicit_hash_key, data)

    def get_records(
        self, stream_arn: str | None, shard_iterator: str, limit: int | None
    ) -> tuple[str | None, list[kinesis_models.Record], int]:
        following, records, behind = super().get_records(stream_arn, shard_iterator, limit)
        name, shard_id, last = kinesis_models.decompose_shard_iterator(following)
        shard = self.describe_stream(stream_arn, name).get_shard(shard_id)
        return (None if shard.is_read(last) else following), records, behind


class _records_hidden:
    """Lets moto move no records while it closes a shard."""

    def __init__(self, shard: Shard) -> None:
        self._shard, self._records = shard, shard.records

    def __enter__(self) -> None:
        self._shard.records = OrderedDict()

    def __exit__(self, *_: object) -> None:
        self._shard.records = self._records
