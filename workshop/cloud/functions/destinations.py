"""Where asynchronous events end: destinations on success and failure, and dead-letter queues.

Follows "Capturing records of Lambda asynchronous invocations"
(https://docs.aws.amazon.com/lambda/latest/dg/invocation-async-retain-records.html).
"""

from __future__ import annotations

import contextlib
import functools
import uuid
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any, Literal

from botocore.exceptions import BotoCoreError, ClientError

from ..access import Allows
from ..base.arns import Arn
from ..base.json_text import from_json, to_json
from ..base.model import EventSettings, FunctionVersion, Outcome
from ..base.parameters import invalid
from ..base.problems import Problems
from ..base.times import in_milliseconds, utc
from ..base.tracing import following
from ..base.variables import REGION
from .event import Event
from .metrics import Metrics
from .sending import Caller, Extras, Sender, queue_url

LONGEST_ERROR_MESSAGE = 1024  # characters
Attributes = dict[str, str | int]
Result = Literal["Success", "Failure"]


@dataclass(frozen=True)
class End:
    """Where something ends (an ARN), and of which function, as it was invoked, it tells."""

    target: str
    function: FunctionVersion
    invoked_arn: str
    result: Result
    folder: str  # in a bucket


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
        self._problems, self._sender = problems, Sender(client)

    def tell(
        self, event: Event, function: FunctionVersion, settings: EventSettings, condition: str
    ) -> None:
        """Records how an event ended: Success, or why it was given up.

        The dead-letter queue of a function gets what was given up itself.
        """
        request, ok = event.request, condition == "Success"
        result: Result = "Success" if ok else "Failure"
        folder = f"async/{function.name}"
        target = settings.on_success if ok else settings.on_failure
        with following(request.trace_id):  # where it goes may lead back to this function
            if target:
                end = End(target, function, request.invoked_arn, result, folder)
                with self._counted("DestinationDeliveryFailures", end):
                    record = invocation_record(event, function, condition)
                    self._send(end, to_json(record).decode())
            if settings.dead_letter and not ok:
                end = End(settings.dead_letter, function, request.invoked_arn, result, folder)
                with self._counted("DeadLetterErrors", end):
                    self._send(end, request.payload.decode(), _dead_letter_attributes(event))

    def try_to_send(self, end: End, record: dict[str, Any]) -> None:
        """Sends a record; a failure keeps nothing else back."""
        with self._counted("DestinationDeliveryFailures", end):
            self._send(end, to_json(record).decode())

    def check(self, target: str) -> None:
        """Raises ApiError for a destination that does not exist, or is of another kind."""
        try:
            arn = Arn.parse(target)
            client = self._client(arn.service, arn.region or REGION)
            if arn.service == "sqs":
                queue_url(client, arn)
            elif arn.service == "sns":
                client.get_topic_attributes(TopicArn=target)
            elif arn.service == "s3":
                client.head_bucket(Bucket=arn.resource)
            elif arn.service == "lambda":
                client.get_function_configuration(FunctionName=target)
            else:
                client.describe_event_bus(Name=target)
        except (ValueError, BotoCoreError, ClientError) as error:
            raise invalid(f"The destination ARN {target} is invalid.") from error

    @contextlib.contextmanager
    def _counted(self, metric: str, end: End) -> Iterator[None]:
        """A delivery that fails shows in a metric, as on AWS, and keeps nothing else back."""
        try:
            yield
        except Exception as error:  # the target is gone, or refuses, or the role does not let it
            self._metrics.note(end.function, end.invoked_arn, {metric: 1})
            self._problems.failed(f"{end.invoked_arn}: {metric}: {end.target}", error)

    def _send(self, end: End, body: str, attributes: Attributes | None = None) -> None:
        function = end.function
        extras = Extras(
            attributes=attributes or {},
            entry={
                "Source": "lambda",
                "DetailType": f"Lambda Function Invocation Result - {end.result}",
                "Resources": [f"{function.arn}:{function.version}", end.target],
            },
            object_key=object_key(end.folder),
            region=function.region,
        )
        role = Caller(function.role, functools.partial(self._allows, function.role))
        self._sender.send(end.target, body, extras, role)


def invocation_record(event: Event, function: FunctionVersion, condition: str) -> dict[str, Any]:
    """An invocation record, version 1.0."""
    record = {
        "version": "1.0",
        "timestamp": in_milliseconds(),
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
    return f"aws/lambda/{folder}/{utc():%Y/%m/%d/%Y-%m-%dT%H.%M.%S}-{uuid.uuid4()}"


def qualified(arn: str) -> str:
    """A function's ARN with the version or alias that it was asked for, or $LATEST."""
    return arn if Arn.parse(arn).qualifier else f"{arn}:$LATEST"


def _dead_letter_attributes(event: Event) -> Attributes:
    return {
        "RequestID": event.request.request_id,
        "ErrorCode": 200,
        "ErrorMessage": error_message(event.outcome),
    }


def error_message(outcome: Outcome | None) -> str:
    """What went wrong, in the function's words, cut where AWS cuts it."""
    answer = _value(outcome.payload) if outcome else None
    message = answer.get("errorMessage") if isinstance(answer, dict) else None
    return str(message or "")[:LONGEST_ERROR_MESSAGE]
