"""Where asynchronous events end: destinations on success and failure, and dead-letter queues.

Follows "Capturing records of Lambda asynchronous invocations"
(https://docs.aws.amazon.com/lambda/latest/dg/invocation-async-retain-records.html).
"""

from __future__ import annotations

import contextlib
import uuid
from collections.abc import Callable, Iterator
from datetime import datetime, timezone
from typing import TYPE_CHECKING, Any

from botocore.exceptions import BotoCoreError, ClientError

from ..access import Allows, Decision, access_denied, to_send
from ..base.json_text import from_json, to_json
from ..base.model import ApiError, EventSettings, FunctionVersion, Outcome
from ..base.parameters import invalid
from ..base.problems import Problems
from ..base.tracing import following
from .metrics import Metrics

if TYPE_CHECKING:
    from .asynchronous import Event

LONGEST_ERROR_MESSAGE = 1024  # characters


class Destinations:
    """Delivers through AWS's public APIs, with what the function's role allows.

    `client(service, region)` gives a boto3 client, `allows(role_arn, call)` says what a role does.
    What can't be delivered shows in a metric, as on AWS, and is noted in `problems`.
    """

    def __init__(
        self,
        client: Callable[[str, str], Any],
        metrics: Metrics,
        allows: Allows,
        problems: Problems,
    ) -> None:
        self._client, self._metrics, self._allows = client, metrics, allows
        self._problems = problems

    def success(self, event: Event, function: FunctionVersion, settings: EventSettings) -> None:
        """Records an event that a function handled."""
        if settings.on_success:
            self._record(event, function, settings.on_success, "Success", "Success")

    def failure(
        self, event: Event, function: FunctionVersion, settings: EventSettings, condition: str
    ) -> None:
        """Records an event that was given up; its dead-letter queue gets the event itself."""
        if settings.on_failure:
            self._record(event, function, settings.on_failure, condition, "Failure")
        if settings.dead_letter:
            arn = event.request.invoked_arn
            with (
                following(event.request.trace_id),
                self._counted("DeadLetterErrors", function, arn, settings.dead_letter),
            ):
                self._dead_letter(settings.dead_letter, function, event)

    def try_to_send(
        self,
        target: str,
        record: dict[str, Any],
        function: FunctionVersion,
        invoked_arn: str,
        result: str,
        folder: str,
    ) -> None:
        """Sends a record to a queue, a topic, a function, an event bus or a bucket, by its ARN.

        `result` is Success or Failure, `folder` where in a bucket.
        """
        with self._counted("DestinationDeliveryFailures", function, invoked_arn, target):
            self._send(target, record, function, result, folder)

    def check(self, target: str) -> None:
        """Raises ApiError for a destination that does not exist, or is of another kind."""
        service, region, account, name = (target.split(":", 5) + [""] * 6)[2:6]
        try:
            client = self._client(service, region or "us-east-1")
            if service == "sqs":
                client.get_queue_url(QueueName=name, QueueOwnerAWSAccountId=account)
            elif service == "sns":
                client.get_topic_attributes(TopicArn=target)
            elif service == "s3":
                client.head_bucket(Bucket=name)
            elif service == "lambda":
                client.get_function_configuration(FunctionName=target)
            else:
                client.describe_event_bus(Name=target)
        except (BotoCoreError, ClientError) as error:
            raise invalid(f"The destination ARN {target} is invalid.") from error

    def _record(
        self, event: Event, function: FunctionVersion, target: str, condition: str, result: str
    ) -> None:
        arn, folder = event.request.invoked_arn, f"async/{function.name}"
        with (
            following(event.request.trace_id),  # it may lead back to this function
            self._counted("DestinationDeliveryFailures", function, arn, target),
        ):
            record = invocation_record(event, function, condition)
            self._send(target, record, function, result, folder)

    @contextlib.contextmanager
    def _counted(
        self, metric: str, function: FunctionVersion, invoked_arn: str, target: str
    ) -> Iterator[None]:
        """A delivery that fails shows in a metric, as on AWS, and keeps nothing else back."""
        try:
            yield
        except Exception as error:  # the target is gone, or refuses, or the role does not let it
            self._metrics.note(function, invoked_arn, {metric: 1})
            self._problems.failed(f"{invoked_arn}: {metric}: {target}", error)

    def _check_role(self, function: FunctionVersion, target: str) -> None:
        for call in to_send(target):
            if not self._allows(function.role, call):
                words = access_denied(function.role, call, Decision.NOT_ALLOWED)
                raise ApiError(403, "AccessDeniedException", words)

    def _send(
        self,
        target: str,
        record: dict[str, Any],
        function: FunctionVersion,
        result: str,
        folder: str,
    ) -> None:
        self._check_role(function, target)
        service, region = target.split(":")[2:4]
        body = to_json(record).decode()
        if service == "s3":
            bucket, key = target.split(":::")[1], object_key(folder)
            client = self._client("s3", function.region)
            client.put_object(Bucket=bucket, Key=key, Body=body.encode())
        elif service == "sqs":
            sqs = self._client("sqs", region)
            sqs.send_message(QueueUrl=_queue_url(sqs, target), MessageBody=body)
        elif service == "sns":
            self._client("sns", region).publish(TopicArn=target, Message=body)
        elif service == "lambda":
            client = self._client("lambda", region)
            client.invoke(FunctionName=target, InvocationType="Event", Payload=body)
        elif service == "events":
            entry = {
                "Source": "lambda",
                "DetailType": f"Lambda Function Invocation Result - {result}",
                "Detail": body,
                "Resources": [f"{function.arn}:{function.version}", target],
                "EventBusName": target,
            }
            answer = self._client("events", region).put_events(Entries=[entry])
            if answer["FailedEntryCount"]:
                raise ApiError(400, "PutEvents", answer["Entries"][0]["ErrorMessage"])

    def _dead_letter(self, target: str, function: FunctionVersion, event: Event) -> None:
        self._check_role(function, target)
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
        "requestPayload": _value(event.request.payload),
    }
    if event.outcome is not None:
        context: dict[str, Any] = {"statusCode": 200, "executedVersion": function.version}
        if event.outcome.error:
            context["functionError"] = "Unhandled"
        record["responseContext"] = context
        record["responsePayload"] = _value(event.outcome.payload)
    return record


def _value(payload: bytes) -> Any:
    """What a payload says. A handler may return bytes, which Lambda passes on as they are: where
    they are no JSON, the record, which is JSON, has them as a string.
    """
    try:
        return from_json(payload)
    except ValueError:
        return payload.decode("utf-8", "replace")


def object_key(folder: str) -> str:
    """Where in a bucket a record goes: by its time, and never where another one is."""
    now = datetime.now(timezone.utc)
    return f"aws/lambda/{folder}/{now:%Y/%m/%d/%Y-%m-%dT%H.%M.%S}-{uuid.uuid4()}"


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
    answer = _value(outcome.payload) if outcome else None
    message = answer.get("errorMessage") if isinstance(answer, dict) else None
    return str(message or "")[:LONGEST_ERROR_MESSAGE]


def _queue_url(sqs: Any, arn: str) -> str:
    account, name = arn.split(":")[4:6]
    return sqs.get_queue_url(QueueName=name, QueueOwnerAWSAccountId=account)["QueueUrl"]
