"""EventBridge rules: what they send to their targets, by event and by schedule.

Follows "Event bus targets in Amazon EventBridge"
(https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-targets.html) and "Using dead-letter
queues to process undelivered events in EventBridge"
(https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-rule-event-delivery.html).
"""

from __future__ import annotations

import json
import uuid
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from ...access.resource_policy import Source
from ...base.arns import Arn
from ...base.clock import Clock
from ...base.model import ApiError
from ...base.times import in_seconds
from ...functions.sending import Extras, as_api_error, is_gone
from .deliveries import Deliveries
from .expressions import Times, rule_times
from .planner import Planner
from .transform import MISSING, compact, target_input, value_at

EVENTS = "events.amazonaws.com"
Event = dict[str, Any]
Forward = Callable[[str, Event], None]  # (bus ARN, event); raises ApiError if there is no bus


@dataclass(frozen=True)
class Rule:
    """A rule as it is now."""

    name: str
    arn: str
    region: str
    account: str
    expression: str  # ScheduleExpression, or ""
    targets: tuple[dict[str, Any], ...]

    def times(self, now: datetime) -> Times:
        """When its schedule fires, put or enabled now."""
        return rule_times(self.expression, now)

    @property
    def source(self) -> Source:
        """Itself, as it asks a function's policy."""
        return Source(EVENTS, self.arn, self.account)


class EventBridge:
    """Delivers what rules match.

    `find_rule(arn)` gives an enabled rule with a schedule; `forward` hands an event to a bus.
    """

    def __init__(
        self,
        deliveries: Deliveries,
        clock: Clock,
        find_rule: Callable[[str], Rule | None],
        forward: Forward,
    ) -> None:
        self._deliveries, self._forward = deliveries, forward
        self._planner: Planner[Rule] = Planner(clock, find_rule, self._fire)

    def rule_changed(self, rule_arn: str) -> None:
        """Plans a rule's schedule; tell it of every rule that is put, enabled or disabled."""
        self._planner.changed(rule_arn)

    def deliver(self, rule: Rule, event: Event, ingested: str, forwarded: bool = False) -> None:
        """Sends an event to a rule's targets; what fails is noted and goes to dead-letter queues.

        `ingested` is the time at which EventBridge got it; `forwarded` says that it came from
        another bus, from where it goes to no third.
        """
        for target in rule.targets:
            try:
                self._send(rule, target, event, ingested, forwarded)
            except Exception as error:
                self._failed(rule, target, event, as_api_error(error))

    def note(self, problem: str) -> None:
        """Keeps what AWS would show in a metric at most."""
        self._deliveries.note(problem)

    def _fire(self, rule: Rule, due: datetime) -> None:
        event = {
            "version": "0",
            "id": str(uuid.uuid4()),
            "detail-type": "Scheduled Event",
            "source": "aws.events",
            "account": rule.account,
            "time": in_seconds(due),
            "region": rule.region,
            "resources": [rule.arn],
            "detail": {},
        }
        self.deliver(rule, event, in_seconds(due))

    def _send(
        self, rule: Rule, target: dict[str, Any], event: Event, ingested: str, forwarded: bool
    ) -> None:
        arn = Arn.parse(target["Arn"])
        if arn.service == "events" and arn.resource.startswith("event-bus/"):
            if forwarded:
                raise ApiError(
                    400,
                    "ThirdBusHop",
                    "EventBridge does not route events that it received from an event bus to a "
                    "third event bus.",
                )
            self._forward(arn.text, event)
            return
        text = target_input(target, event, _variables(rule, ingested))
        content = _read(text) if arn.service == "lambda" else text
        extras = Extras(
            message=target.get("SqsParameters") or {}, partition_key=_partition_key(target, event)
        )
        self._deliveries.send(arn.text, content, rule.source, extras)

    def _failed(self, rule: Rule, target: dict[str, Any], event: Event, error: ApiError) -> None:
        self.note(f"{rule.arn}: {error.message}")
        queue = (target.get("DeadLetterConfig") or {}).get("Arn")
        if queue:
            attributes = {
                "RULE_ARN": rule.arn,
                "TARGET_ARN": target["Arn"],
                "ERROR_CODE": _error_code(error),
                "ERROR_MESSAGE": error.message,
                "RETRY_ATTEMPTS": "0",
            }
            extras = Extras(attributes=attributes)
            self._deliveries.try_to_send(queue, compact(event), rule.source, extras)


def _read(text: str) -> Any:
    """What a function gets. Raises ApiError."""
    try:
        return json.loads(text)
    except ValueError:
        raise ApiError(
            400, "InvalidJson", f"what the target would get is not JSON: {text[:200]}"
        ) from None


def _variables(rule: Rule, ingested: str) -> dict[str, str]:
    return {
        "aws.events.rule-arn": rule.arn,
        "aws.events.rule-name": rule.name,
        "aws.events.event.ingestion-time": ingested,
    }


def _partition_key(target: dict[str, Any], event: Event) -> str:
    path = (target.get("KinesisParameters") or {}).get("PartitionKeyPath")
    found = value_at(event, path) if path else MISSING
    return event["id"] if found is MISSING else str(found)


def _error_code(error: ApiError) -> str:
    """The code as EventBridge's dead-letter queues give it."""
    if "AccessDenied" in error.code or "AuthorizationError" in error.code:
        return "NO_PERMISSIONS"
    if is_gone(error):
        return "NO_RESOURCE"
    return "INVALID_JSON" if error.code == "InvalidJson" else "INVALID_PARAMETER"
