"""Shards of Kinesis and DynamoDB streams: where to read on, and their records as events."""

from __future__ import annotations

import base64
import json
from collections.abc import Callable
from typing import Any

from ...base.arns import Arn
from ...base.times import in_milliseconds, in_seconds
from .mapping import EventSourceMapping
from .progress import Progress
from .source import Record

LARGEST_READ = {"kinesis": 10_000, "dynamodb": 1000}


class Shard:
    """A place in one shard. Subclasses know their service."""

    info_name = ""  # the key under which the record of a failure names a batch

    def __init__(
        self, client: Any, mapping: EventSourceMapping, shard_id: str, parents: tuple[str, ...] = ()
    ) -> None:
        self._client = client
        self._mapping = mapping
        self.id = shard_id
        self.parents = parents  # the shards whose records come before
        self.is_read = False  # it is closed, and all was read
        self._iterator: str | None = None

    def start(self, from_start: bool) -> str:
        """An iterator at the mapping's starting position, or at the shard's start."""
        position = "TRIM_HORIZON" if from_start else self._mapping["StartingPosition"]
        arguments = {"ShardIteratorType": position}
        if position == "AT_TIMESTAMP":
            arguments["Timestamp"] = self._mapping["StartingPositionTimestamp"]
        return self._get_iterator(arguments)

    def open(self, progress: Progress) -> None:
        """Goes to where a mapping has come."""
        self._iterator = progress.start
        if progress.position:
            self._iterator = self._get_iterator(
                {
                    "ShardIteratorType": "AFTER_SEQUENCE_NUMBER",
                    self.number_argument: progress.position,
                }
            )

    def read(self) -> list[Record]:
        """The next records, an empty list where there are none (yet)."""
        if self._iterator is None:
            self.is_read = True
            return []
        limit = LARGEST_READ[self._mapping.service]
        found = self._client.get_records(ShardIterator=self._iterator, Limit=limit)
        self._iterator = found.get("NextShardIterator")
        self.is_read = self._iterator is None
        return [self._record(each) for each in found["Records"]]

    def batch_info(self, records: list[Record]) -> dict[str, Any]:
        """What the record of a failure says of a batch."""
        first, last = records[0], records[-1]
        return {
            self.info_name: {
                "shardId": self.id,
                "startSequenceNumber": first.identifier,
                "endSequenceNumber": last.identifier,
                "approximateArrivalOfFirstRecord": self.write_time(first.arrived_at),
                "approximateArrivalOfLastRecord": self.write_time(last.arrived_at),
                "batchSize": len(records),
                "streamArn": self._mapping.source_arn,
            }
        }

    number_argument = ""  # what the service calls the number to go on from
    write_time = staticmethod(in_milliseconds)

    def _get_iterator(self, arguments: dict[str, Any]) -> str:
        raise RuntimeError("a shard knows its service")

    def _record(self, found: dict[str, Any]) -> Record:
        raise RuntimeError("a shard knows its service")


class KinesisShard(Shard):
    """A shard of a Kinesis data stream."""

    info_name = "KinesisBatchInfo"
    number_argument = "StartingSequenceNumber"

    def _get_iterator(self, arguments: dict[str, Any]) -> str:
        name = Arn.parse(self._mapping.source_arn).name
        found = self._client.get_shard_iterator(StreamName=name, ShardId=self.id, **arguments)
        return found["ShardIterator"]

    def _record(self, found: dict[str, Any]) -> Record:
        number, arrived_at = found["SequenceNumber"], _seconds(found["ApproximateArrivalTimestamp"])
        event = {
            "kinesis": {
                "kinesisSchemaVersion": "1.0",
                "partitionKey": found["PartitionKey"],
                "sequenceNumber": number,
                "data": base64.b64encode(found["Data"]).decode(),
                "approximateArrivalTimestamp": round(arrived_at, 3),
            },
            "eventSource": "aws:kinesis",
            "eventVersion": "1.0",
            "eventID": f"{self.id}:{number}",
            "eventName": "aws:kinesis:record",
            "invokeIdentityArn": self._mapping.role,
            "awsRegion": self._mapping.region,
            "eventSourceARN": self._mapping.source_arn,
        }
        return Record(event, number, found["PartitionKey"], arrived_at, _size(event))


class DynamoDbShard(Shard):
    """A shard of a DynamoDB stream."""

    info_name = "DDBStreamBatchInfo"
    number_argument = "SequenceNumber"
    write_time = staticmethod(in_seconds)

    def _get_iterator(self, arguments: dict[str, Any]) -> str:
        arn = self._mapping.source_arn
        found = self._client.get_shard_iterator(StreamArn=arn, ShardId=self.id, **arguments)
        return found["ShardIterator"]

    def _record(self, found: dict[str, Any]) -> Record:
        change = {name: _json(value) for name, value in found["dynamodb"].items()}
        arrived_at = _seconds(found["dynamodb"]["ApproximateCreationDateTime"])
        change["ApproximateCreationDateTime"] = int(arrived_at)
        event = {
            "eventID": found["eventID"],
            "eventName": found["eventName"],
            "eventVersion": found["eventVersion"],
            "eventSource": "aws:dynamodb",
            "awsRegion": self._mapping.region,
            "dynamodb": {name: change[name] for name in CHANGE if name in change},
            "eventSourceARN": self._mapping.source_arn,
        }
        if "userIdentity" in found:  # an item whose time to live was over
            identity = found["userIdentity"]
            event["userIdentity"] = {
                "type": identity["Type"],
                "principalId": identity["PrincipalId"],
            }
        key = json.dumps(change["Keys"], sort_keys=True)
        return Record(event, change["SequenceNumber"], key, arrived_at, _size(event))


CHANGE = (
    "ApproximateCreationDateTime",
    "Keys",
    "NewImage",
    "OldImage",
    "SequenceNumber",
    "SizeBytes",
    "StreamViewType",
)


def shards(mapping: EventSourceMapping, client: Callable[[str, str], Any]) -> list[Shard]:
    """All shards of a mapping's stream, parents before their children."""
    arn, region = mapping.source_arn, mapping.region
    if mapping.service == "kinesis":
        kinesis = client("kinesis", region)
        found = kinesis.list_shards(StreamARN=arn)["Shards"]
        return [KinesisShard(kinesis, mapping, each["ShardId"], _parents(each)) for each in found]
    streams = client("dynamodbstreams", region)
    found = streams.describe_stream(StreamArn=arn)["StreamDescription"]["Shards"]
    return [DynamoDbShard(streams, mapping, each["ShardId"], _parents(each)) for each in found]


def _parents(found: dict[str, Any]) -> tuple[str, ...]:
    names = ("ParentShardId", "AdjacentParentShardId")
    return tuple(found[name] for name in names if found.get(name))


def _seconds(moment: Any) -> float:
    return moment.timestamp() if hasattr(moment, "timestamp") else float(moment)


def _size(event: dict[str, Any]) -> int:
    return len(json.dumps(event, ensure_ascii=False, separators=(",", ":")).encode())


def _json(value: Any) -> Any:
    """A DynamoDB value as JSON has it: binary in base64."""
    if isinstance(value, bytes):
        return base64.b64encode(value).decode()
    if isinstance(value, dict):
        return {key: _json(each) for key, each in value.items()}
    if isinstance(value, (list, tuple, set)):
        return [_json(each) for each in value]
    return value
