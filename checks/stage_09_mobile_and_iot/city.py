"""The city of stage 09: its table, its topics, and the URL that riders' phones ask."""

from __future__ import annotations

import contextlib
import json
import time

import jwt
from botocore.exceptions import ClientError, ParamValidationError

from workshop.examples.stations import table_of_stations
from workshop.grading import fresh
from workshop.grading.account import STARTED
from workshop.grading.outcomes import OF_THE_GRADER
from workshop.grading.settings import read_more
from workshop.grading.submission import NotReady
from workshop.grading.web import FunctionUrl
from workshop.grading.words import ended_in_error, failure, logged

from .places import Station, rider_in_a_cell

VERSION = "2016-03-23"
STORED = {"bikes", "docks", "battery", "seq", "updated_at"}
UNANSWERED = {
    200: 'what `find` returns: a statusCode, headers, and a body, json.dumps({"stations": [...]})',
    400: "what you check of the query, before you say that it is wrong",
    401: 'the token: event["headers"]["authorization"], and the error that jwt.decode raises',
    502: "the line of `find` that raised, or what it returned: a URL turns both into a 502",
}


class City:
    """The table, the key of the tokens, and the learner's functions."""

    def __init__(self, account, deploy, folder):
        self.account, self._deploy, self._folder = account, deploy, folder
        self.dynamodb = account.client("dynamodb")
        self.table = self.make_table()
        self.key = "-".join(fresh.word() for _ in range(8))  # long enough for HS512, too

    def make_table(self):
        """An empty table of stations."""
        name = self.account.name("table")
        table_of_stations(self.dynamodb, name)
        self.account.later(self.dynamodb.delete_table, TableName=name)
        return name

    def deploy(self, which, **changes):
        """One of the two functions with what the contract promises, some variables changed."""
        variables = {"STATIONS_TABLE": self.table, "TOKEN_KEY": self.key}
        return self._deploy({"Handler": f"handler.{which}"}, **{**variables, **changes})

    def add(self, *stations):
        """Puts stations into the table."""
        for station in stations:
            self.dynamodb.put_item(TableName=self.table, Item=station.item())
        if not self.account.is_local:
            self.account.settle()  # an index follows its table after a moment

    def row(self, station_id):
        """A station's row: numbers as such, whatever else in DynamoDB's form. None without one."""
        found = self.dynamodb.get_item(
            TableName=self.table, Key={"station_id": {"S": station_id}}, ConsistentRead=True
        ).get("Item")
        return found and {name: _plain(value) for name, value in found.items()}

    def rule(self, function):
        """Makes the topic rule of rule.json, which invokes a function."""
        found = read_more(self._folder, "rule.json", {})
        sql = found.get("sql")
        if not isinstance(sql, str) or not sql.strip():
            raise NotReady(
                "rule.json has no SQL yet. Which messages does it pass on, and which parts?\n"
                "  look at:  rule.json, `sql`: SELECT ... FROM ... WHERE ..."
            )
        client, iot = self.account.client("lambda"), self.account.client("iot")
        arn = client.get_function_configuration(FunctionName=function.name)["FunctionArn"]
        _, _, _, region, number, *_ = arn.split(":")
        name = self.account.name("rule").replace("-", "_")
        rule = {"sql": sql, "awsIotSqlVersion": VERSION, "actions": [{"lambda": {}}]}
        rule["actions"][0]["lambda"]["functionArn"] = arn
        try:
            iot.create_topic_rule(ruleName=name, topicRulePayload=rule)
        except (ClientError, ParamValidationError) as error:
            code = error.response["Error"]["Code"] if isinstance(error, ClientError) else ""
            if code in OF_THE_GRADER:
                raise
            said = f"AWS does not accept `sql` in rule.json:\n{error}"
            raise NotReady(f"{said}\n  look at:  rule.json, `sql`") from None
        self.account.later(iot.delete_topic_rule, ruleName=name)
        client.add_permission(
            FunctionName=function.name,
            StatementId=name,
            Action="lambda:InvokeFunction",
            Principal="iot.amazonaws.com",
            SourceArn=f"arn:aws:iot:{region}:{number}:rule/{name}",
            SourceAccount=number,
        )

    def publish(self, topic, payload):
        """Publishes a message, as a station does."""
        data = self.account.client("iot-data")
        data.publish(topic=topic, payload=json.dumps(payload).encode(), qos=1)

    def invocations(self, function):
        """How often a function began, as its log says."""
        return sum(bool(STARTED.match(each)) for each in self.account.log_of(function))


class Phones:
    """The URL of the function that finds bikes, and tokens for it."""

    def __init__(self, city):
        self.city, self.function = city, city.deploy("find")
        self._url = FunctionUrl(city.account, self.function)

    def token(self, key=None, algorithm="HS256", **claims):
        """A good token, but for what is named here; a claim that is None is left out."""
        found = {"sub": f"R-{fresh.digits(4)}", "aud": "find-a-bike"}
        found |= {"exp": int(time.time()) + fresh.whole(600, 9_000), **claims}
        given = {name: value for name, value in found.items() if value is not None}
        key = None if algorithm == "none" else key or self.city.key
        return jwt.encode(given, key, algorithm)

    def ask(self, query, token=None, headers=None):
        """What a phone gets; without `headers` it sends a good token."""
        if headers is None:
            headers = {"Authorization": f"Bearer {token or self.token()}"}
        return self._url.ask(query, headers)

    def near(self, rider, query="", look="what your function answers"):
        """The stations that a rider gets. Fails where the response is none of the contract."""
        asked = f"lat={rider.lat}&lon={rider.lon}{query}"
        reply = self.ask(asked)
        stations = reply.value.get("stations") if isinstance(reply.value, dict) else None
        good = isinstance(stations, list) and all(isinstance(each, dict) for each in stations)
        wanted = {"status": 200, "body": {"stations": ["..."]}}
        assert reply.status == 200 and good, failure(
            "A rider with a good token asked, but the response has no list of stations.",
            f"GET /?{asked}",
            wanted,
            answered(reply),
            UNANSWERED.get(reply.status, look) + self.why(reply),
            "request",
        )
        return stations

    def why(self, reply):
        """What the function logged last, where it failed."""
        if reply.status < 500:
            return ""
        self.city.account.settle()
        return logged(self.city.account.last_log_of(self.function))


def answered(reply):
    """A response as a message shows it."""
    return {"status": reply.status, "body": reply.text if reply.value is None else reply.value}


def some_station(**more):
    """A station somewhere, for checks that only look at its row."""
    return Station(rider_in_a_cell(), **more)


def report(station_id, **changes):
    """The event of a report that is right, but for what is named here."""
    numbers = {"seq": fresh.whole(1_000, 9_000), "bikes": fresh.whole(1, 200)}
    numbers |= {"docks": fresh.whole(1, 200), "battery": (10 * fresh.whole(11, 48) + 5) / 100}
    received_at = int(fresh.moment().timestamp() * 1000) + fresh.whole(1, 999)
    return {"station_id": station_id, "received_at": received_at, **numbers, **changes}


def later(event, **changes):
    """The event of the next report of the same station, a minute later."""
    after = {"seq": event["seq"] + 1, "received_at": event["received_at"] + 60_000}
    return report(event["station_id"], **{**after, **changes})


def stored(event):
    """What the row has of a report."""
    found = {name: event[name] for name in ("bikes", "docks", "battery", "seq")}
    return {**found, "updated_at": event["received_at"]}


def expect_result(function, event, result, what, look):
    """Fails unless the function returns a result."""
    came = function.invoke(event)
    assert came.error is None, ended_in_error(
        "The function telemetry failed.", event, came.error or {}, came.log, look
    )
    assert came.value == {"result": result}, failure(
        what, event, {"result": result}, came.value, look, log=came.log
    )


def expect_row(city, before, wanted, what, event, look):
    """Fails unless a station's row is as before, with these values of a report."""
    station_id = before["station_id"]["S"]
    row = city.row(station_id) or {}
    came = {name: row.get(name, "missing") for name in wanted}
    assert came == wanted, failure(what, event, wanted, came, look, "event")
    others = {name: value for name, value in before.items() if name not in STORED}
    came = {name: value for name, value in row.items() if name not in STORED}
    assert came == others, failure(
        "The report changed what else is in the row.",
        event,
        others,
        came,
        "update_item, which leaves the other attributes alone; put_item replaces the row",
        "event",
    )


def _plain(value):
    """An attribute: a number as such, anything else in DynamoDB's form."""
    if "N" not in value:
        return value
    with contextlib.suppress(ValueError):
        return int(value["N"])
    return float(value["N"])
