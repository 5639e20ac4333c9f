"""Stage 05: the stations and rides of one city, as an HTTP API.

An HTTP API in API Gateway calls this function, with payload format 2.0. It has these routes, and
event["routeKey"] says which one a client asked for:

    GET /stations/{station_id}      200, one station
    POST /rides                     201, the ride; its header Location is /rides/RIDE_ID
    GET /rides/{ride_id}            200, the ride
    DELETE /rides/{ride_id}         204, no body: the ride ends, and its station has the bike back
    GET /stations                   200, a page of the stations, by station_id (extra)
    OPTIONS /{proxy+}               204, no body: the preflight request of a browser (extra)

A response with a body is JSON, and its Content-Type says so: application/json, or
application/problem+json for an error.

A STATION has exactly these keys. Its numbers are JSON numbers, and all but lat and lon are whole:

    {"station_id": "w-001", "name": "Union Station", "lat": 38.897, "lon": -77.006,
     "capacity": 15, "num_bikes_available": 3, "num_docks_available": 12}

POST /rides takes a JSON object, whatever its Content-Type: API Gateway encodes a body in base64
where the type is not a text type (isBase64Encoded). Ignore other keys, even a ride_id. The ride is
the same object with a ride_id that no other ride has, so it has four keys:

    {"station_id": "w-001",       any string that is not empty
     "rider_id": "R-7",           any string that is not empty
     "minutes": 30}               an integer (30, not 30.0 or true), 1 to 120

A new ride takes one bike from the station: num_bikes_available goes down by one, and
num_docks_available goes up by one. Several riders may ask for the last bike at the same moment: one
gets it, the others get a 409.

DELETE gives the bike back. Of several DELETEs of one ride, one gives it back, the others get a 404.
If the station has been removed, the ride still ends (204), and no station is created.

Errors are problem details (RFC 9457). Each `detail` is a sentence for people:

    {"title": "...", "status": 400, "detail": "...",
     "errors": [{"field": "minutes", "detail": "..."}, ...]}      for a 400: all that is wrong

    400   a wrong field; a body that is not a JSON object in UTF-8 (field: body); a wrong `limit`
          or `cursor`, or both (extra)
    404   the station does not exist in this city, or the ride does not exist
    409   the station has no bike
    500   anything unexpected, such as an item that lacks an attribute: the response says nothing
          about the cause, the log says everything

Environment variables: STATIONS_TABLE, RIDES_TABLE, CITY, ALLOWED_ORIGIN, CURSOR_KEY. The stations'
table has the partition key `city` and the sort key `station_id`. It holds many cities, and other
attributes besides those of a STATION. The rides' table has the partition key `ride_id`. Query,
GetItem and conditional writes are all that you need: a Scan reads the other cities, too.

EXTRA: pages. A page has the form of GBFS 2.3, with one more key, `next`. The query string may
hold `limit` (1 to 100; without it, 20) and `cursor` (the `next` of the page before). `limit` is an
integer as int() reads it, so `05` is 5. An empty `limit=` or `cursor=` is wrong.

    {"last_updated": 1767607200,              seconds since 1970, an integer
     "ttl": 0, "version": "2.3",
     "data": {"stations": [STATION, ...]},    as many as `limit`, fewer on the last page only
     "next": "..."}                           a cursor; null if there are no more

One Query may return fewer: it reads 1 MB at most. The page after a cursor may be empty, with `next`
null, because DynamoDB does not always know that it has reached the end.

A cursor is opaque. It shows neither the names of the table's key nor the city, whether as plain
text, in hexadecimal or in base64. It is signed with CURSOR_KEY, and works in every execution
environment that has this key. A cursor that was changed, or signed with another key, is wrong.

EXTRA: CORS. Every response, even an error or that to OPTIONS, has the header
Access-Control-Allow-Origin with the value of ALLOWED_ORIGIN. The response to OPTIONS also has
Access-Control-Allow-Methods (GET, POST and DELETE) and Access-Control-Allow-Headers (content-type).
"""

# --- your imports, constants and helpers: start ---
import base64
import hashlib
import hmac
import json
import logging
import os
import time
import uuid
from decimal import Decimal

import boto3
from boto3.dynamodb.conditions import Key

# Made once for each execution environment, not for each request.
database = boto3.resource("dynamodb")
ConditionFailed = database.meta.client.exceptions.ConditionalCheckFailedException
stations = database.Table(os.environ["STATIONS_TABLE"])
rides = database.Table(os.environ["RIDES_TABLE"])
CITY = os.environ["CITY"]
ALLOWED_ORIGIN = os.environ["ALLOWED_ORIGIN"]
CURSOR_KEY = os.environ["CURSOR_KEY"].encode()

STATION_FIELDS = ("station_id", "name", "lat", "lon", "capacity")
STATION_FIELDS += ("num_bikes_available", "num_docks_available")
RIDE_FIELDS = ("ride_id", "station_id", "rider_id", "minutes")
logger = logging.getLogger()


class Problem(Exception):
    """An error that the client is told about."""

    def __init__(self, status, title, detail, errors=None):
        super().__init__(detail)
        self.status = status
        self.body = {"title": title, "status": status, "detail": detail}
        if errors:
            self.body["errors"] = [{"field": k, "detail": v} for k, v in errors.items()]


def respond(status, body=None, content_type="application/json", **headers):
    """A response in payload format 2.0. All are made here, so that none lacks the CORS header."""
    headers["Access-Control-Allow-Origin"] = ALLOWED_ORIGIN
    if body is None:
        return {"statusCode": status, "headers": headers}
    headers["Content-Type"] = content_type
    return {"statusCode": status, "headers": headers, "body": json.dumps(body, default=number)}


def number(value):
    """DynamoDB's Decimal as a number that json can write."""
    if not isinstance(value, Decimal):
        raise TypeError(f"{value!r} is not JSON")
    return int(value) if value == value.to_integral_value() else float(value)


def invalid(errors):
    """A 400 that names everything that is wrong."""
    detail = "; ".join(f"{field} {detail}" for field, detail in errors.items())
    return Problem(400, "The request is not valid", detail, errors)


# The routes


def list_stations(event):
    """GET /stations"""
    limit, after = read_page(event.get("queryStringParameters") or {})
    items, last = query_stations(limit, after)
    body = {
        "last_updated": int(time.time()),
        "ttl": 0,
        "version": "2.3",
        "data": {"stations": [pick(item, STATION_FIELDS) for item in items]},
        "next": make_cursor(last["station_id"]) if last else None,
    }
    return respond(200, body)


def show_station(event):
    """GET /stations/{station_id}"""
    station_id = event["pathParameters"]["station_id"]
    item = stations.get_item(Key={"city": CITY, "station_id": station_id}).get("Item")
    if item is None:
        raise Problem(404, "Not found", f"There is no station {station_id}.")
    return respond(200, pick(item, STATION_FIELDS))


def start_ride(event):
    """POST /rides"""
    wanted = read_ride(event)
    take_bike(wanted["station_id"])
    ride = {"ride_id": str(uuid.uuid4()), **wanted}
    rides.put_item(Item=ride)
    return respond(201, ride, Location=f"/rides/{ride['ride_id']}")


def show_ride(event):
    """GET /rides/{ride_id}"""
    ride_id = event["pathParameters"]["ride_id"]
    item = rides.get_item(Key={"ride_id": ride_id}, ConsistentRead=True).get("Item")
    if item is None:
        raise Problem(404, "Not found", f"There is no ride {ride_id}.")
    return respond(200, pick(item, RIDE_FIELDS))


def end_ride(event):
    """DELETE /rides/{ride_id}"""
    ride_id = event["pathParameters"]["ride_id"]
    # Of two requests for the same ride, one gets its attributes: the bike comes back once.
    ride = rides.delete_item(Key={"ride_id": ride_id}, ReturnValues="ALL_OLD").get("Attributes")
    if ride is None:
        raise Problem(404, "Not found", f"There is no ride {ride_id}.")
    try:
        move_bikes(ride["station_id"], 1, "attribute_exists(station_id)")
    except ConditionFailed:
        logger.warning("ride %s ends, and its station has been removed", ride_id)
    return respond(204)


def preflight(event):
    """OPTIONS, which a browser asks before a POST with JSON or a DELETE"""
    headers = {"Access-Control-Allow-Methods": "GET,POST,DELETE"}
    return respond(204, **headers, **{"Access-Control-Allow-Headers": "content-type"})


ROUTES = {
    "GET /stations": list_stations,
    "GET /stations/{station_id}": show_station,
    "POST /rides": start_ride,
    "GET /rides/{ride_id}": show_ride,
    "DELETE /rides/{ride_id}": end_ride,
    "OPTIONS /{proxy+}": preflight,
}

# What they use


def pick(item, fields):
    """The attributes of an item that clients may see."""
    return {field: item[field] for field in fields}


def query_stations(count, after):
    """So many stations after one (None: the first ones), and the key of the last, or None.

    A Query reads 1 MB at most, so a page may take several.
    """
    question = {"KeyConditionExpression": Key("city").eq(CITY)}
    if after is not None:
        question["ExclusiveStartKey"] = {"city": CITY, "station_id": after}
    found = []
    while True:
        page = stations.query(**question, Limit=count - len(found))
        found += page["Items"]
        last = page.get("LastEvaluatedKey")
        if last is None or len(found) == count:
            return found, last
        question["ExclusiveStartKey"] = last


def take_bike(station_id):
    """Takes a bike from a station. Raises Problem if there is no bike, or no station."""
    try:
        # DynamoDB checks and writes in one step: no other request comes between the two.
        move_bikes(station_id, -1, "num_bikes_available > :zero", {":zero": 0})
    except ConditionFailed as refused:
        if "Item" in refused.response:
            raise Problem(409, "No bike", f"Station {station_id} has no bike.") from None
        raise Problem(404, "Not found", f"There is no station {station_id}.") from None


def move_bikes(station_id, count, condition, values=None):
    """Adds bikes to a station, or takes them away, on a condition. Raises ConditionFailed."""
    stations.update_item(
        Key={"city": CITY, "station_id": station_id},
        UpdateExpression="ADD num_bikes_available :bikes, num_docks_available :docks",
        ConditionExpression=condition,
        ExpressionAttributeValues={":bikes": count, ":docks": -count, **(values or {})},
        ReturnValuesOnConditionCheckFailure="ALL_OLD",
    )


def read_ride(event):
    """The ride that a client asks for. Raises Problem, which names all that is wrong."""
    body = read_body(event)
    errors = {}
    for field in ("station_id", "rider_id"):
        if not isinstance(body.get(field), str) or not body[field]:
            errors[field] = "must be a string that is not empty"
    minutes = body.get("minutes")
    if type(minutes) is not int or not 1 <= minutes <= 120:  # True is an int to isinstance
        errors["minutes"] = "must be an integer, 1 to 120"
    if errors:
        raise invalid(errors)
    return pick(body, ("station_id", "rider_id", "minutes"))


def read_body(event):
    """The body as an object. Raises Problem if it is not one."""
    body = event.get("body") or ""
    try:
        body = json.loads(base64.b64decode(body) if event.get("isBase64Encoded") else body)
    except ValueError:
        body = None
    if not isinstance(body, dict):
        raise invalid({"body": "must be a JSON object"})
    return body


def read_page(query):
    """The limit, and the station after which the page begins. Raises Problem."""
    found, errors = {"limit": 20, "cursor": None}, {}
    for name, read in (("limit", read_limit), ("cursor", open_cursor)):
        if name in query:
            try:
                found[name] = read(query[name])
            except ValueError as error:
                errors[name] = str(error)
    if errors:
        raise invalid(errors)
    return found["limit"], found["cursor"]


def read_limit(text):
    """How many stations to show. Raises ValueError."""
    try:
        limit = int(text)
    except ValueError:
        limit = 0
    if not 1 <= limit <= 100:
        raise ValueError("must be an integer, 1 to 100")
    return limit


def make_cursor(station_id):
    """A cursor: the station after which the next page begins, and its signature."""
    place = base64.urlsafe_b64encode(station_id.encode()).decode()
    return f"{place}.{signature(place)}"


def open_cursor(cursor):
    """The station of a cursor. Raises ValueError if this API did not issue it."""
    place, _, signed = cursor.partition(".")
    if not hmac.compare_digest(signed.encode(), signature(place).encode()):
        raise ValueError("must be the `next` of a page, unchanged")
    return base64.urlsafe_b64decode(place).decode()


def signature(place):
    """What only somebody with the key can compute."""
    return hmac.new(CURSOR_KEY, place.encode(), hashlib.sha256).hexdigest()


# --- your imports, constants and helpers: end ---


def handler(event, context):
    """Answers one HTTP request: the module's docstring is the whole contract."""
    # --- your code: start ---
    try:
        return ROUTES[event["routeKey"]](event)
    except Problem as problem:
        return respond(problem.status, problem.body, "application/problem+json")
    except Exception:
        logger.exception("%s failed", event["routeKey"])
        problem = Problem(500, "Something went wrong", "It has been logged. Try again in a while.")
        return respond(problem.status, problem.body, "application/problem+json")
    # --- your code: end ---
