"""Rules with a schedule, and the clock that moves forward."""

from __future__ import annotations

import itertools
import json
import threading
from datetime import datetime, timedelta, timezone

import pytest
from aws_lambda_powertools.utilities.parser.models import EventBridgeModel
from botocore.credentials import Credentials
from botocore.exceptions import ClientError
from signed import ask

from workshop.cloud.base.activity import Activity
from workshop.cloud.base.clock import Clock
from workshop.cloud.base.problems import Problems

ECHO = """
import json

def handler(event, context):
    print("EVENT", json.dumps(event))
"""
_numbers = itertools.count(1)


@pytest.fixture
def scheduled(lab):
    """Makes rules with a schedule and a function; at the end none is left to fire."""
    events, made = lab.cloud.client("events"), []

    def make(expression, source=ECHO, **spec):
        name = f"schedule-{next(_numbers)}"
        arn = events.put_rule(Name=name, ScheduleExpression=expression, **spec)["RuleArn"]
        function = lab.create(source)
        lab.client.add_permission(
            FunctionName=function,
            StatementId="events",
            Action="lambda:InvokeFunction",
            Principal="events.amazonaws.com",
            SourceArn=arn,
        )
        function_arn = f"arn:aws:lambda:us-east-1:123456789012:function:{function}"
        events.put_targets(Rule=name, Targets=[{"Id": "function", "Arn": function_arn}])
        made.append(name)
        return name, arn, function

    yield make
    left = [rule["Name"] for rule in events.list_rules()["Rules"]]
    for name in set(made) & set(left):
        events.remove_targets(Rule=name, Ids=["function"])
        events.delete_rule(Name=name)


def received(lab, function):
    lab.cloud.idle()
    if not lab.cloud.invocations(function):
        return []
    lines = lab.log_events(f"/aws/lambda/{function}")
    return [json.loads(line[6:]) for line in lines if line.startswith("EVENT ")]


def when(event):
    return datetime.fromisoformat(event["time"].replace("Z", "+00:00"))


def test_a_scheduled_event_as_aws_sends_it(lab, scheduled):
    _, arn, function = scheduled("rate(5 minutes)")
    before = lab.cloud.now()
    lab.cloud.advance(minutes=5)
    (event,) = received(lab, function)
    EventBridgeModel.model_validate(event)
    due = when(event)
    assert before - timedelta(seconds=2) <= due - timedelta(minutes=5) <= before
    assert len(event.pop("id")) == 36
    del event["time"]
    assert event == {
        "version": "0",
        "detail-type": "Scheduled Event",
        "source": "aws.events",
        "account": "123456789012",
        "region": "us-east-1",
        "resources": [arn],
        "detail": {},
    }


def test_every_time_on_the_way_fires_once_with_its_own_time(lab, scheduled):
    _, _, function = scheduled("rate(10 minutes)")
    lab.cloud.advance(hours=1, seconds=1)
    times = sorted(map(when, received(lab, function)))
    assert len(times) == 6
    assert {b - a for a, b in itertools.pairwise(times)} == {timedelta(minutes=10)}


def test_nothing_fires_before_its_time(lab, scheduled):
    _, _, function = scheduled("rate(2 hours)")
    lab.cloud.advance(minutes=119)
    assert received(lab, function) == []
    lab.cloud.advance(minutes=1)
    assert len(received(lab, function)) == 1


def test_cron_fires_on_its_days_in_utc(lab, scheduled):
    _, _, function = scheduled("cron(30 6 ? * MON-FRI *)")
    lab.cloud.advance(days=7)
    times = [when(event) for event in received(lab, function)]
    assert len(times) == 5
    assert {(t.hour, t.minute, t.second) for t in times} == {(6, 30, 0)}
    assert sorted(t.weekday() for t in times) == [0, 1, 2, 3, 4]


def test_several_schedules_fire_in_the_order_of_their_times(lab, scheduled):
    queue = lab.cloud.client("sqs").create_queue(QueueName="order")["QueueUrl"]
    events = lab.cloud.client("events")
    names = []
    for expression in ("rate(3 minutes)", "rate(2 minutes)"):
        name, _, _ = scheduled(expression)
        target = {"Id": "function", "Arn": "arn:aws:sqs:us-east-1:123456789012:order"}
        events.put_targets(Rule=name, Targets=[{**target, "Input": json.dumps(name)}])
        names.append(name)
    lab.cloud.advance(minutes=5)
    slow, quick = names
    sqs = lab.cloud.client("sqs")
    messages = sqs.receive_message(QueueUrl=queue, MaxNumberOfMessages=10)["Messages"]
    assert [json.loads(message["Body"]) for message in messages] == [quick, slow, quick]


def test_constant_input_goes_to_the_function(lab, scheduled):
    name, _, function = scheduled("rate(1 minute)")
    arn = f"arn:aws:lambda:us-east-1:123456789012:function:{function}"
    target = {"Id": "function", "Arn": arn, "Input": '{"job": "nightly"}'}
    lab.cloud.client("events").put_targets(Rule=name, Targets=[target])
    lab.cloud.advance(minutes=1)
    assert received(lab, function) == [{"job": "nightly"}]


def test_changes_take_effect_at_once(lab, scheduled):
    events = lab.cloud.client("events")
    name, _, function = scheduled("rate(1 minute)", State="DISABLED")
    lab.cloud.advance(minutes=3)
    assert received(lab, function) == []
    events.enable_rule(Name=name)
    lab.cloud.advance(minutes=3)
    assert len(received(lab, function)) == 3
    events.put_rule(Name=name, ScheduleExpression="rate(1 hour)")
    lab.cloud.advance(minutes=59)
    assert len(received(lab, function)) == 3
    lab.cloud.advance(minutes=1)
    assert len(received(lab, function)) == 4
    events.disable_rule(Name=name)
    lab.cloud.advance(days=1)
    assert len(received(lab, function)) == 4


def test_a_deleted_rule_fires_no_more(lab, scheduled):
    name, _, function = scheduled("rate(1 minute)")
    events = lab.cloud.client("events")
    events.remove_targets(Rule=name, Ids=["function"])
    events.delete_rule(Name=name)
    lab.cloud.advance(minutes=2)
    assert received(lab, function) == []


def test_a_schedule_gets_no_other_events(lab, scheduled):
    _, _, function = scheduled("rate(1 day)")
    entry = {"Source": "rides", "DetailType": "ride", "Detail": "{}"}
    lab.cloud.client("events").put_events(Entries=[entry])
    assert received(lab, function) == []


def test_a_schedule_without_permission_is_noted(lab, scheduled):
    name, arn, function = scheduled("rate(1 minute)")
    lab.client.remove_permission(FunctionName=function, StatementId="events")
    lab.cloud.advance(minutes=1)
    assert received(lab, function) == []
    assert lab.cloud.problems()[-1].startswith(f"{arn}: User: events.amazonaws.com is not")


@pytest.mark.parametrize(
    "expression", ["rate(1 minutes)", "rate(5 minute)", "cron(0 3 * * *)", "rate(5 minutes) "]
)
def test_expressions_that_are_refused(lab, expression):
    events = lab.cloud.client("events")
    with pytest.raises(ClientError) as caught:
        events.put_rule(Name="refused", ScheduleExpression=expression)
    assert caught.value.response["Error"] == {
        "Code": "ValidationException",
        "Message": "Parameter ScheduleExpression is not valid.",
    }
    assert events.list_rules(NamePrefix="refused")["Rules"] == []


def test_schedules_stand_on_the_default_bus_only(lab):
    events = lab.cloud.client("events")
    events.create_event_bus(Name="own")
    with pytest.raises(ClientError, match="supported only on the default event bus"):
        events.put_rule(Name="refused", EventBusName="own", ScheduleExpression="rate(1 minute)")


def call(lab, method, path, body=b"", keys=None):
    """A request to the cloud itself, signed."""
    answer = ask(lab, method, path, "local-cloud", body, keys=keys)
    return answer.status, answer.value


def test_the_clock_over_http(lab, scheduled):
    _, _, function = scheduled("rate(1 minute)")
    status, answer = call(lab, "GET", "/_aws/clock")
    assert status == 200
    before = datetime.strptime(answer["now"], "%Y-%m-%dT%H:%M:%SZ")
    status, answer = call(lab, "POST", "/_aws/clock/advance", b'{"seconds": 120}')
    assert status == 200
    after = datetime.strptime(answer["now"], "%Y-%m-%dT%H:%M:%SZ")
    assert timedelta(seconds=120) <= after - before < timedelta(seconds=180)
    assert len(received(lab, function)) == 2


@pytest.mark.parametrize(
    "body",
    [
        b"soon",
        b"[60]",
        b'{"seconds": "60"}',
        b'{"seconds": -60}',
        b'{"weeks": 1}',
        b'{"seconds": NaN}',
        b'{"seconds": Infinity}',
        b'{"days": 367}',
        b'{"seconds": 1e300}',
    ],
)
def test_steps_that_the_clock_does_not_take(lab, body):
    before = lab.cloud.now()
    status, answer = call(lab, "POST", "/_aws/clock/advance", body)
    assert status == 400
    assert answer["message"]
    assert lab.cloud.now() - before < timedelta(minutes=1)


def test_the_clock_is_its_owners(lab):
    assert (
        call(lab, "POST", "/_aws/clock/advance", b"{}", keys=Credentials("AKIAOTHER", "x"))[0]
        == 403
    )
    assert call(lab, "DELETE", "/_aws/clock")[0] == 404


def test_the_clock_goes_forward_only(lab):
    with pytest.raises(ValueError, match="forward"):
        lab.cloud.advance(seconds=-1)
    with pytest.raises(ValueError, match="366 days"):
        lab.cloud.advance(days=400)


def test_what_waits_for_real_time_fires_too_and_is_no_activity():
    activity, fired = Activity(), threading.Event()
    clock, due_times = Clock(activity, Problems()), []

    def call_back(due):
        due_times.append(due)
        fired.set()

    due = clock.now() + timedelta(seconds=0.05)
    clock.at(clock.now() + timedelta(days=1), call_back)
    clock.at(due, call_back)
    activity.idle(0)
    assert fired.wait(10)
    activity.idle(30)
    assert due_times == [due]
    clock.close()


def test_what_is_due_already_is_activity():
    activity, go_on = Activity(), threading.Event()
    clock = Clock(activity, Problems())
    clock.at(clock.now(), lambda due: go_on.wait(10))
    with pytest.raises(TimeoutError):
        activity.idle(0)
    go_on.set()
    activity.idle(30)
    clock.close()


def test_a_call_that_fails_stops_neither_the_clock_nor_the_next():
    clock, seen = Clock(Activity(), Problems()), []

    def fail(due):
        raise RuntimeError("no")

    clock.at(clock.now() + timedelta(hours=1), fail)
    clock.at(clock.now() + timedelta(hours=2), seen.append)
    now = clock.advance(timedelta(hours=3))
    assert len(seen) == 1
    assert now >= datetime.now(timezone.utc) + timedelta(hours=2, minutes=59)
    clock.close()


def test_what_fires_sees_the_clock_at_its_own_time():
    clock, seen = Clock(Activity(), Problems()), []
    due = clock.now() + timedelta(hours=1)
    clock.at(due, lambda _: seen.append(clock.now()))
    clock.advance(timedelta(hours=9))
    assert due <= seen[0] < due + timedelta(hours=1)
    clock.close()
