"""A class, the low-level client, and transactions: bike and ride are written together or not."""

# --- your imports, constants and helpers: start ---
import base64
import hashlib
import hmac
import json
import os
import time
import traceback
import uuid

import boto3
from boto3.dynamodb.types import TypeDeserializer, TypeSerializer


def to_dynamodb(item):
    return {name: TypeSerializer().serialize(value) for name, value in item.items()}


def from_dynamodb(item):
    plain = {name: TypeDeserializer().deserialize(value) for name, value in item.items()}
    for name, value in plain.items():
        if isinstance(value, (int, float, str)):
            continue
        with_point = "." in str(value)
        plain[name] = float(value) if with_point else int(value)
    return plain


class Refused(Exception):
    def __init__(self, status, detail, **fields):
        super().__init__(detail)
        titles = {400: "Bad request", 404: "Not found", 409: "Conflict", 500: "Server error"}
        self.status = status
        self.body = {"status": status, "title": titles[status], "detail": detail}
        self.body["errors"] = [{"field": k, "detail": v} for k, v in fields.items()]
        if not fields:
            del self.body["errors"]


class Api:
    shown = ["station_id", "name", "lat", "lon", "capacity"]
    shown += ["num_docks_available", "num_bikes_available"]

    def __init__(self, env):
        self.client = boto3.client("dynamodb")
        self.stations, self.rides = env["STATIONS_TABLE"], env["RIDES_TABLE"]
        self.city, self.origin = env["CITY"], env["ALLOWED_ORIGIN"]
        self.secret = env["CURSOR_KEY"].encode()

    def answer(self, event):
        kind = "application/json"
        try:
            status, body, headers = self.route(event)
        except Refused as refused:
            status, body, headers, kind = (
                refused.status,
                refused.body,
                {},
                "application/problem+json",
            )
        except Exception:
            traceback.print_exc()
            problem = Refused(500, "Sorry. We look into it.")
            status, body, headers, kind = 500, problem.body, {}, "application/problem+json"
        headers["access-control-allow-origin"] = self.origin
        result = {"statusCode": status, "headers": headers}
        if body is not None:
            headers["content-type"] = kind
            result["body"] = json.dumps(body)
        return result

    def route(self, event):
        method, *path = event["routeKey"].replace(" /", "/").split("/")
        given = event.get("pathParameters", {})
        if method == "OPTIONS":
            allowed = {"access-control-allow-methods": "GET, POST, DELETE, OPTIONS"}
            return 204, None, allowed | {"access-control-allow-headers": "Content-Type, Accept"}
        if path == ["stations"]:
            return 200, self.page(event.get("queryStringParameters", {})), {}
        if path[0] == "stations":
            return 200, self.station(given["station_id"]), {}
        if method == "POST":
            ride = self.start(self.body(event))
            return 201, ride, {"location": "/rides/" + ride["ride_id"]}
        if method == "GET":
            return 200, self.ride(given["ride_id"]), {}
        self.end(self.ride(given["ride_id"]))
        return 204, None, {}

    def page(self, query):
        wrong, limit, after = {}, 20, None
        try:
            limit = int(query.get("limit", 20))
        except ValueError:
            limit = 0
        if limit not in range(1, 101):
            wrong["limit"] = "is from 1 to 100"
        if "cursor" in query:
            after = self.unsealed(query["cursor"])
            if after is None:
                wrong["cursor"] = "is not one of ours"
        if wrong:
            raise Refused(400, "No such page", **wrong)
        found, last = self.found(limit, after)
        stations = [self.visible(from_dynamodb(item)) for item in found]
        head = {"last_updated": int(time.time()), "ttl": 0, "version": "2.3"}
        following = self.sealed(last["station_id"]["S"]) if last else None
        return head | {"data": {"stations": stations}, "next": following}

    def found(self, limit, after):
        pages = self.client.get_paginator("query").paginate(
            TableName=self.stations,
            KeyConditionExpression="city = :city AND station_id > :after",
            ExpressionAttributeValues=to_dynamodb({":city": self.city, ":after": after or " "}),
            Limit=limit,
        )
        items = []
        for page in pages:
            items += page["Items"]
            if len(items) >= limit:
                break
        items = items[:limit]
        return items, items[-1] if len(items) == limit else None

    def visible(self, station):
        return {name: station[name] for name in self.shown}

    def sealed(self, text):
        mac = hmac.digest(self.secret, text.encode(), hashlib.sha256)[:16]
        return base64.urlsafe_b64encode(mac + text.encode()).decode().rstrip("=")

    def unsealed(self, cursor):
        try:
            raw = base64.urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4))
            text = raw[16:].decode()
        except ValueError:
            text = ""
        ours = text and hmac.compare_digest(self.sealed(text).encode(), cursor.encode())
        return text if ours else None

    def station(self, station_id):
        key = {"city": self.city, "station_id": station_id}
        found = self.client.get_item(TableName=self.stations, Key=to_dynamodb(key))
        if "Item" not in found:
            raise Refused(404, "No such station")
        return self.visible(from_dynamodb(found["Item"]))

    def ride(self, ride_id):
        key = to_dynamodb({"ride_id": ride_id})
        found = self.client.get_item(TableName=self.rides, Key=key, ConsistentRead=True)
        if "Item" not in found:
            raise Refused(404, "No such ride")
        return from_dynamodb(found["Item"])

    def body(self, event):
        raw = event.get("body", "")
        if event["isBase64Encoded"]:
            raw = base64.b64decode(raw)
        try:
            body = json.loads(raw)
            body.keys()
        except (ValueError, AttributeError):
            raise Refused(400, "No JSON object", body="is no JSON object") from None
        wrong = {
            name: "is no text"
            for name in ("rider_id", "station_id")
            if not (isinstance(body.get(name), str) and body[name])
        }
        if body.get("minutes") not in range(1, 121) or type(body["minutes"]) in (bool, float):
            wrong["minutes"] = "is no whole number from 1 to 120"
        if wrong:
            raise Refused(400, "See the errors", **wrong)
        return {name: body[name] for name in ("minutes", "rider_id", "station_id")}

    def moved(self, station_id, bikes, condition):
        values = {":bikes": bikes, ":docks": -bikes} | (
            {":zero": 0} if ":zero" in condition else {}
        )
        update = {
            "TableName": self.stations,
            "Key": to_dynamodb({"city": self.city, "station_id": station_id}),
            "UpdateExpression": "SET num_bikes_available = num_bikes_available + :bikes, "
            "num_docks_available = num_docks_available + :docks",
            "ConditionExpression": condition,
            "ExpressionAttributeValues": to_dynamodb(values),
        }
        return {"Update": update}

    def start(self, wanted):
        ride = wanted | {"ride_id": uuid.uuid4().hex}
        put = {"Put": {"TableName": self.rides, "Item": to_dynamodb(ride)}}
        take = self.moved(wanted["station_id"], -1, "num_bikes_available > :zero")
        if not self.together(take, put):
            self.station(wanted["station_id"])  # 404 if there is none
            raise Refused(409, "The last bike is gone.")
        return ride

    def end(self, ride):
        delete = {
            "TableName": self.rides,
            "Key": to_dynamodb({"ride_id": ride["ride_id"]}),
            "ConditionExpression": "attribute_exists(ride_id)",
        }
        back = self.moved(ride["station_id"], 1, "attribute_exists(city)")
        if self.together({"Delete": delete}, back):
            return
        station = {"city": self.city, "station_id": ride["station_id"]}
        key = to_dynamodb(station)
        gone = "Item" not in self.client.get_item(TableName=self.stations, Key=key)
        if not (gone and self.together({"Delete": delete})):
            raise Refused(404, "No such ride")

    def together(self, *writes):
        """Whether all were written; a conflict with another transaction is tried again."""
        for attempt in range(8):
            try:
                self.client.transact_write_items(TransactItems=list(writes))
                return True
            except self.client.exceptions.TransactionCanceledException as cancelled:
                codes = {each["Code"] for each in cancelled.response["CancellationReasons"]}
                if "TransactionConflict" not in codes:
                    return False
            time.sleep(0.02 * 2**attempt)
        raise TimeoutError("too many transactions at once")


api = Api(os.environ)
# --- your imports, constants and helpers: end ---


def handler(event, context):
    """Answers one HTTP request."""
    # --- your code: start ---
    return api.answer(event)
    # --- your code: end ---
