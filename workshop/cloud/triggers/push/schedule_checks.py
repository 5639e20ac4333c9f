"""What EventBridge Scheduler refuses of a schedule, beyond what the model of its API says.

Follows "CreateSchedule" (https://docs.aws.amazon.com/scheduler/latest/APIReference/
API_CreateSchedule.html).
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

from ...access import Role
from ...base.arns import Arn
from ...base.model import ApiError
from ...base.parameters import check_parameters
from .expressions import is_recurring, schedule_times, time_zone

TARGET_ARN = re.compile(
    r"arn:aws[a-z-]*:(lambda:[a-z0-9-]+:\d{12}:function:[\w:$-]+"
    r"|sqs:[a-z0-9-]+:\d{12}:[\w.-]+|sns:[a-z0-9-]+:\d{12}:[\w.-]+"
    r"|events:[a-z0-9-]+:\d{12}:event-bus/[\w./-]+"
    r"|kinesis:[a-z0-9-]+:\d{12}:stream/[\w.-]+|.+:.*:.*:.+)"
)
JSON_SERVICES = ("lambda", "events", "states")
SCHEDULER = "scheduler.amazonaws.com"
EARLIEST_START = timedelta(minutes=5)
FindRole = Callable[[str], Role | None]


def check_schedule(spec: dict[str, Any], now: datetime, find_role: FindRole) -> None:
    """Checks a schedule's parameters, named as in the API, and its group's ARN. Raises ApiError."""
    check_parameters("scheduler", "CreateSchedule", spec)
    _check_window(spec["FlexibleTimeWindow"])
    _check_times(spec, now)
    _check_target(spec["Target"])
    _check_role(spec, find_role)


def _check_window(window: dict[str, Any]) -> None:
    if (window["Mode"] == "FLEXIBLE") != (window.get("MaximumWindowInMinutes") is not None):
        raise _refused(
            "MaximumWindowInMinutes must be set for FlexibleTimeWindow Mode FLEXIBLE, and only "
            "for it."
        )


def _check_times(spec: dict[str, Any], now: datetime) -> None:
    expression, zone = spec["ScheduleExpression"], spec.get("ScheduleExpressionTimezone")
    start, end = spec.get("StartDate"), spec.get("EndDate")
    try:
        time_zone(zone or "UTC")
    except ValueError:
        raise _refused(f"Invalid Schedule Expression Timezone {zone}.") from None
    try:
        schedule_times(expression, zone or "UTC", start, end, now)
    except ValueError:
        raise _refused(f"Invalid Schedule Expression {expression}.") from None
    if not is_recurring(expression):
        return
    if start and start < now - EARLIEST_START:
        raise _refused("The StartDate you specify cannot be earlier than 5 minutes ago.")
    if end and end <= (start or now):
        raise _refused("The EndDate you specify must come after the StartDate, and after now.")


def _check_target(target: dict[str, Any]) -> None:
    if not TARGET_ARN.fullmatch(target["Arn"]):
        raise _refused("Provided Arn is not in correct format.")
    _check_parameters(target, Arn.parse(target["Arn"]))


def _check_role(spec: dict[str, Any], find_role: FindRole) -> None:
    role = find_role(spec["Target"]["RoleArn"])
    if role is None or not role.trusts(SCHEDULER, spec["GroupArn"]):
        raise _refused(
            "The execution role you provide must allow AWS EventBridge Scheduler to assume the "
            "role."
        )


def _check_parameters(target: dict[str, Any], arn: Arn) -> None:
    """Checks what only some kinds of target have or need."""
    needed = {"events": "EventBridgeParameters", "kinesis": "KinesisParameters"}.get(arn.service)
    if needed and not target.get(needed):
        raise _refused(f"{needed} must be specified for a target such as {arn.text}.")
    if arn.text.endswith(".fifo") and not target.get("SqsParameters"):
        raise _refused("SqsParameters must be specified for a FIFO queue.")
    if not target.get("Input") or arn.service not in JSON_SERVICES:
        return
    try:
        json.loads(target["Input"])
    except ValueError as error:
        raise _refused(f"Invalid RequestJson provided. Reason {error}") from None


def _refused(message: str) -> ApiError:
    return ApiError(400, "ValidationException", message)
