"""What EventBridge Scheduler refuses when a schedule is made or changed.

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
from ...base.parameters import check_range, constraint
from .expressions import is_recurring, schedule_times, time_zone

NAME = r"[0-9a-zA-Z-_.]+"
ROLE_ARN = r"arn:aws(-[a-z]+)?:iam::\d{12}:role\/[\w+=,.@\/-]+"
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
    check_name(spec.get("Name") or "", "name")
    _check_enum(spec.get("State"), "state", ("ENABLED", "DISABLED"))
    _check_enum(spec.get("ActionAfterCompletion"), "actionAfterCompletion", ("NONE", "DELETE"))
    _check_window(spec.get("FlexibleTimeWindow") or {})
    _check_times(spec, now)
    _check_target(spec.get("Target") or {})
    _check_role(spec, find_role)


def check_name(name: str, field: str) -> None:
    """Checks the name of a schedule or of a group. Raises ApiError."""
    if not re.fullmatch(NAME, name):
        raise constraint(name, field, f"Member must satisfy regular expression pattern: {NAME}")
    if len(name) > 64:
        raise constraint(name, field, "Member must have length less than or equal to 64")


def _check_enum(value: str | None, field: str, values: tuple[str, ...]) -> None:
    if value is not None and value not in values:
        listed = ", ".join(values)
        raise constraint(value, field, f"Member must satisfy enum value set: [{listed}]")


def _check_window(window: dict[str, Any]) -> None:
    mode = window.get("Mode")
    if mode is None:
        raise _null("flexibleTimeWindow.mode" if window else "flexibleTimeWindow")
    _check_enum(mode, "flexibleTimeWindow.mode", ("OFF", "FLEXIBLE"))
    minutes = window.get("MaximumWindowInMinutes")
    check_range(minutes, "flexibleTimeWindow.maximumWindowInMinutes", 1, 1440)
    if (mode == "FLEXIBLE") != (minutes is not None):
        raise _refused(
            "MaximumWindowInMinutes must be set for FlexibleTimeWindow Mode FLEXIBLE, and only "
            "for it."
        )


def _check_times(spec: dict[str, Any], now: datetime) -> None:
    expression, zone = spec.get("ScheduleExpression"), spec.get("ScheduleExpressionTimezone")
    start, end = spec.get("StartDate"), spec.get("EndDate")
    if not expression:
        raise _null("scheduleExpression")
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
    text, role_arn = target.get("Arn"), target.get("RoleArn")
    if not text:
        raise _null("target.arn" if target else "target")
    if not role_arn:
        raise _null("target.roleArn")
    if not re.fullmatch(ROLE_ARN, role_arn):
        rule = f"Member must satisfy regular expression pattern: {ROLE_ARN}"
        raise constraint(role_arn, "target.roleArn", rule)
    if not TARGET_ARN.fullmatch(text):
        raise _refused("Provided Arn is not in correct format.")
    _check_parameters(target, Arn.parse(text))
    retries = target.get("RetryPolicy") or {}
    check_range(
        retries.get("MaximumRetryAttempts"), "target.retryPolicy.maximumRetryAttempts", 0, 185
    )
    check_range(
        retries.get("MaximumEventAgeInSeconds"),
        "target.retryPolicy.maximumEventAgeInSeconds",
        60,
        86_400,
    )


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


def _null(field: str) -> ApiError:
    return ApiError(
        400,
        "ValidationException",
        f"1 validation error detected: Value null at '{field}' failed to satisfy constraint: "
        "Member must not be null",
    )


def _refused(message: str) -> ApiError:
    return ApiError(400, "ValidationException", message)
