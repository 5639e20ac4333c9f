"""Another correct solution: the resource API, a class, one update that answers retries too."""

import logging
import os
from datetime import datetime, timezone

import boto3
from boto3.dynamodb.conditions import Attr


class Bikes:
    """The table of the bikes that are out."""

    def __init__(self, name):
        resource = boto3.resource("dynamodb")
        self.table = resource.Table(name)
        self.taken = resource.meta.client.exceptions.ConditionalCheckFailedException
        print(f"table {name}: ready")

    def holder(self, event):
        """The ride that has the bike, once this one has asked for it."""
        key = {"bike_id": event["bike_id"]}
        mine = Attr("bike_id").not_exists() | Attr("ride_id").eq(event["ride_id"])
        try:
            return self.table.update_item(
                Key=key,
                UpdateExpression="SET ride_id = :ride, rider_id = if_not_exists(rider_id, :rider), "
                "started_at = if_not_exists(started_at, :now)",
                ConditionExpression=mine,
                ExpressionAttributeValues={
                    ":ride": event["ride_id"],
                    ":rider": event["rider_id"],
                    ":now": datetime.now(timezone.utc).isoformat(timespec="seconds"),
                },
                ReturnValues="ALL_NEW",
            )["Attributes"]
        except self.taken:
            return None


bikes = Bikes(os.environ["TABLE"])
logging.getLogger().setLevel(logging.INFO)


def handler(event, context):
    for name in ("ride_id", "bike_id", "rider_id"):
        if not (isinstance(event.get(name), str) and event[name]):
            raise ValueError(f"bad or missing: {name}")
    logging.info("%s wants %s", event["ride_id"], event["bike_id"])
    holder = bikes.holder(event)
    if holder is None:
        return {"bike_id": event["bike_id"], "ride_id": event["ride_id"], "outcome": "taken"}
    if holder["rider_id"] != event["rider_id"]:
        raise ValueError("another rider_id started this ride")
    return dict(holder, outcome="started")
