"""The client and a class for a request; a row is read where a write was refused; flat distances."""

# --- your imports, constants and helpers: start ---
import itertools
import json
import logging
import math
import os
from http import HTTPStatus

import boto3
import jwt
from botocore.exceptions import ClientError

client = boto3.client("dynamodb")
TABLE = os.environ["STATIONS_TABLE"]
DEGREE = math.radians(1) * 6_371_000
NUMBERS = {"seq": 10**15, "bikes": 200, "docks": 200, "battery": 5}
logger = logging.getLogger()


def problems(report):
    """What is wrong with a report, in words."""
    for name, most in NUMBERS.items():
        value = report.get(name)
        kinds = {int, float} if name == "battery" else {int}
        if type(value) not in kinds or not 0 <= value <= most:
            yield f"{name} cannot be {value!r}"


def is_known(station_id):
    found = client.get_item(
        TableName=TABLE, Key={"station_id": {"S": station_id}}, ConsistentRead=True
    )
    return "Item" in found


class Answer(Exception):
    """What a rider gets, raised where it is clear."""

    def __init__(self, status, body):
        self.status, self.body = status, body

    def as_response(self):
        headers = {"content-type": "application/json; charset=utf-8"}
        if self.status == HTTPStatus.UNAUTHORIZED:
            headers["www-authenticate"] = 'Bearer realm="bikes"'
        body = json.dumps(self.body, ensure_ascii=False)
        return {"statusCode": int(self.status), "headers": headers, "body": body}


class Request:
    """A rider's request."""

    def __init__(self, event):
        self._headers = event["headers"]
        self._query = event.get("queryStringParameters", {})

    def authenticate(self):
        kind, _, token = self._headers.get("authorization", " ").partition(" ")
        try:
            claims = jwt.decode(
                token,
                os.environ["TOKEN_KEY"],
                algorithms=["HS256"],
                options={"require": ["exp"], "verify_aud": False},
            )
        except jwt.InvalidTokenError as error:
            logger.info("no token: %s", error)
            claims = {}
        if kind != "Bearer" or claims.get("aud") != "find-a-bike" or not claims.get("sub"):
            raise Answer(HTTPStatus.UNAUTHORIZED, {"error": "A rider's token is needed."})

    def place(self):
        lat, lon = (self._degrees(name, most) for name, most in (("lat", 60), ("lon", 180)))
        limit = self._query.get("limit", "3")
        if limit not in {str(number) for number in range(1, 11)}:
            raise Answer(HTTPStatus.BAD_REQUEST, {"error": f"{limit} is no limit."})
        return lat, lon, int(limit)

    def _degrees(self, name, most):
        try:
            value = float(self._query[name])
            if -most <= value <= most:  # not true of nan
                return value
        except (KeyError, ValueError):
            pass
        raise Answer(HTTPStatus.BAD_REQUEST, {"error": f"{name}: {self._query.get(name)}"})


def column_name(column):
    return (column + 18_000) % 36_000 - 18_000


def near(lat, lon):
    row, column = math.floor(lat * 100), math.floor(lon * 100)
    for up, right in itertools.product((1, 0, -1), repeat=2):
        cell = f"{row + up}:{column_name(column + right)}"
        pages = client.get_paginator("query").paginate(
            TableName=TABLE,
            IndexName="by_cell",
            KeyConditionExpression="cell = :cell",
            FilterExpression="bikes > :zero",
            ExpressionAttributeValues={":cell": {"S": cell}, ":zero": {"N": "0"}},
        )
        for item in itertools.chain.from_iterable(page["Items"] for page in pages):
            place = {name: float(item[name]["N"]) for name in ("lat", "lon")}
            east = (place["lon"] - lon + 180) % 360 - 180
            east *= math.cos(math.radians((place["lat"] + lat) / 2))
            meters = round(math.hypot(place["lat"] - lat, east) * DEGREE)
            names = {name: item[name]["S"] for name in ("station_id", "name")}
            if meters <= 500:
                yield {**names, **place, "bikes": int(item["bikes"]["N"]), "meters": meters}


# --- your imports, constants and helpers: end ---


def telemetry(event, context):
    """Stores the report of a station."""
    # --- your code: start ---
    wrong = list(problems(event))
    if wrong:
        logger.warning("%s", wrong)
        return {"result": "invalid"}
    station_id = event["station_id"]
    names = {"seq", "bikes", "docks", "battery"}
    values = {f":{name}": {"N": str(event[name])} for name in names}
    try:
        client.update_item(
            TableName=TABLE,
            Key={"station_id": {"S": station_id}},
            UpdateExpression="SET updated_at = :at, "
            + ", ".join(f"{name} = :{name}" for name in names),
            ConditionExpression="attribute_exists(lat)"
            " AND NOT (attribute_exists(seq) AND seq >= :seq)",
            ExpressionAttributeValues={**values, ":at": {"N": str(event["received_at"])}},
        )
        return {"result": "stored"}
    except ClientError as error:
        if error.response["Error"]["Code"] != "ConditionalCheckFailedException":
            raise
    return {"result": "old" if is_known(station_id) else "unknown"}
    # --- your code: end ---


def find(event, context):
    """Answers a rider who looks for a bike."""
    # --- your code: start ---
    request = Request(event)
    try:
        request.authenticate()
        lat, lon, limit = request.place()
        found = sorted(near(lat, lon), key=lambda station: station["meters"])
        raise Answer(HTTPStatus.OK, {"stations": found[:limit]})
    except Answer as answer:
        return answer.as_response()
    # --- your code: end ---
