"""Grades stage 05, from outside: an HTTP API in front of the function, and HTTP requests to it."""

from __future__ import annotations

import base64
import re
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from urllib.parse import quote

import pytest
from stage_05_city import (
    CITY,
    NEIGHBOUR,
    ORIGIN,
    City,
    asked,
    body_of,
    expect,
    expect_counts,
    expect_named,
    expect_preflight,
    expect_problem,
    expect_station,
    following,
    page,
    start,
)

from workshop.grading.words import failure, show

RIDERS = 4  # who ask for the same thing at the same moment
ROUNDS = 5
LESS = "UpdateItem on the station: one bike less and one dock more"


@pytest.fixture(scope="module")
def tables(account):
    """The table of the stations and that of the rides."""
    return account.table("city", "station_id"), account.table("ride_id")


@pytest.fixture(scope="module")
def city(account, deploy, tables):
    """A city with seven stations, and one station of its neighbour's."""
    made = City(account, deploy, "key-of-the-city", *tables)
    for number in range(1, 8):
        made.add(f"w-{number:03}")
    made.add("a-001", city=NEIGHBOUR)
    return made


@pytest.fixture(scope="module")
def crowded(account, deploy):
    """A city beside a large one, whose items are more than a megabyte; it has no rides' table."""
    made = City(
        account, deploy, "another-key", account.table("city", "station_id"), account.name("none")
    )
    for number in range(1, 4):
        made.add(f"a-{number:03}", city=NEIGHBOUR, photo={"S": "x" * 390_000})
    for number in range(1, 23):  # more than a page has by default
        made.add(f"w-{number:03}")
    return made


def first_cursor(city):
    """A cursor that the API gives out; fails if it gives none."""
    _, cursor = page(city, "/stations?limit=2", "`next`: the table's LastEvaluatedKey says where")
    assert isinstance(cursor, str) and cursor, failure(
        "There are more than two stations, and the first page of two has no cursor.",
        asked("GET", "/stations?limit=2"),
        "a string",
        cursor,
        "`next` of the page",
        given="request",
    )
    return cursor


def ride(station_id, **changes):
    """A body for POST /rides."""
    return {"station_id": station_id, "rider_id": "R-7", "minutes": 30, **changes}


def test_shows_one_station(city):
    """GET /stations/{station_id} answers the station's seven keys, and its numbers are numbers."""
    path = "/stations/w-002"
    look = "GET /stations/{station_id}: event['pathParameters'] has the id; the body is a string"
    value = expect(city, 200, "GET", path, look).value
    station = value if isinstance(value, dict) else {}
    expect_station(station, "w-002", asked("GET", path))


def test_shows_a_page_of_stations(city):
    """A page of stations has the form of GBFS."""
    path, look = "/stations", "GET /stations: one Query, and the head of the page around its items"
    stations, _ = page(city, path, look)
    reply = city.ask("GET", path)
    value = reply.value
    wanted = {"last_updated": int(time.time()), "ttl": 0, "version": "2.3"}
    head = {key: value.get(key, "missing") for key in wanted}
    updated = head["last_updated"]
    good = type(updated) is int and abs(updated - time.time()) < 24 * 60 * 60
    assert good and head == {**wanted, "last_updated": updated}, failure(
        "The head of the page is not the one of the contract.",
        asked("GET", path),
        wanted,
        head,
        "last_updated: whole seconds since 1970, such as int(time.time()); ttl and version",
        given="request",
    )
    assert reply.content_type == "application/json", failure(
        "A page is JSON, and its Content-Type does not say so.",
        asked("GET", path),
        "application/json",
        reply.headers.get("content-type"),
        "the headers of your answer",
        given="request",
    )
    expect_station(stations[0] if stations else {}, "w-001", asked("GET", path))


def test_pages_from_the_first_station_to_the_last(city, crowded):
    """`limit` and `next` lead through all stations, in order; without `limit` a page has 20."""
    path, look = "/stations?limit=3", "the Query: Limit, and ExclusiveStartKey from the cursor"
    seen, sizes, where = [], [], path
    while where and len(sizes) < 12:
        stations, cursor = page(city, where, look)
        sizes.append(len(stations))
        seen += [str(each.get("station_id")) for each in stations]
        where = following(path, cursor) if cursor else None
    # A last page without stations is allowed: DynamoDB may say that there are more, and be wrong.
    listed = [each for each in seen if not each.startswith("x-")]  # other checks add those
    wanted = [f"w-{number:03}" for number in range(1, 8)]
    assert listed == wanted and seen == sorted(set(seen)), failure(
        "The pages together are not the stations of the city, in the order of station_id.",
        "GET /stations?limit=3, then with each `next` as cursor",
        wanted,
        seen,
        look,
        given="request",
    )
    assert all(size == 3 for size in sizes[:-1]), failure(
        "A page that is not the last has other than `limit` stations.",
        "GET /stations?limit=3, then with each `next` as cursor",
        "pages of 3, the last may be shorter",
        sizes,
        look,
        given="request",
    )
    stations, _ = page(crowded, "/stations", look)
    assert len(stations) == 20, failure(
        "A city has 22 stations, and a page without `limit` does not have 20.",
        asked("GET", "/stations"),
        20,
        len(stations),
        "the limit where the query string has none",
        given="request",
    )


def test_a_large_neighbour_is_not_in_the_way(crowded):
    """The answers do not depend on how much data other cities have in the table."""
    look = "do you Scan? It reads a megabyte at a time, and filters after Limit has counted: "
    look += "Query and GetItem read by the key"
    stations, _ = page(crowded, "/stations?limit=2", look)
    found = [each.get("station_id") for each in stations]
    assert found == ["w-001", "w-002"], failure(
        "Beside a city with much data, the first page is not the city's first stations.",
        asked("GET", "/stations?limit=2"),
        ["w-001", "w-002"],
        found,
        look,
        given="request",
    )
    what = "Beside a city with much data, a station is not found."
    expect(crowded, 200, "GET", "/stations/w-003", look, what=what)


def test_what_is_not_there_is_a_404(city):
    """A station or ride that is not there is a 404, and so is a station of another city."""
    look = "what get_item answers where there is no item: no key `Item`"
    for method, path, body in (
        ("GET", "/stations/w-999", None),
        ("GET", "/stations/a-001", None),
        ("GET", "/rides/no-such-ride", None),
        ("DELETE", "/rides/no-such-ride", None),
        ("POST", "/rides", ride("w-999")),
    ):
        expect_problem(city, 404, method, path, look, body)


def test_the_cursor_shows_nothing_of_the_table(city):
    """A cursor says neither how the table's key is built nor which city it is."""
    cursor = first_cursor(city)
    shown = [
        f"{word} ({how})"
        for how, text in readable(cursor)
        for word in ("station_id", "city", CITY)
        if word in text.lower()
    ]
    assert not shown, failure(
        f"The cursor shows the table's key or the city: {', '.join(shown)}.",
        asked("GET", "/stations?limit=2"),
        "an opaque string",
        cursor,
        "what you put into the cursor: not LastEvaluatedKey, the place in the list is enough",
        given="request",
    )


def readable(text):
    """A text, and what its parts say in base64 and in hexadecimal, each with how it was read."""
    found = [("in clear", text)]
    for part in re.findall(r"[A-Za-z0-9+/_-]{8,}", text):
        padded = part.replace("-", "+").replace("_", "/") + "=" * (-len(part) % 4)
        ways = (("in base64", base64.b64decode, padded), ("in hexadecimal", bytes.fromhex, part))
        for how, decode, coded in ways:
            try:
                found.append((how, decode(coded).decode()))
            except ValueError:
                continue
    return found


def test_refuses_a_page_that_cannot_be(city, crowded):
    """A limit that cannot be, and a cursor that was not made here, are a 400 that names it."""
    look = "how you read `limit`: it comes as a string, and int() raises for some of them"
    for limit in ("0", "101", "-1", "ten", "2.5"):
        path = f"/stations?limit={limit}"
        problem = expect_problem(city, 400, "GET", path, look)
        expect_named(problem, ["limit"], asked("GET", path))
    good = first_cursor(city)
    changed = ("B" if good[0] != "B" else "C") + good[1:]
    made_up = base64.b64encode(b'{"city": "arlington", "station_id": "a-000"}').decode()
    look = "how you read the cursor: compare its signature first, with hmac.compare_digest "
    look += "(of bytes: it takes no string with accents)"
    for cursor in (changed, good[:-8], made_up, "é", first_cursor(crowded)):
        path = f"/stations?limit=2&cursor={quote(cursor, safe='')}"
        what = "A cursor that this API did not give out is not refused."
        problem = expect_problem(city, 400, "GET", path, look, what=what)
        expect_named(problem, ["cursor"], asked("GET", path))


def test_rents_a_bike(city):
    """POST /rides answers 201 with the ride and where it is, and takes one bike."""
    station = city.add(bikes=3)
    made, reply = start(city, ride(station, colour="red"))  # other keys are ignored
    location = reply.headers.get("location")
    assert location == f"/rides/{made['ride_id']}", failure(
        "The answer does not say where the new ride is.",
        asked("POST", "/rides", ride(station)),
        f"Location: /rides/{made['ride_id']}",
        f"Location: {location}",
        "the headers of the 201",
        given="request",
    )
    look = "GET /rides/{ride_id}: what you stored, without other attributes"
    shown = expect(city, 200, "GET", location, look).value
    wanted = {**ride(station), "ride_id": made["ride_id"]}
    assert shown == made == wanted, failure(
        "The ride is not what was asked for.",
        asked("GET", location),
        wanted,
        shown,
        look,
        "request",
    )
    what = "The counts of the station are wrong after one rental; it had 3 and 12."
    expect_counts(city, station, 2, 13, what, LESS)
    for minutes in (1, 120):
        look = "the minutes: 1 and 120 are allowed as well"
        start(city, ride(station, minutes=minutes), look=look)


def test_names_all_that_is_wrong_with_a_body(city):
    """A body that is wrong is a 400 that names each wrong field, and no bike is taken."""
    station = city.add(bikes=3)
    look = "the fields of POST /rides: check each before you write anything"
    for body, fields in (
        ({}, ["station_id", "rider_id", "minutes"]),
        (ride("", rider_id=7), ["station_id", "rider_id"]),
        (ride(station, minutes=0), ["minutes"]),
        (ride(station, minutes=121), ["minutes"]),
        (ride(station, minutes="30"), ["minutes"]),
        (ride(station, minutes=12.5), ["minutes"]),
        (ride(station, minutes=30.0), ["minutes"]),
        (ride(station, minutes=True), ["minutes"]),
    ):
        problem = expect_problem(city, 400, "POST", "/rides", look, body)
        expect_named(problem, fields, asked("POST", "/rides", body))
    no_json = "json.loads: it raises for what is not JSON; event may have no `body`"
    for body in (None, "{station_id", "[1, 2]", "null"):
        headers = {"Content-Type": "application/json"}
        problem = expect_problem(city, 400, "POST", "/rides", no_json, body, headers)
        expect_named(problem, ["body"], asked("POST", "/rides", body))
    what = "A request that was refused took a bike."
    expect_counts(city, station, 3, 12, what, look)


def test_reads_a_body_in_base64(city):
    """A body that API Gateway hands on in base64 is read as well."""
    station = city.add()
    look = "isBase64Encoded: where it is true, the body has to be decoded first"
    what = "A client that names another Content-Type, as curl -d does, is not served."
    headers = {"Content-Type": "application/x-www-form-urlencoded"}
    start(city, show(ride(station)), headers, what, look)


def test_an_empty_station_is_a_409(city):
    """Where there is no bike the answer is 409, and no ride is stored."""
    station = city.add(bikes=0)
    look = "the condition of the UpdateItem: num_bikes_available must be more than 0"
    expect_problem(city, 409, "POST", "/rides", look, ride(station))
    what = "The station's bikes and docks changed, and it had no bike to give."
    expect_counts(city, station, 0, 15, what, look)
    stored = city.rides_of(station)
    assert stored == 0, failure(
        "A ride was stored that nobody can ride.",
        asked("POST", "/rides", ride(station)),
        "0 rides from this station",
        stored,
        "the order: take the bike first, store the ride when you have it",
        given="request",
    )


def test_the_last_bike_goes_to_one_rider(city):
    """Of several riders who want the last bike at the same moment, one gets it."""
    look = "do you read the count, then write it? Others write in between. Let DynamoDB look and "
    look += "write in one step: ConditionExpression"
    for _ in range(ROUNDS):
        body = ride(city.add(bikes=1))
        statuses = at_once(lambda body=body: city.ask("POST", "/rides", body).status)
        wanted = [201] + [409] * (RIDERS - 1)
        assert statuses == wanted, failure(
            f"{RIDERS} riders asked for the last bike at the same moment.",
            asked("POST", "/rides", body),
            wanted,
            statuses,
            look,
            given="request",
        )
        what = "The counts of the station are wrong after its last bike was taken."
        expect_counts(city, body["station_id"], 0, 15, what, LESS)


def at_once(request):
    """What came of a request that several send at the same moment, in order."""
    ready = threading.Barrier(RIDERS)

    def send(_):
        ready.wait()
        return request()

    with ThreadPoolExecutor(RIDERS) as riders:
        return sorted(riders.map(send, range(RIDERS)))


def test_a_ride_that_ends_brings_its_bike_back_once(city):
    """DELETE /rides/{ride_id} answers 204 and brings the bike back, once; then it is a 404."""
    station = city.add(bikes=3)
    made, _ = start(city, ride(station))
    path = f"/rides/{made['ride_id']}"
    look = "DELETE: the ride goes, its station has one bike more and one dock less"
    expect(city, 204, "DELETE", path, look)
    what = "The counts of the station are wrong after the ride; before it they were 3 and 12."
    expect_counts(city, station, 3, 12, what, look)
    again = "what delete_item tells about an item that was not there: ReturnValues='ALL_OLD'"
    expect_problem(city, 404, "DELETE", path, again)
    expect_problem(city, 404, "GET", path, again)
    what = "The second DELETE of the same ride changed the station."
    expect_counts(city, station, 3, 12, what, again)
    look = "do you read the ride, then delete it? Let delete_item do both: ReturnValues='ALL_OLD'"
    for _ in range(ROUNDS):
        made, _ = start(city, ride(station))
        path = f"/rides/{made['ride_id']}"
        statuses = at_once(lambda path=path: city.ask("DELETE", path).status)
        wanted = [204] + [404] * (RIDERS - 1)
        assert statuses == wanted, failure(
            f"{RIDERS} requests ended the same ride at the same moment.",
            asked("DELETE", path),
            wanted,
            statuses,
            look,
            given="request",
        )
    expect_counts(city, station, 3, 12, "The bikes did not come back once each.", look)


def test_every_answer_may_be_read_by_the_page(city, crowded):
    """Every answer carries the CORS header, errors and preflight too, for the allowed page only."""
    station = city.add(bikes=1)
    look = "where you make answers: one function puts Access-Control-Allow-Origin into all of them"
    preflight = {"Access-Control-Request-Method": "POST"}
    preflight["Access-Control-Request-Headers"] = "content-type"
    for place, status, method, path, body, headers in (
        (city, 204, "OPTIONS", "/rides", None, preflight),
        (city, 200, "GET", "/stations?limit=2", None, {}),
        (city, 200, "GET", "/stations?limit=2", None, {"Origin": "http://elsewhere.example"}),
        (city, 400, "POST", "/rides", {}, {}),
        (city, 404, "GET", "/stations/w-999", None, {}),
        (city, 201, "POST", "/rides", ride(station), {}),
        (city, 409, "POST", "/rides", ride(station), {}),
        (crowded, 500, "GET", "/rides/R-1", None, {}),
    ):
        reply = expect(place, status, method, path, look, body, headers)
        allowed = reply.headers.get("access-control-allow-origin")
        assert allowed == ORIGIN, failure(
            f"A browser does not show this {status} to the page, or shows it to any page.",
            asked(method, path, body),
            f"Access-Control-Allow-Origin: {ORIGIN}",
            f"Access-Control-Allow-Origin: {allowed}",
            look,
            given="request",
        )
        if method == "OPTIONS":
            expect_preflight(reply)


def test_hides_the_cause_of_a_500_and_logs_it(crowded):
    """An unexpected error is a 500 that tells the client nothing, and the log everything."""
    look = "one `try` around the whole handler: except Exception, log it, answer 500"
    what = "The rides' table is missing, so something unexpected happened in the function."
    reply = expect(crowded, 500, "GET", "/rides/R-1", look, what=what)
    leaks = ("traceback", "botocore", "exception", "dynamodb", "handler.py", crowded.rides)
    told = [word for word in leaks if word.lower() in reply.text.lower()]
    assert not told, failure(
        "The answer tells the client how the server is built.",
        asked("GET", "/rides/R-1"),
        "no word of the cause",
        body_of(reply),
        "the body of your 500: a fixed title and detail",
        given="request",
    )
    expect_problem(crowded, 500, "GET", "/rides/R-1", look, what=what)
    assert crowded.logged("ResourceNotFoundException"), failure(
        "The log does not say what went wrong, so nobody can mend it.",
        asked("GET", "/rides/R-1"),
        "the exception in the log, with ResourceNotFoundException in it",
        crowded.log()[-300:],
        "logging.exception(...) in the `except`: it writes the traceback as well",
        given="request",
    )
