"""No exceptions of its own: each step gives a result or a problem; a match finds the route."""

# --- your imports, constants and helpers: start ---
import base64
import contextlib
import datetime
import hashlib
import hmac
import json
import os
import secrets

import boto3

db = boto3.client("dynamodb")
STATIONS, RIDES = os.environ["STATIONS_TABLE"], os.environ["RIDES_TABLE"]
CITY = {"S": os.environ["CITY"]}
NUMBERS = {"lat": float, "lon": float, "capacity": int}
NUMBERS |= {"num_bikes_available": int, "num_docks_available": int}


def reply(status, value=None, **headers):
    shared = {"Access-Control-Allow-Origin": os.environ["ALLOWED_ORIGIN"]}
    if value is None:
        return {"statusCode": status, "headers": shared | headers}
    kind = "application/json" if status < 400 else "application/problem+json; charset=utf-8"
    return {
        "statusCode": status,
        "headers": {"Content-Type": kind} | shared | headers,
        "body": json.dumps(value, indent=1),
        "isBase64Encoded": False,
    }


def problem(status, detail, wrong=()):
    value = {"type": "about:blank", "title": detail, "status": status, "detail": detail}
    errors = [{"field": field, "detail": f"{field} cannot be"} for field in wrong]
    return reply(status, value | ({"errors": errors} if errors else {}))


def station(item):
    names = {"station_id": str, "name": str} | NUMBERS
    return {name: kind(next(iter(item[name].values()))) for name, kind in names.items()}


def ride(item):
    return {name: item[name]["S"] for name in ("ride_id", "station_id", "rider_id")} | {
        "minutes": int(item["minutes"]["N"])
    }


def mac(text):
    key = os.environ["CURSOR_KEY"].encode()
    return hmac.new(key, text.encode("utf-8", "replace"), hashlib.blake2b).hexdigest()[:32]


def whole(text):
    with contextlib.suppress(ValueError):
        return int(text)


def stations(query):
    limit, start, wrong = whole(query.get("limit", "20")), {}, []
    if limit not in range(1, 101):
        wrong.append("limit")
    if (cursor := query.get("cursor")) is not None:
        tag, place = cursor[:32], cursor[32:]
        if not secrets.compare_digest(tag.encode(), mac(place).encode()):
            wrong.append("cursor")
        start = {"ExclusiveStartKey": {"city": CITY, "station_id": {"S": place}}}
    if wrong:
        return problem(400, "This page cannot be.", wrong)
    items = some_of_city(limit, start)
    following = None
    if len(items) == limit:
        place = items[-1]["station_id"]["S"]
        following = mac(place) + place
    now = int(datetime.datetime.now(datetime.timezone.utc).timestamp())
    value = {"next": following, "data": {"stations": [station(each) for each in items]}}
    return reply(200, {"version": "2.3", "ttl": 0, "last_updated": now} | value)


def some_of_city(limit, start):
    """Asks again until there are enough, or no more."""
    found = db.query(
        TableName=STATIONS,
        KeyConditions={"city": {"AttributeValueList": [CITY], "ComparisonOperator": "EQ"}},
        Limit=limit,
        **start,
    )
    items, last = found["Items"], found.get("LastEvaluatedKey")
    if last and len(items) < limit:
        items += some_of_city(limit - len(items), {"ExclusiveStartKey": last})
    return items


def one_station(station_id):
    key = {"station_id": {"S": station_id}, "city": CITY}
    item = db.get_item(TableName=STATIONS, Key=key).get("Item")
    return reply(200, station(item)) if item else problem(404, "There is no such station.")


def read(event):
    raw = (event.get("body") or "").encode()
    try:
        value = json.loads(base64.b64decode(raw) if event.get("isBase64Encoded") else raw)
    except ValueError:
        value = None
    return value if isinstance(value, dict) else None


def start(event):
    body = read(event)
    if body is None:
        return problem(400, "The body cannot be used.", ["body"])
    minutes = body.get("minutes")
    good_minutes = isinstance(minutes, int) and minutes is not True and 0 < minutes < 121
    good = {
        name: isinstance(body.get(name), str) and body[name] for name in ("station_id", "rider_id")
    }
    wrong = [name for name, fine in (good | {"minutes": good_minutes}).items() if not fine]
    if wrong:
        return problem(400, "Some fields cannot be used.", wrong)
    if not move(body["station_id"], "-1", "num_bikes_available >= :one", {":one": {"N": "1"}}):
        there = one_station(body["station_id"])
        return there if there["statusCode"] == 404 else problem(409, "There is no bike left.")
    ride_id = secrets.token_urlsafe(12)
    texts = {name: body[name] for name in ("station_id", "rider_id")} | {"ride_id": ride_id}
    item = {name: {"S": value} for name, value in texts.items()} | {"minutes": {"N": str(minutes)}}
    db.put_item(TableName=RIDES, Item=item)
    return reply(201, ride(item), Location=f"/rides/{ride_id}")


def move(station_id, bikes, condition, values):
    """Whether the condition held, and the bikes are moved."""
    docks = bikes.removeprefix("-") if bikes.startswith("-") else f"-{bikes}"
    try:
        db.update_item(
            TableName=STATIONS,
            Key={"city": CITY, "station_id": {"S": station_id}},
            UpdateExpression="ADD num_docks_available :docks, num_bikes_available :bikes",
            ConditionExpression=condition,
            ExpressionAttributeValues={":bikes": {"N": bikes}, ":docks": {"N": docks}} | values,
        )
    except db.exceptions.ConditionalCheckFailedException:
        return False
    return True


def show(ride_id):
    key = {"ride_id": {"S": ride_id}}
    item = db.get_item(TableName=RIDES, Key=key, ConsistentRead=True).get("Item")
    return reply(200, ride(item)) if item else problem(404, "There is no such ride.")


def end(ride_id):
    try:
        old = db.delete_item(
            TableName=RIDES,
            Key={"ride_id": {"S": ride_id}},
            ConditionExpression="attribute_exists(ride_id)",
            ReturnValues="ALL_OLD",
        )["Attributes"]
    except db.exceptions.ConditionalCheckFailedException:
        return problem(404, "There is no such ride.")
    move(old["station_id"]["S"], "1", "attribute_exists(city)", {})
    return reply(204)


def route(event):
    given = event.get("pathParameters") or {}
    match event["routeKey"].split(" "):
        case ["OPTIONS", _]:
            names = {"Access-Control-Allow-Headers": "content-type"}
            return reply(204, None, **names, **{"Access-Control-Allow-Methods": "GET,POST,DELETE"})
        case ["GET", "/stations"]:
            return stations(event.get("queryStringParameters") or {})
        case ["GET", "/stations/{station_id}"]:
            return one_station(given["station_id"])
        case ["POST", "/rides"]:
            return start(event)
        case ["GET", _]:
            return show(given["ride_id"])
        case ["DELETE", _]:
            return end(given["ride_id"])


# --- your imports, constants and helpers: end ---


def handler(event, context):
    """Answers one HTTP request."""
    # --- your code: start ---
    try:
        return route(event)
    except Exception as error:
        print("ERROR", type(error).__name__, error)
        return problem(500, "Something went wrong.")
    # --- your code: end ---
