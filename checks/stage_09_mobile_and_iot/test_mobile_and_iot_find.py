"""Grades the half of stage 09 that riders ask: the function find, behind a function URL."""

from __future__ import annotations

import base64
import json
import time
from itertools import product

import pytest

from workshop.grading import fresh
from workshop.grading.words import failure

from .city import City, Phones, answered
from .places import Place, Station, rider_in_a_cell

KEYS = ["bikes", "lat", "lon", "meters", "name", "station_id"]
CELLS = "the nine cells that you ask by_cell for: math.floor, also of negative numbers"
DISTANCE = "the distance: in meters, since a degree of longitude is shorter than one of latitude"
LIBRARY = "jwt.decode with the key, algorithms=[...], audience=..., options={'require': [...]}"

CHECKED = "what you check of the query. float() takes nan and inf, too: ask math.isfinite"
WRONG = {
    "lat": ["", "north", "60.001", "-60.001", "nan", "inf", "1e999", "38,9"],
    "lon": ["", "180.001", "-181", "NaN", "-Infinity", "0x1"],
    "limit": ["", "0", "11", "-1", "2.5", "three", "1e1"],
}


@pytest.fixture(scope="module")
def city(account, deploy, folder):
    """The table of stations."""
    return City(account, deploy, folder)


@pytest.fixture(scope="module")
def phones(city):
    """The learner's function, behind a function URL."""
    return Phones(city)


def asked(rider, query=""):
    """A request as a message shows it."""
    return f"GET /?lat={rider.lat}&lon={rider.lon}{query}"


def expect_stations(phones, rider, wanted, what, look, query=""):
    """Fails unless a rider gets these stations in this order; returns them."""
    came = phones.near(rider, query, look)
    ids = [str(each.get("station_id")) for each in came]
    named = {each.station_id: _told(rider, each) for each in wanted}
    assert ids == list(named), failure(
        what,
        asked(rider, query),
        [named[each] for each in named],
        [named.get(each) or f"{one.get('name')}, {one.get('meters')} m"
         for each, one in zip(ids, came, strict=True)],
        look,
        "request",
    )  # fmt: skip
    return came


def _told(rider, station):
    meters = rider.meters_to(station.place)
    return f"{station.name}, {meters:.0f} m, cell {station.place.cell}"


def test_shows_the_nearest_stations_first(city, phones):
    """A rider gets the nearest stations with bikes, nearest first: three, without a limit."""
    rider = rider_in_a_cell()
    ways = [(0, 200), (260, 0), (-420, 0), (0, -470)]  # in degrees, the second would be first
    stations = [Station(rider.moved(*way), bikes=fresh.whole(1, 30)) for way in ways]
    city.add(*fresh.some_of(stations, 4))
    what = "There are four stations within 500 m. The response differs."
    came = expect_stations(phones, rider, stations[:3], what, DISTANCE)
    for station, wanted in zip(came, (each.shown_to(rider) for each in stations), strict=False):
        assert sorted(station) == KEYS, failure(
            "A station does not have exactly the keys of the contract.",
            asked(rider),
            KEYS,
            sorted(station),
            "what you return of a row: riders see six of its attributes, and no lock_code",
            "request",
        )
        whole = type(station["meters"]) is int and abs(station["meters"] - wanted["meters"]) <= 2
        wanted |= {"meters": station["meters"]} if whole else {}
        assert station == wanted and type(station["bikes"]) is int, failure(
            "A station's values differ.", asked(rider), wanted, station, DISTANCE, "request"
        )
    what = "The limit is 10."
    expect_stations(phones, rider, stations, what, DISTANCE, "&limit=10")


def test_shows_as_many_as_the_limit_says(city, phones):
    """With a limit, a rider gets at most that many stations, the nearest from all nine cells."""
    rider = rider_in_a_cell(0.85, 0.9)
    look = "the order of your steps: find all, sort them by distance, then cut"
    ways = [(150, 120), (0, 200), (260, 0), (-80, -350)]  # one is in the cell northeast
    stations = [Station(rider.moved(*way), bikes=1) for way in ways]
    city.add(*fresh.some_of(stations, 4))
    for limit in (1, 2):
        what = f"The limit is {limit}. The response differs."
        expect_stations(phones, rider, stations[:limit], what, look, f"&limit={limit}")


def test_looks_into_the_neighboring_cells(city, phones):
    """A rider at the edge of a cell also gets stations in the neighboring cells."""
    for up, across in product((0.1, 0.9), (0.1, 0.9)):
        rider = rider_in_a_cell(across, up, southwest=up == across)
        north, east = (200 if up > 0.5 else -200), (100 if across > 0.5 else -100)
        ways = [(0, east), (north, 0), (north * 1.2, east * 1.2)]
        stations = [Station(rider.moved(*way), bikes=2) for way in ways]
        city.add(*stations)
        what = f"The rider is at the edge of cell {rider.cell}, and stations are beyond it."
        expect_stations(phones, rider, stations, what, CELLS)


def test_leaves_out_what_is_no_use_to_a_rider(city, phones):
    """Stations without bikes, without a report, closed, or too far away are left out."""
    rider = rider_in_a_cell()
    look = "what you leave out: bikes may be 0 or missing, and 500 m is the limit"
    expect_stations(phones, rider, [], "There is no station around. The response differs.", look)
    far = [Station(rider.moved(*way), bikes=3) for way in ((540, 0), (0, -530), (390, 390))]
    useless = {
        "without bikes": [Station(rider.moved(90, 0), bikes=0)],
        "without a report": [Station(rider.moved(0, -120))],
        "closed, so that it has no cell": [Station(rider.moved(40, 40), 5, is_open=False)],
        "more than 500 m away": far,
    }
    good = Station(rider.moved(-460, 0), bikes=1)
    city.add(good)
    for which, stations in useless.items():
        city.add(*stations)
        what = f"One station has a bike. Others are {which}. The response differs."
        expect_stations(phones, rider, [good], what, look, "&limit=10")


def unsigned(claims):
    """A token that claims to need no signature."""
    parts = ({"alg": "none", "typ": "JWT"}, claims)
    encoded = [base64.urlsafe_b64encode(json.dumps(each).encode()) for each in parts]
    return b".".join(each.rstrip(b"=") for each in encoded).decode() + "."


def bad_headers(phones):
    """What is wrong with a request, and its headers."""
    good, now = phones.token(), int(time.time())
    head, claims, signature = good.split(".")
    other = base64.urlsafe_b64encode(
        json.dumps({"sub": "R-1", "aud": "find-a-bike", "exp": now + 900}).encode()
    ).decode()
    unsigned_token = unsigned({"sub": "R-1", "aud": "find-a-bike", "exp": now + 900})
    tokens = {
        "The token is not a JWT.": fresh.word(),
        "The token is empty.": "",
        "The token is signed with another key.": phones.token(key=fresh.word() * 5),
        "The token's claims were changed.": f"{head}.{other.rstrip('=')}.{signature}",
        "The token is unsigned, and says so (alg is none).": unsigned_token,
        "The token is signed by another algorithm, HS512.": phones.token(algorithm="HS512"),
        "The token expired a minute ago.": phones.token(exp=now - 60),
        "The token has no expiry time (exp).": phones.token(exp=None),
        "The token is for another audience.": phones.token(aud="open-the-lock"),
        "The token has no audience (aud).": phones.token(aud=None),
        "The token names no rider (sub).": phones.token(sub=None),
    }
    basic = base64.b64encode(b"R-7:secret").decode()
    return {
        "There is no header Authorization.": {},
        "The scheme is Basic.": {"Authorization": f"Basic {basic}"},
        "The scheme is missing.": {"Authorization": good},
        **{what: {"Authorization": f"Bearer {token}"} for what, token in tokens.items()},
    }


def expect_refused(phones, reply, status, what, request, look):
    """Fails unless a response has a status, and an error in JSON."""
    value = reply.value if isinstance(reply.value, dict) else {}
    said = value.get("error")
    good = list(value) == ["error"] and isinstance(said, str) and said
    assert reply.status == status and good, failure(
        f"{what} The response differs.",
        request,
        {"status": status, "body": {"error": "..."}},
        answered(reply),
        look + phones.why(reply),
        "request",
    )
    assert reply.content_type == "application/json", failure(
        f"{what} The response is JSON, and its Content-Type does not say so.",
        request,
        "application/json",
        reply.headers.get("content-type"),
        "the headers of your response",
        "request",
    )


def test_answers_nobody_without_a_good_token(city, phones):
    """A rider gets a 401 unless the token is signed, not expired, and meant for this service."""
    rider = rider_in_a_cell()
    station = Station(rider.moved(50, 0), bikes=1)
    city.add(station)
    expect_stations(phones, rider, [station], "A rider with a good token asked.", LIBRARY)
    query = f"lat={rider.lat}&lon={rider.lon}"
    for what, headers in bad_headers(phones).items():
        request = {"request": f"GET /?{query}", **headers}
        reply = phones.ask(query, headers=headers)
        expect_refused(phones, reply, 401, what, request, LIBRARY)
        came = reply.headers.get("www-authenticate", "missing")
        assert came.startswith("Bearer"), failure(
            "The 401 does not say how to sign in.",
            request,
            "WWW-Authenticate: Bearer",
            came,
            "the headers of your 401",
            "request",
        )


def test_a_stranger_learns_nothing_of_the_query(phones):
    """The token is checked first: without one, even an invalid query gets a 401."""
    reply, query = phones.ask("lat=north", headers={}), "lat=north"
    what = "The query is wrong, but there is no token either."
    look = "the order of your checks: first who asks, then what"
    expect_refused(phones, reply, 401, what, f"GET /?{query}", look)


def test_refuses_a_query_that_is_wrong(phones):
    """An invalid place or an invalid limit gets a 400."""
    rider = rider_in_a_cell()
    phones.near(rider, "&limit=2")
    good = {"lat": rider.lat, "lon": rider.lon, "limit": 2}
    for name, values in WRONG.items():
        for value in values:
            query = "&".join(f"{key}={each}" for key, each in {**good, name: value}.items())
            what = f"`{name}` is {value!r}."
            expect_refused(phones, phones.ask(query), 400, what, f"GET /?{query}", CHECKED)
    for query, what in (("lat=55", "`lon` is missing."), ("lon=7", "`lat` is missing.")):
        expect_refused(phones, phones.ask(query), 400, what, f"GET /?{query}", CHECKED)
    what = "There is no query string."
    look = "event.get('queryStringParameters'): it is missing where there is no query string"
    expect_refused(phones, phones.ask(""), 400, what, "GET /", look)


@pytest.mark.extra
def test_looks_across_the_date_line(city, phones):
    """A rider at 180 degrees also gets the stations across the date line."""
    look = "the columns of your cells: beyond 17999 comes -18000. The distance wraps by itself"
    north = fresh.one_of((-1, 1))  # one rider there, one in the south: their stations never mix
    for side in (-1, 1):
        lat = round(side * north * (fresh.whole(5_000, 5_800) + 0.5) / 100, 6)
        rider = Place(lat, side * 179.9985)
        ways = [(0, side * 150), (0, side * 300), (0, -side * 400)]
        stations = [Station(rider.moved(*way), bikes=1) for way in ways]
        city.add(*stations)
        what = f"The rider is at {rider.lon} degrees, and two of three stations are beyond 180."
        expect_stations(phones, rider, stations, what, look)
