"""Grades stage 05, from outside: an HTTP API in front of the function, and HTTP requests to it."""

from __future__ import annotations

import base64
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from urllib.parse import quote

import pytest

from workshop.grading import fresh
from workshop.grading.words import failure, show

from .city import (
    City,
    asked,
    body_of,
    expect,
    expect_counts,
    expect_json,
    expect_named,
    expect_preflight,
    expect_problem,
    expect_station,
    following,
    page,
    start,
)
from .cursors import changed, first_cursor, shown

PHOTO = {"S": "x" * 390_000}  # three make a Query or a Scan stop: it reads 1 MB at most
RIDERS = 4  # who ask for the same thing at the same moment
ROUNDS = 5
LESS = "UpdateItem on the station: one fewer bike and one more dock"


@pytest.fixture(scope="module")
def tables(account):
    """The table of the stations and that of the rides."""
    return account.table("city", "station_id"), account.table("ride_id")


@pytest.fixture(scope="module")
def city(account, deploy, tables):
    """A city with some stations."""
    made = City(account, deploy, *tables)
    made.listed = made.add_several(fresh.whole(7, 8))
    return made


@pytest.fixture(scope="module")
def crowded(account, deploy):
    """A city with more than 1 MB of stations, beside another such city; it has no rides' table."""
    made = City(account, deploy, account.table("city", "station_id"), account.name("none"))
    for _ in range(3):
        made.add("a", city=made.neighbour, photo=PHOTO)
    made.listed = made.add_several(3, photo=PHOTO)
    made.listed += made.add_several(fresh.whole(19, 22), first="b")  # in all, more than 20
    return made


def ride(station_id, **changes):
    """A body for POST /rides."""
    rider_id = f"{fresh.word().title()} {fresh.digits(3)} é"
    minutes = fresh.whole(2, 119)
    return {"station_id": station_id, "rider_id": rider_id, "minutes": minutes, **changes}


def test_shows_one_station(city):
    """GET /stations/{station_id} returns the station's seven keys, and its numbers are numbers."""
    station_id = fresh.one_of(city.listed)
    path = f"/stations/{station_id}"
    look = "GET /stations/{station_id}: event['pathParameters'] has the id; the body is a string"
    reply = expect(city, 200, "GET", path, look)
    station = reply.value if isinstance(reply.value, dict) else {}
    expect_station(city, station, station_id, asked("GET", path), look)
    expect_json(reply, asked("GET", path))


@pytest.mark.extra
def test_shows_a_page_of_stations(city):
    """A page of stations has the form of GBFS."""
    path, look = "/stations", "GET /stations: one Query, and the page's other keys around its items"
    stations, _ = page(city, path, look)
    reply = city.ask("GET", path)
    value = reply.value
    wanted = {"last_updated": int(time.time()), "ttl": 0, "version": "2.3"}
    head = {key: value.get(key, "missing") for key in wanted}
    updated = head["last_updated"]
    good = type(updated) is int and abs(updated - time.time()) < 24 * 60 * 60
    assert good and head == {**wanted, "last_updated": updated}, failure(
        "The keys around the stations are not those of the contract.",
        asked("GET", path),
        wanted,
        head,
        "last_updated: whole seconds since 1970, such as int(time.time()); ttl and version",
        given="request",
    )
    expect_json(reply, asked("GET", path))
    first = stations[0] if stations else {}
    look = "the order of the page: a Query returns the items by station_id, unless it goes backward"
    expect_station(city, first, city.listed[0], asked("GET", path), look)


@pytest.mark.extra
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
    listed = [each for each in seen if not each.startswith("x")]  # other checks add those
    assert listed == city.listed and seen == sorted(set(seen)), failure(
        "The pages together are not the stations of the city, in the order of station_id.",
        "GET /stations?limit=3, then with each `next` as cursor",
        city.listed,
        seen,
        look,
        given="request",
    )
    assert all(size == 3 for size in sizes[:-1]), failure(
        "A page that is not the last does not have `limit` stations.",
        "GET /stations?limit=3, then with each `next` as cursor",
        "pages of 3, the last may be shorter",
        sizes,
        look,
        given="request",
    )
    page(city, "/stations?limit=03", "how you read `limit`: as int() reads it, 03 is 3")
    expect_full_pages(crowded)


def expect_full_pages(crowded):
    """Fails unless pages are full although a Query reads 1 MB at most, in a new environment too."""
    look = "how you fill a page: one Query reads 1 MB at most, so go on from its LastEvaluatedKey"
    count = f"A city has {len(crowded.listed)} stations, and more than 1 MB of them."
    stations, cursor = page(crowded, "/stations", look)
    assert len(stations) == 20, failure(
        f"{count} A page without `limit` does not have 20.",
        asked("GET", "/stations"),
        20,
        len(stations),
        f"the limit where the query string has none; {look}",
        given="request",
    )
    crowded.renew()  # a cursor outlives the environment that made it
    renewed = "a new execution environment: sign with CURSOR_KEY and nothing else"
    for path, wanted, where in (
        (following("/stations?limit=20", cursor), crowded.listed[20:], renewed),
        ("/stations?limit=100", crowded.listed, look),
    ):
        what = f"{count} This is not the page that was asked for."
        reply = expect(crowded, 200, "GET", path, where, what=what)
        found = [each.get("station_id") for each in reply.value["data"]["stations"]]
        assert found == wanted, failure(what, asked("GET", path), wanted, found, where, "request")


@pytest.mark.extra
def test_a_large_neighbour_is_not_in_the_way(crowded):
    """The responses do not depend on how much data other cities have in the table."""
    look = "do you Scan? It reads 1 MB at a time, and filters after Limit has counted. "
    look += "Query and GetItem read by the key"
    stations, _ = page(crowded, "/stations?limit=2", look)
    found = [each.get("station_id") for each in stations]
    assert found == crowded.listed[:2], failure(
        "Another city has a lot of data, and the first page is not the city's first stations.",
        asked("GET", "/stations?limit=2"),
        crowded.listed[:2],
        found,
        look,
        given="request",
    )
    what = "Another city has a lot of data, and a station is not found."
    expect(crowded, 200, "GET", f"/stations/{fresh.one_of(crowded.listed)}", look, what=what)


def test_what_is_not_there_is_a_404(city):
    """A station or ride that does not exist is a 404, and so is a station of another city."""
    read = "get_item: if the item does not exist, the result has no key `Item`"
    write = "update_item: its condition also fails if the item does not exist; with "
    write += "ReturnValuesOnConditionCheckFailure='ALL_OLD' the error then has no key `Item`"
    delete = "delete_item: with ReturnValues='ALL_OLD' the result has no `Attributes`"
    elsewhere = city.add(city=city.neighbour)
    for method, path, body, look in (
        ("GET", f"/stations/{fresh.word()}", None, read),
        ("GET", f"/stations/{elsewhere}", None, read),
        ("GET", f"/rides/{fresh.word()}", None, read),
        ("DELETE", f"/rides/{fresh.word()}", None, delete),
        ("POST", "/rides", ride(fresh.word()), write),
        ("POST", "/rides", ride(elsewhere), write),
    ):
        expect_problem(city, 404, method, path, look, body)


@pytest.mark.extra
def test_the_cursor_shows_nothing_of_the_table(city):
    """A cursor shows neither the names of the table's key nor the city."""
    words = ("station_id", "city", city.name)
    cursors = [first_cursor(city, limit) for limit in (1, 2, 3)]
    # A word that is there by chance is not in all of them.
    told = set.intersection(*(shown(cursor, words) for cursor in cursors))
    assert not told, failure(
        f"The cursor shows the table's key or the city: {', '.join(sorted(told))}.",
        asked("GET", "/stations?limit=3"),
        "an opaque string",
        cursors[-1],
        "what you put into the cursor: not LastEvaluatedKey; its station_id is enough",
        given="request",
    )


@pytest.mark.extra
def test_refuses_a_page_that_cannot_be(city, crowded):
    """An invalid limit, or a cursor that this API did not issue, is a 400 that names it."""
    look = "how you read `limit`: it is a string, and int() raises for some strings"
    for limit in ("0", "101", f"-{fresh.digits(1)}", fresh.word(), f"{fresh.digits(1)}.5", ""):
        path = f"/stations?limit={limit}"
        problem = expect_problem(city, 400, "GET", path, look)
        expect_named(problem, ["limit"], asked("GET", path))
    good = first_cursor(city)
    made_up = base64.b64encode(b'{"city": "arlington", "station_id": "a-000"}').decode()
    wrong = [*changed(good), "", made_up, fresh.word(), "é", first_cursor(crowded)]
    look = "how you read the cursor: compare its signature first, with hmac.compare_digest "
    look += "(give it bytes: it refuses a string with accents)"
    for cursor in wrong:
        path = f"/stations?limit=2&cursor={quote(cursor, safe='')}"
        what = "A cursor that this API did not issue is not refused."
        problem = expect_problem(city, 400, "GET", path, look, what=what)
        expect_named(problem, ["cursor"], asked("GET", path))
    path = f"/stations?limit=0&cursor={fresh.word()}"
    problem = expect_problem(city, 400, "GET", path, look)
    expect_named(problem, ["limit", "cursor"], asked("GET", path))


def test_rents_a_bike(city):
    """POST /rides returns 201, the ride and its Location, and takes one bike."""
    station = city.add()
    body = ride(station)
    shown = f"/stations/{station}"
    expect(city, 200, "GET", shown, "GET /stations/{station_id}")
    # Other keys are ignored, and the id is not the client's to choose.
    theirs = {"color": fresh.word(), "ride_id": fresh.word()}
    made, reply = start(city, {**body, **theirs})
    assert made["ride_id"] != theirs["ride_id"], failure(
        "The client chose the ride's id.",
        asked("POST", "/rides", {**body, **theirs}),
        "a new ride_id",
        made["ride_id"],
        "which keys of the body you use: station_id, rider_id and minutes only",
        given="request",
    )
    location = reply.headers.get("location")
    assert location == f"/rides/{made['ride_id']}", failure(
        "The response does not say where the new ride is.",
        asked("POST", "/rides", body),
        f"Location: /rides/{made['ride_id']}",
        f"Location: {location}",
        "the headers of the 201",
        given="request",
    )
    look = "GET /rides/{ride_id}: the four keys of the ride, and no other attribute"
    came = expect(city, 200, "GET", location, look).value
    wanted = {**body, "ride_id": made["ride_id"]}
    assert came == made == wanted, failure(
        "The ride is not what was asked for.", asked("GET", location), wanted, came, look, "request"
    )
    what = "The counts of the station are wrong after one rental."
    expect_counts(city, station, 1, what, LESS)
    bikes = city.known[station]["num_bikes_available"] - 1
    look = "what you keep between requests: do not keep a station, because the table changes"
    came = (expect(city, 200, "GET", shown, look).value or {}).get("num_bikes_available")
    assert came == bikes, failure(
        "The station was shown, a bike was rented, and it is shown again.",
        asked("GET", shown),
        {"num_bikes_available": bikes},
        {"num_bikes_available": came},
        look,
        given="request",
    )
    ids = [made["ride_id"]]
    for minutes in (1, 120):
        look = "the check of `minutes`: 1 and 120 are allowed, too"
        ids.append(start(city, {**body, "minutes": minutes}, look=look)[0]["ride_id"])
    assert len(set(ids)) == 3, failure(
        "Three rides of one rider from one station do not have three different ids.",
        asked("POST", "/rides", body),
        "a different ride_id for each",
        ids,
        "how you make a ride_id: uuid.uuid4(), for instance",
        given="request",
    )


def test_names_all_that_is_wrong_with_a_body(city):
    """A wrong body is a 400 that names each wrong field, and no bike is taken."""
    station = city.add()
    look = "the fields of POST /rides: check each before you write anything"
    types = (
        'the type of each field: 7 is not a string; "30", 30.0 and true are not integers,'
        " though isinstance(True, int) is true"
    )
    values = "the value of each field: an empty string is wrong, and so are 0 and 121 minutes"
    minutes, number = ride(station)["minutes"], fresh.whole(1, 99)
    for body, fields, where in (
        ({}, ["station_id", "rider_id", "minutes"], look),
        (ride(station, rider_id=number), ["rider_id"], types),
        (ride("", rider_id=number), ["station_id", "rider_id"], ""),
        (ride(station, rider_id=""), ["rider_id"], values),
        (ride(station, minutes=0), ["minutes"], values),
        (ride(station, minutes=121), ["minutes"], values),
        (ride(station, minutes=str(minutes)), ["minutes"], types),
        (ride(station, minutes=minutes + 0.5), ["minutes"], types),
        (ride(station, minutes=float(minutes)), ["minutes"], types),
        (ride(station, minutes=True), ["minutes"], types),
    ):
        problem = expect_problem(city, 400, "POST", "/rides", where or look, body)
        expect_named(problem, fields, asked("POST", "/rides", body), where)
    no_json = "json.loads: it raises for what is not JSON; the event may have no `body`"
    text, data = "application/json", "application/octet-stream"
    for body, kind in (
        (None, text),
        (f"{{{fresh.word()}", text),
        (f"[{minutes}, 2]", text),
        ("null", text),
        (b'{"station_id": "\xff"}', data),  # not UTF-8
    ):
        headers = {"Content-Type": kind}
        problem = expect_problem(city, 400, "POST", "/rides", no_json, body, headers)
        expect_named(problem, ["body"], asked("POST", "/rides", body))
    what = "A request that was refused took a bike."
    expect_counts(city, station, 0, what, look)


def test_reads_a_body_in_base64(city):
    """The function also reads a body that API Gateway encodes in base64."""
    station = city.add()
    look = "isBase64Encoded: if it is true, decode the body first"
    what = "A client with another Content-Type, such as that of curl -d, is not served."
    headers = {"Content-Type": "application/x-www-form-urlencoded"}
    start(city, show(ride(station)), headers, what, look)


def test_an_empty_station_is_a_409(city):
    """If the station has no bike, the response is a 409, and no ride is stored."""
    station = city.add(bikes=0)
    look = "the condition of the UpdateItem: num_bikes_available must be more than 0"
    expect_problem(city, 409, "POST", "/rides", look, ride(station))
    what = "The station's bikes and docks changed, although it had no bike."
    expect_counts(city, station, 0, what, look)
    stored = city.rides_of(station)
    assert stored == 0, failure(
        "A ride was stored, although the station had no bike for it.",
        asked("POST", "/rides", ride(station)),
        "0 rides from this station",
        stored,
        "the order: take the bike first, store the ride when you have it",
        given="request",
    )


def test_the_last_bike_goes_to_one_rider(city):
    """Of several riders who want the last bike at the same moment, one gets it."""
    look = "do you read the count, then write it? Others write in between. Let DynamoDB check and "
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
        expect_counts(city, body["station_id"], 1, what, LESS)


def at_once(request):
    """The results of a request that several send at the same moment, in order."""
    ready = threading.Barrier(RIDERS)

    def send(_):
        ready.wait()
        return request()

    with ThreadPoolExecutor(RIDERS) as riders:
        return sorted(riders.map(send, range(RIDERS)))


def test_a_ride_that_ends_brings_its_bike_back_once(city):
    """DELETE /rides/{ride_id} returns 204 and gives the bike back, once; then it is a 404."""
    station = city.add()
    made, _ = start(city, ride(station))
    path = f"/rides/{made['ride_id']}"
    look = "DELETE: the ride ends, its station has one more bike and one fewer dock"
    expect(city, 204, "DELETE", path, look)
    what = "The counts of the station are not those from before the ride."
    expect_counts(city, station, 0, what, look)
    again = "delete_item: with ReturnValues='ALL_OLD' only the first has `Attributes`"
    expect_problem(city, 404, "DELETE", path, again)
    expect_problem(city, 404, "GET", path, again)
    what = "The second DELETE of the same ride changed the station."
    expect_counts(city, station, 0, what, again)
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
    expect_counts(city, station, 0, "The bikes did not come back once each.", look)
    expect_end_without_station(city)


def expect_end_without_station(city):
    """Fails unless a ride ends, and no station appears, when its station has been removed."""
    station = city.add()
    path = f"/rides/{start(city, ride(station))[0]['ride_id']}"
    city.remove(station)
    look = "the update_item that gives the bike back: if its condition fails, that is no error; "
    look += "without a condition, ADD creates an item"
    what = "A ride's station was removed from the table, then the ride ended."
    expect(city, 204, "DELETE", path, look, what=what)
    came = city.counts(station)
    assert came is None, failure(what, f"station {station}", None, came, look, "in table")


@pytest.mark.extra
def test_every_answer_may_be_read_by_the_page(city, crowded):
    """Every response, even an error or preflight, has the CORS header for the allowed page only."""
    station, ended = city.add(bikes=1), start(city, ride(city.add()))[0]["ride_id"]
    look = "where you make responses: let one function put Access-Control-Allow-Origin into all"
    preflight = {"Access-Control-Request-Method": "POST"}
    preflight["Access-Control-Request-Headers"] = "content-type"
    elsewhere = {"Origin": f"http://{fresh.word()}.example"}
    for place, status, method, path, body, headers in (
        (city, 204, "OPTIONS", "/rides", None, preflight),
        (city, 200, "GET", "/stations?limit=2", None, {}),
        (city, 200, "GET", "/stations?limit=2", None, elsewhere),
        (city, 400, "POST", "/rides", {}, {}),
        (city, 404, "GET", f"/stations/{fresh.word()}", None, {}),
        (city, 201, "POST", "/rides", ride(station), {}),
        (city, 409, "POST", "/rides", ride(station), {}),
        (city, 204, "DELETE", f"/rides/{ended}", None, {}),
        (crowded, 500, "GET", f"/rides/{fresh.word()}", None, {}),
    ):
        reply = expect(place, status, method, path, look, body, headers)
        allowed = reply.headers.get("access-control-allow-origin")
        assert allowed == place.origin, failure(
            f"A browser does not show this {status} to the page, or shows it to any page.",
            asked(method, path, body),
            f"Access-Control-Allow-Origin: {place.origin}",
            f"Access-Control-Allow-Origin: {allowed}",
            look,
            given="request",
        )
        if method == "OPTIONS":
            expect_preflight(reply)


def test_hides_the_cause_of_a_500_and_logs_it(crowded):
    """An unexpected error is a 500 without its cause; the cause is in the log."""
    path = f"/rides/{fresh.word()}"
    look = "one `try` around the whole handler: except Exception, log it, return a 500"
    what = "The rides' table does not exist, so something unexpected happens in the function."
    reply = expect(crowded, 500, "GET", path, look, what=what)
    leaks = ["traceback", "botocore", "exception", "dynamodb", "handler.py", crowded.rides]
    expect_no_word(reply, path, [*leaks, "resource not found"])
    expect_problem(crowded, 500, "GET", path, look, what=what)
    assert crowded.logged("ResourceNotFoundException"), failure(
        "The log does not say what went wrong, so nobody can fix it.",
        asked("GET", path),
        "the exception in the log, with ResourceNotFoundException in it",
        crowded.log()[-300:],
        "logging.exception(...) in the `except`: it writes the traceback as well",
        given="request",
    )
    incomplete = crowded.add("z")
    crowded.dynamodb.update_item(
        TableName=crowded.stations,
        Key={"city": {"S": crowded.name}, "station_id": {"S": incomplete}},
        UpdateExpression="REMOVE lat",
    )
    path, what = f"/stations/{incomplete}", "The station's item has no `lat`, which is unexpected."
    expect_problem(crowded, 500, "GET", path, look, what=what)
    expect_no_word(crowded.ask("GET", path), path, [*leaks, "keyerror", "'lat'"])


def expect_no_word(reply, path, leaks):
    """Fails if a response holds a word of the cause."""
    told = [word for word in leaks if word.lower() in reply.text.lower()]
    assert not told, failure(
        "The response shows the client how the server is built.",
        asked("GET", path),
        "nothing about the cause",
        body_of(reply),
        "the body of your 500: a fixed title and detail",
        given="request",
    )
