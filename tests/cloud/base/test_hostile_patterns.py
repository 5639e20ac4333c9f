"""Patterns that were made to keep the cloud busy for ever, and texts that go with them.

What fails here without its bound runs for minutes and more, and holds every other thread up: so
each runs in a thread of its own, and must be back within half a minute.
"""

from __future__ import annotations

import json
import threading
import time
from datetime import datetime, timezone

import pytest
from botocore.exceptions import ClientError

from workshop.cloud.access import resource_policy as permissions
from workshop.cloud.access.policy import Decision, decide
from workshop.cloud.access.resource_policy import may_send
from workshop.cloud.base.model import ApiError
from workshop.cloud.base.regexes import BadRegex, Regex
from workshop.cloud.base.time_limit import TooSlow, time_limit
from workshop.cloud.base.wildcards import like, like_escaped
from workshop.cloud.seam import matches
from workshop.cloud.triggers.mappings.filters import check_filters, passes
from workshop.cloud.triggers.push.filter_pattern import parse_pattern
from workshop.cloud.triggers.push.filter_values import InvalidPattern
from workshop.cloud.triggers.push.iot_eval import CannotEvaluate, Evaluation
from workshop.cloud.triggers.push.iot_functions import Message
from workshop.cloud.triggers.push.iot_nodes import UNDEFINED
from workshop.cloud.triggers.push.iot_sql import parse_statement
from workshop.cloud.triggers.push.planner import Planner

STARS = "*a" * 12 + "*b"
LONG = "a" * 50_000


def in_time(function, *args):
    """What a function answers, or the exception that it raises; half a minute is too long."""
    answers = []

    def run():
        try:
            answers.append(function(*args))
        except Exception as error:
            answers.append(error)

    thread = threading.Thread(target=run, daemon=True)
    thread.start()
    thread.join(timeout=30)
    assert answers, "it takes more than half a minute"
    return answers[0]


@pytest.mark.parametrize(
    ("pattern", "text", "expected"),
    [
        ("*", "", True),
        ("a*c", "abbc", True),
        ("a*c", "ab", False),
        ("*ab*ab*", "ab", False),
        ("*ab*ab*", "abab", True),
        ("ab*bc", "abc", False),
        ("a?c", "abc", True),
        ("a?c", "ac", False),
        ("*a?c*", "xxabcxx", True),
        ("[ab]", "a", False),
        ("[ab]*", "[ab]c", True),
        ("a.c", "abc", False),
    ],
)
def test_wildcards(pattern, text, expected):
    assert like(pattern, text) is expected


def test_wildcards_of_eventbridge_know_no_question_mark_and_have_an_escape():
    assert not like_escaped("a?c", "abc") and like_escaped("a?c", "a?c")
    assert like_escaped(r"a\*b*", "a*bc") and not like_escaped(r"a\*b*", "axbc")
    assert like_escaped("a\\\\*", "a\\b")


def test_many_stars_take_no_time():
    assert in_time(like, STARS, LONG) is False
    assert in_time(like, "*a?" * 12 + "*b", LONG[:5000]) is False
    assert in_time(like_escaped, STARS, LONG) is False


def test_policies_with_many_stars_take_no_time():
    source = permissions.Source("s3.amazonaws.com", arn=f"arn:aws:s3:::{LONG}", account="1")
    statement = {
        "Effect": "Allow",
        "Action": "*",
        "Resource": "r",
        "Principal": "*",
        "Condition": {"ArnLike": {"AWS:SourceArn": f"arn:*{STARS}"}},
    }
    assert in_time(permissions.allows, [statement], source, "r") is False
    policy = json.dumps({"Statement": {**statement, "Resource": f"*{STARS}", "Condition": {}}})
    assert in_time(may_send, policy, source, "sqs:SendMessage", LONG) is False
    document = {"Statement": [{"Effect": "Allow", "Action": "*", "Resource": STARS}]}
    assert in_time(decide, [document], "s3:GetObject", LONG) is Decision.NOT_ALLOWED


def test_a_bracket_in_a_policy_is_a_bracket():
    source = permissions.Source("s3.amazonaws.com", arn="arn:aws:s3:::a", account="1")
    for condition in ("arn:aws:s3:::[ab]", "arn:aws:s3:::[!b]"):
        policy = {
            "Effect": "Allow",
            "Action": "SQS:sendmessage",
            "Resource": "*",
            "Principal": {"Service": "s3.amazonaws.com"},
            "Condition": {"ArnLike": {"aws:SourceArn": condition}},
        }
        assert not may_send(json.dumps({"Statement": policy}), source, "sqs:SendMessage", "q")
        statement = {
            "Effect": "Allow",
            "Action": "lambda:invokefunction",
            "Resource": "f",
            "Principal": {"Service": "s3.amazonaws.com"},
            "Condition": {"ArnLike": {"AWS:SourceArn": condition}},
        }
        assert not permissions.allows([statement], source, "f")
    statement["Condition"] = {"ArnLike": {"AWS:SourceArn": "arn:aws:s3:::?"}}
    assert permissions.allows([statement], source, "f")


def test_wildcards_of_events_take_no_time(lab):
    for pattern in ({"a": [{"wildcard": STARS}]}, {"a": [{"anything-but": {"wildcard": STARS}}]}):
        assert in_time(matches, pattern, {"a": LONG}) is ("anything-but" in str(pattern))
    assert matches({"a": [{"wildcard": "dock-*-*"}]}, {"a": "dock-7-x"})


REGEXES = ["a*" * 11 + "b", "a*a*a*a*a*b", "[a-z]*" * 20 + "0", "a?" * 40 + "a" * 40 + "b"]


@pytest.mark.parametrize("regex", REGEXES)
@pytest.mark.parametrize("form", ["%{}%", "{{ $.a = %{}% }}", "[a = %{}%, ...]"])
def test_log_filters_take_no_time(regex, form):
    pattern = parse_pattern(form.format(regex))
    text = "a" * 200
    message = json.dumps({"a": text}) if form.startswith("{{") else text
    assert in_time(pattern.match, message) is None


def test_a_log_filter_has_a_largest_size():
    for pattern in ("%" + "a" * 1025 + "%", "{" + "(" * 60 + "$.a = 1" + ")" * 60 + "}"):
        with pytest.raises(InvalidPattern):
            parse_pattern(pattern)
    assert isinstance(in_time(parse_pattern, "%" + "a{0,1000}" * 50 + "%"), InvalidPattern)


@pytest.mark.parametrize("unit", ["[ ", '" ', "[", '\\" ', '[ " '])
def test_what_opens_in_a_log_event_and_never_closes_takes_no_time(unit):
    assert in_time(parse_pattern("[a, b]").match, unit * 100_000) is None
    assert parse_pattern('[a, b = "["]').match("x [ ") == {"a": "x", "b": "["}
    assert parse_pattern("[a, b, c]").match('[1 2]"3 4"[5') == {"a": "1 2", "b": "3 4", "c": "[5"}


def test_filter_log_events_answers_while_others_go_on(lab):
    logs = lab.logs
    logs.create_log_group(logGroupName="hostile")
    logs.create_log_stream(logGroupName="hostile", logStreamName="one")
    now = int(time.time() * 1000)
    events = [{"timestamp": now, "message": "a" * 90}] * 100
    logs.put_log_events(logGroupName="hostile", logStreamName="one", logEvents=events)

    def ask():
        pattern = "%" + "a*" * 11 + "b%"
        return logs.filter_log_events(logGroupName="hostile", filterPattern=pattern)["events"]

    assert in_time(ask) == []


def test_time_that_is_over_is_an_error_of_the_call(lab, monkeypatch):
    monkeypatch.setattr("workshop.cloud.seam.logs.LONGEST_S", -1.0)
    lab.logs.create_log_group(logGroupName="slow")
    lab.logs.create_log_stream(logGroupName="slow", logStreamName="one")
    arn = lab.client.get_function(FunctionName=lab.create())["Configuration"]["FunctionArn"]
    lab.client.add_permission(
        FunctionName=arn, StatementId="l", Action="lambda:*", Principal="logs.amazonaws.com"
    )
    lab.logs.put_subscription_filter(
        logGroupName="slow", filterName="f", filterPattern="%a%", destinationArn=arn
    )
    event = {"timestamp": int(time.time() * 1000), "message": "a"}
    lab.logs.put_log_events(logGroupName="slow", logStreamName="one", logEvents=[event])
    assert any("the filter f took more than" in each for each in lab.cloud.problems())
    with pytest.raises(ClientError, match="takes more than") as caught:
        lab.logs.filter_log_events(logGroupName="slow", filterPattern="%a%")
    assert caught.value.response["Error"]["Code"] == "InvalidParameterException"


def value_of(expression, payload):
    message = Message("docks", json.dumps(payload).encode(), "123456789012")
    statement = parse_statement(f"SELECT VALUE {expression} FROM 'docks'", "2016-03-23")
    return Evaluation(message, "2016-03-23").run(statement)


@pytest.mark.parametrize("regex", REGEXES)
def test_regular_expressions_of_iot_take_no_time(regex):
    payload = {"text": "a" * 200, "regex": regex}
    assert in_time(value_of, "regexp_matches(text, regex)", payload) is False
    assert in_time(value_of, "regexp_substr(text, regex)", payload) is UNDEFINED
    assert in_time(value_of, "regexp_replace(text, regex, 'x')", payload) == "a" * 200


def test_a_text_does_not_grow_without_bound():
    payload = {"text": "a" * 60_000, "new": "b" * 60_000}
    assert in_time(value_of, "replace(text, 'a', new)", payload) is UNDEFINED
    assert in_time(value_of, "regexp_replace(text, 'a', new)", payload) is UNDEFINED


def test_a_regular_expression_that_repeats_too_much_is_none():
    for text in ("a{0,1000}" * 50, "((a{100}){100}){100}", "x" * 1025, "(?=a)", "("):
        assert isinstance(in_time(Regex, text), BadRegex), text[:40]
    assert value_of("regexp_matches('a', text)", {"text": "((a{100}){100}){100}"}) is UNDEFINED


def test_replacing_follows_groups_and_unusual_texts():
    assert Regex("(a)(b)?").replace("ab a", "$2$1$") == "ba$ a$"
    assert Regex("a").replace("\ud800a", "é") == "?é"
    with pytest.raises(ValueError, match="no group 3"):
        Regex("(a)").replace("a", "$3")


def test_a_statement_of_iot_that_takes_too_long_is_noted(monkeypatch):
    monkeypatch.setattr("workshop.cloud.triggers.push.iot_eval.LONGEST_S", -1.0)
    with pytest.raises(CannotEvaluate, match="took more than"):
        value_of("x", {"x": 1})


def test_a_time_limit_holds_for_many_matches_together():
    with time_limit(-1), pytest.raises(TooSlow):
        Regex("a").search("a")
    with time_limit(60):
        assert Regex("a").search("ba") == "a"


def test_lists_of_a_record_are_not_multiplied():
    wanted = {name: {"x": [1]} for name in "abcdefgh"}
    lists = {name: [{"x": 0}] * 100 for name in "abcdefgh"}
    calls = []

    def counted(pattern, event):
        calls.append(1)
        return matches(pattern, event)

    record = {"body": json.dumps(lists)}
    assert in_time(passes, record, "sqs", [{"body": wanted}], counted) is False
    assert len(calls) <= 800
    record = {"body": json.dumps({name: [{"x": 0}, {"x": 1}] for name in "abcdefgh"})}
    assert passes(record, "sqs", [{"body": wanted}], matches)


@pytest.mark.parametrize(
    ("pattern", "body", "expected"),
    [
        ({"a": {"x": [1], "y": [2]}}, {"a": [{"x": 1, "y": 3}, {"x": 0, "y": 2}]}, False),
        ({"a": {"x": [1], "y": [2]}}, {"a": [{"x": 0}, {"x": 1, "y": 2}]}, True),
        (
            {"a": {"x": [1]}, "$or": [{"a": {"y": [2]}}, {"b": [1]}]},
            {"a": [{"x": 1, "y": 3}, {"x": 0, "y": 2}]},
            False,
        ),
        (
            {"a": {"x": [1]}, "$or": [{"a": {"y": [2]}}, {"b": [1]}]},
            {"a": [{"x": 1, "y": 3}], "b": 1},
            True,
        ),
        ({"a": {"x": [1]}}, {"a": []}, False),
        ({"a": {"x": [1]}}, {"a": [[{"x": 0}], [{"x": 1}]]}, True),
        ({"a": {"x": [{"exists": False}]}}, {"a": [{"x": 1}, {"y": 1}]}, True),
        ({"a": {"x": [{"exists": False}]}}, {}, True),
        ({"a": {"x": [{"exists": False}]}}, {"a": 5}, True),
        ({"a": [{"exists": True}]}, {"a": {"x": 1}}, False),
        ({"a": [1]}, {"a": [3, 1]}, True),
    ],
)
def test_filters_with_lists_of_objects(pattern, body, expected):
    record = {"body": json.dumps(body)}
    assert passes(record, "sqs", [{"body": pattern}], matches) is expected


def test_a_filter_with_too_many_ways_is_refused():
    either = [{"x": [n]} for n in range(40)]
    pattern = {"a": {"$or": either}, "$or": [{"a": {"$or": either}}, {"b": [1]}]}
    with pytest.raises(ApiError, match="Invalid filter pattern definition"):
        check_filters({"Filters": [{"Pattern": json.dumps({"body": pattern})}]}, "sqs")


def test_a_prefix_of_queues_is_no_regular_expression(lab):
    sqs = lab.cloud.client("sqs")
    sqs.create_queue(QueueName="a" * 80)
    for prefix in ("(a*)*b", "a.", "("):
        assert "QueueUrls" not in in_time(lambda p=prefix: sqs.list_queues(QueueNamePrefix=p))
    assert len(sqs.list_queues(QueueNamePrefix="aaa")["QueueUrls"]) == 1


def test_motos_own_searches_end(lab):
    iot, glue = lab.cloud.client("iot"), lab.cloud.client("glue")
    iot.create_thing(thingName="a" * 100)
    query = "thingName:" + "a*" * 12 + "b"
    assert in_time(lambda: iot.search_index(queryString=query))["things"] == []
    assert len(iot.search_index(queryString="thingName:a*")["things"]) == 1
    glue.create_database(DatabaseInput={"Name": "d"})
    glue.create_table(DatabaseName="d", TableInput={"Name": "a" * 100})
    for expression in ("(a*)*b", "*a" * 12 + "*b"):
        found = in_time(lambda e=expression: glue.get_tables(DatabaseName="d", Expression=e))
        assert found["TableList"] == []
    assert len(glue.get_tables(DatabaseName="d", Expression="a*")["TableList"]) == 1
    with pytest.raises(ClientError, match="missing"):
        glue.get_tables(DatabaseName="d", Expression="(")


def test_a_schedule_that_changes_twice_at_once_keeps_the_later_change():
    """The first change has read the schedule, and is held up, when the second comes."""
    held, go_on, planned, current = threading.Event(), threading.Event(), [], ["first"]

    class Clock:
        def now(self):
            return datetime(2026, 11, 27, tzinfo=timezone.utc)

        def at(self, due, call):
            planned.append(due)

    class Schedule:
        def __init__(self, name):
            self.name = name

        def times(self, now):
            return self

        def first(self, now):
            return self.name

    def find(arn):
        found = Schedule(current[0])
        if found.name == "first":
            held.set()
            go_on.wait(30)
        return found

    planner = Planner(Clock(), find, lambda item, due: None)
    first = threading.Thread(target=planner.changed, args=("arn",))
    first.start()
    held.wait(30)
    current[0] = "second"
    second = threading.Thread(target=planner.changed, args=("arn",))
    second.start()
    second.join(timeout=0.2)
    go_on.set()
    for each in (first, second):
        each.join(timeout=30)
    assert planned == ["first", "second"]


def test_a_filter_policy_of_sns_ends_whatever_the_body_is(lab):
    sns, sqs = lab.cloud.client("sns"), lab.cloud.client("sqs")
    topic = sns.create_topic(Name="hostile")["TopicArn"]
    url = sqs.create_queue(QueueName="hostile")["QueueUrl"]
    policy = {"a": {"p": {"x": [1]}, "q": {"x": [1]}}}
    sns.subscribe(
        TopicArn=topic,
        Protocol="sqs",
        Endpoint="arn:aws:sqs:us-east-1:123456789012:hostile",
        Attributes={"FilterPolicy": json.dumps(policy), "FilterPolicyScope": "MessageBody"},
    )
    bodies = [
        '{"a":' + "[" * 200 + "1" + "]" * 200 + "}",
        '{"a":' + "[" * 20_000 + "]" * 20_000 + "}",
        '{"a": 1e999}',
        '{"a": [1, {"p": {"x": 1}, "q": {"x": 2}}]}',
        '{"a": [1, {"p": {"x": 1}, "q": [{"x": 0}, {"x": 1}]}]}',
    ]
    for body in bodies:
        assert "MessageId" in in_time(lambda body=body: sns.publish(TopicArn=topic, Message=body))
    received = sqs.receive_message(QueueUrl=url, MaxNumberOfMessages=10).get("Messages", [])
    assert [json.loads(each["Body"])["Message"] for each in received] == bodies[-1:]
