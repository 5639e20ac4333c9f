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
from ...access.resource_policy import Source
from ...base.clock import Clock
from ...base.model import ApiError
from ...base.times import in_seconds
from ...functions.sending import Caller, Clients, Extras, Sender, as_api_error
from .deliveries import Deliveries
from .expressions import Times, schedule_times
from .planner import Planner
from .schedule_checks import SCHEDULER, check_schedule
from .transform import compact


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

    @property
    def group_arn(self) -> str:
        """Its group's: as a role's trust policy names it."""
        return self.arn.replace(":schedule/", ":schedule-group/").rpartition("/")[0]

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
        self._deliveries, self._client, self._sender = deliveries, client, Sender(client)
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
            self._send(schedule, text)
        except Exception as error:
            self._failed(schedule, text, due, execution, as_api_error(error))

    def _finish(self, schedule: Schedule) -> None:
        if schedule.deletes_itself:
            client = self._client("scheduler", schedule.region)
            client.delete_schedule(Name=schedule.name, GroupName=schedule.group)

    def _send(self, schedule: Schedule, text: str) -> None:
        """Sends with the schedule's role. Raises ApiError or botocore's errors."""
        target = schedule.target
        role = self._find_role(target["RoleArn"])
        if role is None or not role.trusts(SCHEDULER, schedule.group_arn):
            raise ApiError(
                403,
                "AccessDeniedException",
                f"EventBridge Scheduler can't assume the role {target['RoleArn']}",
            )
        session = uuid.uuid4().hex
        caller = Caller(
            f"arn:aws:sts::{schedule.account}:assumed-role/{role.name}/{session}",
            lambda call: role.allows(call.action, call.resource),
        )
        extras = Extras(
            message=target.get("SqsParameters") or {},
            partition_key=(target.get("KinesisParameters") or {}).get("PartitionKey", ""),
            entry={"Resources": [schedule.arn], **(target.get("EventBridgeParameters") or {})},
        )
        self._sender.send(target["Arn"], text, extras, caller)

    def _failed(
        self, schedule: Schedule, text: str, due: datetime, execution: str, error: ApiError
    ) -> None:
        self._deliveries.note(f"{schedule.arn}: {error.message}")
        queue = (schedule.target.get("DeadLetterConfig") or {}).get("Arn")
        if queue:
            attributes = {
                "SCHEDULE_ARN": schedule.arn,
                "TARGET_ARN": schedule.target["Arn"],
                "EXECUTION_ID": execution,
                "SCHEDULED_TIME": in_seconds(due),
                "ERROR_CODE": error.code,
                "ERROR_MESSAGE": error.message,
                "RETRY_ATTEMPTS": "0",
                "IS_PAYLOAD_TRUNCATED": "false",
            }
            source = Source(SCHEDULER, schedule.arn, schedule.account)
            self._deliveries.try_to_send(queue, text, source, Extras(attributes=attributes))


def _payload(schedule: Schedule, due: datetime, execution: str) -> str:
    """The schedule's Input with its context attributes, or the notification without Input."""
    text = schedule.target.get("Input")
    if not text:
        return compact(_notification(schedule, due))
    for name, value in (
        ("schedule-arn", schedule.arn),
        ("scheduled-time", in_seconds(due)),
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
        "time": in_seconds(due),
        "region": schedule.region,
        "resources": [schedule.arn],
        "detail": "{}",
    }
