"""Kinesis data streams as event sources: events, positions, shards, parallel batches."""

from __future__ import annotations

import time
from datetime import datetime, timezone

import pytest
from aws_lambda_powertools.utilities.parser.models import KinesisDataStreamModel
from botocore.exceptions import ClientError
from published import missing_paths
from streams_support import PRINTS, Stream, batches, change, connect, events, result, texts
from waiting import until


def test_event(lab):
    stream, name = Stream(lab), lab.create(PRINTS)
    connect(lab, stream, name)
    (number,) = stream.put("räd", key="31000")
    lab.cloud.idle()
    (event,) = events(lab, name)
    KinesisDataStreamModel.model_validate(event)
    assert missing_paths("kinesis", event) == set()
    (record,) = event["Records"]
    shard = "shardId-000000000000"
    assert len(number) == 56
    assert number.isdigit()
    assert record["eventID"] == f"{shard}:{number}"
    assert record["eventSourceARN"] == stream.arn
    assert record["invokeIdentityArn"] == "arn:aws:iam::123456789012:role/lambda-role"
    assert record["kinesis"]["sequenceNumber"] == number
    assert record["kinesis"]["partitionKey"] == "31000"
    assert texts(event) == ["räd"]
    arrived = record["kinesis"]["approximateArrivalTimestamp"]
    assert abs(arrived - time.time()) < 60
    assert round(arrived, 3) == arrived


def test_put_records_come_as_one_batch_in_order(lab):
    stream, name = Stream(lab), lab.create(PRINTS)
    connect(lab, stream, name)
    records = [{"Data": str(n % 10), "PartitionKey": str(n)} for n in range(50)]
    stream.kinesis.put_records(StreamName=stream.name, Records=records)
    lab.cloud.idle()
    assert "".join(batches(lab, name)) == "0123456789" * 5
    numbers = [r["kinesis"]["sequenceNumber"] for e in events(lab, name) for r in e["Records"]]
    assert numbers == sorted(set(numbers))


def test_records_put_at_once_by_many_all_come(lab):
    from concurrent.futures import ThreadPoolExecutor

    stream, name = Stream(lab), lab.create(PRINTS)
    connect(lab, stream, name)
    with ThreadPoolExecutor(16) as pool:
        list(pool.map(lambda n: stream.put(f"{n:03} ", key=str(n)), range(100)))
    lab.cloud.idle()
    came = "".join(batches(lab, name)).split()
    assert sorted(came) == [f"{n:03}" for n in range(100)]


def test_positions(lab):
    stream = Stream(lab)
    stream.put("a")
    time.sleep(0.01)  # the clock's own resolution; nothing is waited for
    between = datetime.now(timezone.utc)
    stream.put("b")
    names = {position: lab.create(PRINTS) for position in ("TRIM_HORIZON", "LATEST", "AT")}
    connect(lab, stream, names["TRIM_HORIZON"])
    connect(lab, stream, names["LATEST"], "LATEST")
    connect(lab, stream, names["AT"], "AT_TIMESTAMP", StartingPositionTimestamp=between)
    stream.put("c")
    lab.cloud.idle()
    came = {position: "".join(batches(lab, name)) for position, name in names.items()}
    assert came == {"TRIM_HORIZON": "abc", "LATEST": "c", "AT": "bc"}


def test_batch_size(lab):
    stream, name = Stream(lab), lab.create(PRINTS)
    stream.put(*"abcdefg")
    connect(lab, stream, name, BatchSize=3)
    lab.cloud.idle()
    assert batches(lab, name) == ["abc", "def", "g"]


def test_batching_window_collects(lab):
    stream, name = Stream(lab), lab.create(PRINTS)
    connect(lab, stream, name, MaximumBatchingWindowInSeconds=1)
    for letter in "abcd":
        stream.put(letter)
    lab.cloud.idle()
    assert batches(lab, name) == ["abcd"]


def test_a_full_batch_does_not_wait_for_its_window(lab):
    stream, name = Stream(lab), lab.create(PRINTS)
    stream.put(*"abcd")
    connect(lab, stream, name, BatchSize=2, MaximumBatchingWindowInSeconds=300)
    lab.cloud.idle()
    assert batches(lab, name) == ["ab", "cd"]


def test_filter_skips_records(lab):
    stream, name = Stream(lab), lab.create(PRINTS)
    pattern = '{"data": {"bikes": [{"numeric": ["<", 2]}]}}'
    uuid = connect(lab, stream, name, FilterCriteria={"Filters": [{"Pattern": pattern}]})
    stream.put('{"bikes": 5}', '{"bikes": 1}', "not json", '{"bikes": 0}')
    lab.cloud.idle()
    assert "".join(batches(lab, name)) == '{"bikes": 1}{"bikes": 0}'
    change(lab, uuid, FilterCriteria={"Filters": [{"Pattern": '{"partitionKey": ["other"]}'}]})
    stream.put('{"bikes": 1}')
    stream.put("taken", key="other")
    lab.cloud.idle()
    assert batches(lab, name)[-1] == "taken"


def test_a_failing_batch_holds_up_its_shard_only(lab):
    stream = Stream(lab, shards=2)
    source = PRINTS + "\n    if 'cG9pc29u' in str(event): raise ValueError('poison')"
    name = lab.create(source)
    uuid = connect(lab, stream, name, BatchSize=1)
    stream.put_to(0, "poison")
    stream.put_to(0, "behind")
    stream.put_to(1, "other")
    until(lambda: batches(lab, name).count("poison") > 2 and "other" in batches(lab, name))
    with pytest.raises(TimeoutError, match=f"kinesis mapping of {name}, shardId-000000000000"):
        lab.cloud.idle(timeout=0.5)  # it is tried until it expires
    assert result(lab, uuid) == "PROBLEM: Function call failed"
    lab.client.delete_event_source_mapping(UUID=uuid)
    lab.cloud.idle()
    assert all(not each.startswith("behind") for each in batches(lab, name))


SLOW = """
import json, time
def handler(event, context):
    print('EVENT', json.dumps(event))
    time.sleep(0.05)
"""


def test_parallel_batches_keep_the_order_of_each_key(lab):
    stream, name = Stream(lab), lab.create(SLOW)
    for number in range(24):
        stream.put(f"{'abcdef'[number % 6]}{number:02} ", key="abcdef"[number % 6])
    connect(lab, stream, name, BatchSize=2, ParallelizationFactor=3)
    lab.cloud.idle()
    ran = lab.cloud.invocations(name)
    at_once = [sum(o.started_at <= r.started_at < o.ended_at for o in ran) for r in ran]
    assert 1 < max(at_once) <= 3
    came = "".join(batches(lab, name)).split()
    assert len(came) == 24
    for key in "abcdef":
        of_key = [each for each in came if each.startswith(key)]
        assert of_key == sorted(of_key)


def test_parallelization_factor_can_change(lab):
    stream, name = Stream(lab), lab.create(PRINTS)
    uuid = connect(lab, stream, name)
    stream.put(*"ab")
    change(lab, uuid, ParallelizationFactor=4)
    for letter in "cdef":
        stream.put(letter, key=letter)
    lab.cloud.idle()
    assert sorted("".join(batches(lab, name))) == list("abcdef")


def test_split_reads_the_parent_first(lab):
    stream, name = Stream(lab), lab.create(PRINTS)
    stream.put(*"abc")
    middle = str(2**127)
    stream.kinesis.split_shard(
        StreamName=stream.name,
        ShardToSplit="shardId-000000000000",
        NewStartingHashKey=middle,
    )
    stream.put_to(1, "d")
    stream.put_to(2, "e")
    connect(lab, stream, name, BatchSize=2)
    lab.cloud.idle()
    came = batches(lab, name)
    assert came[:2] == ["ab", "c"]
    assert sorted(came[2:]) == ["d", "e"]


def test_children_wait_for_a_parent_that_fails(lab):
    stream = Stream(lab)
    source = PRINTS + "\n    if 'YQ==' in str(event): raise ValueError('a')"
    name = lab.create(source)
    connect(lab, stream, name, "LATEST", MaximumRetryAttempts=3)
    stream.put("a")
    stream.kinesis.split_shard(
        StreamName=stream.name, ShardToSplit="shardId-000000000000", NewStartingHashKey=str(2**127)
    )
    stream.put_to(1, "b")
    lab.cloud.idle()
    assert batches(lab, name) == ["a", "a", "a", "a", "b"]


def test_merge_and_new_shard_count_lose_and_double_nothing(lab):
    stream, name = Stream(lab, shards=2), lab.create(PRINTS)
    connect(lab, stream, name)
    expected = []
    for step, count in enumerate((1, 4, 3)):
        data = [f"{step}{letter} " for letter in "abcdefgh"]
        for each in data:
            stream.put(each, key=each)
        expected += data
        stream.kinesis.update_shard_count(
            StreamName=stream.name, TargetShardCount=count, ScalingType="UNIFORM_SCALING"
        )
    stream.put("last ", key="last")
    lab.cloud.idle()
    came = "".join(batches(lab, name)).split()
    assert sorted(came) == sorted(each.strip() for each in [*expected, "last "])
    shards = [e["Records"][0]["eventID"].split(":")[0] for e in events(lab, name)]
    assert len(set(shards)) > 2


def test_a_closed_shard_ends(lab):
    stream = Stream(lab)
    stream.put("a")
    shard = "shardId-000000000000"
    stream.kinesis.split_shard(
        StreamName=stream.name, ShardToSplit=shard, NewStartingHashKey=str(2**127)
    )
    iterator = stream.kinesis.get_shard_iterator(
        StreamName=stream.name, ShardId=shard, ShardIteratorType="TRIM_HORIZON"
    )["ShardIterator"]
    found = stream.kinesis.get_records(ShardIterator=iterator)
    assert [record["Data"] for record in found["Records"]] == [b"a"]
    assert "NextShardIterator" not in found
    parent, *children = stream.shards()
    assert parent["SequenceNumberRange"]["EndingSequenceNumber"]
    assert [child["ParentShardId"] for child in children] == [shard, shard]


def test_batches_over_6_mb_are_cut(lab):
    stream = Stream(lab)
    source = "def handler(event, context): print(len(event['Records']))"
    name = lab.create(source)
    for letter in "abcdefghij":
        stream.put(letter * 1_000_000)
    connect(lab, stream, name)
    lab.cloud.idle()
    ran = lab.cloud.invocations(name)
    assert [each.status for each in ran] == ["success"] * 3
    lines = lab.log_events(f"/aws/lambda/{name}")
    assert [int(line) for line in lines if line.strip().isdigit()] == [4, 4, 2]


def test_a_record_over_1_mb_is_refused(lab):
    stream = Stream(lab)
    with pytest.raises(ClientError, match="length less than or equal to 1048576"):
        stream.put("x" * 1_048_577)
    with pytest.raises(ClientError, match="length less than or equal to 1048576"):
        records = [{"Data": "x" * 1_048_577, "PartitionKey": "a"}]
        stream.kinesis.put_records(StreamName=stream.name, Records=records)


def test_a_stream_that_is_deleted(lab):
    stream, name = Stream(lab), lab.create(PRINTS)
    uuid = connect(lab, stream, name)
    stream.put("a")
    lab.cloud.idle()
    stream.kinesis.delete_stream(StreamName=stream.name)
    lab.cloud.idle()
    assert batches(lab, name) == ["a"]
    lab.client.delete_event_source_mapping(UUID=uuid)
    lab.cloud.idle()


def test_two_functions_read_one_stream(lab):
    stream = Stream(lab)
    names = [lab.create(PRINTS) for _ in range(2)]
    for name in names:
        connect(lab, stream, name)
    stream.put(*"abc")
    lab.cloud.idle()
    assert ["".join(batches(lab, name)) for name in names] == ["abc", "abc"]


def test_a_stream_in_another_region(lab):
    name = "function-in-ireland"
    kinesis = lab.cloud.client("kinesis", region_name="eu-west-1")
    kinesis.create_stream(StreamName="ireland", ShardCount=1)
    client = lab.cloud.client("lambda", region_name="eu-west-1")
    from support import ROLE, package

    client.create_function(
        FunctionName=name,
        Runtime="python3.14",
        Handler="handler.handler",
        Role=ROLE,
        Code={"ZipFile": package("def handler(event, context): return event['Records'][0]")},
    )
    client.create_event_source_mapping(
        EventSourceArn="arn:aws:kinesis:eu-west-1:123456789012:stream/ireland",
        FunctionName=name,
        StartingPosition="TRIM_HORIZON",
    )
    kinesis.put_record(StreamName="ireland", Data=b"a", PartitionKey="a")
    lab.cloud.idle()
    assert [each.status for each in lab.cloud.invocations(name)] == ["success"]


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        (
            {"EventSourceArn": "arn:aws:kinesis:us-east-1:123456789012:stream/no"},
            "Stream not found: ",
        ),
        ({"StartingPosition": None}, "InvalidParameterValue.*Value null at 'startingPosition'"),
        ({"StartingPosition": "NOW"}, r"enum value set: \[LATEST, AT_TIMESTAMP, TRIM_HORIZON\]"),
        ({"StartingPosition": "AT_TIMESTAMP"}, "Need to specify a timestamp"),
        ({"BatchSize": 10_001}, "'batchSize' failed .* less than or equal to 10000"),
        ({"BatchSize": 0}, "'batchSize' failed .* greater than or equal to 1"),
        ({"TumblingWindowInSeconds": 901}, "less than or equal to 900"),
        ({"MaximumBatchingWindowInSeconds": 301}, "less than or equal to 300"),
        ({"MaximumRetryAttempts": 10_001}, "less than or equal to 10000"),
        ({"MaximumRetryAttempts": -2}, "greater than or equal to -1"),
        ({"ParallelizationFactor": 11}, "less than or equal to 10"),
        ({"MaximumRecordAgeInSeconds": 59}, "either -1 .forever. or between 60 and 604800"),
        ({"MaximumRecordAgeInSeconds": 604_801}, "less than or equal to 604800"),
        ({"FilterCriteria": {"Filters": [{"Pattern": "{"}]}}, "Invalid filter pattern definition"),
        ({"FunctionName": "nobody"}, "Function does not exist"),
        ({"FunctionResponseTypes": ["Report"]}, "ReportBatchItemFailures"),
        (
            {"DestinationConfig": {"OnFailure": {"Destination": "https://sqs/queue"}}},
            "'destinationConfig.onFailure.destination' failed",
        ),
        (
            {"DestinationConfig": {"OnFailure": {"Destination": "arn:aws:sqs:us-east-1:1:no"}}},
            "ValidationException|destination ARN",
        ),
        (
            {
                "DestinationConfig": {
                    "OnFailure": {"Destination": "arn:aws:sqs:us-east-1:123456789012:no"}
                }
            },
            "The destination ARN arn:aws:sqs:us-east-1:123456789012:no is invalid",
        ),
        (
            {"DestinationConfig": {"OnFailure": {"Destination": "arn:aws:s3:::no-such-bucket"}}},
            "The destination ARN arn:aws:s3:::no-such-bucket is invalid",
        ),
    ],
)
def test_what_aws_refuses_leaves_nothing(lab, settings, words):
    stream, name = Stream(lab), lab.create()
    spec = {"EventSourceArn": stream.arn, "FunctionName": name, "StartingPosition": "LATEST"}
    spec = {k: v for k, v in (spec | settings).items() if v is not None}
    client = unchecked(lab)
    with pytest.raises(ClientError, match=words):
        client.create_event_source_mapping(**spec)
    found = lab.client.list_event_source_mappings(EventSourceArn=stream.arn)
    assert found["EventSourceMappings"] == []


def unchecked(lab):
    """A client that sends what boto3 itself would refuse."""
    from botocore.config import Config

    return lab.cloud.client("lambda", config=Config(parameter_validation=False))


def test_a_batch_size_over_10_needs_no_window(lab):
    """Only queues do: a stream's default is 100, without a window."""
    uuid = connect(lab, Stream(lab), lab.create(), BatchSize=5000)
    assert lab.client.get_event_source_mapping(UUID=uuid)["BatchSize"] == 5000


def test_a_change_that_is_refused_changes_nothing(lab):
    uuid = connect(lab, Stream(lab), lab.create())
    missing = "arn:aws:sqs:us-east-1:123456789012:missing"
    with pytest.raises(ClientError, match="destination ARN"):
        config = {"OnFailure": {"Destination": missing}}
        change(lab, uuid, BatchSize=7, DestinationConfig=config)
    with pytest.raises(ClientError, match="between 60 and 604800"):
        change(lab, uuid, BatchSize=7, MaximumRecordAgeInSeconds=30)
    assert lab.client.get_event_source_mapping(UUID=uuid)["BatchSize"] == 100


def test_second_mapping_of_one_stream_and_function(lab):
    stream, name = Stream(lab), lab.create()
    uuid = connect(lab, stream, name)
    with pytest.raises(ClientError, match=f"ResourceConflictException.*{uuid}"):
        connect(lab, stream, name)


def test_defaults(lab):
    found = lab.client.get_event_source_mapping(UUID=connect(lab, Stream(lab), lab.create()))
    assert found["BatchSize"] == 100
    assert found["ParallelizationFactor"] == 1
    assert found["MaximumRetryAttempts"] == found["MaximumRecordAgeInSeconds"] == -1
    assert found["TumblingWindowInSeconds"] == found["MaximumBatchingWindowInSeconds"] == 0
    assert found["BisectBatchOnFunctionError"] is False
    assert found["LastProcessingResult"] == "No records processed"
