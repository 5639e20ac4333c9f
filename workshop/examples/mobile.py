"""The example of stage 09: a report of a station, then a rider who looks for a bike."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from ..grading.account import Account
from ..grading.function import Result, deploy
from .stations import RIDER, STATIONS, table_of_stations

TOKEN_KEY = "a key for this example, and for nothing else"
AUDIENCE = "find-a-bike"


class Mobile:
    """A table with some stations, the library for tokens as a layer, and a rider's phone."""

    def __init__(self, account: Account) -> None:
        self._account, self._table = account, account.name("table")
        dynamodb = account.client("dynamodb")
        table_of_stations(dynamodb, self._table)
        account.later(dynamodb.delete_table, TableName=self._table)
        self._reporting, *others = STATIONS
        dynamodb.put_item(TableName=self._table, Item=self._reporting.item())
        for station in others:
            dynamodb.put_item(TableName=self._table, Item=station.counted())
        self.values = {"JWT_LAYER": account.layer("PyJWT")}

    @property
    def variables(self) -> dict[str, str]:
        """What the contract promises to both functions."""
        return {"STATIONS_TABLE": self._table, "TOKEN_KEY": TOKEN_KEY}

    def go_on(self, folder: Path, event: Any) -> Iterator[tuple[str, Result]]:
        """After the report: the request of a rider."""
        function = deploy(
            self._account.client("lambda"),
            folder,
            variables=self.variables,
            values=self.values,
            changes={"Handler": "handler.find"},
        )
        self._account.later(function.delete)
        lat, lon = RIDER
        query = {"lat": str(lat), "lon": str(lon), "limit": "3"}
        yield "function find", function.invoke(request(query, token_for("R-7")))

    def written(self) -> Iterator[str]:
        """The row of the station that reported."""
        dynamodb = self._account.client("dynamodb")
        row = dynamodb.get_item(
            TableName=self._table, Key={"station_id": {"S": self._reporting.station_id}}
        )["Item"]
        yield f"row of {self._reporting.station_id}:"
        yield from (
            f"  {name}: {next(iter(value.values()))}" for name, value in sorted(row.items())
        )


def token_for(rider: str, key: str = TOKEN_KEY, **claims: Any) -> str:
    """A token that is good for an hour; `claims` win, and those that are None are left out."""
    import jwt  # takes a moment, and only this stage needs it

    all_claims = {"sub": rider, "aud": AUDIENCE, "exp": int(time.time()) + 3600, **claims}
    given = {name: value for name, value in all_claims.items() if value is not None}
    return jwt.encode(given, key, "HS256")


def request(query: dict[str, str], token: str) -> dict[str, Any]:
    """A request as a function URL hands it over, in payload format 2.0."""
    domain = "abcdefgh1234567890abcdefgh123456.lambda-url.us-east-1.on.aws"
    raw = "&".join(f"{name}={value}" for name, value in query.items())
    return {
        "version": "2.0",
        "routeKey": "$default",
        "rawPath": "/",
        "rawQueryString": raw,
        "headers": {"host": domain, "authorization": f"Bearer {token}", "user-agent": "a phone"},
        "queryStringParameters": query,
        "requestContext": {
            "accountId": "anonymous",
            "apiId": domain.partition(".")[0],
            "domainName": domain,
            "domainPrefix": domain.partition(".")[0],
            "http": {
                "method": "GET",
                "path": "/",
                "protocol": "HTTP/1.1",
                "sourceIp": "203.0.113.7",
                "userAgent": "a phone",
            },
            "requestId": "1c0b9b1e-4a5b-4d1c-9a0e-0b1d3f5a7c9e",
            "routeKey": "$default",
            "stage": "$default",
            "time": "04/May/2026:12:03:10 +0000",
            "timeEpoch": 1777896190500,
        },
        "isBase64Encoded": False,
    }
