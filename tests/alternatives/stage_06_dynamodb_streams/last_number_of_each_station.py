"""Functions only, one mark a station: the sequence number of the last change that was alerted."""

# --- your imports, constants and helpers: start ---
import json
import os
import re

import boto3


def count(image):
    """The bikes in an image, or None if it does not say."""
    text = image.get("num_bikes_available", {}).get("N", "")
    return int(text) if re.fullmatch(r"\d+", text) else None


def news(change):
    """What a change of two counts means to riders; `before` is None for a new station."""
    before, now = change
    return {(False, True): "empty", (True, False): "recovered"}.get((before == 0, now == 0))


def is_news_of(marks, station, number):
    """Whether a change is later than the last one that was alerted."""
    found = marks.get_item(Key={"id": station}, ConsistentRead=True).get("Item", {"last": -1})
    return number > found["last"]


# --- your imports, constants and helpers: end ---


def handler(event, context):
    """Each station's changes come in order, so a number that is not higher is a repeat."""
    # --- your code: start ---
    marks = boto3.resource("dynamodb").Table(os.environ["MARKS_TABLE"])
    failures = []
    for record in event.get("Records", []):
        body = record["dynamodb"]
        number = body["SequenceNumber"]
        if "NewImage" not in body:
            continue
        change = [count(body[name]) for name in ("OldImage", "NewImage") if name in body]
        if None in change:
            failures.append({"itemIdentifier": number})
            continue
        change, station = (None, *change)[-2:], body["Keys"]["station_id"]["S"]
        kind = news(change)
        if kind and is_news_of(marks, station, int(number)):
            message = {"alert": kind, "bikes": change[1], "station_id": station}
            try:
                boto3.client("sns").publish(
                    TargetArn=os.environ["TOPIC_ARN"], Message=json.dumps(message, indent=1)
                )
            except Exception as error:
                print(error)
                return {"batchItemFailures": [*failures, {"itemIdentifier": number}]}
            marks.put_item(Item={"id": station, "last": int(number)})
    return {"batchItemFailures": failures}
    # --- your code: end ---
