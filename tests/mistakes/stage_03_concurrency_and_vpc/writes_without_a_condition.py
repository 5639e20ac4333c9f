"""Writes over whatever stands there: the last one has the bike."""

# caught by: test_a_retry_gets_the_first_answer
# caught by: test_a_bike_that_is_out_is_taken
# caught by: test_a_bike_that_came_back_is_free
# caught by: test_one_ride_wins_a_race
# caught by: test_a_retry_is_the_same_rider

# --- your imports, constants and helpers: start ---
import json
import os
from datetime import datetime, timezone

import boto3

# INIT: once an environment, before the first event.
TABLE = os.environ["TABLE"]
dynamodb = boto3.client("dynamodb")
print(json.dumps({"message": "ready", "table": TABLE}))


def text(event, field):
    """A field's text. Raises ValueError if there is none."""
    value = event.get(field)
    if not isinstance(value, str) or not value:
        raise ValueError(f"{field} must be a text, not {value!r}")
    return value


def take(ride):
    """Writes the ride to its bike if that is free; returns the ride that has the bike now."""
    dynamodb.put_item(TableName=TABLE, Item={name: {"S": value} for name, value in ride.items()})
    return ride


# --- your imports, constants and helpers: end ---


def handler(event, context):
    """Starts one ride: the module's text above is the whole contract."""
    # --- your code: start ---
    ride = {field: text(event, field) for field in ("ride_id", "bike_id", "rider_id")}
    ride["started_at"] = datetime.now(timezone.utc).isoformat()
    holder = take(ride)
    if holder["ride_id"] != ride["ride_id"]:
        return {"outcome": "taken", "ride_id": ride["ride_id"], "bike_id": ride["bike_id"]}
    if holder["rider_id"] != ride["rider_id"]:
        raise ValueError(f"rider_id is not the one that started {ride['ride_id']}")
    return {"outcome": "started", **holder}
    # --- your code: end ---
