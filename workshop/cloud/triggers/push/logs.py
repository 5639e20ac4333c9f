"""Subscription filters of CloudWatch Logs that send log events to functions.

Follows "Log group-level subscription filters"
(https://docs.aws.amazon.com/AmazonCloudWatch/latest/logs/SubscriptionFilters.html) and
"Using Lambda with CloudWatch Logs"
(https://docs.aws.amazon.com/lambda/latest/dg/services-cloudwatchlogs.html).

A function that is subscribed to its own log group invokes itself for ever on AWS: Lambda's
detection of recursive loops does not see it. Here such a loop is stopped like the others: a
function runs at most 16 times in one chain of events, whatever its `RecursiveLoop` says, and
`cloud.problems()` names it.
"""

from __future__ import annotations

import base64
import gzip
import json
from dataclasses import dataclass
from typing import Any

from ...access.resource_policy import Source
from ...base.arns import unqualified
from ...base.model import LARGEST_EVENT, ApiError
from ...base.tracing import MOST_ROUNDS, Rounds
from .deliveries import Deliveries
from .filter_pattern import parse_pattern
from .filter_values import InvalidPattern

NOT_ALLOWED = (
    "Could not execute the lambda function. Make sure you have given CloudWatch Logs permission "
    "to execute your function."
)


@dataclass(frozen=True)
class Group:
    """A log group."""

    name: str
    region: str
    account_id: str

    @property
    def arn(self) -> str:
        """As policies name it: with `:*`, for its streams."""
        return f"arn:aws:logs:{self.region}:{self.account_id}:log-group:{self.name}:*"

    def sources(self) -> list[Source]:
        """The two names under which CloudWatch Logs invokes functions."""
        services = ("logs.amazonaws.com", f"logs.{self.region}.amazonaws.com")
        return [Source(service, self.arn, self.account_id) for service in services]


class LogSubscriptions:
    """Checks subscription filters when they are put, and delivers what passes them."""

    def __init__(self, deliveries: Deliveries) -> None:
        self._deliveries = deliveries
        self._rounds = Rounds()

    def check_pattern(self, pattern: str) -> None:
        """Raises ApiError for a filter pattern that does not parse."""
        try:
            parse_pattern(pattern)
        except InvalidPattern as error:
            raise ApiError(400, "InvalidParameterException", str(error)) from None

    def check_function(self, group: Group, function_arn: str) -> None:
        """Raises ApiError if the function is not there, or may not be invoked for the group."""
        if self._allowed(group, function_arn) is None:
            raise ApiError(400, "InvalidParameterException", NOT_ALLOWED)

    def deliver(
        self,
        group: Group,
        stream: str,
        filter_name: str,
        function_arn: str,
        events: list[dict[str, Any]],
    ) -> None:
        """Queues log events, already filtered, for a function; notes what can't be delivered."""
        if self._loops_on(group, function_arn):
            return
        envelope = {
            "messageType": "DATA_MESSAGE",
            "owner": group.account_id,
            "logGroup": group.name,
            "logStream": stream,
            "subscriptionFilters": [filter_name],
        }
        source = self._allowed(group, function_arn) or group.sources()[0]
        for data in packed(envelope, events):
            self._deliveries.try_to_send(function_arn, {"awslogs": {"data": data}}, source)

    def _allowed(self, group: Group, function_arn: str) -> Source | None:
        for source in group.sources():
            try:
                self._deliveries.check(function_arn, source)
            except ApiError:
                continue
            return source
        return None

    def _loops_on(self, group: Group, function_arn: str) -> bool:
        """Whether a delivery would invoke a function once too often for what it logs itself."""
        arn = unqualified(function_arn)
        count = self._rounds.next(arn)
        if count == MOST_ROUNDS + 1:
            self._deliveries.note(
                f"{group.arn}: a recursive loop was stopped: {arn} was invoked {MOST_ROUNDS} times "
                "for log events that its own invocations led to. AWS does not stop this one. "
                "Is the function subscribed to its own log group?"
            )
        return count > MOST_ROUNDS


def filtered(pattern: str, events: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """The log events that pass a filter pattern, with the fields that it extracts."""
    parsed = parse_pattern(pattern)
    passing = []
    for event in events:
        fields = parsed.match(event["message"])
        if fields is not None:
            passing.append({**event, "extractedFields": fields} if fields else event)
    return passing


def packed(envelope: dict[str, Any], events: list[dict[str, Any]]) -> list[str]:
    """The events as `awslogs.data`, in as many parts as Lambda's limit asks for."""
    text = json.dumps({**envelope, "logEvents": events}, ensure_ascii=False)
    data = base64.b64encode(gzip.compress(text.encode(), 6)).decode()
    if len(data) < LARGEST_EVENT - 100 or len(events) < 2:
        return [data]
    middle = len(events) // 2
    return packed(envelope, events[:middle]) + packed(envelope, events[middle:])


def event_id(timestamp_ms: int, number: int) -> str:
    """A log event's id as AWS forms it: 56 digits, which order events by their time."""
    return f"{(timestamp_ms << 144) + number:056d}"
