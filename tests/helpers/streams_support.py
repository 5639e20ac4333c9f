"""What the tests of streams as event sources share."""

from __future__ import annotations

import itertools
import json

from waiting import until

_numbers = itertools.count(1)
PRINTS = "import json\ndef handler(event, context):\n    print('EVENT', json.dumps(event))"
FAILS = PRINTS + "\n    raise ValueError('no such station')"


class Stream:
    """A Kinesis data stream with what tests do to it."""

    def __init__(self, lab, shards=1):
        self.lab, self.kinesis = lab, lab.cloud.client("kinesis")
        self.name = f"stream-{next(_numbers)}"
        self.kinesis.create_stream(StreamName=self.name, ShardCount=shards)
        self.arn = f"arn:aws:kinesis:us-east-1:123456789012:stream/{self.name}"

    def put(self, *data, key="bike"):
        """Puts records one by one; returns their sequence numbers."""
        return [
            self.kinesis.put_record(StreamName=self.name, Data=each, PartitionKey=key)[
                "SequenceNumber"
            ]
            for each in data
        ]

    def put_to(self, shard, *data):
        """Puts records into one of the stream's shards, by its place among the open ones."""
        hashed = self.shards()[shard]["HashKeyRange"]["StartingHashKey"]
        for each in data:
            self.kinesis.put_record(
                StreamName=self.name, Data=each, PartitionKey=each, ExplicitHashKey=hashed
            )

    def shards(self):
        return self.kinesis.list_shards(StreamName=self.name)["Shards"]


class Table:
    """A DynamoDB table with a stream."""

    def __init__(self, lab, view="NEW_AND_OLD_IMAGES"):
        self.lab, self.dynamodb = lab, lab.cloud.client("dynamodb")
        self.name = f"table-{next(_numbers)}"
        found = self.dynamodb.create_table(
            TableName=self.name,
            KeySchema=[{"AttributeName": "id", "KeyType": "HASH"}],
            AttributeDefinitions=[{"AttributeName": "id", "AttributeType": "S"}],
            BillingMode="PAY_PER_REQUEST",
            StreamSpecification={"StreamEnabled": True, "StreamViewType": view},
        )["TableDescription"]
        self.arn = found["LatestStreamArn"]
        self.table_arn = found["TableArn"]

    def put(self, key, **attributes):
        item = {"id": {"S": key}, **attributes}
        self.dynamodb.put_item(TableName=self.name, Item=item)


def connect(lab, source, name, position="TRIM_HORIZON", **settings):
    """Maps a source to a function; returns the mapping's UUID."""
    return lab.client.create_event_source_mapping(
        EventSourceArn=source.arn, FunctionName=name, StartingPosition=position, **settings
    )["UUID"]


def change(lab, uuid, **settings):
    """Changes a mapping, when no earlier change is under way."""
    settled = ("Enabled", "Disabled")
    until(lambda: lab.client.get_event_source_mapping(UUID=uuid)["State"] in settled)
    return lab.client.update_event_source_mapping(UUID=uuid, **settings)


def result(lab, uuid):
    return lab.client.get_event_source_mapping(UUID=uuid)["LastProcessingResult"]


def events(lab, name):
    """The events that a function printed, in the order in which it was invoked."""
    ran = sorted(lab.cloud.invocations(name), key=lambda each: each.started_at)
    if not ran:
        return []
    order = {each.request_id: place for place, each in enumerate(ran)}
    found, request = [], None
    for line in lab.log_events(f"/aws/lambda/{name}"):
        if line.startswith("START "):
            request = line.split()[2]
        if line.startswith("EVENT ") and request in order:  # else it still runs
            found.append((order[request], json.loads(line.partition(" ")[2])))
    return [event for _, event in sorted(found, key=lambda each: each[0])]


def texts(event):
    """The data of an event's Kinesis records, decoded."""
    import base64

    return [base64.b64decode(r["kinesis"]["data"]).decode() for r in event["Records"]]


def batches(lab, name):
    """The data of each event, as one word: "ab" for a batch of "a" and "b"."""
    return ["".join(texts(event)) for event in events(lab, name)]


class Queue:
    """A queue for records of failures."""

    def __init__(self, lab):
        self.sqs = lab.cloud.client("sqs")
        name = f"failures-{next(_numbers)}"
        self.url = self.sqs.create_queue(QueueName=name)["QueueUrl"]
        self.arn = f"arn:aws:sqs:us-east-1:123456789012:{name}"

    def bodies(self):
        found = []
        while messages := self.sqs.receive_message(
            QueueUrl=self.url, MaxNumberOfMessages=10, WaitTimeSeconds=0
        ).get("Messages"):
            found += [json.loads(message["Body"]) for message in messages]
        return found

    @property
    def destination(self):
        return {"OnFailure": {"Destination": self.arn}}
