"""Compares DynamoDB's number, a text, with 0, so that no station is ever empty."""

# caught by: test_a_new_station_without_bikes_alerts
# caught by: test_a_removed_station_is_no_alert
# caught by: test_a_repeated_record_alerts_once
# caught by: test_a_repeated_record_alerts_once_in_another_environment
# caught by: test_alerts_again_the_next_time
# caught by: test_alerts_once_when_a_station_becomes_empty
# caught by: test_alerts_once_when_a_station_recovers
# caught by: test_an_alert_that_failed_is_made_good
# caught by: test_good_records_around_a_bad_one_alert
# caught by: test_ignores_every_other_change
# caught by: test_publishes_nothing_after_a_failed_alert
# caught by: test_the_message_is_the_contracts

# --- your imports, constants and helpers: start ---
import json
import os
import time

import boto3
from boto3.dynamodb.types import TypeDeserializer
from botocore.exceptions import BotoCoreError, ClientError

TOPIC_ARN, MARKS_TABLE = os.environ["TOPIC_ARN"], os.environ["MARKS_TABLE"]
KEEP_S = 2 * 24 * 3600  # a stream keeps a record for one day, so no repeat comes later

sns, dynamodb = boto3.client("sns"), boto3.client("dynamodb")
deserialize = TypeDeserializer().deserialize


def bikes(image):
    """The number of bikes in an image. Raises ValueError if it has none."""
    attribute = image.get("num_bikes_available", {})
    if "N" not in attribute:
        raise ValueError(f"num_bikes_available is no number: {attribute}")
    number = deserialize(attribute)
    if number != int(number) or number < 0:
        raise ValueError(f"num_bikes_available is no whole number from 0 on: {number}")
    return attribute["N"]


def alert_of(record):
    """The alert that a record calls for, or None. Raises ValueError for a bad record."""
    if record["eventName"] == "REMOVE":
        return None
    change = record["dynamodb"]
    now = bikes(change["NewImage"])
    was_empty = "OldImage" in change and bikes(change["OldImage"]) == 0
    if was_empty == (now == 0):
        return None
    return {
        "station_id": change["Keys"]["station_id"]["S"],
        "alert": "empty" if now == 0 else "recovered",
        "bikes": now,
    }


def publish_once(event_id, alert):
    """Publishes an alert unless its record has a mark.

    The mark comes last: if this environment dies in between, riders are told twice, not never.
    """
    key = {"id": {"S": event_id}}
    if "Item" in dynamodb.get_item(TableName=MARKS_TABLE, Key=key, ConsistentRead=True):
        return
    sns.publish(TopicArn=TOPIC_ARN, Message=json.dumps(alert))
    expires_at = {"N": str(int(time.time()) + KEEP_S)}
    dynamodb.put_item(TableName=MARKS_TABLE, Item={**key, "expires_at": expires_at})


# --- your imports, constants and helpers: end ---


def handler(event, context):
    """Alerts for one batch of changes: the module's text above is the whole contract."""
    # --- your code: start ---
    failed = []
    for record in event["Records"]:
        number = record["dynamodb"]["SequenceNumber"]
        try:
            alert = alert_of(record)
            if alert:
                publish_once(record["eventID"], alert)
        except ValueError as error:
            print(f"bad record {number}: {error}")
            failed.append(number)  # another attempt will not help it; those after it still count
        except (BotoCoreError, ClientError) as error:
            print(f"no alert for record {number}: {error}")
            failed.append(number)
            break  # it comes again with all that follow, so no alert overtakes another
    return {"batchItemFailures": [{"itemIdentifier": number} for number in failed]}
    # --- your code: end ---
