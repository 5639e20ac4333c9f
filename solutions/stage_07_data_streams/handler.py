"""Stage 07: count what the docks report, once, whether it comes from Kinesis or from Kafka.

A dock reports each returned bike as a reading, a JSON object in UTF-8:

    {"id": "6b1f0c",                              a string that no other reading has
     "station_id": "31623",                       a string
     "returned_at": "2026-05-04T08:03:10-04:00",  ISO 8601, always with an offset or a Z
     "distance": 1.25,                            a number from 0 to 100,000
     "unit": "mi"}                                "mi", "km" or "m"

Each string has 1 to 100 characters. Ignore any other field.

SUMS. For each station and every 5 minutes, keep one row in the table SUMS_TABLE:

    station_id  "31623"
    window      "2026-05-04T12:00:00Z"   when the 5 minutes begin, in UTC: 12:00, 12:05, 12:10, ...
    rides       1                        how many readings (N)
    meters      2012                     their distances, each rounded to whole meters (N)

A mile has 1609.344 m. A row may have more attributes.

ONCE. A reading counts once, by its `id`, whoever sends it again: Lambda, a dock that repeats it as
a new record, or the other stream; alone or twice in a batch; to this environment or to another.
The table SEEN_TABLE is for your function alone: its key is `id`, a string. Both tables change
together or not at all, because the function may end at any line.

BAD RECORDS are those that do not hold a reading. Send each to the queue FAILURES_URL, as JSON with
exactly these keys, and continue. Then the record is done, so do not report it to Lambda:

    {"source": "shardId-000000000000:4959...",   the record's eventID; for Kafka "docks-0@17"
     "reason": "unit is missing",                names the wrong field, or says that it is not JSON
     "data": "eyJpZCI6..."}                      as it came, in base64

RETURN the records that failed: those that a table or the queue did not accept. Never raise.

    {"batchItemFailures": []}                                                    none failed
    {"batchItemFailures": [{"itemIdentifier": "4959..."}]}                       sequenceNumber
    {"batchItemFailures": [{"itemIdentifier": {"partition": "docks-0", "offset": 17}}]}    Kafka

You may stop or continue after one that failed: Lambda sends it again, with all that follow.

KINESIS   {"Records": [{"eventID": "shardId-000000000000:4959...",
                        "kinesis": {"sequenceNumber": "4959...", "data": "eyJpZCI6...", ...},
                        ...}]}

KAFKA     {"eventSource": "SelfManagedKafka",
           "records": {"docks-0": [{"topic": "docks", "partition": 0, "offset": 17,
                                    "key": "MzE2MjM=", "value": "eyJpZCI6...",
                                    "headers": [{"unit": [109, 105]}], ...}]}}

In Kafka the value holds only id, returned_at and distance. The station is the record's key, in
base64, and the unit is the header `unit`, whose bytes are numbers from -128 to 127. A record
without a key has no station, and one without the header has no unit. A record whose `value` is
null, or missing, is a tombstone: ignore it.

EXTRA, a tumbling window. A Kinesis event may also have

     "window": {"start": "2026-05-04T12:00:00Z", "end": "2026-05-04T12:05:00Z"},
     "state": {}, "shardId": "shardId-000000000000", "isFinalInvokeForWindow": false, ...

Then return "state" beside batchItemFailures: {"rides": 7}, the event's own state (at first {})
plus the readings of this batch that did not fail, including repeated ones. In the final invocation,
whose Records may be empty, also write the row with the shardId as its station_id, the window's
start as its window, and `rides`. That invocation may come twice, so put the row, and add nothing.

Environment variables: SUMS_TABLE (its key is station_id with window), SEEN_TABLE, FAILURES_URL.
"""

# --- your imports, constants and helpers: start ---
import base64
import json
import os
from datetime import datetime, timedelta, timezone

import boto3
from botocore.exceptions import BotoCoreError, ClientError

SUMS_TABLE, SEEN_TABLE = os.environ["SUMS_TABLE"], os.environ["SEEN_TABLE"]
FAILURES_URL = os.environ["FAILURES_URL"]
METERS = {"mi": 1609.344, "km": 1000, "m": 1}
LONGEST, FARTHEST = 100, 100_000
WINDOW = timedelta(minutes=5)
START = datetime(1970, 1, 1, tzinfo=timezone.utc)

dynamodb, sqs = boto3.client("dynamodb"), boto3.client("sqs")


# What a reading is: nothing here knows where it comes from.


def parse(data):
    """The JSON object in some bytes. Raises ValueError."""
    try:
        found = json.loads(data.decode("utf-8"))
    except ValueError:  # also bytes that are not UTF-8
        raise ValueError("the data is not JSON") from None
    if not isinstance(found, dict):
        raise ValueError("the data is not a JSON object")
    return found


def check(reading):
    """Id, station, window and meters of a reading. Raises ValueError, which names the field."""
    for field in ("id", "station_id", "returned_at", "unit"):
        text = reading.get(field)
        if not isinstance(text, str) or not 1 <= len(text) <= LONGEST:
            raise ValueError(f"{field} is missing, or not a string of 1 to {LONGEST} characters")
    distance = reading.get("distance")
    is_number = isinstance(distance, (int, float)) and not isinstance(distance, bool)
    if not is_number or not 0 <= distance <= FARTHEST:
        raise ValueError(f"distance is not a number from 0 to {FARTHEST:,}")
    if reading["unit"] not in METERS:
        raise ValueError(f"unit is not one of {', '.join(METERS)}")
    window = window_of(reading["returned_at"])
    meters = round(distance * METERS[reading["unit"]])
    return reading["id"], reading["station_id"], window, meters


def window_of(text):
    """The start of the 5 minutes in which a time lies, in UTC. Raises ValueError."""
    try:
        moment = datetime.fromisoformat(text.replace("Z", "+00:00"))
    except ValueError:
        raise ValueError("returned_at is not a time in ISO 8601") from None
    if moment.utcoffset() is None:
        raise ValueError("returned_at has no offset")
    start = START + (moment - START) // WINDOW * WINDOW
    return start.strftime("%Y-%m-%dT%H:%M:%SZ")


def count_once(reading_id, station_id, window, meters):
    """Adds a reading to its row unless it was seen: mark and sum in one transaction."""
    mark = {
        "TableName": SEEN_TABLE,
        "Item": {"id": {"S": reading_id}},
        "ConditionExpression": "attribute_not_exists(id)",
    }
    add = {
        "TableName": SUMS_TABLE,
        "Key": {"station_id": {"S": station_id}, "window": {"S": window}},
        "UpdateExpression": "ADD rides :one, meters :meters",
        "ExpressionAttributeValues": {":one": {"N": "1"}, ":meters": {"N": str(meters)}},
    }
    try:
        dynamodb.transact_write_items(TransactItems=[{"Put": mark}, {"Update": add}])
    except dynamodb.exceptions.TransactionCanceledException as error:
        if error.response["CancellationReasons"][0]["Code"] != "ConditionalCheckFailed":
            raise  # such as a conflict with another transaction


def set_aside(source, reason, data):
    """Sends a bad record to the queue, with the reason."""
    said = {"source": source, "reason": reason, "data": data}
    sqs.send_message(QueueUrl=FAILURES_URL, MessageBody=json.dumps(said))


# Where a reading comes from: each service wraps it in its own way.


def from_kinesis(event):
    """For each record: identifier, source, data in base64, and how to read it."""
    for record in event["Records"]:
        data = record["kinesis"]["data"]

        def read(data=data):
            return parse(base64.b64decode(data))

        yield record["kinesis"]["sequenceNumber"], record["eventID"], data, read


def from_kafka(event):
    """The same for Kafka, whose records are grouped by topic and partition."""
    for name, records in event["records"].items():
        for record in records:
            data = record.get("value")
            if data is None:
                continue  # a tombstone

            def read(record=record):
                more = {"station_id": key_of(record), "unit": header_of(record, "unit")}
                return {**parse(base64.b64decode(record["value"])), **more}

            identifier = {"partition": name, "offset": record["offset"]}
            yield identifier, f"{name}@{record['offset']}", data, read


def key_of(record):
    """A record's key as a string, None if it has none."""
    key = record.get("key")
    return None if key is None else base64.b64decode(key).decode("utf-8", "replace")


def header_of(record, name):
    """A header as a string, None if it is not there. Its bytes are signed."""
    for header in record.get("headers") or []:
        if name in header:
            return bytes(byte % 256 for byte in header[name]).decode("utf-8", "replace")
    return None


def take(source, data, read):
    """Counts one record, or sets it aside; returns whether it is a reading."""
    try:
        counted = check(read())
    except ValueError as error:
        set_aside(source, str(error), data)
        return False
    count_once(*counted)
    return True


def write_total(event, state):
    """The extra: writes what one shard counted in a window."""
    item = {
        "station_id": {"S": event["shardId"]},
        "window": {"S": event["window"]["start"]},
        "rides": {"N": str(state["rides"])},
    }
    dynamodb.put_item(TableName=SUMS_TABLE, Item=item)


# --- your imports, constants and helpers: end ---


def handler(event, context):
    """Counts one batch: the module's docstring is the whole contract."""
    # --- your code: start ---
    records = from_kafka(event) if "records" in event else from_kinesis(event)
    failed, readings = [], 0
    for identifier, source, data, read in records:
        try:
            readings += take(source, data, read)
        except (BotoCoreError, ClientError) as error:
            print(f"{source} failed: {error}")
            failed.append({"itemIdentifier": identifier})
    answer = {"batchItemFailures": failed}
    if "window" in event:
        answer["state"] = {"rides": event["state"].get("rides", 0) + readings}
        if event["isFinalInvokeForWindow"]:
            write_total(event, answer["state"])
    return answer
    # --- your code: end ---
