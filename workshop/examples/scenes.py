"""What the example of a stage needs: tables, files, a partner, and where its function writes.

A stage that is not named here needs nothing. The names are those of the stage's contract.
"""

from __future__ import annotations

import contextlib
import json
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from ..cloud.functions.runtime_names import NEWEST_RUNTIME
from ..grading.account import Account
from ..grading.function import ROLE, Result, deploy
from ..grading.network import network
from ..paths import repository
from ..stages import Stage
from .chat import Assistant
from .mobile import Mobile
from .night import Night
from .packages import package

PARTNER, PARTNER_KEY = "transit-partner", "/bikeshare/partner-key"
PARTNER_SOURCE = """
import os

def handler(event, context):
    if event["key"] != os.environ["KEY"]:
        return {"ok": False, "error": "key refused"}
    return {"ok": True, "discount_cents": 50 if event["card"] else 0}
"""
UPLOAD = "incoming/first days.csv"
LAST_DAY = 2  # of January 2011, in the file that is uploaded
CITY = "washington"
STATIONS = (("w-001", "Union Station", 3), ("w-002", "Lincoln Memorial", 0))


@dataclass(frozen=True)
class Scene:
    """What is there before the function is invoked.

    `variables` are environment variables of the function. `values` are what placeholders in
    function.json and in the event stand for. `written` gives what the function wrote, in lines.

    Where a stage has several functions, `changes` are settings of the first of them, and `go_on`
    invokes the others: it takes the learner's folder and the event, and gives the name of each
    with its result, or with the reason why it was not invoked.
    """

    variables: Mapping[str, str] = field(default_factory=dict)
    values: Mapping[str, str] = field(default_factory=dict)
    written: Callable[[], Iterator[str]] = lambda: iter(())
    changes: Mapping[str, Any] = field(default_factory=dict)
    go_on: Callable[[Path, Any], Iterator[tuple[str, Result | str]]] = lambda *_: iter(())


def scene_of(stage: Stage, account: Account) -> Scene:
    """Makes what the stage's example needs; `account.close()` takes it away again."""
    make = SCENES.get(stage.number)
    return make(account) if make else Scene()


def _quotes(account: Account) -> Scene:
    """The partner with its key in Parameter Store. One that the learner made stays as it is."""
    client, ssm = account.client("lambda"), account.client("ssm")
    with contextlib.suppress(client.exceptions.ResourceConflictException):
        client.create_function(
            FunctionName=PARTNER,
            Runtime=NEWEST_RUNTIME,
            Handler="handler.handler",
            Role=ROLE,
            Code={"ZipFile": package(PARTNER_SOURCE)},
            Environment={"Variables": {"KEY": "spring"}},
        )
        account.later(client.delete_function, FunctionName=PARTNER)
    with contextlib.suppress(ssm.exceptions.ParameterAlreadyExists):
        ssm.put_parameter(Name=PARTNER_KEY, Value="spring", Type="SecureString")
        account.later(ssm.delete_parameter, Name=PARTNER_KEY)
    return Scene()


def _rides(account: Account) -> Scene:
    """A network to choose from, and an empty table of bikes that are out."""
    table = account.table("bike_id")
    return Scene({"TABLE": table}, network(account), lambda: _rows(account, "TABLE", table))


def _reports(account: Account) -> Scene:
    """A bucket that keeps versions, with a file in it, and an empty table."""
    s3, bucket, table = account.client("s3"), account.bucket(), account.table("file")
    s3.put_bucket_versioning(Bucket=bucket, VersioningConfiguration={"Status": "Enabled"})
    version = s3.put_object(Bucket=bucket, Key=UPLOAD, Body=first_days())["VersionId"]

    def written() -> Iterator[str]:
        for each in s3.list_objects_v2(Bucket=bucket)["Contents"]:
            if each["Key"] != UPLOAD:
                yield f"object {each['Key']}, {each['Size']} bytes"
        yield from _rows(account, "TABLE", table)

    return Scene({"TABLE": table}, {"BUCKET": bucket, "VERSION": version}, written)


def first_days() -> bytes:
    """The counts of the first days of 2011, as a file that a learner might upload."""
    file = repository() / "data" / "bikeshare-hourly-2011.csv"
    header, *lines = file.read_text(encoding="utf-8").splitlines(keepends=True)
    return (header + "".join(each for each in lines[:48] if _day(each) <= LAST_DAY)).encode()


def _day(line: str) -> int:
    return int(line.split(",")[2])


def _api(account: Account) -> Scene:
    """Two stations of a city, and no ride."""
    stations, rides = account.table("city", "station_id"), account.table("ride_id")
    for station_id, name, bikes in STATIONS:
        account.client("dynamodb").put_item(
            TableName=stations,
            Item={
                "city": {"S": CITY},
                "station_id": {"S": station_id},
                "name": {"S": name},
                "lat": {"N": "38.897"},
                "lon": {"N": "-77.006"},
                "capacity": {"N": "15"},
                "num_bikes_available": {"N": str(bikes)},
                "num_docks_available": {"N": str(15 - bikes)},
            },
        )
    variables = {
        "STATIONS_TABLE": stations,
        "RIDES_TABLE": rides,
        "CITY": CITY,
        "ALLOWED_ORIGIN": "https://bikes.example",
        "CURSOR_KEY": "only for this example",
    }
    return Scene(variables, {}, lambda: _rows(account, "RIDES_TABLE", rides))


def _alerts(account: Account) -> Scene:
    """A topic whose messages can be read, and an empty table of marks."""
    topic, queue = account.topic()
    marks = account.table("id")

    def written() -> Iterator[str]:
        account.settle()
        yield from (f"message to TOPIC_ARN: {each}" for each in account.messages(queue))
        yield from _rows(account, "MARKS_TABLE", marks)

    return Scene({"TOPIC_ARN": topic, "MARKS_TABLE": marks}, {}, written)


def _sums(account: Account) -> Scene:
    """Two empty tables, and a queue for bad records."""
    sums, seen = account.table("station_id", "window"), account.table("id")
    url, _ = account.queue()

    def written() -> Iterator[str]:
        yield from _rows(account, "SUMS_TABLE", sums)
        yield from _rows(account, "SEEN_TABLE", seen)
        yield from (f"message to FAILURES_URL: {each}" for each in account.messages(url))

    return Scene({"SUMS_TABLE": sums, "SEEN_TABLE": seen, "FAILURES_URL": url}, {}, written)


def _night(account: Account) -> Scene:
    """The log files of a day, and the planner before worker and reducer."""
    night = Night(account)
    changes = {"Handler": "handler.planner"}
    return Scene(night.variables, {}, night.written, changes, night.go_on)


def _assistant(account: Account) -> Scene:
    """Stations with and without bikes, for the front ends of a bot and of a skill."""
    assistant = Assistant(account)
    return Scene(assistant.variables, go_on=assistant.go_on)


def _mobile(account: Account) -> Scene:
    """Stations around a rider, and the function that takes reports before the one that finds."""
    mobile = Mobile(account)
    changes = {"Handler": "handler.telemetry"}
    return Scene(mobile.variables, mobile.values, mobile.written, changes, mobile.go_on)


def _bill(account: Account) -> Scene:
    """The bill of all logs, then the choice of memory by the last of them."""

    def go_on(folder: Path, event: Any) -> Iterator[tuple[str, Result]]:
        changes = {"Handler": "handler.cheapest"}
        function = deploy(account.client("lambda"), folder, changes=changes)
        account.later(function.delete)
        yield "choice of memory", function.invoke({**event, "logs": event["logs"][-1:]})

    return Scene(changes={"Handler": "handler.bill"}, go_on=go_on)


def _rows(account: Account, variable: str, table: str) -> Iterator[str]:
    """The items of the table that a variable names, in DynamoDB's own form."""
    return (f"item in {variable}: {json.dumps(each)}" for each in account.items(table))


SCENES: dict[str, Callable[[Account], Any]] = {
    "02": _quotes,
    "03": _rides,
    "04": _reports,
    "05": _api,
    "06": _alerts,
    "07": _sums,
    "08": _night,
    "10": _assistant,
    "09": _mobile,
    "11": _bill,
}
