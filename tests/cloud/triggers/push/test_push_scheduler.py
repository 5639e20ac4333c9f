"""EventBridge Scheduler: what schedules send and when, their roles, and what is refused."""

from __future__ import annotations

import itertools
import json
import re
from datetime import timedelta

import pytest
from botocore.exceptions import ClientError

ECHO = """
import json

def handler(event, context):
    print("EVENT", json.dumps(event))
"""
OFF = {"Mode": "OFF"}
ACCOUNT = "us-east-1:123456789012"
_numbers = itertools.count(1)


class Schedules:
    """The scheduler API with what the tests do most."""

    def __init__(self, lab):
        self.lab, self.client = lab, lab.cloud.client("scheduler")
        self.iam = lab.cloud.client("iam")
        self.role = self.make_role("scheduler.amazonaws.com", "*")

    def make_role(self, service, action, resource="*"):
        name = f"role-{next(_numbers)}"
        trust = {"Effect": "Allow", "Principal": {"Service": service}, "Action": "sts:AssumeRole"}
        policy = {"Effect": "Allow", "Action": action, "Resource": resource}
        arn = self.iam.create_role(RoleName=name, AssumeRolePolicyDocument=document(trust))
        self.iam.put_role_policy(RoleName=name, PolicyName="p", PolicyDocument=document(policy))
        return arn["Role"]["Arn"]

    def create(self, expression, target_arn, role=None, **spec):
        """A schedule's name; `target` holds more of its Target."""
        name = spec.pop("Name", f"schedule-{next(_numbers)}")
        target = {"Arn": target_arn, "RoleArn": role or self.role, **spec.pop("target", {})}
        spec.setdefault("FlexibleTimeWindow", OFF)
        self.client.create_schedule(Name=name, ScheduleExpression=expression, Target=target, **spec)
        return name

    def in_minutes(self, minutes):
        """An `at` expression for so many minutes from now on."""
        due = self.lab.cloud.now() + timedelta(minutes=minutes)
        return f"at({due:%Y-%m-%dT%H:%M:%S})"

    def function(self):
        """A function without any policy: its name and its ARN."""
        name = self.lab.create(ECHO)
        return name, f"arn:aws:lambda:{ACCOUNT}:function:{name}"

    def received(self, function):
        self.lab.cloud.idle()
        if not self.lab.cloud.invocations(function):
            return []
        lines = self.lab.log_events(f"/aws/lambda/{function}")
        return [json.loads(line[6:]) for line in lines if line.startswith("EVENT ")]

    def queue(self):
        name = f"queue-{next(_numbers)}"
        url = self.lab.cloud.client("sqs").create_queue(QueueName=name)["QueueUrl"]
        return url, f"arn:aws:sqs:{ACCOUNT}:{name}"

    def messages(self, url):
        return (
            self.lab.cloud.client("sqs")
            .receive_message(QueueUrl=url, MaxNumberOfMessages=10, MessageAttributeNames=["All"])
            .get("Messages", [])
        )


def document(statement):
    return json.dumps({"Version": "2012-10-17", "Statement": [statement]})


@pytest.fixture(scope="module")
def schedules(lab):
    return Schedules(lab)


@pytest.fixture(autouse=True)
def no_schedule_left(schedules):
    yield
    for each in schedules.client.list_schedules()["Schedules"]:
        schedules.client.delete_schedule(Name=each["Name"], GroupName=each["GroupName"])


def test_the_function_gets_the_input_as_it_is(schedules):
    function, arn = schedules.function()
    job = {"job": "nightly", "stations": [1, 2]}
    schedules.create("cron(0 3 * * ? *)", arn, target={"Input": json.dumps(job)})
    schedules.lab.cloud.advance(days=2)
    assert schedules.received(function) == [job, job]


def test_context_attributes_in_the_input(schedules):
    function, arn = schedules.function()
    names = ("schedule-arn", "scheduled-time", "execution-id", "attempt-number")
    text = json.dumps({name: f"<aws.scheduler.{name}>" for name in names})
    expression = schedules.in_minutes(5)
    name = schedules.create(expression, arn, target={"Input": text})
    schedules.lab.cloud.advance(minutes=5)
    (event,) = schedules.received(function)
    assert re.fullmatch(r"[0-9a-f]{16}", event.pop("execution-id"))
    assert event == {
        "schedule-arn": f"arn:aws:scheduler:{ACCOUNT}:schedule/default/{name}",
        "scheduled-time": expression[3:-1] + "Z",
        "attempt-number": "1",
    }


def test_without_input_the_notification_comes(schedules):
    function, arn = schedules.function()
    expression = schedules.in_minutes(5)
    name = schedules.create(expression, arn)
    schedules.lab.cloud.advance(minutes=5)
    (event,) = schedules.received(function)
    assert len(event.pop("id")) == 36
    assert event == {
        "version": "0",
        "detail-type": "Scheduled Event",
        "source": "aws.scheduler",
        "account": "123456789012",
        "time": expression[3:-1] + "Z",
        "region": "us-east-1",
        "resources": [f"arn:aws:scheduler:{ACCOUNT}:schedule/default/{name}"],
        "detail": "{}",  # a string, as on AWS
    }


def test_a_rate_begins_at_once_and_goes_on(schedules):
    function, arn = schedules.function()
    schedules.create("rate(1 hour)", arn, target={"Input": '"tick"'})
    assert schedules.received(function) == ["tick"]  # idle() waits for the first
    schedules.lab.cloud.advance(hours=3)
    assert schedules.received(function) == ["tick"] * 4


def test_a_start_and_an_end(schedules):
    function, arn = schedules.function()
    now = schedules.lab.cloud.now()
    schedules.create(
        "rate(1 hour)",
        arn,
        StartDate=now + timedelta(hours=2),
        EndDate=now + timedelta(hours=4, minutes=30),
    )
    schedules.lab.cloud.advance(hours=1)
    assert schedules.received(function) == []
    schedules.lab.cloud.advance(days=1)
    assert len(schedules.received(function)) == 3


def test_one_time_schedules_run_once_and_stay_unless_they_delete_themselves(schedules):
    function, arn = schedules.function()
    stays = schedules.create(schedules.in_minutes(5), arn)
    goes = schedules.create(schedules.in_minutes(5), arn, ActionAfterCompletion="DELETE")
    schedules.lab.cloud.advance(minutes=4)
    assert schedules.client.get_schedule(Name=goes)["ActionAfterCompletion"] == "DELETE"
    schedules.lab.cloud.advance(days=1)
    assert len(schedules.received(function)) == 2
    assert [s["Name"] for s in schedules.client.list_schedules()["Schedules"]] == [stays]


def test_a_recurring_schedule_deletes_itself_after_its_end(schedules):
    function, arn = schedules.function()
    end = schedules.lab.cloud.now() + timedelta(hours=1, minutes=30)
    schedules.create("rate(1 hour)", arn, EndDate=end, ActionAfterCompletion="DELETE")
    schedules.lab.cloud.advance(hours=2)
    assert len(schedules.received(function)) == 2
    assert schedules.client.list_schedules()["Schedules"] == []


def test_time_zones(schedules):
    url, arn = schedules.queue()
    for zone in ("Asia/Kolkata", "America/Los_Angeles"):
        schedules.create(
            "cron(0 12 * * ? *)",
            arn,
            ScheduleExpressionTimezone=zone,
            target={"Input": f"{zone} <aws.scheduler.scheduled-time>"},
        )
    schedules.lab.cloud.advance(days=1)
    found = dict(message["Body"].split() for message in schedules.messages(url))
    assert found["Asia/Kolkata"].endswith("T06:30:00Z")
    assert found["America/Los_Angeles"][11:] in ("20:00:00Z", "19:00:00Z")


def test_a_flexible_window_fires_at_its_start(schedules):
    function, arn = schedules.function()
    window = {"Mode": "FLEXIBLE", "MaximumWindowInMinutes": 30}
    schedules.create(schedules.in_minutes(5), arn, FlexibleTimeWindow=window)
    schedules.lab.cloud.advance(minutes=5)
    assert len(schedules.received(function)) == 1


def test_changes_take_effect_at_once(schedules):
    function, arn = schedules.function()
    target = {"Arn": arn, "RoleArn": schedules.role}
    name = schedules.create(schedules.in_minutes(5), arn, State="DISABLED")
    schedules.lab.cloud.advance(minutes=10)
    assert schedules.received(function) == []
    same = {"Name": name, "FlexibleTimeWindow": OFF, "Target": target}
    schedules.client.update_schedule(**same, ScheduleExpression=schedules.in_minutes(5))
    assert schedules.client.get_schedule(Name=name)["State"] == "ENABLED"
    schedules.lab.cloud.advance(minutes=10)
    assert len(schedules.received(function)) == 1
    schedules.client.update_schedule(**same, ScheduleExpression="rate(1 hour)", State="DISABLED")
    schedules.lab.cloud.advance(hours=2)
    assert len(schedules.received(function)) == 1
    schedules.client.update_schedule(
        **same, ScheduleExpression=schedules.in_minutes(5), ActionAfterCompletion="DELETE"
    )
    schedules.lab.cloud.advance(minutes=10)
    assert len(schedules.received(function)) == 2
    assert schedules.client.list_schedules()["Schedules"] == []


def test_a_deleted_schedule_runs_no_more(schedules):
    function, arn = schedules.function()
    name = schedules.create(schedules.in_minutes(5), arn)
    schedules.client.delete_schedule(Name=name)
    schedules.lab.cloud.advance(minutes=10)
    assert schedules.received(function) == []


def test_groups(schedules):
    function, arn = schedules.function()
    schedules.client.create_schedule_group(Name="reports")
    text = '"<aws.scheduler.schedule-arn>"'
    expression = schedules.in_minutes(5)
    schedules.create(expression, arn, Name="same", GroupName="reports", target={"Input": text})
    schedules.create(expression, arn, Name="same", target={"Input": text})
    schedules.lab.cloud.advance(minutes=5)
    arns = [f"arn:aws:scheduler:{ACCOUNT}:schedule/{g}/same" for g in ("default", "reports")]
    assert sorted(schedules.received(function)) == arns
    with pytest.raises(ClientError, match="already exists"):
        schedules.client.create_schedule_group(Name="reports")
    schedules.create(schedules.in_minutes(5), arn, GroupName="reports")
    schedules.client.delete_schedule_group(Name="reports")
    schedules.lab.cloud.advance(minutes=5)
    assert len(schedules.received(function)) == 2


def test_groups_that_do_not_exist(schedules):
    with pytest.raises(ClientError) as caught:
        schedules.create("rate(1 hour)", f"arn:aws:lambda:{ACCOUNT}:function:f", GroupName="no")
    assert caught.value.response["Error"] == {
        "Code": "ResourceNotFoundException",
        "Message": "Schedule group no does not exist.",
    }
    with pytest.raises(ClientError, match="Schedule group no does not exist"):
        schedules.client.delete_schedule_group(Name="no")
    with pytest.raises(ClientError, match="default"):
        schedules.client.delete_schedule_group(Name="default")


def test_queues_topics_streams_and_buses(schedules):
    cloud = schedules.lab.cloud
    url, queue_arn = schedules.queue()
    sns, kinesis, events = (cloud.client(name) for name in ("sns", "kinesis", "events"))
    topic = sns.create_topic(Name="alerts")["TopicArn"]
    raw = {"RawMessageDelivery": "true"}
    sns.subscribe(TopicArn=topic, Protocol="sqs", Endpoint=queue_arn, Attributes=raw)
    kinesis.create_stream(StreamName="ticks", ShardCount=1)
    events.put_rule(Name="ticks", EventPattern='{"source": ["clock"]}')
    events.put_targets(
        Rule="ticks", Targets=[{"Id": "1", "Arn": queue_arn, "InputPath": "$.detail"}]
    )
    due = schedules.in_minutes(5)
    bus_arn = f"arn:aws:events:{ACCOUNT}:event-bus/default"
    event = {"EventBridgeParameters": {"Source": "clock", "DetailType": "tick"}}
    stream = {"KinesisParameters": {"PartitionKey": "all"}}
    schedules.create(due, queue_arn, target={"Input": "no json"})
    schedules.create(due, topic, target={"Input": "an alert"})
    schedules.create(due, bus_arn, target={"Input": '{"n":1}', **event})
    stream_arn = f"arn:aws:kinesis:{ACCOUNT}:stream/ticks"
    schedules.create(due, stream_arn, target={"Input": "tick", **stream})
    cloud.advance(minutes=5)
    bodies = [message["Body"] for message in schedules.messages(url)]
    assert sorted(bodies) == ["an alert", "no json", '{"n":1}']
    shard = kinesis.get_shard_iterator(
        StreamName="ticks", ShardId="shardId-000000000000", ShardIteratorType="TRIM_HORIZON"
    )["ShardIterator"]
    (record,) = kinesis.get_records(ShardIterator=shard)["Records"]
    assert (record["Data"], record["PartitionKey"]) == (b"tick", "all")


def test_a_role_that_scheduler_may_not_assume(schedules):
    _, arn = schedules.function()
    for role in (
        "arn:aws:iam::123456789012:role/lambda-role",  # trusts lambda.amazonaws.com
        "arn:aws:iam::123456789012:role/missing",
        schedules.make_role("events.amazonaws.com", "*"),
    ):
        with pytest.raises(ClientError) as caught:
            schedules.create("rate(1 hour)", arn, role)
        assert caught.value.response["Error"] == {
            "Code": "ValidationException",
            "Message": "The execution role you provide must allow AWS EventBridge Scheduler to "
            "assume the role.",
        }
    assert schedules.client.list_schedules()["Schedules"] == []


def test_conditions_of_a_roles_trust_policy_count(schedules):
    url, arn = schedules.queue()
    client = schedules.client
    group = client.create_schedule_group(Name=f"group-{next(_numbers)}")["ScheduleGroupArn"]
    role = schedules.make_role("scheduler.amazonaws.com", "*")
    trust = {
        "Effect": "Allow",
        "Principal": {"Service": "scheduler.amazonaws.com"},
        "Action": "sts:AssumeRole",
        "Condition": {
            "StringEquals": {"aws:SourceAccount": "123456789012"},
            "ArnEquals": {"aws:SourceArn": group},
        },
    }
    schedules.iam.update_assume_role_policy(
        RoleName=role.rpartition("/")[2], PolicyDocument=document(trust)
    )
    schedules.create(schedules.in_minutes(1), arn, role, GroupName=group.rpartition("/")[2])
    schedules.lab.cloud.advance(minutes=2)
    schedules.lab.cloud.idle()
    assert len(schedules.messages(url)) == 1
    with pytest.raises(ClientError, match="must allow AWS EventBridge Scheduler to assume"):
        schedules.create("rate(1 hour)", arn, role)  # of the default group


def test_a_role_that_may_not_invoke(schedules):
    function, arn = schedules.function()
    role = schedules.make_role("scheduler.amazonaws.com", "lambda:GetFunction")
    url, queue_arn = schedules.queue()
    expression = schedules.in_minutes(5)
    target = {"Input": '{"n": 1}', "DeadLetterConfig": {"Arn": queue_arn}}
    name = schedules.create(expression, arn, role, target=target)
    schedules.lab.cloud.advance(minutes=5)
    assert schedules.received(function) == []
    assert (
        "is not authorized to perform: lambda:InvokeFunction" in schedules.lab.cloud.problems()[-1]
    )
    (message,) = schedules.messages(url)
    assert message["Body"] == '{"n": 1}'
    found = {k: v["StringValue"] for k, v in message["MessageAttributes"].items()}
    assert re.fullmatch(r"[0-9a-f]{16}", found.pop("EXECUTION_ID"))
    assert "no identity-based policy allows" in found.pop("ERROR_MESSAGE")
    assert found == {
        "SCHEDULE_ARN": f"arn:aws:scheduler:{ACCOUNT}:schedule/default/{name}",
        "TARGET_ARN": arn,
        "SCHEDULED_TIME": expression[3:-1] + "Z",
        "ERROR_CODE": "AccessDeniedException",
        "RETRY_ATTEMPTS": "0",
        "IS_PAYLOAD_TRUNCATED": "false",
    }


def test_a_role_for_this_function_only_and_one_with_a_denial(schedules):
    function, arn = schedules.function()
    only = schedules.make_role("scheduler.amazonaws.com", ["lambda:Invoke*"], [f"{arn}*"])
    schedules.create(schedules.in_minutes(5), arn, only)
    schedules.lab.cloud.advance(minutes=5)
    assert len(schedules.received(function)) == 1
    denial = {"Effect": "Deny", "Action": "lambda:InvokeFunction", "Resource": arn}
    schedules.iam.put_role_policy(
        RoleName=only.split("/")[1], PolicyName="deny", PolicyDocument=document(denial)
    )
    schedules.create(schedules.in_minutes(5), arn, only)
    schedules.lab.cloud.advance(minutes=5)
    assert len(schedules.received(function)) == 1


def test_a_managed_policy_lets_it_invoke(schedules):
    function, arn = schedules.function()
    role = schedules.make_role("scheduler.amazonaws.com", "logs:*")
    schedules.iam.attach_role_policy(
        RoleName=role.split("/")[1],
        PolicyArn="arn:aws:iam::aws:policy/service-role/AWSLambdaRole",
    )
    schedules.create(schedules.in_minutes(5), arn, role)
    schedules.lab.cloud.advance(minutes=5)
    assert len(schedules.received(function)) == 1


def test_a_function_that_is_gone(schedules):
    url, queue_arn = schedules.queue()
    function, arn = schedules.function()
    target = {"DeadLetterConfig": {"Arn": queue_arn}}
    schedules.create(schedules.in_minutes(5), arn, target=target)
    schedules.lab.client.delete_function(FunctionName=function)
    schedules.lab.cloud.advance(minutes=5)
    assert "Function not found" in schedules.lab.cloud.problems()[-1]
    (message,) = schedules.messages(url)
    code = message["MessageAttributes"]["ERROR_CODE"]["StringValue"]
    assert code == "ResourceNotFoundException"


def test_the_retry_policy_is_kept(schedules):
    _, arn = schedules.function()
    policy = {"MaximumRetryAttempts": 3, "MaximumEventAgeInSeconds": 600}
    name = schedules.create("rate(1 day)", arn, target={"RetryPolicy": policy})
    assert schedules.client.get_schedule(Name=name)["Target"]["RetryPolicy"] == policy


REFUSED = {
    "seconds": ({"ScheduleExpression": "rate(10 seconds)"}, "Invalid Schedule Expression rate(10"),
    "five fields": (
        {"ScheduleExpression": "cron(0 3 * * *)"},
        "Invalid Schedule Expression cron(0 3 * * *).",
    ),
    "an at with a Z": (
        {"ScheduleExpression": "at(2021-12-31T23:59:59Z)"},
        "Invalid Schedule Expression at(2021-12-31T23:59:59Z).",
    ),
    "no zone": ({"ScheduleExpressionTimezone": "Mars/Base"}, "Timezone Mars/Base"),
    "name": ({"Name": "two words"}, "at 'name' failed to satisfy constraint"),
    "long name": ({"Name": "n" * 65}, "length less than or equal to 64"),
    "state": ({"State": "ON"}, "Member must satisfy enum value set: [ENABLED, DISABLED]"),
    "action": ({"ActionAfterCompletion": "STOP"}, "enum value set: [NONE, DELETE]"),
    "mode": ({"FlexibleTimeWindow": {"Mode": "ON"}}, "enum value set: [OFF, FLEXIBLE]"),
    "no minutes": ({"FlexibleTimeWindow": {"Mode": "FLEXIBLE"}}, "MaximumWindowInMinutes"),
    "arn": ({"Target": {"Arn": "my-function"}}, "Provided Arn is not in correct format."),
    "role": ({"Target": {"RoleArn": "my-role"}}, "at 'target.roleArn' failed"),
    "input": ({"Target": {"Input": "{'job': 1}"}}, "Invalid RequestJson provided."),
    "retries": (
        {"Target": {"RetryPolicy": {"MaximumRetryAttempts": 186}}},
        "Member must have value less than or equal to 185",
    ),
    "bus": (
        {"Target": {"Arn": f"arn:aws:events:{ACCOUNT}:event-bus/default"}},
        "EventBridgeParameters",
    ),
}


@pytest.mark.parametrize("case", REFUSED)
def test_schedules_that_are_refused(schedules, case):
    change, message = REFUSED[case]
    spec = {
        "Name": "refused",
        "ScheduleExpression": "rate(1 hour)",
        "FlexibleTimeWindow": OFF,
        **change,
    }
    target = {"Arn": f"arn:aws:lambda:{ACCOUNT}:function:f", "RoleArn": schedules.role}
    spec["Target"] = {**target, **change.get("Target", {})}
    with pytest.raises(ClientError) as caught:
        schedules.client.create_schedule(**spec)
    error = caught.value.response["Error"]
    assert error["Code"] == "ValidationException"
    assert message in error["Message"]
    assert schedules.client.list_schedules()["Schedules"] == []


def test_dates_that_are_refused(schedules):
    _, arn = schedules.function()
    now = schedules.lab.cloud.now()
    for dates, message in (
        ({"StartDate": now - timedelta(hours=1)}, "cannot be earlier than 5 minutes ago"),
        ({"EndDate": now - timedelta(hours=1)}, "EndDate"),
        ({"StartDate": now + timedelta(days=2), "EndDate": now + timedelta(days=1)}, "EndDate"),
    ):
        with pytest.raises(ClientError, match=message):
            schedules.create("rate(1 hour)", arn, **dates)


def test_a_name_that_is_taken_and_one_that_is_not(schedules):
    _, arn = schedules.function()
    schedules.create("rate(1 day)", arn, Name="taken")
    with pytest.raises(ClientError) as caught:
        schedules.create("rate(1 day)", arn, Name="taken")
    assert caught.value.response["Error"]["Code"] == "ConflictException"
    with pytest.raises(ClientError, match="Schedule free does not exist"):
        schedules.client.update_schedule(
            Name="free",
            ScheduleExpression="rate(1 day)",
            FlexibleTimeWindow=OFF,
            Target={"Arn": arn, "RoleArn": schedules.role},
        )


def test_an_update_that_is_refused_changes_nothing(schedules):
    function, arn = schedules.function()
    expression = schedules.in_minutes(5)
    name = schedules.create(expression, arn)
    with pytest.raises(ClientError, match="Invalid Schedule Expression"):
        schedules.client.update_schedule(
            Name=name,
            ScheduleExpression="often",
            FlexibleTimeWindow=OFF,
            Target={"Arn": arn, "RoleArn": schedules.role},
        )
    assert schedules.client.get_schedule(Name=name)["ScheduleExpression"] == expression
    schedules.lab.cloud.advance(minutes=5)
    assert len(schedules.received(function)) == 1
