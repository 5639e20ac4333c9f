"""The city of stage 06: a table whose stream the function follows, and the alerts that come."""

from __future__ import annotations

import json
import re

from workshop.grading import fresh
from workshop.grading.words import UNDER, ended_in_error, failure, logged, show


class City:
    """A table of stations, its stream mapped to the function, and the alerts that came."""

    def __init__(self, account, topic, function):
        self.account, self.function = account, function
        self.topic_arn, self.alerts_url = topic
        self.table = account.table("station_id", stream="NEW_AND_OLD_IMAGES")
        self.failures_url, failures_arn = account.queue()
        dynamodb = account.client("dynamodb")
        self.stream = dynamodb.describe_table(TableName=self.table)["Table"]["LatestStreamArn"]
        self.mapping = account.client("lambda").create_event_source_mapping(
            FunctionName=function.name,
            EventSourceArn=self.stream,
            StartingPosition="TRIM_HORIZON",
            FunctionResponseTypes=["ReportBatchItemFailures"],
            MaximumRetryAttempts=1,
            DestinationConfig={"OnFailure": {"Destination": failures_arn}},
        )["UUID"]
        account.later(account.client("lambda").delete_event_source_mapping, UUID=self.mapping)
        self._wait_for("Enabled")
        self._alerts, self._failures, self._seen = [], [], 0

    def happens(self, *writes):
        """Writes to the table; returns when the function has seen it all, as one batch.

        A write is a station and its bikes: a number, an attribute, None for no attribute at all,
        "removed" for an item that goes.
        """
        self._seen = len(self.account.log_of(self.function))
        several = len(writes) > 1  # a single one is a batch in any case
        if several:
            self._switch(False)
        for station, bikes in writes:
            self.write(station, bikes)
        if several:
            self._switch(True)
        self.account.settle()

    def write(self, station, bikes):
        """Writes one station's item, or removes it."""
        dynamodb, key = self.account.client("dynamodb"), {"station_id": {"S": station}}
        if bikes == "removed":
            dynamodb.delete_item(TableName=self.table, Key=key)
            return
        value = {"N": str(bikes)} if isinstance(bikes, int) else bikes
        item = {**key, "num_bikes_available": value} if value else key
        stamp = {"last_reported": {"S": fresh.word()}}  # so that every write is a change
        dynamodb.put_item(TableName=self.table, Item={**item, **stamp})

    def alerts(self, station, at_least=1):
        """Every message about a station so far: as an object, or as a string if it is not JSON.

        Where messages take their time, it waits for so many.
        """
        named, found = re.compile(re.escape(station) + r"(?![\w-])"), []

        def enough():
            self._alerts += self.account.messages(self.alerts_url)
            found[:] = [read(each) for each in self._alerts if named.search(each)]
            return len(found) >= at_least

        self.account.eventually(enough)
        return found

    def kinds(self, station, at_least=1):
        """The alerts of a station so far; topics and queues do not keep their order."""
        found = self.alerts(station, at_least)
        return sorted(str(each.get("alert")) if isinstance(each, dict) else each for each in found)

    def given_up(self):
        """The first sequence number of each batch that the mapping has given up so far."""
        self._failures += self.account.messages(self.failures_url)
        infos = [json.loads(each)["DDBStreamBatchInfo"] for each in self._failures]
        return [info["startSequenceNumber"] for info in infos]

    def records(self, *stations):
        """The stream's records of some stations, as an event for the function."""
        streams = self.account.client("dynamodbstreams")
        description = streams.describe_stream(StreamArn=self.stream)["StreamDescription"]
        found = [each for shard in description["Shards"] for each in self._read(shard["ShardId"])]
        for record in found:
            change = record["dynamodb"]
            moment = int(change["ApproximateCreationDateTime"].timestamp())
            change["ApproximateCreationDateTime"] = moment
            record["eventSourceARN"] = self.stream
        chosen = [each for each in found if each["dynamodb"]["Keys"]["station_id"]["S"] in stations]
        return {"Records": sorted(chosen, key=number_of)}

    def _read(self, shard):
        """A shard's records; on AWS its first pages may be empty, and an open one has no last."""
        streams, found = self.account.client("dynamodbstreams"), []
        place = streams.get_shard_iterator(
            StreamArn=self.stream, ShardId=shard, ShardIteratorType="TRIM_HORIZON"
        )["ShardIterator"]
        for _ in range(20):
            page = streams.get_records(ShardIterator=place)
            place = page.get("NextShardIterator")
            if not place or (found and not page["Records"]):
                return found + page["Records"]
            found += page["Records"]
        return found

    def log(self):
        """The last error that the function logged since the last writes, or else its last lines."""
        self.account.settle()
        return logged(self.account.log_of(self.function)[self._seen :])

    def why(self, came, station):
        """What to show beside alerts that differ; if none came, what the records give once more."""
        if came:
            return self.log()
        again = self.function.invoke(self.records(station))
        return (
            f"{UNDER}TOPIC_ARN and MARKS_TABLE: do you read both from the environment?"
            f"{UNDER}For the same records it returns: {show(again.error or again.value)}"
            + self.log()
        )

    def _switch(self, enabled):
        client = self.account.client("lambda")
        client.update_event_source_mapping(UUID=self.mapping, Enabled=enabled)
        self._wait_for("Enabled" if enabled else "Disabled")

    def _wait_for(self, state):
        client = self.account.client("lambda")
        self.account.eventually(
            lambda: client.get_event_source_mapping(UUID=self.mapping)["State"] == state
        )


def read(text):
    """A message's JSON, or the string itself."""
    try:
        return json.loads(text)
    except ValueError:
        return text


def brief(event):
    """What a learner needs to see of an event's records, a line for each."""
    lines = []
    for record in event["Records"]:
        change = record["dynamodb"]
        old, new = (bikes_in(change.get(name)) for name in ("OldImage", "NewImage"))
        lines.append(f"{change['SequenceNumber']} {record['eventName']} bikes: {old} -> {new}")
    return lines


def bikes_in(image):
    """An image's number of bikes, as DynamoDB writes it."""
    if image is None:
        return "no image"
    return show(image["num_bikes_available"]) if "num_bikes_available" in image else "missing"


def number_of(record):
    """A record's place in the stream."""
    return int(record["dynamodb"]["SequenceNumber"])


def expect(city, station, bikes, wanted, what, look):
    """Fails unless a station that has these bikes, one after the other, gives these alerts."""
    city.happens(*[(station, each) for each in bikes])
    came = city.kinds(station, len(wanted))
    if any(isinstance(each, str) for each in city.alerts(station, 0)):
        what, look = (
            "A message is not JSON.",
            "the Message of sns.publish: json.dumps(...), not str()",
        )
    assert came == sorted(wanted), failure(
        what,
        {"num_bikes_available": bikes},
        sorted(wanted),
        came,
        look + city.why(came, station),
        "writes",
    )


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
    """The identifiers that the function reports for an event, in their order."""
    return identifiers(answer(function, event, look), event, look)


def expect_reported(event, wanted, came, what, look):
    """Fails unless these sequence numbers were reported; names the first record that differs."""
    differs = sorted(set(wanted) ^ set(came), key=lambda number: (len(number), number))
    if differs:
        found = [line for line in brief(event) if line.split()[0] == differs[0]]
        record = found[0] if found else f"{differs[0]}, which is not in the batch"
        what += f" {'Reported' if differs[0] in came else 'Not reported'}: {record}."
    assert came == wanted, failure(what, brief(event), wanted, came, look, "records")


def identifiers(value, event, look):
    """The identifiers in a result, in their order."""
    if value in (None, {}, "", []):  # Lambda takes these for a success
        return []
    items = value.get("batchItemFailures") if isinstance(value, dict) else None
    form = {"batchItemFailures": [{"itemIdentifier": "<SequenceNumber>"}]}
    shaped = isinstance(items, list) and all(
        isinstance(item, dict) and isinstance(item.get("itemIdentifier"), str) for item in items
    )
    what = "The result does not have the form that Lambda reads."
    assert shaped, failure(what, brief(event), form, value, look, "records")
    return sorted({item["itemIdentifier"] for item in items}, key=str)
