"""Another correct solution: ClientError and its code, a read after a refused write, no helpers."""

import datetime
import os

import boto3
from botocore.exceptions import ClientError

name, client = os.environ["TABLE"], boto3.client("dynamodb")
print("ready, with table", name)


def handler(event, context):
    wanted = {}
    for field in ["bike_id", "rider_id", "ride_id"]:
        wanted[field] = event.get(field)
        if type(wanted[field]) is not str or wanted[field] == "":
            raise ValueError("no good: " + field)
    now = datetime.datetime.now(datetime.timezone(datetime.timedelta(hours=2))).isoformat()
    values = {**wanted, "started_at": now}
    while True:
        try:
            client.put_item(
                TableName=name,
                Item={key: {"S": value} for key, value in values.items()},
                ConditionExpression="attribute_not_exists(#b)",
                ExpressionAttributeNames={"#b": "bike_id"},
            )
            return {"outcome": "started"} | values
        except ClientError as error:
            if error.response["Error"]["Code"] != "ConditionalCheckFailedException":
                raise
        key = {"bike_id": {"S": wanted["bike_id"]}}
        found = client.get_item(TableName=name, Key=key, ConsistentRead=True).get("Item")
        if found is None:
            continue  # the bike came back in between
        if found["ride_id"]["S"] != wanted["ride_id"]:
            return {key: wanted[key] for key in ("ride_id", "bike_id")} | {"outcome": "taken"}
        if found["rider_id"]["S"] != wanted["rider_id"]:
            raise ValueError("rider_id changed")
        return {"outcome": "started"} | {key: text["S"] for key, text in found.items()}
