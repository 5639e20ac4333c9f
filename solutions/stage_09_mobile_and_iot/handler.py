"""Stage 09: stations report how many bikes they hold, and riders find one with their phones.

This file becomes two functions, with the handlers handler.telemetry and handler.find:

    station ──▶ topic ──▶ rule ──▶ telemetry ──▶ table ◀── find ◀── function URL ◀── phone

Both have the environment variables STATIONS_TABLE and TOKEN_KEY, and a layer with the library
PyJWT (`import jwt`). The table has the partition key station_id, and these attributes:

    station_id, name        strings
    lat, lon                its position, in degrees (N)
    cell                    "3888:-7705", the square of 0.01 degrees that contains it:
                            floor(lat * 100), a colon, floor(lon * 100). A closed station has none.
    bikes, docks, battery   from the newest report, with its seq; updated_at is when it arrived (N).
    seq, updated_at         All five are missing until there is a report.

The table also has other attributes, which riders must not see. The index by_cell has the partition
key cell.

RULE. A station publishes to the topic stations/STATION_ID/status. rule.json contains the SQL of
the rule that passes on the reports of all stations, if their kind is "status":

    {"kind": "status",          other kinds, such as "selftest", are left out
     "seq": 17, "bikes": 5, "docks": 10, "battery": 3.71,
     "device_id": "31200",      the station's own idea of its id, often wrong after a repair
     "sent_at": 946684800000}   the station's clock, which may be years off

The topic says who sent a report, and the rule says when it arrived. `telemetry` gets this event:

    {"station_id": "31623",         the second part of the topic
     "received_at": 1777896190500,  the rule's timestamp(): milliseconds since 1970
     "seq": 17, "bikes": 5, "docks": 10, "battery": 3.71}

An event may have more keys; ignore them.

TELEMETRY stores a report in the row of its station and changes nothing else there. `seq` grows
with each report of a station. Reports arrive late, twice, in any order, and several at the same
moment: a report whose seq is not larger than the row's changes nothing. The function never creates
a row, and publishes nothing.

    {"result": "stored"}    returned if the row now has the report
    {"result": "old"}       the row has a report with this seq, or a larger one
    {"result": "unknown"}   the table has no such station
    {"result": "invalid"}   seq is not an integer of 0 or more, bikes or docks is not one from 0 to
                            200, or battery is not a number from 0 to 5. true is neither an
                            integer nor a number, and 5.0 is not an integer.

If a report is invalid and its station is unknown, return either result. If you cannot write to the
table, raise an error, so that Lambda retries.

FIND gets requests to a function URL, GET /?lat=38.8893&lon=-77.0502&limit=3, and answers with a
statusCode and JSON (Content-Type: application/json):

    200  {"stations": [{"station_id": "31623", "name": "Lincoln Memorial",
                        "lat": 38.8886, "lon": -77.0492, "bikes": 5, "meters": 116}, ...]}
         the open stations with a bike within 500 m, the nearest first, at most `limit` of them,
         with exactly these keys. station_id and name are strings, lat and lon are numbers, bikes
         and meters are integers. Distances are along a sphere with a radius of 6,371,000 m.
    400  {"error": "..."}: lat is not a number from -60 to 60, lon not one from -180 to 180, or
         limit not an integer from 1 to 10. Without `limit` it is 3.
    401  {"error": "..."} and the header WWW-Authenticate: Bearer. The request lacks the header
         Authorization: Bearer TOKEN with a valid token. Check it before the query.

A valid TOKEN is a JSON Web Token that is signed with TOKEN_KEY by HS256, with the audience (aud)
"find-a-bike", a rider (sub), and an expiry time (exp) in the future.

Query by_cell for the rider's cell and the eight around it. They reach 500 m in all directions:
a cell is 1,112 m high, and at 60 degrees still 556 m wide.

EXTRA: the date line. Column 17999 is to the west of 180 degrees, and column -18000 to the east.
"""

# --- your imports, constants and helpers: start ---
import json
import os
from decimal import Decimal
from math import asin, cos, floor, isfinite, radians, sin, sqrt

import boto3
import jwt
from boto3.dynamodb.conditions import Key

TOKEN_KEY = os.environ["TOKEN_KEY"]
AUDIENCE = "find-a-bike"
MOST_BIKES, FULL_BATTERY = 200, 5
REACH, RADIUS = 500, 6_371_000  # meters
COLUMNS = 36_000  # cells around the earth

database = boto3.resource("dynamodb")
stations = database.Table(os.environ["STATIONS_TABLE"])
ConditionFailed = database.meta.client.exceptions.ConditionalCheckFailedException


def read_report(event):
    """The numbers of a report. Raises ValueError, which names the wrong one."""
    for field in ("seq", "bikes", "docks"):
        value = event.get(field)
        if type(value) is not int or value < 0:  # True is an int to isinstance
            raise ValueError(f"{field} is not an integer from 0")
        if field != "seq" and value > MOST_BIKES:
            raise ValueError(f"{field} is larger than {MOST_BIKES}")
    battery = event.get("battery")
    if type(battery) not in (int, float) or not 0 <= battery <= FULL_BATTERY:
        raise ValueError(f"battery is not a number from 0 to {FULL_BATTERY}")
    return {
        ":seq": event["seq"],
        ":bikes": event["bikes"],
        ":docks": event["docks"],
        ":battery": Decimal(str(battery)),  # DynamoDB takes no float
        ":received_at": event["received_at"],
    }


def store(station_id, report):
    """Writes a report unless the row has a newer one: "stored", "old" or "unknown"."""
    try:
        # DynamoDB checks and writes in one step: no other report comes between the two.
        stations.update_item(
            Key={"station_id": station_id},
            UpdateExpression="SET seq = :seq, bikes = :bikes, docks = :docks, battery = :battery,"
            " updated_at = :received_at",
            ConditionExpression="attribute_exists(station_id)"
            " AND (attribute_not_exists(seq) OR seq < :seq)",
            ExpressionAttributeValues=report,
            ReturnValuesOnConditionCheckFailure="ALL_OLD",
        )
    except ConditionFailed as refused:
        return "old" if "Item" in refused.response else "unknown"
    return "stored"


def check_token(headers):
    """Raises jwt.PyJWTError unless a request has a good token."""
    scheme, _, token = headers.get("authorization", "").partition(" ")
    if scheme.lower() != "bearer":
        raise jwt.InvalidTokenError("there is no bearer token")
    # The algorithm is ours to choose: what the token's header names is the sender's wish.
    options = {"require": ["exp", "sub", "aud"]}
    jwt.decode(token, TOKEN_KEY, algorithms=["HS256"], audience=AUDIENCE, options=options)


def read_query(query):
    """Latitude, longitude and limit. Raises ValueError, which names the wrong one."""
    place = [number(query, "lat", 60), number(query, "lon", 180)]
    limit = query.get("limit", "3")
    if not (limit.isascii() and limit.isdigit() and len(limit) < 3 and 1 <= int(limit) <= 10):
        raise ValueError("limit is not an integer from 1 to 10")
    return *place, int(limit)


def number(query, name, most):
    """A number from the query, from -most to most. Raises ValueError."""
    try:
        found = float(query.get(name, ""))
    except ValueError:
        found = float("nan")
    if not isfinite(found) or abs(found) > most:
        raise ValueError(f"{name} is not a number from -{most} to {most}")
    return found


def cells_around(lat, lon):
    """The cell of a place and the eight around it."""
    row, column = floor(lat * 100), floor(lon * 100)
    for up in (-1, 0, 1):
        for right in (-1, 0, 1):
            wrapped = (column + right + COLUMNS // 2) % COLUMNS - COLUMNS // 2
            yield f"{row + up}:{wrapped}"


def meters_between(lat, lon, other_lat, other_lon):
    """The distance of two places, by the haversine formula."""
    up, right = radians(other_lat - lat) / 2, radians(other_lon - lon) / 2
    share = sin(up) ** 2 + cos(radians(lat)) * cos(radians(other_lat)) * sin(right) ** 2
    return 2 * RADIUS * asin(sqrt(share))


def stations_near(lat, lon):
    """The stations with a bike within reach, the nearest first, as riders may see them."""
    found = []
    for cell in cells_around(lat, lon):
        answer = stations.query(IndexName="by_cell", KeyConditionExpression=Key("cell").eq(cell))
        for item in answer["Items"]:
            place = float(item["lat"]), float(item["lon"])
            meters = meters_between(lat, lon, *place)
            if item.get("bikes", 0) > 0 and meters <= REACH:
                found.append((meters, item))
    return [shown(meters, item) for meters, item in sorted(found, key=lambda each: each[0])]


def shown(meters, item):
    """What a rider sees of a station: the rest of the row stays here."""
    return {
        "station_id": item["station_id"],
        "name": item["name"],
        "lat": float(item["lat"]),
        "lon": float(item["lon"]),
        "bikes": int(item["bikes"]),
        "meters": round(meters),
    }


def respond(status, body, **headers):
    """A response of a function URL."""
    headers["Content-Type"] = "application/json"
    return {"statusCode": status, "headers": headers, "body": json.dumps(body)}


# --- your imports, constants and helpers: end ---


def telemetry(event, context):
    """Stores the report of a station."""
    # --- your code: start ---
    try:
        report = read_report(event)
    except ValueError as error:
        print(f"{event.get('station_id')}: {error}")
        return {"result": "invalid"}
    return {"result": store(event["station_id"], report)}
    # --- your code: end ---


def find(event, context):
    """Answers a rider who looks for a bike."""
    # --- your code: start ---
    try:
        check_token(event["headers"])
        lat, lon, limit = read_query(event.get("queryStringParameters") or {})
    except jwt.PyJWTError as error:
        print(f"refused: {error}")
        return respond(401, {"error": "Sign in first."}, **{"WWW-Authenticate": "Bearer"})
    except ValueError as error:
        return respond(400, {"error": str(error)})
    return respond(200, {"stations": stations_near(lat, lon)[:limit]})
    # --- your code: end ---
