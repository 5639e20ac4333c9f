"""EventBridge Scheduler's schedules in moto: checked as on AWS, and run by the local cloud."""

from __future__ import annotations

from datetime import datetime, timezone
from typing import Any

import moto.scheduler.models as models
import moto.scheduler.responses as responses
from moto.scheduler.exceptions import ScheduleGroupNotFound

from ..base.arns import Arn
from ..base.model import ApiError
from ..base.parameters import check_parameters
from ..triggers.push.scheduler import Schedule
from .errors import as_moto_error
from .hooks import hooks_or_none, open_hooks

_Backend = models.EventBridgeSchedulerBackend
_motos_create = _Backend.create_schedule
_motos_update = _Backend.update_schedule
_motos_delete = _Backend.delete_schedule
_motos_create_group = _Backend.create_schedule_group
_motos_delete_group = _Backend.delete_schedule_group
_motos_update_response = responses.EventBridgeSchedulerResponse.update_schedule


def install() -> None:
    """Puts our methods in moto's place; once or more often is the same."""
    _Backend.create_schedule = _create_schedule
    _Backend.update_schedule = _update_schedule
    _Backend.delete_schedule = _delete_schedule
    _Backend.create_schedule_group = _create_schedule_group
    _Backend.delete_schedule_group = _delete_schedule_group
    responses.EventBridgeSchedulerResponse.update_schedule = _update_response


def find_schedule(arn: str) -> Schedule | None:
    """An enabled schedule, by its ARN."""
    _, _, region, account, _ = Arn.parse(arn)
    group_name, name = arn.split("/")[1:3]
    group = models.scheduler_backends[account][region].schedule_groups.get(group_name)
    found = group.schedules.get(name) if group else None
    if found is None or found.state == "DISABLED":
        return None
    return Schedule(
        name=name,
        group=group_name,
        arn=arn,
        region=region,
        account=account,
        expression=found.schedule_expression,
        time_zone=found.schedule_expression_timezone,
        start=_moment(found.start_date),
        end=_moment(found.end_date),
        deletes_itself=found.action_after_completion == "DELETE",
        target=found.target,
    )


@as_moto_error
def _create_schedule(self: _Backend, **spec: Any) -> models.Schedule:
    if (spec["group_name"] or "default") not in self.schedule_groups:
        raise ScheduleGroupNotFound(spec["group_name"])
    _check(self, spec)
    schedule = _motos_create(self, **spec)
    _changed(schedule.arn)
    return schedule


@as_moto_error
def _update_schedule(self: _Backend, **spec: Any) -> models.Schedule:
    self.get_schedule(group_name=spec["group_name"], name=spec["name"])
    _check(self, spec)
    return _motos_update(self, **{**spec, "state": spec["state"] or "ENABLED"})


def _update_response(self: responses.EventBridgeSchedulerResponse) -> str:
    """moto's, which forgets ActionAfterCompletion."""
    answer = _motos_update_response(self)
    name = self.uri.split("?")[0].split("/")[-1]
    schedule = self.scheduler_backend.get_schedule(self._get_param("GroupName"), name)
    schedule.action_after_completion = self._get_param("ActionAfterCompletion")
    _changed(schedule.arn)
    return answer


def _delete_schedule(self: _Backend, group_name: str | None, name: str) -> None:
    arn = self.get_schedule(group_name, name).arn
    _motos_delete(self, group_name, name)
    _changed(arn)


@as_moto_error
def _create_schedule_group(
    self: _Backend, name: str, tags: list[dict[str, str]]
) -> models.ScheduleGroup:
    check_parameters("scheduler", "CreateScheduleGroup", {"Name": name, "Tags": tags})
    if name in self.schedule_groups:
        raise ApiError(409, "ConflictException", f"Schedule group {name} already exists.")
    return _motos_create_group(self, name, tags or [])


@as_moto_error
def _delete_schedule_group(self: _Backend, name: str | None) -> None:
    group = self.get_schedule_group(name)
    if group.name == "default":
        raise ApiError(400, "ValidationException", "The default schedule group can't be deleted.")
    _motos_delete_group(self, name)


def _check(backend: _Backend, spec: dict[str, Any]) -> None:
    """Raises ApiError; `spec` is named as moto names it."""
    open_hooks().scheduler.check(
        {
            "Name": spec["name"],
            "GroupArn": backend.schedule_groups[spec["group_name"] or "default"].arn,
            "State": spec["state"],
            "ActionAfterCompletion": spec.get("action_after_completion"),
            "FlexibleTimeWindow": spec["flexible_time_window"],
            "ScheduleExpression": spec["schedule_expression"],
            "ScheduleExpressionTimezone": spec["schedule_expression_timezone"],
            "StartDate": _moment(spec["start_date"]),
            "EndDate": _moment(spec["end_date"]),
            "Target": spec["target"],
        }
    )


def _moment(given: Any) -> datetime | None:
    return None if given is None else datetime.fromtimestamp(float(given), timezone.utc)


def _changed(arn: str) -> None:
    hooks = hooks_or_none()
    if hooks is not None:
        hooks.scheduler.changed(arn)
