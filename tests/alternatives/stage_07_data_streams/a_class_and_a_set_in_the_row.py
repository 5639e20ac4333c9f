"""Keeps the ids of a row in the row: one conditional update is sum and memory at once.

A class for each source, and a dataclass for the reading. Stops at the first record that fails,
and has no use for SEEN_TABLE.
"""

import base64
import json
import os
from dataclasses import dataclass
from datetime import datetime, timezone
from decimal import ROUND_HALF_UP, Decimal

import boto3

SUMS = boto3.resource("dynamodb").Table(os.environ["SUMS_TABLE"])
QUEUE = boto3.resource("sqs").Queue(os.environ["FAILURES_URL"])
FACTORS = {"mi": Decimal("1609.344"), "km": Decimal(1000), "m": Decimal(1)}
REFUSED = SUMS.meta.client.exceptions.ConditionalCheckFailedException


class Bad(Exception):
    """A record that is no reading."""


@dataclass
class Reading:
    id: str
    station_id: str
    returned_at: str
    distance: float
    unit: str

    @classmethod
    def of(cls, fields):
        for name in ("id", "station_id", "returned_at", "unit"):
            value = fields.get(name)
            if type(value) is not str or not 0 < len(value) < 101:
                raise Bad(f"no {name}: {value!r}"[:200])
        if type(fields.get("distance")) not in (int, float) or not 0 <= fields["distance"] <= 1e5:
            raise Bad(f"no distance: {fields.get('distance')!r}")
        if fields["unit"] not in FACTORS:
            raise Bad(f"unit {fields['unit']!r} is unknown")
        return cls(**{name: fields[name] for name in cls.__dataclass_fields__})

    @property
    def meters(self):
        exact = Decimal(repr(self.distance)) * FACTORS[self.unit]
        return int(exact.quantize(Decimal(1), rounding=ROUND_HALF_UP))

    @property
    def window(self):
        text = self.returned_at
        try:
            when = datetime.fromisoformat(text[:-1] + "+00:00" if text.endswith("Z") else text)
        except ValueError:
            raise Bad(f"returned_at {text!r} is no time") from None
        if when.tzinfo is None:
            raise Bad(f"returned_at {text!r} has no offset")
        seconds = int(when.timestamp()) // 300 * 300
        return datetime.fromtimestamp(seconds, timezone.utc).strftime("%Y-%m-%dT%H:%M:00Z")

    def count(self):
        try:
            SUMS.update_item(
                Key={"station_id": self.station_id, "window": self.window},
                UpdateExpression="ADD rides :one, meters :meters, ids :ids",
                ConditionExpression="NOT contains(ids, :id)",
                ExpressionAttributeValues={
                    ":one": 1,
                    ":meters": self.meters,
                    ":ids": {self.id},
                    ":id": self.id,
                },
            )
        except REFUSED:
            print("seen before:", self.id)


class FromKinesis:
    def __init__(self, record):
        self.identifier, self.source = record["kinesis"]["sequenceNumber"], record["eventID"]
        self.data = record["kinesis"]["data"]
        self.more = {}


class FromKafka:
    def __init__(self, record):
        partition = f"{record['topic']}-{record['partition']}"
        self.identifier = {"partition": partition, "offset": record["offset"]}
        self.source = f"{partition}@{record['offset']}"
        self.data = record.get("value")
        key = base64.b64decode(record.get("key") or "").decode(errors="replace")
        units = [each["unit"] for each in record["headers"] if "unit" in each]
        unit = bytes(byte & 255 for byte in units[0]).decode(errors="replace") if units else None
        self.more = {"station_id": key, "unit": unit}


def records_of(event):
    if event.get("eventSource") == "SelfManagedKafka":
        found = [FromKafka(record) for part in event["records"].values() for record in part]
        return [record for record in found if record.data is not None]
    return [FromKinesis(record) for record in event["Records"]]


def handle(record):
    """Counts a record; False if it was bad."""
    try:
        try:
            fields = json.loads(base64.b64decode(record.data).decode())
        except ValueError as error:
            raise Bad(f"JSON: {error}") from None
        if type(fields) is not dict:
            raise Bad("JSON, but no object")
        Reading.of({**fields, **record.more}).count()
        return True
    except Bad as reason:
        message = {"source": record.source, "reason": str(reason), "data": record.data}
        QUEUE.send_message(MessageBody=json.dumps(message))
        return False


def handler(event, context):
    answer, good = {"batchItemFailures": []}, 0
    for record in records_of(event):
        try:
            good += handle(record)
        except Exception as error:
            print("stops at", record.source, error)
            answer["batchItemFailures"].append({"itemIdentifier": record.identifier})
            break
    if "state" in event:
        rides = good + (event["state"].get("rides") or 0)
        answer["state"] = {"rides": rides}
        if event["isFinalInvokeForWindow"]:
            key = {"station_id": event["shardId"], "window": event["window"]["start"]}
            SUMS.put_item(Item={**key, "rides": rides})
    return answer
