"""Sums a batch in memory by row, then writes each row with the ids that it has not got yet.

A transaction a reading is dear. This reads which ids are known, adds up the rest of each row, and
writes row and ids together, again if somebody else was there in between.
"""

import base64
import json
import os
from datetime import datetime, timedelta

import boto3

dynamodb = boto3.client("dynamodb")
sqs = boto3.client("sqs")
UNITS = {"m": lambda n: n, "km": lambda n: n * 1000, "mi": lambda n: n * 1609.344}


def decoded(text):
    return base64.b64decode(text) if text is not None else None


def flat(event):
    """(identifier, source, data, fields besides those in the data)"""
    for record in event.get("Records", []):
        kinesis = record["kinesis"]
        yield kinesis["sequenceNumber"], record["eventID"], kinesis["data"], {}
    for partition, records in event.get("records", {}).items():
        for record in records:
            if record.get("value") is not None:
                headers = {k: v for each in record["headers"] for k, v in each.items()}
                unit = "".join(chr(n) if n > 0 else "?" for n in headers.get("unit", []))
                key = (decoded(record.get("key")) or b"").decode("latin-1")
                place = {"partition": partition, "offset": record["offset"]}
                source = f"{partition}@{record['offset']}"
                yield place, source, record["value"], {"station_id": key, "unit": unit}


def problem_with(reading):
    if not isinstance(reading, dict):
        return "no JSON object"
    for name in "id", "station_id", "returned_at", "unit":
        if not (isinstance(reading.get(name), str) and 1 <= len(reading[name]) <= 100):
            return name
    n = reading.get("distance")
    if isinstance(n, bool) or not isinstance(n, (int, float)) or n < 0 or n > 100_000:
        return "distance"
    if reading["unit"] not in UNITS:
        return "unit"
    return None if moment(reading["returned_at"]) else "returned_at"


def moment(text):
    try:
        found = datetime.fromisoformat(text.replace("Z", "+00:00"))
    except ValueError:
        return None
    offset = found.utcoffset()
    return None if offset is None else found.replace(tzinfo=None) - offset


def row_of(reading):
    utc = moment(reading["returned_at"])
    utc -= timedelta(minutes=utc.minute % 5, seconds=utc.second, microseconds=utc.microsecond)
    return reading["station_id"], utc.isoformat() + "Z"


def write(row, readings):
    """Writes a row and the ids of what it adds, together; `readings` are by id."""
    station, window = row
    new = {}
    for key, meters in readings.items():
        known = dynamodb.get_item(
            TableName=os.environ["SEEN_TABLE"], Key={"id": {"S": key}}, ConsistentRead=True
        )
        if "Item" not in known:
            new[key] = meters
    if not new:
        return
    puts = [
        {
            "Put": {
                "TableName": os.environ["SEEN_TABLE"],
                "Item": {"id": {"S": key}},
                "ConditionExpression": "attribute_not_exists(id)",
            }
        }
        for key in new
    ]
    update = {
        "TableName": os.environ["SUMS_TABLE"],
        "Key": {"station_id": {"S": station}, "window": {"S": window}},
        "UpdateExpression": "SET rides = if_not_exists(rides, :zero) + :rides,"
        " meters = if_not_exists(meters, :zero) + :meters",
        "ExpressionAttributeValues": {
            ":zero": {"N": "0"},
            ":rides": {"N": str(len(new))},
            ":meters": {"N": str(sum(new.values()))},
        },
    }
    dynamodb.transact_write_items(TransactItems=[*puts, {"Update": update}])


def handler(event, context):
    rows, wheres, failed, good = {}, {}, [], 0
    for identifier, source, data, more in flat(event):
        try:
            reading = json.loads(decoded(data))
            if isinstance(reading, dict):
                reading.update(more)
            wrong = problem_with(reading)
        except ValueError:
            wrong = "this is not JSON"
        if wrong:
            body = json.dumps({"source": source, "reason": f"wrong: {wrong}", "data": data})
            try:
                sqs.send_message(QueueUrl=os.environ["FAILURES_URL"], MessageBody=body)
            except Exception as error:
                print(error)
                failed.append(identifier)
            continue
        good += 1
        row = row_of(reading)
        meters = round(UNITS[reading["unit"]](reading["distance"]))
        rows.setdefault(row, {})[reading["id"]] = meters
        wheres.setdefault(row, []).append(identifier)
    for row, readings in rows.items():
        try:
            write(row, readings)
        except Exception as error:
            print(row, error)
            failed += wheres[row]
            good -= len(wheres[row])
    answer = {"batchItemFailures": [{"itemIdentifier": each} for each in failed]}
    if "window" in event:
        rides = event["state"].get("rides", 0) + good
        answer["state"] = {"rides": rides}
        if event["isFinalInvokeForWindow"]:
            dynamodb.put_item(
                TableName=os.environ["SUMS_TABLE"],
                Item={
                    "station_id": {"S": event["shardId"]},
                    "window": {"S": event["window"]["start"]},
                    "rides": {"N": str(rides)},
                },
            )
    return answer
