"""EventBridge Scheduler: what its schedules send, and what it refuses.

Follows "Setting up a schedule's target" and "Configuring a schedule's dead-letter queue in
EventBridge Scheduler" (https://docs.aws.amazon.com/scheduler/latest/UserGuide/).
"""

from __future__ import annotations

import uuid
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from ...access import Role
from ...base.clock import Clock, iso
from ...base.model import ApiError
from . import targets
from .deliveries import Deliveries
from .expressions import Times, schedule_times
from .planner import Planner
from .schedule_checks import check_schedule
from .targets import Clients, Failure, TargetArn
from .transform import compact

ACTIONS = {
    "lambda": "lambda:InvokeFunction",
    "sqs": "sqs:SendMessage",
    "sns": "sns:Publish",
    "events": "events:PutEvents",
    "kinesis": "kinesis:PutRecord",
}


@dataclass(frozen=True)
class Schedule:
    """A schedule as it is now."""

    name: str
    group: str
    arn: str
    region: str
    account: str
    expression: str
    time_zone: str
    start: datetime | None
    end: datetime | None
    deletes_itself: bool  # ActionAfterCompletion is DELETE
    target: dict[str, Any]

    def times(self, now: datetime) -> Times:
        """When it runs, made or changed now."""
        return schedule_times(self.expression, self.time_zone, self.start, self.end, now)


class Scheduler:
    """Runs schedules.

    `find(arn)` gives an enabled schedule; `find_role(arn)` a role, None if there is none.
    """

    def __init__(
        self,
        deliveries: Deliveries,
        client: Clients,
        clock: Clock,
        find: Callable[[str], Schedule | None],
        find_role: Callable[[str], Role | None],
    ) -> None:
        self._deliveries, self._client = deliveries, client
        self._clock, self._find_role = clock, find_role
        self._planner: Planner[Schedule] = Planner(clock, find, self._fire, self._finish)

    def check(self, spec: dict[str, Any]) -> None:
        """Checks the parameters of CreateSchedule and UpdateSchedule. Raises ApiError."""
        check_schedule(spec, self._clock.now(), self._find_role)

    def changed(self, schedule_arn: str) -> None:
        """Plans a schedule; tell it of every one that is made, changed or deleted."""
        self._planner.changed(schedule_arn)

    def _fire(self, schedule: Schedule, due: datetime) -> None:
        execution = uuid.uuid4().hex[:16]
        text = _payload(schedule, due, execution)
        try:
            self._check_role(schedule)
            self._send(schedule, text)
        except Exception as error:
            self._failed(schedule, text, due, execution, Failure.of(error))

    def _finish(self, schedule: Schedule) -> None:
        if schedule.deletes_itself:
            client = self._client("scheduler", schedule.region)
            client.delete_schedule(Name=schedule.name, GroupName=schedule.group)

    def _check_role(self, schedule: Schedule) -> None:
        """Raises ApiError if the schedule's role may not call the target."""
        arn = TargetArn.parse(schedule.target["Arn"])
        action = ACTIONS.get(arn.service, "")
        role = self._find_role(schedule.target["RoleArn"])
        if role is None or not role.trusts("scheduler.amazonaws.com"):
            raise ApiError(
                403,
                "AccessDeniedException",
                f"EventBridge Scheduler can't assume the role {schedule.target['RoleArn']}",
            )
        if action and not role.allows(action, arn.text):
            raise ApiError(
                403,
                "AccessDeniedException",
                f"User: arn:aws:sts::{schedule.account}:assumed-role/{role.name}/"
                f"{uuid.uuid4().hex} is not authorized to perform: {action} on resource: "
                f"{arn.text} because no identity-based policy allows the {action} action",
            )

    def _send(self, schedule: Schedule, text: str) -> None:
        arn = TargetArn.parse(schedule.target["Arn"])
        if arn.service == "lambda":
            self._client("lambda", arn.region).invoke(
                FunctionName=arn.text, InvocationType="Event", Payload=text.encode()
            )
        elif arn.service == "sqs":
            settings = schedule.target.get("SqsParameters") or {}
            targets.send_to_queue(self._client, arn, text, settings)
        elif arn.service == "sns":
            targets.send_to_topic(self._client, arn, text)
        elif arn.service == "kinesis":
            key = schedule.target["KinesisParameters"]["PartitionKey"]
            targets.send_to_stream(self._client, arn, text, key)
        elif arn.service == "events":
            self._put_event(schedule, arn, text)
        else:
            raise ApiError(
                400,
                "UnsupportedTarget",
                f"the local cloud sends nothing to targets such as {arn.text}",
            )

    def _put_event(self, schedule: Schedule, arn: TargetArn, text: str) -> None:
        settings = schedule.target["EventBridgeParameters"]
        entry = {
            "Source": settings["Source"],
            "DetailType": settings["DetailType"],
            "Detail": text,
            "Resources": [schedule.arn],
            "EventBusName": arn.text,
        }
        answer = self._client("events", arn.region).put_events(Entries=[entry])
        refused = answer["Entries"][0]
        if "ErrorCode" in refused:
            raise ApiError(400, refused["ErrorCode"], refused["ErrorMessage"])

    def _failed(
        self, schedule: Schedule, text: str, due: datetime, execution: str, failure: Failure
    ) -> None:
        self._deliveries.note(f"{schedule.arn}: {failure.message}")
        queue = (schedule.target.get("DeadLetterConfig") or {}).get("Arn")
        if not queue:
            return
        attributes = {
            "SCHEDULE_ARN": schedule.arn,
            "TARGET_ARN": schedule.target["Arn"],
            "EXECUTION_ID": execution,
            "SCHEDULED_TIME": iso(due),
            "ERROR_CODE": failure.code,
            "ERROR_MESSAGE": failure.message,
            "RETRY_ATTEMPTS": "0",
            "IS_PAYLOAD_TRUNCATED": "false",
        }
        try:
            targets.send_dead_letter(self._client, queue, text, attributes)
        except Exception as error:
            why = Failure.of(error).message
            self._deliveries.note(f"{schedule.arn}: dead-letter queue {queue}: {why}")


def _payload(schedule: Schedule, due: datetime, execution: str) -> str:
    """The schedule's Input with its context attributes, or the notification without Input."""
    text = schedule.target.get("Input")
    if not text:
        return compact(_notification(schedule, due))
    for name, value in (
        ("schedule-arn", schedule.arn),
        ("scheduled-time", iso(due)),
        ("execution-id", execution),
        ("attempt-number", "1"),
    ):
        text = text.replace(f"<aws.scheduler.{name}>", value)
    return text


def _notification(schedule: Schedule, due: datetime) -> dict[str, Any]:
    """What a target gets of a schedule without Input; `detail` is a string, as on AWS."""
    return {
        "version": "0",
        "id": str(uuid.uuid4()),
        "detail-type": "Scheduled Event",
        "source": "aws.scheduler",
        "account": schedule.account,
        "time": iso(due),
        "region": schedule.region,
        "resources": [schedule.arn],
        "detail": "{}",
    }
