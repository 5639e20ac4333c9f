"""The SQL of topic rules: AWS's reference page by page, with data of our own."""

from __future__ import annotations

import hashlib
import json
import re

import pytest

from workshop.cloud.base.model import ApiError
from workshop.cloud.triggers.push.iot_eval import CannotEvaluate, Evaluation
from workshop.cloud.triggers.push.iot_functions import Message
from workshop.cloud.triggers.push.iot_nodes import UNDEFINED
from workshop.cloud.triggers.push.iot_sql import parse_statement, parse_template
from workshop.cloud.triggers.push.iot_topics import matches
from workshop.cloud.triggers.push.iot_values import dumps

NEW, OLD = "2016-03-23", "2015-10-08"
RIDE = {
    "bike": 101,
    "kind": "electric",
    "km": 7.25,
    "whole": 10.0,
    "text": "12",
    "ok": True,
    "none": None,
    "value": 5,
    "start": {"station": "31000", "at": {"lat": 38.9, "long": -77.0}},
    "stops": [{"id": "a", "s": 30}, {"id": "b", "s": 90}],
    "tags": ["day", "member"],
}


def run(sql, payload=RIDE, topic="rides/31000/ended", version=NEW):
    raw = payload if isinstance(payload, bytes) else json.dumps(payload).encode()
    evaluation = Evaluation(Message(topic, raw, "123456789012"), version)
    output = evaluation.run(parse_statement(sql, version))
    if output is UNDEFINED or isinstance(output, bytes):
        return output
    return json.loads(dumps(output))


def value(expression, payload=RIDE, version=NEW, **more):
    """An expression's value; the name UNDEFINED where it has none."""
    result = run(f"SELECT {expression} AS x FROM 'a'", payload, version=version, **more)
    return result.get("x", "UNDEFINED")


@pytest.mark.parametrize(
    ("select", "expected"),
    [
        ("bike", {"bike": 101}),
        ("bike AS b, kind as k", {"b": 101, "k": "electric"}),
        ("start.station", {"station": "31000"}),
        ("start.at.lat AS lat", {"lat": 38.9}),
        ("start.nothing.lat AS lat, bike", {"bike": 101}),
        ("nothing", {}),
        ("none", {"none": None}),
        ("NULL AS n", {"n": None}),
        ("15 AS n, 'a' AS a, \"b\" AS b, true AS t", {"n": 15, "a": "a", "b": "b", "t": True}),
        ("bike AS state.reported.bike, ok AS state.reported.ok",
         {"state": {"reported": {"bike": 101, "ok": True}}}),
        ("bike AS 'the bike'", {"the bike": 101}),
        ("topic(2), upper(kind)", {"topic": "31000", "upper": "ELECTRIC"}),
        ("* AS payload", {"payload": {**RIDE, "whole": 10}}),
        ("value", {"value": 5}),
        ("value AS v, value * 2 AS w", {"v": 5, "w": 10}),
        ("VALUE kind", "electric"),
        ("VALUE tags", ["day", "member"]),
        ("VALUE *", {**RIDE, "whole": 10}),
        ("VALUE (bike + 1)", 102),
        ("{'lat': start.at.lat, 'tag': get(tags, 0)} AS o", {"o": {"lat": 38.9, "tag": "day"}}),
        ("[bike, kind, nothing] AS a", {"a": [101, "electric"]}),
        ("`bike` AS b", {"b": 101}),
    ],
)  # fmt: skip
def test_select(select, expected):
    assert run(f"SELECT {select} FROM 'rides/#'") == expected
    assert run(f"select {select} from 'rides/#' where true") == expected


def test_star_and_more():
    output = run("SELECT *, topic() AS topic, 'late' AS kind FROM '#'")
    assert output == {**RIDE, "whole": 10, "topic": "rides/31000/ended", "kind": "late"}
    assert RIDE["kind"] == "electric"


def test_star_does_not_change_the_message():
    sql = "SELECT *, 1 AS start.extra, start.extra AS before FROM '#'"
    output = run(sql)
    assert output["start"] == {**RIDE["start"], "extra": 1}
    assert "before" not in output


@pytest.mark.parametrize(
    ("where", "passes"),
    [
        ("bike = 101", True),
        ("bike <> 101", False),
        ("bike != 101", False),
        ("bike > 100 AND bike < 102", True),
        ("bike >= 101 and bike <= 101", True),
        ("bike > 500 OR kind = 'electric'", True),
        ("NOT bike > 500", True),
        ("not (bike > 500 or ok)", False),
        ("kind = 'electric' AND (km < 1 OR km > 7)", True),
        ("bike = 101 OR bike = 1 AND kind = 'x'", True),
        ("text > 11", True),  # strings that are numbers compare as numbers
        ("text > 'eleven'", False),
        ("text = 12", False),  # but are equal to none
        ("text <> 12", True),
        ("ok", True),
        ("ok = true", True),
        ("ok = 1", False),
        ("'TRUE'", True),
        ("kind", False),
        ("bike", False),
        ("nothing = 1", False),
        ("nothing <> 1", False),  # Undefined
        ("NOT nothing = 1", False),
        ("isUndefined(nothing)", True),
        ("isUndefined(none)", False),
        ("isNull(none)", True),
        ("isNull(nothing)", False),
        ("none = NULL", True),
        ("nothing > 5 OR ok", False),  # OR with Undefined is Undefined
        ("nothing > 5 OR true", False),
        ("kind IN ['manual', 'electric']", True),
        ("kind in ('manual', 'electric')", True),
        ("'member' IN tags", True),
        ("101 IN tags", False),
        ("'x' IN nothing", False),
        ("tags = ['day', 'member']", True),
        ("tags = ['member', 'day']", False),
        ("start.at = {'long': -77.0, 'lat': 38.9}", True),
        ("km * 4 = 29", True),
        ("bike - 1 = 100", True),
        ("-bike < 0", True),
        ("exists(SELECT * FROM stops WHERE s > 60)", True),
        ("exists(SELECT * FROM stops WHERE s > 600)", False),
        ("startswith(topic(), 'rides/')", True),
        ("regexp_matches(kind, '^e.*c$')", True),
    ],
)
def test_where(where, passes):
    assert (run(f"SELECT bike FROM '#' WHERE {where}") is not UNDEFINED) is passes


def test_where_does_not_know_the_aliases():
    assert run("SELECT bike AS b FROM '#' WHERE b = 101") is UNDEFINED


@pytest.mark.parametrize(
    ("expression", "expected"),
    [
        ("1 + 2 * 3", 7),
        ("(1 + 2) * 3", 9),
        ("7 / 2", 3),  # two Ints make an Int
        ("-7 / 2", -3),
        ("7 / 2.5", 2.8),
        ("7.5 - 0.25", 7.25),
        ("0.1 + 0.2", 0.3),
        ("7 % 3", 1),
        ("-7 % 3", -1),
        ("7.5 % 2", 1.5),
        ("10 - 2 - 3", 5),
        ("text * 2", 24),
        ("text + 1", "121"),  # + with a string joins
        ("'a' + 'b'", "ab"),
        ("bike + 'x'", "101x"),
        ("ok + 'x'", "truex"),
        ("ok + 1", "UNDEFINED"),
        ("tags + 1", "UNDEFINED"),
        ("kind * 2", "UNDEFINED"),
        ("nothing + 1", "UNDEFINED"),
        ("none + 1", "UNDEFINED"),
        ("1 / 0", "UNDEFINED"),
        ("1.5 % 0", "UNDEFINED"),
        ("(50 - 32) * 5 / 9", 10),
        ("CASE kind WHEN 'manual' THEN 1 WHEN 'electric' THEN 2 ELSE 3 END", 2),
        ("CASE kind WHEN 'manual' THEN 1 ELSE 3 END", 3),
        ("CASE kind WHEN 'manual' THEN 1 END", "UNDEFINED"),
        ("5 > 3", True),
    ],
)
def test_operators(expression, expected):
    assert value(expression) == expected


@pytest.mark.parametrize(
    ("expression", "expected"),
    [
        ("abs(-5)", 5),
        ("abs('-5.123')", 5.123),
        ("abs(true)", "UNDEFINED"),
        ("abs()", "UNDEFINED"),  # a wrong number of arguments
        ("abs(1, 2)", "UNDEFINED"),
        ("ABS(-5)", 5),
        ("accountid()", "123456789012"),
        ("clientid()", "n/a"),  # not over MQTT
        ("ceil(1.2)", 2),
        ("ceil(-1.2)", -1),
        ("floor(1.2)", 1),
        ("floor(-1.2)", -2),
        ("floor([1, 2, 3])", "UNDEFINED"),
        ("isUndefined(floor([1, 2, 3]))", True),
        ("round(1.2)", 1),
        ("round(1.5)", 2),
        ("round(1.7)", 2),
        ("round(-1.1)", -1),
        ("round(-1.5)", -2),
        ("round('1.7')", 2),
        ("trunc(2.3, 0)", 2),
        ("trunc(2.3123, 2)", 2.31),
        ("trunc(2.888, 2)", 2.88),
        ("trunc(2.00, 5)", 2),
        ("sign(-7)", -1),
        ("sign(0)", 0),
        ("mod(8, 3)", 2),
        ("remainder(8, 3)", 2),
        ("power(2, 5)", 32.0),
        ("sqrt(9)", 3.0),
        ("sqrt(-9)", "UNDEFINED"),
        ("atan2(1, 0)", 1.5707963267948966),
        ("bitand(13, 5)", 5),
        ("bitor(8, 5)", 13),
        ("chr(65)", "A"),
        ("concat()", "UNDEFINED"),
        ("concat('1')", "1"),
        ("concat([1, 2, 3], 4)", [1, 2, 3, 4]),
        ("concat([1, 2], 'hello', [4])", [1, 2, "hello", 4]),
        ("concat('he', 'is', 'man')", "heisman"),
        ("concat(1, 'hello')", "1hello"),
        ("concat(kind, nothing)", "UNDEFINED"),
        ("get(['a', 'b', 'c'], 1)", "b"),
        ("get({'a': 'b'}, 'a')", "b"),
        ("get('abc', 0)", "a"),
        ("get(tags, 2)", "UNDEFINED"),
        ("get(tags, -1)", "UNDEFINED"),
        ("get(tags, '1')", "member"),
        ("get(*, 'bike')", 101),
        ("get(stops, 1).s", 90),
        ("upper('hello')", "HELLO"),
        ("upper(['hello'])", '["HELLO"]'),
        ("lower(['HELLO'])", '["hello"]'),
        ("lower(none)", "UNDEFINED"),
        ("length('hi')", 2),
        ("length(false)", 5),
        ("numbytes('€')", 3),
        ("indexof('abcd', 'bc')", 1),
        ("substring('012345', 2)", "2345"),
        ("substring('012345', 2.745)", "2345"),
        ("substring(123, 2)", "3"),
        ("substring('012345', -1)", "012345"),
        ("substring('012345', 1.2)", "12345"),
        ("substring('012345', 1, 3)", "12"),
        ("substring('012345', -50, 50)", "012345"),
        ("substring('012345', 3, 1)", ""),
        ("replace('abcdabcd', 'b', 'x')", "axcdaxcd"),
        ("regexp_replace('abcd', 'b(.*)d', '$1')", "ac"),
        ("regexp_substr('hihihello', '(hi)*')", "hihi"),
        ("regexp_matches('aaaa', 'a{2,}')", True),
        ("regexp_matches('aaaa', '(')", "UNDEFINED"),
        ("lpad(1, 3)", "   1"),
        ("rpad('hello', 2)", "hello  "),
        ("trim(' hi ')", "hi"),
        ("ltrim(' h i ')", "h i "),
        ("rtrim(' h i ')", " h i"),
        ("startswith('ranger', 'ran')", True),
        ("endswith('cat', 'at')", True),
        ("endswith('cat', nothing)", "UNDEFINED"),
        ("nanvl(8, 3)", 8),
        ("nanvl(nothing, 3)", 3),
        ("nanvl(none, 3)", 3),
        ("md5('hello')", hashlib.md5(b"hello").hexdigest()),
        ("sha256('hello')", hashlib.sha256(b"hello").hexdigest()),
        ("cast(true as Int)", 1),
        ("cast('1.7' as Int)", 1),
        ("cast(1.7 as Decimal)", 1.7),
        ("cast('x' as Decimal)", "UNDEFINED"),
        ("cast(0 as Boolean)", False),
        ("cast('FALSE' as Bool)", False),
        ("cast(bike as String)", "101"),
        ("cast(tags as String)", '["day","member"]'),
        ("decode('eyAiYSI6IDMzIH0=', 'base64').a", 33),
        ("decode('aGVsbG8=', 'base64')", "hello"),
        ("decode('?', 'base64')", None),
        ("encode(kind, 'base64')", "ZWxlY3RyaWM="),
        ("parse_time('yyyy.MM.dd G \\'at\\' HH:mm:ss z', 100000000)".replace("\\'", "''"),
         "1970.01.02 AD at 03:46:40 UTC"),
        ("parse_time('yyyy-MM-dd''T''HH:mm:ss.SSSZ', 1)", "1970-01-01T00:00:00.001+0000"),
        ("parse_time('EEE d MMMM yy h a', 0)", "Thu 1 January 70 12 AM"),
        ("parse_time('yyyy', 0, 'Nowhere/City')", "UNDEFINED"),
        ("traceid()", "UNDEFINED"),
        ("transform('enrichArray', {'n': 1}, stops)",
         [{"id": "a", "s": 30, "n": 1}, {"id": "b", "s": 90, "n": 1}]),
    ],
)  # fmt: skip
def test_functions(expression, expected):
    assert value(expression) == expected


def test_functions_that_answer_something_new():
    uuid, moment, chance = value("newuuid()"), value("timestamp()"), value("rand()")
    assert re.fullmatch(r"[0-9a-f]{8}-([0-9a-f]{4}-){3}[0-9a-f]{12}", uuid)
    assert value("newuuid()") != uuid
    assert isinstance(moment, int) and moment > 1_700_000_000_000
    assert 0 <= chance <= 1


@pytest.mark.parametrize(
    ("expression", "expected"),
    [
        ("topic()", "rides/31000/ended"),
        ("topic(1)", "rides"),
        ("topic(3)", "ended"),
        ("topic(4)", "UNDEFINED"),
        ("topic(0)", "UNDEFINED"),
    ],
)
def test_topic(expression, expected):
    assert value(expression) == expected


def test_queries_within_a_statement():
    assert run("SELECT (SELECT VALUE id FROM stops) AS ids FROM '#'") == {"ids": ["a", "b"]}
    assert run("SELECT (SELECT s FROM stops WHERE id = 'b') AS t FROM '#'") == {"t": [{"s": 90}]}
    assert run("SELECT get((SELECT s FROM stops WHERE id = 'b'), 0).s AS s FROM '#'") == {"s": 90}
    assert run("SELECT (SELECT station FROM start) AS s FROM '#'") == {"s": {"station": "31000"}}


def test_numbers_of_the_two_versions():
    """With version 2016-03-23 a whole number is an Int, as AWS warns."""
    raw = b'{"a": 10.0, "b": 3}'
    for version, text in ((NEW, '{"a":10,"b":3,"c":3}'), (OLD, '{"a":10.0,"b":3,"c":3.3333')):
        evaluation = Evaluation(Message("t", raw, "1"), version)
        statement = parse_statement("SELECT *, a / b AS c FROM 't'", version)
        assert dumps(evaluation.run(statement)).startswith(text)


def test_large_numbers_keep_their_digits():
    assert value("n + 1", {"n": 12345678901234567890}) == 12345678901234567891
    assert value("n * 1.5", {"n": 2}) == 3


@pytest.mark.parametrize(
    "payload",
    [b"dock 7", b"\xff\xfe", b"", b"NaN", b'{"a": 1e9999}', b"1e99999999999999999999", b"[" * 9999],
)
def test_payloads_that_are_not_json(payload):
    assert run("SELECT * FROM 'a'", payload) == payload
    assert run("SELECT * FROM 'a' WHERE topic(1) = 'rides'", payload) == payload
    assert run("SELECT topic(1) AS t FROM 'a'", payload) == {"t": "rides"}
    for sql in ("SELECT a FROM 'a'", "SELECT *, 1 AS b FROM 'a'", "SELECT * FROM 'a' WHERE a = 1"):
        with pytest.raises(CannotEvaluate, match="not JSON"):
            run(sql, payload)


def test_encoding_the_payload_as_it_came():
    raw = b'{ "a":  1 }'
    sql = "SELECT encode(*, 'base64') AS data FROM 'a'"
    assert run(sql, raw) == {"data": "eyAiYSI6ICAxIH0="}
    assert run(sql, b"\xff") == {"data": "/w=="}


def fill(template):
    evaluation = Evaluation(Message("rides/7", json.dumps(RIDE).encode(), "1"), NEW)
    return evaluation.fill(parse_template(template, NEW))


@pytest.mark.parametrize(
    ("template", "text"),
    [
        ("plain", "plain"),
        ("${topic()}/seen", "rides/7/seen"),
        ("${kind}-${bike + 1}-${start.station}", "electric-102-31000"),
        ("a${nothing}b", "ab"),
        ("${none}", "null"),
        ("${tags}", '["day","member"]'),
        ("${get({'}': 'brace'}, '}')}!", "brace!"),
        ("$ {x} $5", "$ {x} $5"),
        ('${parse_time("yyyy", 0, "UTC")}\'s', "1970's"),
    ],
)
def test_templates(template, text):
    assert fill(template) == text


@pytest.mark.parametrize("template", ["${", "${}", "${topic(}", "${a b}", "x ${a"])
def test_templates_that_do_not_parse(template):
    with pytest.raises(ApiError) as caught:
        parse_template(template, NEW)
    assert caught.value.code == "SqlParseException"


@pytest.mark.parametrize(
    ("topic_filter", "topic", "takes"),
    [
        ("a/b", "a/b", True),
        ("a/b", "a/c", False),
        ("a/b", "A/b", False),
        ("a/#", "a/b", True),
        ("a/#", "a/e/f", True),
        ("a/#", "a", True),
        ("a/#", "b/x", False),
        ("a/+", "a/b", True),
        ("a/+", "a/e/f", False),
        ("a/+", "a", False),
        ("+/b/+", "a/b/c", True),
        ("#", "a/b/c", True),
        ("#", "$aws/things/x", False),
        ("+/things/#", "$aws/things/x", False),
        ("$aws/things/+/shadow/#", "$aws/things/x/shadow/update", True),
        ("a/+/b", "a//b", True),
    ],
)
def test_topic_filters(topic_filter, topic, takes):
    assert matches(topic_filter, topic) is takes


@pytest.mark.parametrize(
    "sql",
    [
        "",
        "SELECT",
        "SELECT FROM 'a'",
        "SELECT * FROM",
        "SELECT * FROM a/b",
        "SELECT * FROM 'a' 'b'",
        "SELECT * FROM 'a' WHERE",
        "SELECT *, FROM 'a'",
        "SELECT a AS FROM 'a'",
        "SELECT a b FROM 'a'",
        "SELECT (a FROM 'a'",
        "SELECT a) FROM 'a'",
        "SELECT 'open FROM 'a",
        "SELECT VALUE a, b FROM 'a'",
        "SELECT a[0] FROM 'a'",
        "SELECT a.1 FROM 'a'",
        "SELECT nosuch() FROM 'a'",
        "SELECT cast(a as Date) FROM 'a'",
        "SELECT CASE a END FROM 'a'",
        "SELECT * FROM ''",
        "SELECT * FROM 'a/b#'",
        "SELECT * FROM '#/a'",
        "SELECT * FROM 'a+/b'",
        "SELECT * FROM '1/2/3/4/5/6/7/8/9'",
        "SELECT * FROM 'a' WHERE a LIKE 'b%'",
        "SELECT * FROM 'a' WHERE a == 1",
        "SELECT * FROM 'a' WHERE a = 1;",
        "SELECT " + "(" * 200 + "1" + ")" * 200 + " AS x FROM 'a'",
        "SELECT " + "-" * 5000 + "1 AS x FROM 'a'",
        "SELECT " + "NOT " * 5000 + "a AS x FROM 'a'",
        "SELECT a" + ".b" * 5000 + " FROM 'a'",
        "SELECT 1" + " + 1" * 5000 + " AS x FROM 'a'",
        "DELETE FROM 'a'",
        "SET SELECT a FROM 'a'",
        "SET a = 1 SELECT a FROM 'a'",
        "SET @a 1 SELECT a FROM 'a'",
        "SET @a = 1, SELECT a FROM 'a'",
        "SET @a = 1, @a = 2 SELECT a FROM 'a'",
        "SET @a = 1 SET @b = 2 SELECT a FROM 'a'",
        "SELECT a FROM 'a' SET @a = 1",
        f"SET @{'a' * 64} = 1 SELECT a FROM 'a'",
        f"SET {', '.join(f'@a{number} = 1' for number in range(11))} SELECT a FROM 'a'",
    ],
)
def test_sql_that_does_not_parse(sql):
    with pytest.raises(ApiError) as caught:
        parse_statement(sql, NEW)
    assert (caught.value.status, caught.value.code) == (400, "SqlParseException")


@pytest.mark.parametrize(
    "select",
    ["[1] AS a", "{'a': 1} AS a", "(SELECT a FROM b) AS a", "encode(*, 'base64') AS a",
     "isUndefined(a) AS a", "cast(a as Decimal) AS a"],
)  # fmt: skip
def test_what_only_the_newer_version_has(select):
    parse_statement(f"SELECT {select} FROM 'a'", NEW)
    with pytest.raises(ApiError, match="needs awsIotSqlVersion 2016-03-23"):
        parse_statement(f"SELECT {select} FROM 'a'", OLD)


def test_functions_that_only_aws_has():
    evaluation = Evaluation(Message("a", b"{}", "1"), NEW)
    sql = "SELECT get_thing_shadow('x', 'arn').state AS s, 1 AS n FROM 'a'"
    assert evaluation.run(parse_statement(sql, NEW)) == {"n": 1}
    assert evaluation.lacking == {"get_thing_shadow"}


@pytest.mark.parametrize(
    ("sql", "expected"),
    [
        ("SET @m = km * 1000 SELECT @m AS meters, bike FROM 'a'", {"meters": 7250, "bike": 101}),
        ("set @at = start.at SELECT @at.lat, @at.long AS l FROM 'a'", {"lat": 38.9, "l": -77}),
        ("SET @a = bike, @b = @a + 1 SELECT @b AS b FROM 'a' WHERE @b > @a", {"b": 102}),
        ("SET @max = 5 SELECT bike FROM 'a' WHERE km < @max", UNDEFINED),
        ("SET @none = nothing SELECT @none AS a, bike FROM 'a'", {"bike": 101}),
        ("SET @s = 40 SELECT (SELECT id FROM stops WHERE s > @s) AS x FROM 'a'",
         {"x": [{"id": "b"}]}),
        ("SET @t = tags SELECT get(@t, 0) AS first FROM 'a'", {"first": "day"}),
        (f"SET {', '.join(f'@a{n} = {n}' for n in range(10))} SELECT @a9 AS x FROM 'a'", {"x": 9}),
        ("SELECT set FROM 'a'", {}),
    ],
)  # fmt: skip
def test_set_keeps_values_in_variables(sql, expected):
    assert run(sql) == expected


def test_variables_fill_templates():
    evaluation = Evaluation(Message("a", b'{"t": 75}', "1"), NEW)
    evaluation.run(parse_statement("SET @c = (t - 32) * 5 / 9 SELECT @c AS c FROM 'a'", NEW))
    assert evaluation.fill(parse_template("temp-${@c}C.json", NEW)) == "temp-23C.json"


def test_what_is_no_json_is_encoded_before_it_is_kept():
    sql = "SET @raw = encode(*, 'base64') SELECT @raw AS raw FROM 'a'"
    assert run(sql, b"\xff") == {"raw": "/w=="}
    with pytest.raises(CannotEvaluate, match="not JSON"):
        run("SET @raw = color SELECT @raw AS raw FROM 'a'", b"\xff")


def test_variables_have_a_largest_size():
    run("SET @a = text SELECT 1 AS x FROM 'a'", {"text": "x" * (128 * 1024 - 2)})
    with pytest.raises(CannotEvaluate, match="exceed 131072 bytes"):
        run("SET @a = text, @b = 1 SELECT 1 AS x FROM 'a'", {"text": "x" * (128 * 1024 - 2)})
