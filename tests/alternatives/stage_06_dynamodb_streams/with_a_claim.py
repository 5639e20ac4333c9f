"""A class that claims each change with a conditional write, and gives a claim back on failure."""

# --- your imports, constants and helpers: start ---
import json
import os
from decimal import Decimal

import boto3
from boto3.dynamodb.types import TypeDeserializer


class BadRecord(Exception):
    """Nothing can be made of this record."""


class Change:
    """One record of the stream, unmarshalled."""

    def __init__(self, record):
        self.id, body = record["eventID"], record["dynamodb"]
        self.number, self.station = body["SequenceNumber"], body["Keys"]["station_id"]["S"]
        self.removed = record["eventName"] == "REMOVE"
        self._new, self._old = self._plain(body.get("NewImage")), self._plain(body.get("OldImage"))

    @property
    def alert(self):
        if self.removed:
            return None
        now, before = self._count(self._new), None if self._old is None else self._count(self._old)
        if now == 0 and before != 0:
            return {"station_id": self.station, "alert": "empty", "bikes": now}
        if now > 0 and before == 0:
            return {"bikes": now, "alert": "recovered", "station_id": self.station}
        return None

    @staticmethod
    def _plain(image):
        reader = TypeDeserializer()
        return image and {name: reader.deserialize(value) for name, value in image.items()}

    @staticmethod
    def _count(item):
        count = item.get("num_bikes_available")
        if not isinstance(count, Decimal) or count % 1 or count < 0:
            raise BadRecord(count)
        return int(count)


class Alerter:
    def __init__(self):
        self.topic = boto3.resource("sns").Topic(os.environ["TOPIC_ARN"])
        self.marks = boto3.resource("dynamodb").Table(os.environ["MARKS_TABLE"])

    def handle(self, change):
        alert = change.alert
        if alert is None or not self.claim(change.id):
            return
        try:
            self.topic.publish(Message=json.dumps(alert), Subject="Bikes")
        except Exception:
            self.marks.delete_item(Key={"id": change.id})
            raise

    def claim(self, key):
        try:
            self.marks.put_item(Item={"id": key}, ConditionExpression="attribute_not_exists(id)")
        except self.marks.meta.client.exceptions.ConditionalCheckFailedException:
            return False
        return True


alerter = Alerter()
# --- your imports, constants and helpers: end ---


def handler(event, context):
    """Claims, publishes, and lets what is no bad record raise."""
    # --- your code: start ---
    bad = []
    for change in map(Change, event["Records"]):
        try:
            alerter.handle(change)
        except BadRecord as error:
            print("bad record", change.number, error)
            bad.append({"itemIdentifier": change.number})
    return {"batchItemFailures": bad}
    # --- your code: end ---
