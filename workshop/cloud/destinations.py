"""Where asynchronous events end: destinations on success and failure, and dead-letter queues.

Follows "Capturing records of Lambda asynchronous invocations"
(https://docs.aws.amazon.com/lambda/latest/dg/invocation-async-retain-records.html).
"""

from __future__ import annotations

import contextlib
import json
from collections.abc import Callable, Iterator
from datetime import datetime, timezone
from typing import TYPE_CHECKING, Any

from .metrics import Metrics
from .model import EventSettings, FunctionVersion, Outcome

if TYPE_CHECKING:
    from .asynchronous import Event

LONGEST_ERROR_MESSAGE = 1024  # characters


class Destinations:
    """Delivers through AWS's public APIs; `client(service, region)` gives a boto3 client."""

    def __init__(self, client: Callable[[str, str], Any], metrics: Metrics) -> None:
        self._client, self._metrics = client, metrics

    def success(self, event: Event, function: FunctionVersion, settings: EventSettings) -> None:
        """Records an event that a function handled."""
        if settings.on_success:
            record = invocation_record(event, function, "Success")
            with self._counted("DestinationDeliveryFailures", event, function):
                self.send(settings.on_success, record, function, "Success")

    def failure(
        self, event: Event, function: FunctionVersion, settings: EventSettings, condition: str
    ) -> None:
        """Records an event that was given up; its dead-letter queue gets the event itself."""
        if settings.on_failure:
            record = invocation_record(event, function, condition)
            with self._counted("DestinationDeliveryFailures", event, function):
                self.send(settings.on_failure, record, function, "Failure")
        if settings.dead_letter:
            with self._counted("DeadLetterErrors", event, function):
                self._dead_letter(settings.dead_letter, event)

    @contextlib.contextmanager
    def _counted(self, metric: str, event: Event, function: FunctionVersion) -> Iterator[None]:
        """A delivery that fails shows in a metric, as on AWS, and keeps nothing else back."""
        try:
            yield
        except Exception:  # the target is gone, or does not take it
            self._metrics.note(function, event.request.invoked_arn, {metric: 1})

    def send(
        self, target: str, record: dict[str, Any], function: FunctionVersion | None, result: str
    ) -> None:
        """Sends a record to a queue, a topic, a function or an event bus, by its ARN."""
        service, region = target.split(":")[2:4]
        body = json.dumps(record)
        if service == "sqs":
            sqs = self._client("sqs", region)
            sqs.send_message(QueueUrl=_queue_url(sqs, target), MessageBody=body)
        elif service == "sns":
            self._client("sns", region).publish(TopicArn=target, Message=body)
        elif service == "lambda":
            client = self._client("lambda", region)
            client.invoke(FunctionName=target, InvocationType="Event", Payload=body)
        elif service == "events" and function:  # streams have no such destination
            entry = {
                "Source": "lambda",
                "DetailType": f"Lambda Function Invocation Result - {result}",
                "Detail": body,
                "Resources": [f"{function.arn}:{function.version}", target],
                "EventBusName": target,
            }
            self._client("events", region).put_events(Entries=[entry])

    def _dead_letter(self, target: str, event: Event) -> None:
        service, region = target.split(":")[2:4]
        attributes = _dead_letter_attributes(event)
        body = event.request.payload.decode()
        client = self._client(service, region)
        if service == "sqs":
            url = _queue_url(client, target)
            client.send_message(QueueUrl=url, MessageBody=body, MessageAttributes=attributes)
        else:
            client.publish(TopicArn=target, Message=body, MessageAttributes=attributes)


def invocation_record(event: Event, function: FunctionVersion, condition: str) -> dict[str, Any]:
    """An invocation record, version 1.0."""
    record = {
        "version": "1.0",
        "timestamp": timestamp(),
        "requestContext": {
            "requestId": event.request.request_id,
            "functionArn": qualified(event.request.invoked_arn),
            "condition": condition,
            "approximateInvokeCount": event.attempts,
        },
        "requestPayload": json.loads(event.request.payload),
    }
    if event.outcome is not None:
        context: dict[str, Any] = {"statusCode": 200, "executedVersion": function.version}
        if event.outcome.error:
            context["functionError"] = "Unhandled"
        record["responseContext"] = context
        record["responsePayload"] = json.loads(event.outcome.payload)
    return record


def qualified(arn: str) -> str:
    """A function's ARN with the version or alias that it was asked for, or $LATEST."""
    return arn if len(arn.split(":")) > 7 else f"{arn}:$LATEST"


def timestamp() -> str:
    """Now, as AWS writes it: `2026-11-02T03:04:05.678Z`."""
    return datetime.now(timezone.utc).strftime("%Y-%m-%dT%H:%M:%S.%f")[:-3] + "Z"


def _dead_letter_attributes(event: Event) -> dict[str, dict[str, str]]:
    attributes = {
        "RequestID": {"DataType": "String", "StringValue": event.request.request_id},
        "ErrorCode": {"DataType": "Number", "StringValue": "200"},
    }
    message = error_message(event.outcome)
    if message:  # AWS refuses an attribute without a value
        attributes["ErrorMessage"] = {"DataType": "String", "StringValue": message}
    return attributes


def error_message(outcome: Outcome | None) -> str:
    """What went wrong, in the function's words, cut where AWS cuts it."""
    if outcome is None:
        return ""
    return str(json.loads(outcome.payload).get("errorMessage", ""))[:LONGEST_ERROR_MESSAGE]


def _queue_url(sqs: Any, arn: str) -> str:
    account, name = arn.split(":")[4:6]
    return sqs.get_queue_url(QueueName=name, QueueOwnerAWSAccountId=account)["QueueUrl"]
