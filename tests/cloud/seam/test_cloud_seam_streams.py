"""The contract with moto's Kinesis and DynamoDB: fails where a release moves what the seam uses."""

from __future__ import annotations

import inspect

import moto.dynamodb.models as dynamodb_models
import moto.dynamodb.models.table as table_models
import moto.dynamodbstreams.models as streams_models
import moto.kinesis.models as kinesis_models
import pytest
from moto.dynamodb.models import dynamodb_backends
from moto.dynamodbstreams.models import dynamodbstreams_backends
from moto.kinesis.models import kinesis_backends
from streams_support import Stream, Table

from workshop.cloud.seam import dynamodb, kinesis

ACCOUNT, REGION = "123456789012", "us-east-1"
OVERRIDDEN = [
    (kinesis.Shard, "put_record", ["partition_key", "data", "explicit_hash_key"]),
    (kinesis.Shard, "get_records", ["last_sequence_id", "limit"]),
    (kinesis.Shard, "get_max_sequence_number", []),
    (kinesis.Shard, "get_sequence_number_at", ["at_timestamp"]),
    (kinesis.Stream, "put_record", ["partition_key", "explicit_hash_key", "data"]),
    (kinesis.Stream, "get_shard_for_key", ["partition_key", "explicit_hash_key"]),
    (kinesis.Stream, "split_shard", ["shard_to_split", "new_starting_hash_key"]),
    (kinesis.Stream, "merge_shards", ["shard_to_merge", "adjacent_shard_to_merge"]),
    (kinesis.KinesisBackend, "get_records", ["stream_arn", "shard_iterator", "limit"]),
    (
        kinesis.KinesisBackend,
        "put_record",
        ["stream_arn", "stream_name", "partition_key", "explicit_hash_key", "data"],
    ),
    (dynamodb.StreamShard, "add", ["old", "new"]),
    (dynamodb.DynamoDBBackend, "transact_write_items", ["transact_items"]),
    (dynamodb.DynamoDBBackend, "update_table_streams", ["table", "stream_specification"]),
    (dynamodb.DynamoDBStreamsBackend, "describe_stream", ["arn"]),
    (dynamodb.DynamoDBStreamsBackend, "get_records", ["iterator_arn", "limit"]),
    (
        dynamodb.DynamoDBStreamsBackend,
        "get_shard_iterator",
        ["arn", "shard_id", "shard_iterator_type", "sequence_number"],
    ),
]


@pytest.mark.parametrize(("ours", "name", "arguments"), OVERRIDDEN)
def test_overridden_methods_have_motos_arguments(ours, name, arguments):
    theirs = ours.__mro__[1]
    assert theirs.__module__.startswith("moto."), theirs
    for kind in (ours, theirs):
        found = list(inspect.signature(getattr(kind, name)).parameters)[1:]
        assert found == arguments, f"{kind.__module__}.{kind.__name__}.{name} has other arguments"


@pytest.mark.parametrize("name", ["put_item", "update_item", "delete_item", "execute_statement"])
def test_writes_of_dynamodb_exist(name):
    assert callable(getattr(dynamodb_models.DynamoDBBackend, name, None))


def test_moto_makes_the_subclasses_itself(lab):
    stream, table = Stream(lab), Table(lab)
    backend = kinesis_backends[ACCOUNT][REGION]
    assert type(backend) is kinesis.KinesisBackend
    found = backend.streams[stream.name]
    assert type(found) is kinesis.Stream
    assert all(type(shard) is kinesis.Shard for shard in found.shards.values())
    tables = dynamodb_backends[ACCOUNT][REGION]
    assert type(tables) is dynamodb.DynamoDBBackend
    assert type(tables.tables[table.name].stream_shard) is dynamodb.StreamShard
    streams = dynamodbstreams_backends[ACCOUNT][REGION]
    assert type(streams) is dynamodb.DynamoDBStreamsBackend


def test_attributes_that_are_read(lab):
    stream, table = Stream(lab), Table(lab)
    stream.put("a")
    shard = next(iter(kinesis_backends[ACCOUNT][REGION].streams[stream.name].shards.values()))
    assert shard.is_open is True
    assert (shard._shard_id, shard.starting_hash) == (0, 0)
    assert next(iter(shard.records.values())).created_at > 0
    found = dynamodb_backends[ACCOUNT][REGION].tables[table.name]
    assert found.stream_specification["StreamEnabled"] is True
    assert found.latest_stream_label == found.stream_shard.label
    assert found.stream_shard.starting_sequence_number > 0
    assert "stream_shard.add" in inspect.getsource(table_models.Table.put_item)
    assert "StreamShard(self.account_id, self)" in inspect.getsource(
        table_models.Table.set_stream_specification
    )
    record = table_models.StreamRecord
    assert list(inspect.signature(record).parameters) == [
        "table",
        "stream_type",
        "event_name",
        "old",
        "new",
        "seq",
    ]


def test_names_that_are_replaced_exist():
    assert kinesis_models.md5_hash(b"").hexdigest()
    assert callable(kinesis_models.decompose_shard_iterator)
    assert streams_models.dynamodbstreams_backends.backend


def test_moto_delivers_nothing_itself(lab):
    """No stream and no table knows of a mapping: the pollers deliver."""
    stream, table, name = Stream(lab), Table(lab), lab.create()
    for source in (stream, table):
        lab.client.create_event_source_mapping(
            EventSourceArn=source.arn, FunctionName=name, StartingPosition="LATEST"
        )
    found = kinesis_backends[ACCOUNT][REGION].streams[stream.name]
    assert not found.lambda_event_source_mappings
    tables = dynamodb_backends[ACCOUNT][REGION].tables
    assert not tables[table.name].lambda_event_source_mappings
