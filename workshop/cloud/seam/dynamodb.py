"""DynamoDB Streams as AWS has them, and readers told of what arrives.

One call makes one record an item, in the order of the writes, when it has succeeded; moto makes
two where `update_item` makes an item, one for a put that changes nothing, and keeps the records of
a transaction that was cancelled. Follows "Change data capture for DynamoDB Streams"
(https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/Streams.html).
"""

from __future__ import annotations

import contextlib
import threading
import time
from collections.abc import Iterator
from typing import Any

import moto.dynamodb.models as dynamodb_models
import moto.dynamodb.models.table as table_models
import moto.dynamodb.urls as dynamodb_urls
import moto.dynamodbstreams.models as streams_models
import moto.dynamodbstreams.urls as streams_urls
from moto.core.exceptions import JsonRESTError

from ..base.arns import Arn
from .dynamodb_items import changed, size_of
from .hooks import hooks_or_none

_writing = threading.RLock()  # moto's own writes are not safe in threads
_pending = threading.local()
NOT_FOUND = "ResourceNotFoundException"


def install() -> None:
    """Puts the subclasses in moto's place; does nothing the second time."""
    table_models.StreamShard = StreamShard
    dynamodb_models.dynamodb_backends.backend = DynamoDBBackend
    streams_models.dynamodbstreams_backends.backend = DynamoDBStreamsBackend


class StreamShard(table_models.StreamShard):
    """The one shard of a table's stream. A table keeps those of streams that were disabled."""

    def __init__(self, account_id: str, table: table_models.Table) -> None:
        super().__init__(account_id, table)
        self.label = self.created_on.isoformat(timespec="milliseconds")
        self.id = f"shardId-{int(time.time() * 1000):020d}-f35f62ef"
        self.arn = f"{table.table_arn}/stream/{self.label}"
        self.view_type = table.stream_specification["StreamViewType"]
        table.latest_stream_label = self.label  # moto's has six decimals, AWS's three
        table.__dict__.setdefault("stream_shards", {})[self.label] = self

    def __deepcopy__(self, memo: dict[int, Any]) -> StreamShard:
        """moto copies a table before a transaction; readers stay with the one shard."""
        return self

    @property
    def is_open(self) -> bool:
        """Whether more may come."""
        specification = self.table.stream_specification or {}
        return bool(specification.get("StreamEnabled")) and self.table.stream_shard is self

    def add(self, old: Any, new: Any) -> None:
        """Notes a change; it is written when the call that makes it succeeds."""
        changes = getattr(_pending, "changes", None)
        if changes is None:
            self.write(old, new)
            self.tell()
        else:
            changes.append((self, old, new))

    def write(self, old: Any, new: Any) -> None:
        """Appends a record, if something changed and the stream is enabled."""
        if not self.is_open or not changed(old, new):
            return
        name = "INSERT" if old is None else "REMOVE" if new is None else "MODIFY"
        number = self.starting_sequence_number + len(self.items)
        made = table_models.StreamRecord(self.table, self.view_type, name, old, new, number)
        body = made.record["dynamodb"]
        images = [body[part] for part in ("Keys", "NewImage", "OldImage") if part in body]
        body["SizeBytes"] = sum(size_of(image) for image in images)
        body["ApproximateCreationDateTime"] = body["ApproximateCreationDateTime"].replace(
            microsecond=0
        )
        made.record |= {"eventVersion": "1.1", "awsRegion": Arn.parse(self.arn).region}
        self.items.append(made)

    def tell(self) -> None:
        """Has those who read the stream look."""
        hooks = hooks_or_none()
        if hooks:
            hooks.mappings.arrived(self.arn, self.id)

    def to_json(self) -> dict[str, Any]:
        found = super().to_json()
        if not self.is_open:
            last = self.starting_sequence_number + max(0, len(self.items) - 1)
            found["SequenceNumberRange"]["EndingSequenceNumber"] = str(last)
        return found


@contextlib.contextmanager
def _one_write() -> Iterator[None]:
    """What a call changes goes to the streams when it has succeeded, one record an item."""
    if getattr(_pending, "changes", None) is not None:
        yield  # a part of a transaction
        return
    with _writing:
        changes = _pending.changes = []
        try:
            yield
        finally:
            _pending.changes = None
        items: dict[tuple[int, str], list[Any]] = {}
        for shard, old, new in changes:
            item = old or new
            key = id(shard), f"{item.hash_key} {item.range_key}"
            items.setdefault(key, [shard, old, new])[2] = new
        for shard, old, new in items.values():
            shard.write(old, new)
    for shard in {id(each[0]): each[0] for each in items.values()}.values():
        shard.tell()


class DynamoDBBackend(dynamodb_models.DynamoDBBackend):
    """Writes one at a time, and streams what was written."""

    _url_module = dynamodb_urls  # moto looks for it beside the class

    def put_item(self, *args: Any, **kwargs: Any) -> Any:
        with _one_write():
            return super().put_item(*args, **kwargs)

    def update_item(self, *args: Any, **kwargs: Any) -> Any:
        with _one_write():
            return super().update_item(*args, **kwargs)

    def delete_item(self, *args: Any, **kwargs: Any) -> Any:
        with _one_write():
            return super().delete_item(*args, **kwargs)

    def execute_statement(self, *args: Any, **kwargs: Any) -> Any:
        with _one_write():
            return super().execute_statement(*args, **kwargs)

    def transact_write_items(self, transact_items: list[dict[str, Any]]) -> None:
        with _one_write():
            try:
                super().transact_write_items(transact_items)
            except BaseException:
                for table in self.tables.values():  # moto put back copies of them
                    for shard in getattr(table, "stream_shards", {}).values():
                        shard.table = table
                raise

    def update_table_streams(
        self, table: table_models.Table, stream_specification: dict[str, Any]
    ) -> None:
        shard = table.stream_shard
        if shard is not None and not shard.is_open:
            table.latest_stream_label = None  # else moto takes it for enabled
        super().update_table_streams(table, stream_specification)
        if shard is not None:
            shard.tell()  # it may have ended


class Place:
    """A place in a shard, as `get_shard_iterator` answers it: it says all there is to know."""

    def __init__(self, shard: StreamShard, number: int) -> None:
        self.arn = f"{shard.arn}|1|{shard.id}:{number}"


class DynamoDBStreamsBackend(streams_models.DynamoDBStreamsBackend):
    """Knows streams that were disabled, says what is not found, and keeps no iterators."""

    _url_module = streams_urls

    def describe_stream(self, arn: str) -> dict[str, Any]:
        shard = self._shard(arn)
        table = shard.table
        return {
            "StreamArn": arn,
            "StreamLabel": shard.label,
            "StreamStatus": "ENABLED" if shard.is_open else "DISABLED",
            "StreamViewType": shard.view_type,
            "CreationRequestDateTime": shard.created_on,
            "TableName": table.name,
            "KeySchema": table.schema,
            "Shards": [shard.to_json()],
        }

    def get_shard_iterator(
        self,
        arn: str,
        shard_id: str,
        shard_iterator_type: str,
        sequence_number: int | None = None,
    ) -> Place:
        shard = self._shard(arn)
        if shard.id != shard_id:
            raise JsonRESTError(NOT_FOUND, "Requested resource not found: Shard does not exist")
        first = shard.starting_sequence_number
        if shard_iterator_type == "TRIM_HORIZON":
            return Place(shard, first)
        if shard_iterator_type == "LATEST":
            return Place(shard, first + len(shard.items))
        if sequence_number is None:
            raise JsonRESTError(
                "ValidationException",
                f"The SequenceNumber parameter is required for {shard_iterator_type}.",
            )
        after = int(shard_iterator_type == "AFTER_SEQUENCE_NUMBER")
        return Place(shard, max(first, int(sequence_number) + after))

    def get_records(self, iterator_arn: str, limit: int) -> dict[str, Any]:
        arn, _, place = iterator_arn.partition("|1|")
        shard = self._shard(arn)
        number = int(place.rpartition(":")[2])
        records = shard.get(number, limit)
        number += len(records)
        answer: dict[str, Any] = {"Records": records}
        if shard.is_open or number < shard.starting_sequence_number + len(shard.items):
            answer["NextShardIterator"] = Place(shard, number).arn
        return answer

    def _shard(self, arn: str) -> StreamShard:
        table = self.dynamodb.tables.get(arn.split(":", 5)[-1].split("/")[1] if "/" in arn else "")
        label = arn.partition("/stream/")[2]
        shard = getattr(table, "stream_shards", {}).get(label)
        if shard is None:
            raise JsonRESTError(NOT_FOUND, f"Requested resource not found: Stream: {arn} not found")
        return shard
