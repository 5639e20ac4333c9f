"""Threads for the cells, vectors for distances, the token verified by the standard library."""

# --- your imports, constants and helpers: start ---
import base64
import hmac
import json
import math
import os
import re
import time
from concurrent.futures import ThreadPoolExecutor
from decimal import Decimal

import boto3
from boto3.dynamodb.conditions import Attr, Key
from botocore.exceptions import ClientError

table = boto3.resource("dynamodb").Table(os.environ["STATIONS_TABLE"])
secret = os.environ["TOKEN_KEY"].encode()
pool = ThreadPoolExecutor(9)
BEARER = re.compile(r"Bearer ([\w-]+)\.([\w-]+)\.([\w-]+)")
FORMS = {"lat": r"-?\d{1,3}(\.\d+)?", "lon": r"-?\d{1,3}(\.\d+)?", "limit": r"10|[1-9]"}
MOST = {"lat": 60, "lon": 180, "limit": 10}


def decoded(part):
    return base64.urlsafe_b64decode(part + "=" * (-len(part) % 4))


def rider_of(headers):
    """Who asks; None for whoever has no good token."""
    parts = BEARER.fullmatch(headers.get("authorization", ""))
    if parts is None:
        return None
    head, claims, signed = parts.groups()
    expected = hmac.digest(secret, f"{head}.{claims}".encode(), "sha256")
    try:
        if not hmac.compare_digest(expected, decoded(signed)):
            return None
        said, claims = json.loads(decoded(head)), json.loads(decoded(claims))
    except ValueError:
        return None
    good = said.get("alg") == "HS256" and claims.get("aud") == "find-a-bike"
    ends = claims.get("exp")
    return claims.get("sub") if good and isinstance(ends, int) and ends > time.time() else None


def respond(status, **body):
    headers = {"Content-Type": "application/json"} | (
        {"WWW-Authenticate": "Bearer"} if status == 401 else {}
    )
    return {"statusCode": status, "headers": headers, "body": json.dumps(body)}


def vector(lat, lon):
    """A place as a point of the sphere."""
    up, around = math.radians(lat), math.radians(lon)
    return (
        math.cos(up) * math.cos(around),
        math.cos(up) * math.sin(around),
        math.sin(up),
    )


def meters(one, other):
    chord = math.dist(vector(*one), vector(*other))
    return round(2 * 6_371_000 * math.asin(chord / 2))


def stations_in(cell):
    answer = table.query(
        IndexName="by_cell",
        KeyConditionExpression=Key("cell").eq(cell),
        FilterExpression=Attr("bikes").gt(0),
        ProjectionExpression="station_id, #name, lat, lon, bikes",
        ExpressionAttributeNames={"#name": "name"},
    )
    return answer["Items"]


def wrong(event):
    """Whether a report is wrong."""
    whole = [event.get(name) for name in ("seq", "bikes", "docks")]
    battery = event.get("battery")
    return (
        any(isinstance(each, bool) or not isinstance(each, int) for each in whole)
        or min(whole) < 0
        or max(whole[1:]) > 200
        or isinstance(battery, bool)
        or not isinstance(battery, (int, float))
        or not 0 <= battery <= 5
    )


# --- your imports, constants and helpers: end ---


def telemetry(event, context):
    """Stores the report of a station."""
    # --- your code: start ---
    if wrong(event):
        return {"result": "invalid"}
    values = json.loads(json.dumps(event), parse_float=Decimal)
    written = ("bikes", "docks", "battery", "seq")
    changes = {name: values[name] for name in written} | {"updated_at": values["received_at"]}
    key = {"station_id": event["station_id"]}
    if "Item" not in table.get_item(Key=key, ConsistentRead=True):
        return {"result": "unknown"}
    newer = Attr("seq").not_exists() | Attr("seq").lt(values["seq"])
    try:
        table.update_item(
            Key=key,
            UpdateExpression="SET " + ", ".join(f"{each} = :{each}" for each in changes),
            ExpressionAttributeValues={f":{each}": value for each, value in changes.items()},
            ConditionExpression=Attr("station_id").exists() & newer,
        )
    except ClientError as error:
        if error.response["Error"]["Code"] == "ConditionalCheckFailedException":
            return {"result": "old"}
        raise
    return {"result": "stored"}
    # --- your code: end ---


def find(event, context):
    """Answers a rider who looks for a bike."""
    # --- your code: start ---
    if not rider_of(event["headers"]):
        return respond(401, error="Who is asking?")
    query = {"limit": "3", **(event.get("queryStringParameters") or {})}
    for name, form in FORMS.items():
        if not re.fullmatch(form, query.get(name, "")) or abs(float(query[name])) > MOST[name]:
            return respond(400, error=f"What is {name}?")
    rider = float(query["lat"]), float(query["lon"])
    row, column = (math.floor(each * 100) for each in rider)
    columns = [(column + right + 18_000) % 36_000 - 18_000 for right in (-1, 0, 1)]
    cells = [f"{row + up}:{each}" for up in (-1, 0, 1) for each in columns]
    found = []
    for items in pool.map(stations_in, cells):
        for item in items:
            place = float(item["lat"]), float(item["lon"])
            shown = {**item, "lat": place[0], "lon": place[1], "bikes": int(item["bikes"])}
            found.append({**shown, "meters": meters(rider, place)})
    close = [each for each in found if each["meters"] <= 500]
    close.sort(key=lambda each: each["meters"])
    return respond(200, stations=close[: int(query["limit"])])
    # --- your code: end ---
