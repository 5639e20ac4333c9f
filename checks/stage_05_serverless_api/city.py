"""The city of stage 05: an HTTP API in front of the function, its tables, and its responses."""

from __future__ import annotations

from urllib.parse import quote

from workshop.grading import fresh
from workshop.grading.web import HttpApi
from workshop.grading.words import failure, logged

ROUTES = (
    "GET /stations",
    "GET /stations/{station_id}",
    "POST /rides",
    "GET /rides/{ride_id}",
    "DELETE /rides/{ride_id}",
    "OPTIONS /{proxy+}",
)
NAMES = ("Union Station", "Lincoln Memorial", "Jefferson Dr & 14th St SW", "Dupont Circle")
FIELDS = ["capacity", "lat", "lon", "name", "num_bikes_available", "num_docks_available"]
FIELDS += ["station_id"]

SLOW_MACHINE = {"Timeout": 10}  # Lambda's default, 3 s, is short for boto3 on a busy laptop


class City:
    """The API, and the tables behind it."""

    def __init__(self, account, deploy, stations, rides):
        self._account, self.stations, self.rides = account, stations, rides
        self.dynamodb = account.client("dynamodb")
        # In the local cloud a Scan goes by the city's name, and meets the neighbour first.
        self.name, self.neighbour = f"w{fresh.word()}", f"a{fresh.word()}"
        self.origin = f"http://{fresh.word()}.example:{fresh.digits(4)}"
        self.known = {}  # stations of the city by id, as the API shows them before any ride
        self.function = deploy(
            SLOW_MACHINE,
            STATIONS_TABLE=stations,
            RIDES_TABLE=rides,
            CITY=self.name,
            ALLOWED_ORIGIN=self.origin,
            CURSOR_KEY=f"key-{fresh.word()}",
        )
        self.api = HttpApi(account, self.function, ROUTES)

    def ask(self, method, path, body=None, headers=None):
        """A request and its answer."""
        return self.api.ask(method, path, body, {"Origin": self.origin, **(headers or {})})

    def add(self, first="x", bikes=None, city=None, **more):
        """A station in the table, whose id begins with a letter; returns its id."""
        capacity = fresh.whole(15, 40)
        bikes = fresh.whole(4, 12) if bikes is None else bikes
        station = {
            "station_id": f"{first}{fresh.word()}-{fresh.digits(3)}",
            "name": f"{fresh.one_of(NAMES)} {fresh.digits(2)}",
            "lat": fresh.whole(-80, 80) + fresh.whole(1, 7) / 8,
            "lon": fresh.whole(-170, 170) + fresh.whole(1, 7) / 8,
            "capacity": capacity,
            "num_bikes_available": bikes,
            "num_docks_available": capacity - bikes,
        }
        item = {
            name: {"S": value} if isinstance(value, str) else {"N": str(value)}
            for name, value in station.items()
        }
        item |= {"city": {"S": city or self.name}, "opened_by": {"S": fresh.word()}}
        self.dynamodb.put_item(TableName=self.stations, Item={**item, **more})
        if city is None:
            self.known[station["station_id"]] = station
        return station["station_id"]

    def add_several(self, count, first="a", **more):
        """Stations that come before those of `add` in the list; returns their ids in order."""
        return sorted(self.add(first, **more) for _ in range(count))

    def remove(self, station_id):
        """Removes a station from the table."""
        self.dynamodb.delete_item(TableName=self.stations, Key=self._key(station_id))

    def counts(self, station_id):
        """A station's bikes and docks, as the table has them; None if it has no such station."""
        item = self.dynamodb.get_item(
            TableName=self.stations, Key=self._key(station_id), ConsistentRead=True
        ).get("Item")
        if item is None:
            return None
        return {
            name: int(item[name]["N"])
            for name in ("num_bikes_available", "num_docks_available")
            if name in item
        }

    def _key(self, station_id):
        return {"city": {"S": self.name}, "station_id": {"S": station_id}}

    def rides_of(self, station_id):
        """How many rides the table has from a station."""
        items = self._account.items(self.rides)
        return sum(item.get("station_id") == {"S": station_id} for item in items)

    def logged(self, word):
        """Whether the function's log has a word, as soon as it is written."""
        return self._account.eventually(lambda: word in self.log())

    def log(self):
        """The function's log, as one string."""
        return "\n".join(self._account.log_of(self.function))

    def why(self):
        """What the newest invocation logged: its last error, or else its last lines."""
        self._account.settle()
        return logged(self._account.last_log_of(self.function))

    def renew(self):
        """Lets the next request meet an execution environment that is new."""
        client, name = self._account.client("lambda"), self.function.name
        client.update_function_configuration(FunctionName=name, Description=fresh.word())
        client.get_waiter("function_updated_v2").wait(FunctionName=name)


def asked(method, path, body=None):
    """A request as a message shows it."""
    return f"{method} {path}" if body is None else {f"{method} {path}": body}


def answered(reply):
    """A response as a message shows it."""
    return {"status": reply.status, "body": body_of(reply)}


def body_of(reply):
    """A body as a message shows it: JSON where it is JSON."""
    return reply.text if reply.value is None else reply.value


def expect(city, status, method, path, look, body=None, headers=None, what=None):
    """Sends a request and returns the response; fails unless it has the status."""
    reply = city.ask(method, path, body, headers)
    if reply.status != status and reply.status >= 500:
        look += unexpected(city, reply)
    assert reply.status == status, failure(
        what or "The status of the response is not the one in the contract.",
        asked(method, path, body),
        {"status": status},
        answered(reply),
        look,
        given="request",
    )
    return reply


def unexpected(city, reply):
    """What to look at where the function, or API Gateway for it, answers an unexpected 5xx."""
    said = city.why()
    if reply.value == {"message": "Internal Server Error"}:
        return (
            '. API Gateway says "Internal Server Error" where the function raised, or returned '
            f"something that is not a valid response (a body must be a string).{said}"
        )
    return said or ". The function logged nothing: log the exception in your `except`"


def expect_json(reply, request):
    """Fails unless the response names JSON as its Content-Type."""
    assert reply.content_type == "application/json", failure(
        "The response is JSON, but its Content-Type does not say so.",
        request,
        "application/json",
        reply.headers.get("content-type"),
        "the headers of your response: with a statusCode, API Gateway's default is text/plain",
        given="request",
    )


def expect_problem(city, status, method, path, look, body=None, headers=None, what=None):
    """The same for an error: its body must be problem details."""
    reply = expect(city, status, method, path, look, body, headers, what)
    problem = reply.value if isinstance(reply.value, dict) else {}
    wrong = [k for k in ("title", "detail") if not (problem.get(k) and isinstance(problem[k], str))]
    wrong += ["status"] if problem.get("status") != status else []
    wrong += ["Content-Type"] if reply.content_type != "application/problem+json" else []
    assert not wrong, failure(
        f"The error is not in the form of problem details. Missing or wrong: {', '.join(wrong)}.",
        asked(method, path, body),
        {
            "Content-Type": "application/problem+json",
            "body": {"title": "...", "status": status, "detail": "..."},
        },
        {"Content-Type": reply.content_type, "body": body_of(reply)},
        "where you make the responses of errors: one function for all of them",
        given="request",
    )
    return problem


def expect_named(problem, fields, request, look=""):
    """Fails unless the problem's errors are about exactly these fields."""
    errors = problem.get("errors")
    entries = errors if isinstance(errors, list) else []
    named = [each.get("field") for each in entries if isinstance(each, dict)]
    assert sorted(map(str, named)) == sorted(fields), failure(
        "`errors` does not name exactly what is wrong.",
        request,
        {"errors": [{"field": field, "detail": "..."} for field in fields]},
        {"errors": errors},
        look or "what you check: collect everything that is wrong, then raise once",
        given="request",
    )
    assert all(each.get("detail") for each in entries), failure(
        "Each entry of `errors` needs `field` and `detail`.",
        request,
        {"errors": [{"field": field, "detail": "..."} for field in fields]},
        {"errors": errors},
        "where you make `errors`",
        given="request",
    )


def page(city, path, look):
    """A page's stations and its cursor; fails if it is not a page."""
    reply = expect(city, 200, "GET", path, look)
    value = reply.value if isinstance(reply.value, dict) else {}
    data = value.get("data") if isinstance(value.get("data"), dict) else {}
    stations = data.get("stations")
    good = isinstance(stations, list) and all(isinstance(each, dict) for each in stations)
    assert good and "next" in value, failure(
        "The response is not a page of stations.",
        asked("GET", path),
        {"last_updated": 1767607200, "ttl": 0, "version": "2.3", "data": "...", "next": "..."},
        body_of(reply),
        look,
        given="request",
    )
    return stations, value["next"]


def following(path, cursor):
    """The path of the next page."""
    return f"{path}&cursor={quote(str(cursor), safe='')}"


def start(city, body, headers=None, what=None, look=None):
    """The ride that POST /rides makes; fails if it makes none."""
    look = look or "POST /rides: take a bike, store the ride, respond 201 with the ride"
    reply = expect(city, 201, "POST", "/rides", look, body, headers, what)
    value = reply.value if isinstance(reply.value, dict) else {}
    keys = ["minutes", "ride_id", "rider_id", "station_id"]
    assert sorted(value) == keys and isinstance(value["ride_id"], str), failure(
        "The new ride does not have the four keys of the contract.",
        asked("POST", "/rides", body),
        keys,
        sorted(value) or body_of(reply),
        look,
        given="request",
    )
    return value, reply


def expect_counts(city, station_id, rented, what, look):
    """Fails unless the table has as many bikes and docks as after so many rentals."""
    before = city.known[station_id]
    wanted = {
        "num_bikes_available": before["num_bikes_available"] - rented,
        "num_docks_available": before["num_docks_available"] + rented,
    }
    found = city.counts(station_id)
    assert found == wanted, failure(
        what, f"station {station_id}", wanted, found, look, given="in table"
    )


def expect_station(city, station, station_id, request, look):
    """Fails unless a station is as the contract says, and as the table has it."""
    assert sorted(station) == FIELDS, failure(
        "A station does not have exactly the keys of the contract.",
        request,
        FIELDS,
        sorted(station),
        f"{look}; leave out `city` and any attribute that the contract does not name",
        given="request",
    )
    came = station["station_id"]
    assert came == station_id, failure(
        "The response has a station other than the expected one.",
        request,
        station_id,
        came,
        look,
        "request",
    )
    wanted = city.known[station_id]
    kinds = {key: type(value).__name__ for key, value in station.items()}
    good = station == wanted and kinds == {key: type(v).__name__ for key, v in wanted.items()}
    look = "how you turn an item into JSON: boto3's resource reads numbers as Decimal"
    assert good, failure("A station's values differ.", request, wanted, station, look, "request")


def expect_preflight(reply):
    """Fails unless the response to OPTIONS lets the page send what it wants to send."""
    methods = reply.headers.get("access-control-allow-methods", "").upper().replace(" ", "")
    names = reply.headers.get("access-control-allow-headers", "").lower().replace(" ", "")
    good = {"GET", "POST", "DELETE"} <= set(methods.split(",")) and "content-type" in names
    assert good, failure(
        "The response to the preflight does not allow what the page sends.",
        asked("OPTIONS", "/rides"),
        "Access-Control-Allow-Methods: GET,POST,DELETE and Access-Control-Allow-Headers: "
        "content-type",
        {"methods": methods, "headers": names},
        "OPTIONS /{proxy+}",
        given="request",
    )
