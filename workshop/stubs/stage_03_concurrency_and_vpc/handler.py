"""Stage 03: start a ride, once, however often and by however many it is asked for.

The event, from the app. It makes a new `ride_id` for each press of the button, and sends the same
event again when no answer came:

    {"ride_id": "R-1001",          any string that is not empty
     "bike_id": "B-7",             likewise
     "rider_id": "U-42"}           likewise

The result, exactly these keys. The bike is free, so the ride starts:

    {"outcome": "started",
     "ride_id": "R-1001", "bike_id": "B-7", "rider_id": "U-42",
     "started_at": "2026-05-04T08:00:00.123456+00:00"}     now, ISO 8601 with an offset

The same ride_id on the same bike once more is a retry: the same result as the first time, with the
first started_at, and nothing changes. Another ride has the bike:

    {"outcome": "taken", "ride_id": "R-1002", "bike_id": "B-7"}

The DynamoDB table holds one item for each bike that is out, and nothing for one that stands in a
dock. Its key is bike_id; ride_id, rider_id and started_at stand beside it, all of them strings.
When a bike comes back, somebody else deletes its item, and it may be taken again. A retry that
comes later than that starts again: this table cannot know better.

    TABLE        environment variable: the table's name

Many requests for one bike may come at the same moment, to many environments: one ride gets it.
So one conditional write decides; what you read before it may be old. When the write is refused, its
error can bring the stored item along (ReturnValuesOnConditionCheckFailure), so you need no read.
Keep nothing that a later answer depends on in a global.

Once an environment, when the module loads: read TABLE, make the client of DynamoDB, and print one
line with the word ready and the table's name, such as {"message": "ready", "table": "rides"}.
Without TABLE the module must not load: the error names TABLE.

Errors: a field that is missing, empty or not a string raises ValueError, and the message names
it. A retry with another rider_id than the first time raises ValueError and names rider_id. Any
other error (no such table, a throttled table) must come out as it is, with DynamoDB's own type:
the caller tries again.

function.json holds arguments of create_function and, beside them, "ReservedConcurrentExecutions":
the locks of the bikes can take 5 requests at once. "VpcConfig" is an object with two lists,
"SubnetIds" and "SecurityGroupIds": subnets in at least two zones, without a route from or to the
internet, and a group that lets nothing in. Write placeholders, such as "${SUBNET_1}":

    placeholder     zone     route table                        inbound rules
    ${SUBNET_1}     first    endpoint of DynamoDB
    ${SUBNET_2}     first    endpoint of DynamoDB
    ${SUBNET_3}     second   endpoint of DynamoDB
    ${SUBNET_4}     second   the same, and an internet gateway
    ${GROUP_APP}                                                none
    ${GROUP_WEB}                                                HTTPS from 0.0.0.0/0
"""

# --- your imports, constants and helpers: start ---

# --- your imports, constants and helpers: end ---


def handler(event, context):
    """Starts one ride: the module's text above is the whole contract."""
    # --- your code: start ---
    return {}
    # --- your code: end ---
