"""Filter patterns of CloudWatch Logs: each form, and what does not parse."""

from __future__ import annotations

import json

import pytest

from workshop.cloud.triggers.push.filter_pattern import parse_pattern
from workshop.cloud.triggers.push.filter_values import InvalidPattern


def matches(pattern: str, message: str) -> bool:
    return parse_pattern(pattern).match(message) is not None


LINES = ("ERROR dock 7 is jammed", "WARN dock 7 is slow", "ERROR WARN both", "all is well")


@pytest.mark.parametrize(
    ("pattern", "passing"),
    [
        ("", "0123"),
        ("  ", "0123"),
        ("ERROR", "02"),
        ("ERROR WARN", "2"),
        ("?ERROR ?WARN", "012"),
        ("ERROR -WARN", "0"),
        ("-ERROR", "13"),
        ("-ERROR -WARN", "3"),
        ('"dock 7"', "01"),
        ('"dock  7"', ""),
        ('?"all is" ?jammed', "03"),
        ('-"dock 7"', "23"),
        ("?all WARN", "12"),  # beside another term the question mark counts for nothing
        ("error", ""),  # case counts
        ("jam", "0"),  # a part of a word
        ("%dock [0-9]%", "01"),
        ("%^WARN%", "1"),
        ("%jammed|well$%", "03"),
        ("-%^ERROR%", "13"),
        (r"%\x57ARN%", "12"),
    ],
)
def test_terms(pattern, passing):
    assert "".join(str(i) for i, line in enumerate(LINES) if matches(pattern, line)) == passing


def test_quotes_and_backslashes_in_a_phrase():
    assert matches(r'"say \"hello\""', 'they say "hello" twice')
    assert matches(r'"C:\\rides"', r"in C:\rides")


RIDE = json.dumps(
    {
        "level": "ERROR",
        "kind": "RideEnded",
        "minutes": 12.5,
        "count": 3,
        "code": "42",
        "address": "10.0.7.9",
        "station": {"id": 31, "name": "Main St", "docks": [{"id": 1}, {"id": 2, "bike": None}]},
        "grid": [[0, 1], [2, 3]],
        "ok": True,
        "late": False,
        "note": None,
        "with space": "yes",
        "dash-ed": 1,
        "huge": 100000000000000000001,
    }
)


@pytest.mark.parametrize(
    "pattern",
    [
        '{ $.level = "ERROR" }',
        "{ $.level = ERROR }",
        "{$.level=ERROR}",
        '{ $.level != "INFO" }',
        "{ $.kind = Ride* }",
        "{ $.kind = *Ended }",
        '{ $.kind = "*deEn*" }',
        "{ $.kind = * }",
        '{ $.kind = "*" }',
        "{ $.address != 123.123.* }",
        "{ $.address = 10.0.* }",
        r"{ $.address = %10\.0\.\d+\.\d+% }",
        "{ $.minutes = 12.5 }",
        "{ $.minutes >= 12.5 && $.minutes <= 12.5 }",
        "{ $.minutes < 10e3 }",
        "{ $.minutes > 10e-3 }",
        "{ $.minutes > +12 }",
        "{ $.minutes > -1 }",
        "{ $.minutes != 500 }",
        "{ $.count = 3 }",
        "{ $.count = 3.0 }",
        "{ $.code = 42 }",
        "{ $.huge = 100000000000000000001 }",
        "{ $.huge > 100000000000000000000 }",
        "{ $.station.id = 31 }",
        '{ $.station.docks[1].id = 2 && $.station.name = "Main St" }',
        "{ $.grid[1][0] = 2 }",
        '{ $["with space"] = yes }',
        '{ $.["with space"] = yes }',
        '{ $.station["name"] = "Main*" }',
        "{ $.dash-ed = 1 }",
        "{ $.ok IS TRUE }",
        "{ $.late IS FALSE }",
        "{ $.note IS NULL }",
        "{ $.station.docks[1].bike is null }",
        "{ $.nothing NOT EXISTS }",
        "{ $.station.nothing NOT EXISTS }",
        "{ ($.station.id = 31) && ($.grid[0][1] = 1) }",
        "{ $.count = 3 || $.count = 4 && $.level = INFO }",
        "{ ($.count = 4 || $.count = 3) && $.level = ERROR }",
    ],
)
def test_json_that_passes(pattern):
    assert matches(pattern, RIDE)
    assert matches(pattern, RIDE + "\n")  # a function's log line ends so


@pytest.mark.parametrize(
    "pattern",
    [
        '{ $.level = "error" }',
        "{ $.kind = Ri*ed }",  # in the middle an asterisk is an asterisk
        "{ $.minutes > 12.5 }",
        "{ $.nothing = * }",
        '{ $.nothing != "x" }',
        "{ $.station = 1 }",  # neither = nor != holds for objects and arrays
        "{ $.station != 1 }",
        "{ $.grid != 1 }",
        "{ $.note = null }",
        "{ $.nothing IS NULL }",
        "{ $.note NOT EXISTS }",
        "{ $.ok IS FALSE }",
        "{ $.count IS TRUE }",
        "{ $.level[0] = E }",
        "{ $.station.docks[9].id = 1 }",
        "{ ($.count = 3 || $.count = 4) && $.level = INFO }",
        "{ $.level > 5 }",
    ],
)
def test_json_that_does_not_pass(pattern):
    assert not matches(pattern, RIDE)


@pytest.mark.parametrize(
    "message", ["ERROR", "[1, 2]", '"ERROR"', "", '{"level": "ERROR"', "[" * 9999]
)
def test_json_patterns_pass_no_other_text(message):
    assert not matches("{ $.level = ERROR }", message)


ACCESS = '127.0.0.1 - frank [10/Oct/2026:13:25:15 -0700] "GET /index.html HTTP/1.0" 404 1534'


@pytest.mark.parametrize(
    ("pattern", "passes"),
    [
        ("[ip, user, username, timestamp, request, status_code, bytes]", True),
        ("[ip, user, username, timestamp, request, status_code]", False),
        ("[..., status_code, bytes]", True),
        ("[ip, user, ...]", True),
        ("[ip, user, ..., status_code, bytes]", True),
        ("[...]", True),
        ("[a, b, c, d, e, f, g, ...]", True),
        ("[a, b, c, d, e, f, g, h, ...]", False),
        ("[ip, user, username, timestamp, request = *html*, status_code = 4*, bytes]", True),
        ("[..., status_code = 4*, bytes > 1000]", True),
        ("[..., status_code = 4*, bytes > 2000]", False),
        ("[..., status_code=404, bytes]", True),
        ("[..., status_code = 4* && status_code != 404, bytes]", False),
        ("[..., status_code = 4* && status_code != 403, bytes]", True),
        ("[..., status_code = 500 || status_code = 404, bytes]", True),
        ("[..., status_code = 500 || status_code = 503, bytes]", False),
        (r"[ip = %127\.0\.0\.[1-9]%, ...]", True),
        ("[ip != 127.0.0.1, ...]", False),
        ('[ip, user = "-", ...]', True),
        ("[..., request=*.html*, status_code=4*,]", True),
    ],
)
def test_space_delimited(pattern, passes):
    assert matches(pattern, ACCESS) is passes


def test_fields_that_are_extracted():
    assert parse_pattern("[..., request=*.html*, status_code=4*,]").match(ACCESS) == {
        "1": "127.0.0.1",
        "2": "-",
        "3": "frank",
        "4": "10/Oct/2026:13:25:15 -0700",
        "request": "GET /index.html HTTP/1.0",
        "status_code": "404",
        "7": "1534",
    }
    assert parse_pattern("ERROR").match("ERROR") == {}


@pytest.mark.parametrize(
    "pattern",
    [
        "{",
        "{}",
        "{ }",
        "{ level = ERROR }",
        "{ $.level }",
        "{ $.level = }",
        "{ $.level == ERROR }",
        "{ $.level = ERROR",
        "{ $.level = ERROR && }",
        "{ ($.level = ERROR }",
        "{ $.level = ERROR } extra",
        "{ $.level IS NOT }",
        "{ $.level > high }",
        "{ $ = 1 }",
        "{ $.level = ERROR AND $.n = 1 }",
        "{ $.a = %x% && $.b = %y% && $.c = %z% }",
        "[",
        "[ip, user",
        "[..., ...]",
        "[status > high]",
        "[..., status = 4* && bytes > 1000]",
        "[ip = ]",
        "[ip != %(a)%]",
        '"unclosed',
        "a.b",
        "REPORT RequestId:",
        "%unclosed",
        "%something!%",
        "%(group)%",
        "%[a-%",
        "%*%",
        "-",
        "?",
    ],
)
def test_what_does_not_parse(pattern):
    with pytest.raises(InvalidPattern, match=r"^Invalid (filter pattern|character\(s\) in term)"):
        parse_pattern(pattern)
