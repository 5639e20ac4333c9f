"""DynamoDB Streams as event sources: what each write makes of records, and what none makes."""

from __future__ import annotations

import time

import pytest
from aws_lambda_powertools.utilities.parser.models import DynamoDBStreamModel
from botocore.exceptions import ClientError
from published import missing_paths
from streams_support import PRINTS, Table, connect, events, result


@pytest.fixture
def table(lab):
    """A table whose stream is mapped to a function that prints; `table.records()` are its."""
    table = Table(lab)
    table.function = lab.create(PRINTS)
    table.uuid = connect(lab, table, table.function)

    def records():
        lab.cloud.idle()
        return [r for event in events(lab, table.function) for r in event["Records"]]

    table.records = records
    return table


def kinds(records):
    return [(r["eventName"], r["dynamodb"]["Keys"]["id"]["S"]) for r in records]


def test_event(lab, table):
    table.put("1", bikes={"N": "3"})
    (record,) = table.records()
    event = {"Records": [record]}
    DynamoDBStreamModel.model_validate(event)
    own = ["Records[].dynamodb.Keys", "Records[].dynamodb.NewImage", "Records[].userIdentity"]
    assert missing_paths("dynamodb", event, but=own) == set()
    assert record["eventVersion"] == "1.1"
    assert record["eventSource"] == "aws:dynamodb"
    assert record["eventSourceARN"] == table.arn
    assert len(record["eventID"]) == 32
    change = record["dynamodb"]
    assert change["Keys"] == {"id": {"S": "1"}}
    assert change["NewImage"] == {"id": {"S": "1"}, "bikes": {"N": "3"}}
    assert "OldImage" not in change
    assert change["StreamViewType"] == "NEW_AND_OLD_IMAGES"
    assert type(change["ApproximateCreationDateTime"]) is int
    assert abs(change["ApproximateCreationDateTime"] - time.time()) < 60
    assert change["SequenceNumber"].isdigit()
    assert change["SizeBytes"] == 3 + 3 + 5 + 2  # the keys; the image's id and bikes


def test_the_label_of_a_stream_has_three_decimals(lab, table):
    label = table.arn.partition("/stream/")[2]
    assert len(label) == len("2026-11-24T22:23:29.825")


def test_each_write_makes_one_record(lab, table):
    table.put("1", bikes={"N": "3"})
    table.put("1", bikes={"N": "4"})
    update(table, "1", "5")
    update(table, "2", "1")  # makes the item
    table.dynamodb.delete_item(TableName=table.name, Key={"id": {"S": "1"}})
    table.dynamodb.delete_item(TableName=table.name, Key={"id": {"S": "none"}})
    records = table.records()
    assert kinds(records) == [
        ("INSERT", "1"),
        ("MODIFY", "1"),
        ("MODIFY", "1"),
        ("INSERT", "2"),
        ("REMOVE", "1"),
    ]
    images = [
        [r["dynamodb"].get(name, {}).get("bikes", {}).get("N") for name in ("OldImage", "NewImage")]
        for r in records
    ]
    assert images == [[None, "3"], ["3", "4"], ["4", "5"], [None, "1"], ["5", None]]
    numbers = [int(r["dynamodb"]["SequenceNumber"]) for r in records]
    assert numbers == sorted(set(numbers))


def update(table, key, bikes):
    table.dynamodb.update_item(
        TableName=table.name,
        Key={"id": {"S": key}},
        UpdateExpression="SET bikes = :bikes",
        ExpressionAttributeValues={":bikes": {"N": bikes}},
    )


def test_a_write_that_changes_nothing_makes_no_record(lab, table):
    tags = {"SS": ["a", "b"]}
    table.put("1", bikes={"N": "3"}, tags=tags)
    table.put("1", bikes={"N": "3.0"}, tags={"SS": ["b", "a"]})
    update(table, "1", "3")
    assert kinds(table.records()) == [("INSERT", "1")]


def test_a_write_that_fails_makes_no_record(lab, table):
    table.put("1", bikes={"N": "3"})
    with pytest.raises(ClientError, match="ConditionalCheckFailed"):
        table.dynamodb.put_item(
            TableName=table.name,
            Item={"id": {"S": "1"}},
            ConditionExpression="attribute_not_exists(id)",
        )
    assert kinds(table.records()) == [("INSERT", "1")]


def test_binary_attributes_are_base64(lab, table):
    table.put("1", photo={"B": b"\x00\x01"}, more={"BS": [b"a"]}, deep={"L": [{"B": b"b"}]})
    table.put("2")  # the write after it comes too
    first, second = table.records()
    image = first["dynamodb"]["NewImage"]
    assert image["photo"] == {"B": "AAE="}
    assert image["more"] == {"BS": ["YQ=="]}
    assert image["deep"] == {"L": [{"B": "Yg=="}]}
    assert second["dynamodb"]["Keys"] == {"id": {"S": "2"}}


def test_every_type_comes_as_it_was(lab, table):
    item = {
        "text": {"S": "räd"},
        "number": {"N": "-1.5"},
        "yes": {"BOOL": True},
        "nothing": {"NULL": True},
        "map": {"M": {"a": {"M": {"b": {"N": "1"}}}}},
        "list": {"L": [{"S": "x"}, {"L": []}]},
        "numbers": {"NS": ["1", "2"]},
    }
    table.put("1", **item)
    (record,) = table.records()
    assert record["dynamodb"]["NewImage"] == {"id": {"S": "1"}, **item}


@pytest.mark.parametrize(
    ("view", "images"),
    [
        ("KEYS_ONLY", set()),
        ("NEW_IMAGE", {"NewImage"}),
        ("OLD_IMAGE", {"OldImage"}),
        ("NEW_AND_OLD_IMAGES", {"NewImage", "OldImage"}),
    ],
)
def test_view_types(lab, view, images):
    table, name = Table(lab, view), lab.create(PRINTS)
    connect(lab, table, name)
    table.put("1", bikes={"N": "1"})
    table.put("1", bikes={"N": "2"})
    lab.cloud.idle()
    last = events(lab, name)[-1]["Records"][-1]["dynamodb"]
    assert {"NewImage", "OldImage"} & set(last) == images
    assert last["StreamViewType"] == view


def test_batch_write_and_transaction(lab, table):
    requests = [{"PutRequest": {"Item": {"id": {"S": key}}}} for key in "ab"]
    table.dynamodb.batch_write_item(RequestItems={table.name: requests})
    table.dynamodb.transact_write_items(
        TransactItems=[
            {"Put": {"TableName": table.name, "Item": {"id": {"S": "c"}}}},
            {"Delete": {"TableName": table.name, "Key": {"id": {"S": "a"}}}},
        ]
    )
    assert kinds(table.records()) == [
        ("INSERT", "a"),
        ("INSERT", "b"),
        ("INSERT", "c"),
        ("REMOVE", "a"),
    ]


def test_a_transaction_that_is_cancelled_makes_no_record(lab, table):
    table.put("1")
    with pytest.raises(ClientError, match="TransactionCanceled"):
        table.dynamodb.transact_write_items(
            TransactItems=[
                {"Put": {"TableName": table.name, "Item": {"id": {"S": "2"}}}},
                {
                    "Put": {
                        "TableName": table.name,
                        "Item": {"id": {"S": "1"}},
                        "ConditionExpression": "attribute_not_exists(id)",
                    }
                },
            ]
        )
    table.put("3")  # the stream goes on
    assert kinds(table.records()) == [("INSERT", "1"), ("INSERT", "3")]


def test_partiql(lab, table):
    table.dynamodb.execute_statement(
        Statement=f"INSERT INTO \"{table.name}\" value {{'id': 'p', 'bikes': 1}}"
    )
    assert kinds(table.records()) == [("INSERT", "p")]


def test_writes_by_many_at_once_all_come_in_the_order_of_the_writes(lab, table):
    from concurrent.futures import ThreadPoolExecutor

    def count(_):
        table.dynamodb.update_item(
            TableName=table.name,
            Key={"id": {"S": "1"}},
            UpdateExpression="ADD rides :one",
            ExpressionAttributeValues={":one": {"N": "1"}},
        )

    with ThreadPoolExecutor(12) as pool:
        list(pool.map(count, range(60)))
    rides = [int(r["dynamodb"]["NewImage"]["rides"]["N"]) for r in table.records()]
    assert rides == list(range(1, 61))


def test_latest(lab):
    table, name = Table(lab), lab.create(PRINTS)
    table.put("before")
    connect(lab, table, name, "LATEST")
    table.put("after")
    lab.cloud.idle()
    assert kinds(events(lab, name)[0]["Records"]) == [("INSERT", "after")]


def test_filter(lab):
    table, name = Table(lab), lab.create(PRINTS)
    pattern = '{"eventName": ["MODIFY"], "dynamodb": {"NewImage": {"bikes": {"N": ["0"]}}}}'
    connect(lab, table, name, FilterCriteria={"Filters": [{"Pattern": pattern}]})
    for bikes in ("2", "1", "0"):
        table.put("1", bikes={"N": bikes})
    lab.cloud.idle()
    (event,) = events(lab, name)
    assert kinds(event["Records"]) == [("MODIFY", "1")]
    assert event["Records"][0]["dynamodb"]["NewImage"]["bikes"] == {"N": "0"}


def test_a_stream_that_is_disabled_and_enabled_again(lab, table):
    def stream(**specification):
        return table.dynamodb.update_table(TableName=table.name, StreamSpecification=specification)[
            "TableDescription"
        ]

    table.put("1")
    stream(StreamEnabled=False)
    table.put("2")  # no stream takes it
    enabled = stream(StreamEnabled=True, StreamViewType="KEYS_ONLY")
    assert enabled["LatestStreamArn"] != table.arn
    table.put("3")
    assert kinds(table.records()) == [("INSERT", "1")]
    again = lab.create(PRINTS)
    lab.client.create_event_source_mapping(
        EventSourceArn=enabled["LatestStreamArn"],
        FunctionName=again,
        StartingPosition="TRIM_HORIZON",
    )
    lab.cloud.idle()
    assert [kinds(event["Records"]) for event in events(lab, again)] == [[("INSERT", "3")]]


def test_what_the_streams_api_itself_answers(lab, table):
    table.put("1")
    streams = lab.cloud.client("dynamodbstreams")
    found = streams.describe_stream(StreamArn=table.arn)["StreamDescription"]
    assert found["StreamStatus"] == "ENABLED"
    (shard,) = found["Shards"]
    iterator = streams.get_shard_iterator(
        StreamArn=table.arn, ShardId=shard["ShardId"], ShardIteratorType="TRIM_HORIZON"
    )["ShardIterator"]
    first = streams.get_records(ShardIterator=iterator)
    assert first["Records"] == streams.get_records(ShardIterator=iterator)["Records"]
    assert streams.get_records(ShardIterator=first["NextShardIterator"])["Records"] == []
    with pytest.raises(ClientError, match="ResourceNotFoundException"):
        streams.describe_stream(StreamArn=table.arn + "0")
    with pytest.raises(ClientError, match="ResourceNotFoundException"):
        streams.get_shard_iterator(
            StreamArn=table.arn, ShardId="shardId-" + "0" * 28, ShardIteratorType="LATEST"
        )


def test_a_table_that_is_deleted(lab, table):
    table.put("1")
    assert len(table.records()) == 1
    table.dynamodb.delete_table(TableName=table.name)
    lab.client.delete_event_source_mapping(UUID=table.uuid)
    lab.cloud.idle()


def test_result(lab, table):
    assert result(lab, table.uuid) == "No records processed"
    table.put("1")
    lab.cloud.idle()
    assert result(lab, table.uuid) == "OK"


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        ({"StartingPosition": "AT_TIMESTAMP"}, "Unsupported starting position for arn type"),
        ({"StartingPosition": None}, "Value null at 'startingPosition'"),
        (
            {
                "EventSourceArn": "arn:aws:dynamodb:us-east-1:123456789012:table/none/stream/"
                "2026-01-01T00:00:00.000"
            },
            "Stream not found: ",
        ),
        (
            {"EventSourceArn": "arn:aws:dynamodb:us-east-1:123456789012:table/TABLE"},
            "Unrecognized event source",
        ),
        (
            {
                "EventSourceArn": "arn:aws:dynamodb:us-east-1:123456789012:table/TABLE/stream/"
                "2026-01-01T00:00:00.000"
            },
            "Stream not found: ",
        ),
    ],
)
def test_what_aws_refuses_leaves_nothing(lab, settings, words):
    table, name = Table(lab), lab.create()
    spec = {"EventSourceArn": table.arn, "FunctionName": name, "StartingPosition": "LATEST"}
    spec = {k: v.replace("TABLE", table.name) for k, v in (spec | settings).items() if v}
    with pytest.raises(ClientError, match=words):
        lab.client.create_event_source_mapping(**spec)
    found = lab.client.list_event_source_mappings(FunctionName=name)
    assert found["EventSourceMappings"] == []


def test_defaults(lab):
    table, name = Table(lab), lab.create()
    spec = {"EventSourceArn": table.arn, "FunctionName": name, "StartingPosition": "LATEST"}
    found = lab.client.create_event_source_mapping(**spec)
    answer = found.pop("ResponseMetadata")
    assert answer["HTTPStatusCode"] == 202
    uuid = found.pop("UUID")
    assert found.pop("LastModified")
    prefix = "arn:aws:lambda:us-east-1:123456789012"
    assert found == {
        "EventSourceArn": table.arn,
        "EventSourceMappingArn": f"{prefix}:event-source-mapping:{uuid}",
        "FunctionArn": f"{prefix}:function:{name}",
        "BatchSize": 100,
        "BisectBatchOnFunctionError": False,
        "DestinationConfig": {"OnFailure": {}},
        "FunctionResponseTypes": [],
        "LastProcessingResult": "No records processed",
        "MaximumBatchingWindowInSeconds": 0,
        "MaximumRecordAgeInSeconds": -1,
        "MaximumRetryAttempts": -1,
        "ParallelizationFactor": 1,
        "StartingPosition": "LATEST",
        "State": "Creating",
        "StateTransitionReason": "User action",
        "TumblingWindowInSeconds": 0,
    }


@pytest.mark.parametrize(
    ("item", "size"),
    [
        # AWS's published sample event says 54 of 16 bytes of keys and this image
        (
            {
                "val": {"S": "data"},
                "asdf1": {"B": "AAEqQQ=="},
                "asdf2": {"BS": ["AAEqQQ==", "QSoBAA=="]},
                "key": {"S": "binary"},
            },
            54 - 16,
        ),
        ({"n": {"N": "100"}}, 1 + 2),
        ({"n": {"N": "-12.345"}}, 1 + 5),
        ({"n": {"N": "0"}}, 1 + 1),
        ({"b": {"BOOL": True}, "x": {"NULL": True}}, 4),
        ({"l": {"L": [{"S": "ab"}]}}, 1 + 3 + 1 + 2),
        ({"m": {"M": {"k": {"S": "ab"}}}}, 1 + 3 + 1 + 1 + 2),
    ],
)
def test_size_of_items(item, size):
    from workshop.cloud.seam.dynamodb_items import size_of

    assert size_of(item) == size
