"""The contract with moto's EventBridge and its Scheduler: what the seam replaces and reads."""

from __future__ import annotations

import inspect

import moto.events.models as events
import moto.events.notifications as notifications
import moto.scheduler.models as scheduler
import moto.scheduler.responses as responses
import pytest

from workshop.cloud import seam
from workshop.cloud.seam import events as seam_events
from workshop.cloud.seam import scheduler as seam_scheduler

REPLACED = {
    "Rule.send_to_targets": (seam_events._motos_send, ["original_event", "transform_input"]),
    "put_events": (seam_events._motos_put_events, ["events"]),
    "put_targets": (seam_events._motos_put_targets, ["name", "event_bus_arn", "targets"]),
    "enable_rule": (seam_events._motos_enable_rule, ["name", "event_bus_arn"]),
    "disable_rule": (seam_events._motos_disable_rule, ["name", "event_bus_arn"]),
    "put_rule": (
        seam_events._motos_put_rule,
        [
            "name",
            "description",
            "event_bus_arn",
            "event_pattern",
            "role_arn",
            "scheduled_expression",
            "state",
            "managed_by",
            "tags",
        ],
    ),
    "delete_schedule": (seam_scheduler._motos_delete, ["group_name", "name"]),
    "create_schedule_group": (seam_scheduler._motos_create_group, ["name", "tags"]),
    "delete_schedule_group": (seam_scheduler._motos_delete_group, ["name"]),
    "update_schedule of the responses": (seam_scheduler._motos_update_response, []),
}
SPEC = {
    "description",
    "end_date",
    "flexible_time_window",
    "group_name",
    "kms_key_arn",
    "name",
    "schedule_expression",
    "schedule_expression_timezone",
    "start_date",
    "state",
    "target",
}


@pytest.mark.parametrize("name", REPLACED)
def test_what_is_replaced_has_motos_arguments(name):
    method, wanted = REPLACED[name]
    assert method.__module__.startswith("moto."), f"{name} was replaced before it was kept"
    assert list(inspect.signature(method).parameters)[1:] == wanted, f"{name} has other arguments"


def test_schedules_have_the_arguments_that_are_checked():
    create = set(inspect.signature(seam_scheduler._motos_create).parameters)
    update = set(inspect.signature(seam_scheduler._motos_update).parameters)
    assert create == SPEC | {"self", "action_after_completion"}
    assert update == SPEC | {"self"}


def test_rules_are_ours_while_a_cloud_runs(lab):
    assert events.Rule.send_to_targets is seam_events._send_to_targets
    assert scheduler.EventBridgeSchedulerBackend.create_schedule is (
        seam_scheduler._create_schedule
    )
    assert responses.EventBridgeSchedulerResponse.update_schedule is (
        seam_scheduler._update_response
    )


def test_moto_sends_events_of_buckets_by_the_name_that_is_switched_off():
    assert "_send_safe_notification(" in inspect.getsource(notifications.send_notification)


def test_attributes_of_a_rule_that_are_read(lab):
    client = lab.cloud.client("events")
    client.put_rule(Name="read", ScheduleExpression="rate(1 day)", State="DISABLED")
    rule = events.events_backends["123456789012"]["us-east-1"].event_buses["default"].rules["read"]
    assert (rule.name, rule.region_name, rule.account_id) == ("read", "us-east-1", "123456789012")
    assert (rule.scheduled_expression, rule.state) == ("rate(1 day)", "DISABLED")
    assert rule.managed_by is None
    assert rule.targets == []
    assert rule.event_pattern.dump() is None


def test_archives_are_rules_that_name_their_manager(lab):
    client = lab.cloud.client("events")
    bus = "arn:aws:events:us-east-1:123456789012:event-bus/default"
    client.create_archive(ArchiveName="contract", EventSourceArn=bus)
    backend = events.events_backends["123456789012"]["us-east-1"]
    assert backend.archives["contract"].rule.managed_by == seam_events.MANAGED_BY_ARCHIVES
    assert backend.replays == {}
    client.delete_archive(ArchiveName="contract")
    replay = inspect.signature(events.Replay.__init__).parameters
    assert {"destination", "start_time", "end_time"} <= set(replay)


def test_attributes_of_a_schedule_that_are_read():
    names = inspect.getsource(scheduler.Schedule.__init__)
    for name in (
        "schedule_expression",
        "schedule_expression_timezone",
        "start_date",
        "end_date",
        "action_after_completion",
        "target",
        "state",
    ):
        assert f"self.{name} =" in names, f"Schedule has no {name}"
    group = scheduler.ScheduleGroup("us-east-1", "123456789012", "g")
    assert group.schedules == {}


def test_a_role_is_read_with_its_policies(lab):
    iam = lab.cloud.client("iam")
    arn = iam.get_role(RoleName="lambda-role")["Role"]["Arn"]
    iam.attach_role_policy(
        RoleName="lambda-role", PolicyArn="arn:aws:iam::aws:policy/AWSLambda_FullAccess"
    )
    role = seam.find_role(arn)
    assert role.trusts("lambda.amazonaws.com")
    assert not role.trusts("scheduler.amazonaws.com")
    assert role.allows("lambda:InvokeFunction", "arn:aws:lambda:us-east-1:1:function:f")
    assert not role.allows("sqs:SendMessage", "arn:aws:sqs:us-east-1:1:q")
    assert seam.find_role(arn + "-not") is None
