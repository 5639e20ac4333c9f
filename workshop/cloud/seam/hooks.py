"""What moto's side calls of the local cloud: set when a cloud starts, gone when it closes."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from moto.core.exceptions import JsonRESTError

if TYPE_CHECKING:
    from ..access import Allows
    from ..functions.concurrency import Concurrency
    from ..functions.destinations import Destinations
    from ..functions.metrics import Metrics
    from ..functions.provisioned import Provisioned
    from ..triggers.alarms.alarms import Alarms
    from ..triggers.mappings.registry import Mappings
    from ..triggers.push.deliveries import Deliveries
    from ..triggers.push.eventbridge import EventBridge
    from ..triggers.push.iot import TopicRules
    from ..triggers.push.logs import LogSubscriptions
    from ..triggers.push.s3 import BucketNotifications
    from ..triggers.push.scheduler import Scheduler
    from ..triggers.push.sns import TopicSubscriptions


@dataclass(frozen=True)
class Hooks:
    """The parts of a cloud that moto's backends, which moto makes itself, need to find."""

    retire: Callable[[str, str | None], None]  # ends the environments of a function's ARN
    invoke: Callable[[str, str, str | None, bytes], bytes]  # for services that only moto knows
    mappings: Mappings
    deliveries: Deliveries
    eventbridge: EventBridge
    scheduler: Scheduler
    logs: LogSubscriptions
    iot: TopicRules
    bucket_notifications: BucketNotifications
    topic_subscriptions: TopicSubscriptions
    concurrency: Concurrency
    provisioned: Provisioned
    metrics: Metrics
    alarms: Alarms
    destinations: Destinations
    allows: Allows  # what a role lets Lambda do, where roles are enforced


_hooks: Hooks | None = None


def set_hooks(hooks: Hooks | None) -> None:
    """Names the cloud that runs, or that none does."""
    global _hooks
    _hooks = hooks


def open_hooks() -> Hooks:
    """The running cloud's. Raises moto's error, a ServiceException, where there is none."""
    if _hooks is None:
        raise JsonRESTError("ServiceException", "the local cloud is closed")
    return _hooks


def hooks_or_none() -> Hooks | None:
    """The running cloud's, or None."""
    return _hooks


def wake_queues(queue_arn: str | None = None) -> None:
    """Has those who poll queues, or this one, look again: what they look at has changed."""
    if _hooks is not None:
        _hooks.mappings.wake("sqs", queue_arn)
