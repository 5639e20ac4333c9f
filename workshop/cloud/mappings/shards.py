"""Shards of Kinesis and DynamoDB streams: where to read on, and their records as events."""

from __future__ import annotations

import base64
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from .mapping import Mapping

LARGEST_READ = {"kinesis": 10_000, "dynamodb": 1000}


@dataclass(frozen=True)
class Record:
    """One record, and what the pollers need to know of it."""

    event: dict[str, Any]
    sequence_number: str
    key: str  # records of one key stay in order
    arrived_at: float  # time.time()


class Shard:
    """A place in one shard. Subclasses know their service."""

    def __init__(self, client: Any, mapping: Mapping, shard_id: str) -> None:
        self._client = client
        self._mapping = mapping
        self.id = shard_id
        self._iterator: str | None = None

    def seek(self, from_start: bool = False) -> None:
        """Goes to the mapping's starting position, or to the shard's start."""
        position = "TRIM_HORIZON" if from_start else self._mapping["StartingPosition"]
        arguments = {"ShardId": self.id, "ShardIteratorType": position}
        if position == "AT_TIMESTAMP":
            arguments["Timestamp"] = self._mapping["StartingPositionTimestamp"] or time.time()
        self._iterator = self._get_iterator(arguments)

    def read(self, most: int) -> list[Record]:
        """The next records, at most so many; an empty list at the shard's end."""
        if self._iterator is None:
            return []
        limit = min(most, LARGEST_READ[self._mapping.service])
        found = self._client.get_records(ShardIterator=self._iterator, Limit=limit)
        self._iterator = found.get("NextShardIterator")
        records = [self._record(each) for each in found["Records"]]
        if found["Records"] and not any(records):
            return self.read(most)  # all of them were no changes
        return [record for record in records if record]

    def _get_iterator(self, arguments: dict[str, Any]) -> str:
        raise RuntimeError("a shard knows its service")

    def _record(self, found: dict[str, Any]) -> Record | None:
        raise RuntimeError("a shard knows its service")


class KinesisShard(Shard):
    """A shard of a Kinesis data stream."""

    def _get_iterator(self, arguments: dict[str, Any]) -> str:
        name = self._mapping.source_arn.partition("/")[2]
        return self._client.get_shard_iterator(StreamName=name, **arguments)["ShardIterator"]

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
        return Record(event, number, found["PartitionKey"], arrived_at)


class DynamoDbShard(Shard):
    """A shard of a DynamoDB stream."""

    def _get_iterator(self, arguments: dict[str, Any]) -> str:
        arn = self._mapping.source_arn
        return self._client.get_shard_iterator(StreamArn=arn, **arguments)["ShardIterator"]

    def _record(self, found: dict[str, Any]) -> Record | None:
        change = {k: _json(v) for k, v in found["dynamodb"].items()}
        if found["eventName"] == "MODIFY" and change.get("OldImage") == change.get("NewImage", 0):
            return None  # AWS writes no record for a put that changes nothing
        arrived_at = _seconds(found["dynamodb"]["ApproximateCreationDateTime"])
        images = ("Keys", "NewImage", "OldImage")
        body = {
            "ApproximateCreationDateTime": int(arrived_at),
            **{name: change[name] for name in images if name in change},
            "SequenceNumber": change["SequenceNumber"],
            "SizeBytes": sum(_size({"M": change[n]}) for n in images if n in change),
            "StreamViewType": change["StreamViewType"],
        }
        event = {
            "eventID": found["eventID"],
            "eventName": found["eventName"],
            "eventVersion": "1.1",
            "eventSource": "aws:dynamodb",
            "awsRegion": self._mapping.region,
            "dynamodb": body,
            "eventSourceARN": self._mapping.source_arn,
        }
        if "userIdentity" in found:
            event["userIdentity"] = found["userIdentity"]
        return Record(event, body["SequenceNumber"], str(change["Keys"]), arrived_at)


class KinesisSource:
    """A Kinesis data stream."""

    batch_info = "KinesisBatchInfo"

    def __init__(self, mapping: Mapping, client: Callable[[str, str], Any]) -> None:
        self._client = client("kinesis", mapping.region)
        self._mapping = mapping

    def shards(self) -> list[Shard]:
        """All its shards, in order."""
        found = self._client.list_shards(StreamARN=self._mapping.source_arn)["Shards"]
        return [KinesisShard(self._client, self._mapping, each["ShardId"]) for each in found]


class DynamoDbSource:
    """A DynamoDB stream."""

    batch_info = "DDBStreamBatchInfo"

    def __init__(self, mapping: Mapping, client: Callable[[str, str], Any]) -> None:
        self._client = client("dynamodbstreams", mapping.region)
        self._mapping = mapping

    def shards(self) -> list[Shard]:
        """All its shards, in order."""
        arn = self._mapping.source_arn
        found = self._client.describe_stream(StreamArn=arn)["StreamDescription"]["Shards"]
        return [DynamoDbShard(self._client, self._mapping, each["ShardId"]) for each in found]


SOURCES = {"kinesis": KinesisSource, "dynamodb": DynamoDbSource}


def _seconds(moment: Any) -> float:
    return moment.timestamp() if hasattr(moment, "timestamp") else float(moment)


def _json(value: Any) -> Any:
    """A DynamoDB value as JSON has it: binary in base64."""
    if isinstance(value, bytes):
        return base64.b64encode(value).decode()
    if isinstance(value, dict):
        return {key: _json(each) for key, each in value.items()}
    if isinstance(value, (list, tuple, set)):
        return [_json(each) for each in value]
    return value


def _size(value: dict[str, Any]) -> int:
    """Bytes of one attribute value, by DynamoDB's rules for item sizes."""
    ((kind, content),) = value.items()
    if kind == "M":
        return sum(len(name.encode()) + _size(each) for name, each in content.items())
    if kind == "L":
        return 3 + sum(_size(each) for each in content)
    if kind in ("SS", "NS", "BS"):
        return sum(_size({kind[0]: each}) for each in content)
    if kind == "N":
        return len(content.strip("-").replace(".", "")) // 2 + 1
    if kind == "B":
        return len(base64.b64decode(content))
    return len(content.encode()) if kind == "S" else 1
