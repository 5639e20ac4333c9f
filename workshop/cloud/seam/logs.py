"""moto's CloudWatch Logs, with filter patterns as AWS reads them.

moto takes every event for one that passes a pattern of JSON or of fields.
"""

from __future__ import annotations

import re
from typing import Any

import moto.logs.models as logs_models
from moto.logs.exceptions import LimitExceededException, ResourceNotFoundException

from ..base.arns import Arn
from ..base.model import ApiError
from ..base.time_limit import TooSlow, time_limit
from ..triggers.push.filter_pattern import parse_pattern
from ..triggers.push.logs import Group, event_id, filtered
from .errors import as_moto_error
from .hooks import hooks_or_none, open_hooks

MOST_FILTERS = 2  # of a log group
LONGEST_S = 5.0  # for matching the log events of one call
DESTINATION = re.compile(r"arn:aws[\w-]*:(lambda|kinesis|firehose|logs):[\w-]+:\d{12}:.+")
_put_subscription_filter = logs_models.LogsBackend.put_subscription_filter
_put_in_group = logs_models.LogGroup.put_subscription_filter
_send_log_events = logs_models.LogStream._send_log_events
_filter_log_events = logs_models.LogsBackend.filter_log_events
_filter_in_stream = logs_models.LogStream.filter_log_events


def install() -> None:
    """Puts the checks and the deliveries in moto's place; the second time changes nothing."""
    logs_models.LogsBackend.put_subscription_filter = put_subscription_filter
    logs_models.LogGroup.put_subscription_filter = put_in_group
    logs_models.LogStream._send_log_events = send_log_events
    logs_models.LogsBackend.filter_log_events = filter_log_events
    logs_models.LogStream.filter_log_events = filter_in_stream


@as_moto_error
def filter_log_events(
    self: logs_models.LogsBackend,
    log_group_name: str,
    log_stream_names: list[str],
    start_time: int,
    end_time: int,
    limit: int | None,
    next_token: str | None,
    filter_pattern: str,
    interleaved: bool,
) -> Any:
    """moto's, but a pattern that AWS refuses is refused."""
    open_hooks().logs.check_pattern(filter_pattern or "")
    try:
        with time_limit(LONGEST_S):
            return _filter_log_events(
                self,
                log_group_name,
                log_stream_names,
                start_time,
                end_time,
                limit,
                next_token,
                filter_pattern,
                interleaved,
            )
    except TooSlow:
        raise ApiError(
            400,
            "InvalidParameterException",
            f"The filter pattern takes more than {LONGEST_S:g} s on these log events. Ask for "
            "fewer of them, or use a simpler pattern.",
        ) from None


def filter_in_stream(
    self: logs_models.LogStream, start_time: int, end_time: int, filter_pattern: str
) -> list[dict[str, Any]]:
    """The events of one stream that pass the pattern."""
    events = _filter_in_stream(self, start_time, end_time, "")
    passes = parse_pattern(filter_pattern or "").match
    return [event for event in events if passes(event["message"]) is not None]


@as_moto_error
def put_subscription_filter(
    self: logs_models.LogsBackend,
    log_group_name: str,
    filter_name: str,
    filter_pattern: str,
    destination_arn: str,
    role_arn: str,
) -> None:
    """Checks the pattern, and that a function exists and may be invoked."""
    group = self.groups.get(log_group_name)
    if not group:
        raise ResourceNotFoundException()
    subscriptions = open_hooks().logs
    subscriptions.check_pattern(filter_pattern or "")
    _check_limit(group, filter_name)
    if not DESTINATION.fullmatch(destination_arn):
        message = f"Invalid destination ARN: {destination_arn}"
        raise ApiError(400, "InvalidParameterException", message)
    if Arn.parse(destination_arn).service == "lambda":
        subscriptions.check_function(_described(group), destination_arn)
    _put_subscription_filter(
        self, log_group_name, filter_name, filter_pattern or "", destination_arn, role_arn
    )


def put_in_group(
    self: logs_models.LogGroup,
    filter_name: str,
    filter_pattern: str,
    destination_arn: str,
    role_arn: str,
) -> None:
    """moto's, but a group that has two filters may still change one of them."""
    _check_limit(self, filter_name)
    existing = self.subscription_filters.get(filter_name)
    if existing:
        existing.update(filter_pattern, destination_arn, role_arn)
    else:
        _put_in_group(self, filter_name, filter_pattern, destination_arn, role_arn)


def send_log_events(
    self: logs_models.LogStream,
    service: str,
    destination_arn: str,
    filter_name: str,
    log_events: list[dict[str, Any]],
) -> None:
    """Sends what passes the filter: to functions here, to the other destinations as moto does."""
    pattern = self.log_group.subscription_filters[filter_name].filter_pattern
    hooks = hooks_or_none()
    try:
        with time_limit(LONGEST_S):
            events = filtered(pattern, [_with_id(each) for each in log_events])
    except TooSlow:
        if hooks:
            hooks.deliveries.note(
                f"{self.log_group.arn}: the filter {filter_name} took more than {LONGEST_S:g} s: "
                "the log events were not delivered. Use a simpler pattern."
            )
        return
    if not events:
        return
    if service != "lambda":
        _send_log_events(self, service, destination_arn, filter_name, events)
        if service == "kinesis" and hooks:
            hooks.mappings.wake(service)  # moto writes to the stream by no API call
    elif hooks:
        group = _described(self.log_group)
        hooks.logs.deliver(group, self.log_stream_name, filter_name, destination_arn, events)


def _check_limit(group: logs_models.LogGroup, filter_name: str) -> None:
    filters = group.subscription_filters
    if filter_name not in filters and len(filters) >= MOST_FILTERS:
        raise LimitExceededException()


def _described(group: logs_models.LogGroup) -> Group:
    return Group(group.name, group.region, group.account_id)


def _with_id(event: dict[str, Any]) -> dict[str, Any]:
    return {**event, "id": event_id(event["timestamp"], int(event["id"]))}
