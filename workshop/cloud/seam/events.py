"""EventBridge's rules in moto: what they match leaves through the local cloud."""

from __future__ import annotations

import json
import time
import uuid
from typing import Any

import moto.events.models as models
import moto.events.notifications as notifications
import moto.events.responses as responses
from moto.events.exceptions import ValidationException

from ..base.arns import Arn
from ..base.model import ApiError
from ..base.times import in_seconds
from ..base.variables import ACCOUNT_ID
from ..base.wildcards import like_escaped
from ..triggers.push.eventbridge import Rule
from .event_checks import check_pattern, check_request, check_rule, check_targets, is_object
from .hooks import hooks_or_none

MANAGED_BY_ARCHIVES = "prod.vhs.events.aws.internal"
Event = dict[str, Any]

_motos_send = models.Rule.send_to_targets
_motos_put_rule = models.EventsBackend.put_rule
_motos_put_targets = models.EventsBackend.put_targets
_motos_put_events = models.EventsBackend.put_events
_motos_enable_rule = models.EventsBackend.enable_rule
_motos_disable_rule = models.EventsBackend.disable_rule


def install() -> None:
    """Puts our methods in moto's place; once or more often is the same."""
    models.Rule.send_to_targets = _send_to_targets
    models.EventsBackend.put_rule = _put_rule
    models.EventsBackend.put_targets = _put_targets
    models.EventsBackend.put_events = _put_events
    models.EventsBackend.enable_rule = _enable_rule
    models.EventsBackend.disable_rule = _disable_rule
    responses.EventsHandler.test_event_pattern = _test_event_pattern
    models.EventPattern._wildcard_match = staticmethod(_matches_wildcard)
    # moto would send a made-up "Object Created" event for a new bucket, past every policy
    notifications._send_safe_notification = lambda *_, **__: None


def scheduled_rule(arn: str) -> Rule | None:
    """An enabled rule with a schedule, by its ARN."""
    found = _backend(arn).event_buses["default"].rules.get(Arn.parse(arn).name)
    if found is None or not found.scheduled_expression or found.state == "DISABLED":
        return None
    return _rule(found)


def put_service_event(region: str, entry: Event) -> None:
    """Puts an entry of PutEvents whose source is AWS's own, which users may not put."""
    _motos_put_events(models.events_backends[ACCOUNT_ID][region], [entry])


def forward(bus_arn: str, event: Event) -> None:
    """Hands an event that one bus received to another. Raises ApiError if there is none."""
    name = Arn.parse(bus_arn).name
    bus = _backend(bus_arn).event_buses.get(name)
    if bus is None:
        raise ApiError(404, "ResourceNotFoundException", f"Event bus {name} does not exist.")
    for rule in list(bus.rules.values()):
        _dispatch(rule, {**event, "ingestion-time": time.time()}, forwarded=True)


def _send_to_targets(
    rule: models.Rule, original_event: Event, transform_input: bool = True
) -> None:
    """In place of Rule.send_to_targets: put_events, archives' replays and moto's S3 call it."""
    _dispatch(rule, original_event, forwarded=False)


def _dispatch(rule: models.Rule, motos_event: Event, forwarded: bool) -> None:
    hooks = hooks_or_none()
    if hooks is None or rule.state == "DISABLED":
        return
    if rule.managed_by == MANAGED_BY_ARCHIVES:
        _motos_send(rule, motos_event)
        return
    event = aws_event(motos_event)
    try:
        wanted = bool(rule.event_pattern.dump()) and rule.event_pattern.matches_event(event)
    except Exception as error:
        hooks.eventbridge.note(f"{rule.arn}: the event pattern can't be matched: {error!r}")
        return
    if wanted and _is_replayed_to(rule, motos_event):
        ingested = _iso(motos_event.get("ingestion-time") or event["time"])
        hooks.eventbridge.deliver(_rule(rule), event, ingested, forwarded)


def aws_event(motos_event: Event) -> Event:
    """moto's event as AWS writes it: without moto's own fields, the time as text."""
    event = {k: v for k, v in motos_event.items() if k != "ingestion-time"}
    return {**event, "time": _iso(event.get("time") or time.time())}


def _is_replayed_to(rule: models.Rule, event: Event) -> bool:
    """Whether a replay is for this rule and this event; True for what is no replay."""
    if "replay-name" not in event:
        return True
    backend = models.events_backends[rule.account_id][rule.region_name]
    replay = backend.replays[event["replay-name"]]
    filters = replay.destination.get("FilterArns")
    if filters and rule.arn not in filters:
        return False
    archived_at = int(event.get("ingestion-time") or 0)  # the API knows whole seconds only
    return int(replay.event_start_time) <= archived_at <= int(replay.event_end_time)


def _put_events(self: models.EventsBackend, events: list[Event]) -> list[dict[str, Any]]:
    if len(events or []) > 10:
        return _motos_put_events(self, events)  # which refuses it
    check_request(events)
    return [answer for event in events for answer in _put_event(self, event)]


def _put_event(self: models.EventsBackend, event: Event) -> list[dict[str, Any]]:
    """The answer for one entry."""
    if str(event.get("Source") or "").startswith("aws."):
        return [_refused("NotAuthorizedForSourceException", "Not authorized for the source.")]
    if event.get("Source") and event.get("DetailType") and event.get("Detail"):
        if not is_object(event["Detail"]):
            return [_refused("MalformedDetail", "Detail is malformed.")]
        bus = self._normalize_event_bus_arn(event.get("EventBusName"))
        if bus not in self.event_buses:  # AWS takes such an event, and nobody gets it
            return [{"EventId": str(uuid.uuid4())}]
    return _motos_put_events(self, [event])


def _put_rule(
    self: models.EventsBackend,
    name: str,
    description: str | None = None,
    event_bus_arn: str | None = None,
    event_pattern: str | None = None,
    role_arn: str | None = None,
    scheduled_expression: str | None = None,
    state: str | None = None,
    managed_by: str | None = None,
    tags: list[dict[str, str]] | None = None,
) -> models.Rule:
    check_rule(name, event_pattern, scheduled_expression, state)
    rule = _motos_put_rule(
        self,
        name,
        description,
        event_bus_arn,
        event_pattern,
        role_arn,
        scheduled_expression,
        state,
        managed_by,
        tags,
    )
    _rule_changed(rule.arn)
    return rule


def _put_targets(
    self: models.EventsBackend,
    name: str,
    event_bus_arn: str | None,
    targets: list[dict[str, Any]],
) -> None:
    bus = self.event_buses.get(self._normalize_event_bus_arn(event_bus_arn))
    check_targets(targets, bus.rules.get(name) if bus else None)
    _motos_put_targets(self, name, event_bus_arn, targets)


def _enable_rule(self: models.EventsBackend, name: str, event_bus_arn: str | None) -> bool:
    return _switched(self, _motos_enable_rule(self, name, event_bus_arn), name, event_bus_arn)


def _disable_rule(self: models.EventsBackend, name: str, event_bus_arn: str | None) -> bool:
    return _switched(self, _motos_disable_rule(self, name, event_bus_arn), name, event_bus_arn)


def _switched(
    self: models.EventsBackend, exists: bool, name: str, event_bus_arn: str | None
) -> bool:
    if exists:
        _rule_changed(self.describe_rule(name, event_bus_arn).arn)
    return exists


def _test_event_pattern(self: responses.EventsHandler) -> str:
    """TestEventPattern, which moto leaves out."""
    pattern, event = self._get_param("EventPattern"), self._get_param("Event")
    check_pattern(pattern)
    if not is_object(event or ""):
        raise ValidationException("Parameter Event is not valid.")
    found = models.EventPattern.load(pattern).matches_event(json.loads(event))
    return json.dumps({"Result": found})


def _matches_wildcard(item: Any, pattern: Any) -> bool:
    """In place of moto's regular expression, which a few stars keep busy for ever."""
    return isinstance(item, str) and like_escaped(str(pattern), item)


def _rule_changed(arn: str) -> None:
    hooks = hooks_or_none()
    if hooks is not None and arn.count("/") == 1:  # only the default bus has schedules
        hooks.eventbridge.rule_changed(arn)


def _rule(rule: models.Rule) -> Rule:
    return Rule(
        name=rule.name,
        arn=rule.arn,
        region=rule.region_name,
        account=rule.account_id,
        expression=rule.scheduled_expression or "",
        targets=tuple(rule.targets),
    )


def _backend(text: str) -> models.EventsBackend:
    """The one of an ARN's account and Region."""
    arn = Arn.parse(text)
    return models.events_backends[arn.account][arn.region]


def _refused(code: str, message: str) -> dict[str, str]:
    return {"ErrorCode": code, "ErrorMessage": message}


def _iso(moment: str | float) -> str:
    """A time as AWS writes it, from that or from seconds."""
    if isinstance(moment, str) and not moment.replace(".", "", 1).isdigit():
        return moment
    return in_seconds(float(moment))
