"""Stage 03: start a ride only once, however many requests ask for it, and however often.

The event comes from the app. The app makes a new `ride_id` each time the rider presses the button,
and sends the same event again if it gets no answer:

    {"ride_id": "R-1001",          any string that is not empty
     "bike_id": "B-7",             likewise
     "rider_id": "U-42"}           likewise

The result has exactly these keys. If the bike is free, the ride starts:

    {"outcome": "started",
     "ride_id": "R-1001", "bike_id": "B-7", "rider_id": "U-42",
     "started_at": "2026-05-04T08:00:00.123456+00:00"}     now, ISO 8601 with an offset

The same ride_id for the same bike is a retry: it gets the same result as the first time, with the
same started_at, and nothing changes. If another ride has the bike:

    {"outcome": "taken", "ride_id": "R-1002", "bike_id": "B-7"}

The DynamoDB table holds one item for each bike that is out, and none for a bike in a dock. Its key
is bike_id; the item also has ride_id, rider_id and started_at, all of them strings. When a bike
comes back, another service deletes its item, and the bike is free again. A retry that arrives
after that starts a new ride: the table has no memory of the first.

    TABLE        environment variable with the table's name. The checks set it; leave it out of
                 function.json.

Many requests for one bike may arrive at the same moment, in many environments, but only one ride
gets it. So one conditional write decides; anything that you read before it may be out of date. A
refused write can return the stored item (ReturnValuesOnConditionCheckFailure), so you need no read.
That item is in the error's `response["Item"]`, always in DynamoDB's notation, even with a boto3
resource: {"ride_id": {"S": "R-1001"}, ...}. Keep nothing in a global that a later answer depends
on.

Once for each environment, when the module loads: read TABLE, create the DynamoDB client, and print
one line with the word ready and the table's name: {"message": "ready", "table": "rides"}. Without
TABLE, the module raises an error that names TABLE, and prints no such line.

Errors: a field that is missing, empty or not a string raises ValueError, and the message names
the field. A retry with another rider_id than the first time raises ValueError and names rider_id.
Any other error (no such table, another key, throttling) comes out unchanged, with DynamoDB's own
type, so that the caller can try again.

Extra: function.json. It holds arguments of create_function and, besides them, the number
"ReservedConcurrentExecutions": 5, as many requests as the locks of the bikes can handle at once.
"VpcConfig" is an object with two lists, "SubnetIds" and "SecurityGroupIds": subnets in at least two
zones, without a route to an internet gateway, and a group without inbound rules. Nobody knows the
ids before the network exists: write placeholders, such as "${SUBNET_1}". The checks fill them in:

    placeholder     zone     route table                        inbound rules
    ${SUBNET_1}     first    endpoint of DynamoDB
    ${SUBNET_2}     first    endpoint of DynamoDB
    ${SUBNET_3}     second   endpoint of DynamoDB
    ${SUBNET_4}     second   the same, and an internet gateway
    ${GROUP_APP}                                                none
    ${GROUP_WEB}                                                HTTPS from 0.0.0.0/0
"""

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
    """A field's string. Raises ValueError if there is none."""
    value = event.get(field)
    if not isinstance(value, str) or not value:
        raise ValueError(f"{field} must be a string that is not empty, not {value!r}")
    return value


def take(ride):
    """Writes the ride to its bike if that is free; returns the ride that has the bike now."""
    try:
        dynamodb.put_item(
            TableName=TABLE,
            Item={name: {"S": value} for name, value in ride.items()},
            ConditionExpression="attribute_not_exists(bike_id)",
            ReturnValuesOnConditionCheckFailure="ALL_OLD",
        )
    except dynamodb.exceptions.ConditionalCheckFailedException as refused:
        return {name: value["S"] for name, value in refused.response["Item"].items()}
    return ride


# --- your imports, constants and helpers: end ---


def handler(event, context):
    """Starts one ride: the docstring above is the whole contract."""
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
