"""The city of stage 07: where its docks' readings are counted, and what the checks ask of it."""

from __future__ import annotations

import contextlib
import json

from workshop.grading.words import ended_in_error, failure, logged, show

from .records import brief

TIMEOUT_S = 10  # for a batch of 20 on a busy machine
LOOK_AT_ROWS = "what you add to the row of SUMS_TABLE, and its key: station_id and window"


class City:
    """The function with its tables and its queue for bad records."""

    def __init__(self, account, deploy):
        self.account = account
        self.sums, self.seen = account.table("station_id", "window"), account.table("id")
        self.failures_url, _ = account.queue()
        self._deploy, self._failures = deploy, []
        self.function = self.deploy()

    def deploy(self, **changes):
        """The function with what the contract promises, some variables changed, and time enough."""
        names = {"SUMS_TABLE": self.sums, "SEEN_TABLE": self.seen}
        names["FAILURES_URL"] = self.failures_url
        return self._deploy({"Timeout": TIMEOUT_S}, **{**names, **changes})

    def rows(self, station):
        """What is counted for a station, by window; an attribute that is no N stays as it is."""
        found = self.account.client("dynamodb").query(
            TableName=self.sums,
            KeyConditionExpression="station_id = :station",
            ExpressionAttributeValues={":station": {"S": station}},
            ConsistentRead=True,
        )["Items"]
        return {
            each["window"]["S"]: {
                name: _number(each[name]) for name in ("rides", "meters") if name in each
            }
            for each in found
        }

    def failures(self):
        """Every message that the queue for bad records got so far: an object, or a string."""
        for body in self.account.messages(self.failures_url):
            with contextlib.suppress(ValueError):
                body = json.loads(body)
            self._failures.append(body)
        return self._failures

    def failures_of(self, sources):
        """The messages about these records, in the order of the records, and any without one."""
        found = [each for each in self.failures() if isinstance(each, dict)]
        return [each for source in sources for each in found if each.get("source") == source]

    def log(self):
        """The last error that the function logged, or else its last lines."""
        return logged(self.account.log_of(self.function))


class Stream:
    """A Kinesis stream of one shard that is mapped to the function."""

    def __init__(self, account, city):
        self._account, self._kinesis = account, account.client("kinesis")
        self._name = account.name("stream")
        self._kinesis.create_stream(StreamName=self._name, ShardCount=1)
        account.later(self._kinesis.delete_stream, StreamName=self._name)
        self._kinesis.get_waiter("stream_exists").wait(StreamName=self._name)
        self._given_up_url, given_up = account.queue()
        described = self._kinesis.describe_stream_summary(StreamName=self._name)
        client = account.client("lambda")
        mapping = client.create_event_source_mapping(
            FunctionName=city.function.name,
            EventSourceArn=described["StreamDescriptionSummary"]["StreamARN"],
            StartingPosition="TRIM_HORIZON",
            FunctionResponseTypes=["ReportBatchItemFailures"],
            MaximumRetryAttempts=1,
            DestinationConfig={"OnFailure": {"Destination": given_up}},
        )["UUID"]
        account.later(client.delete_event_source_mapping, UUID=mapping)

    def put(self, *data):
        """Puts records, as bytes, and waits until the function had them."""
        records = [{"Data": each, "PartitionKey": "dock"} for each in data]
        self._kinesis.put_records(StreamName=self._name, Records=records)
        self._account.settle()

    def given_up(self):
        """How many records each batch had that Lambda gave up."""
        found = self._account.messages(self._given_up_url)
        return [json.loads(each)["KinesisBatchInfo"]["batchSize"] for each in found]


def create_table(account, name, key, sort=None):
    """Makes a table of this name, which somebody has missed before."""
    keys = {key: "HASH"} | ({sort: "RANGE"} if sort else {})
    dynamodb = account.client("dynamodb")
    dynamodb.create_table(
        TableName=name,
        KeySchema=[{"AttributeName": each, "KeyType": kind} for each, kind in keys.items()],
        AttributeDefinitions=[{"AttributeName": each, "AttributeType": "S"} for each in keys],
        BillingMode="PAY_PER_REQUEST",
    )
    account.later(dynamodb.delete_table, TableName=name)
    dynamodb.get_waiter("table_exists").wait(TableName=name)


def answer(function, event, look):
    """What the function returns for an event; fails if it raises."""
    result = function.invoke(event)
    assert result.error is None, ended_in_error(
        "The function raised, so Lambda sends the whole batch again.",
        brief(event),
        result.error or {},
        result.log,
        look,
        "a result with batchItemFailures",
    )
    return result.value


def reported(function, event, look):
    """The identifiers that the function reports for an event, in its order."""
    value = answer(function, event, look)
    items = value.get("batchItemFailures") if isinstance(value, dict) else None
    shaped = isinstance(items, list) and all(
        isinstance(item, dict) and "itemIdentifier" in item for item in items
    )
    assert shaped, failure(
        "The result does not have the form of the contract.",
        brief(event),
        {"batchItemFailures": [{"itemIdentifier": "..."}]},
        value,
        "the `return` of your handler",
        "records",
    )
    return [item["itemIdentifier"] for item in items]


def expect_rows(city, station, wanted, what, event, look=LOOK_AT_ROWS):
    """Fails unless a station's rows are these."""
    came = city.rows(station)
    assert came == wanted, failure(what, brief(event), wanted, came, look + city.log(), "records")


def _number(attribute):
    """An attribute as an int, if it is a whole number of DynamoDB's; else as it is, as text."""
    with contextlib.suppress(KeyError, ValueError):
        return int(attribute["N"])
    return show(attribute)
