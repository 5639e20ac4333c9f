"""Sends something to an ARN: a queue, a topic, a function, an event bus, a stream, a bucket, ...

All goes through AWS's public APIs. Whoever sends keeps what is his: when he tries again, and what
he does with a failure.
"""

from __future__ import annotations

import time
import uuid
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from botocore.exceptions import BotoCoreError, ClientError

from ..access import Call, Decision, access_denied, to_send
from ..base.arns import Arn
from ..base.model import ApiError
from ..base.variables import REGION

GONE = ("NotFound", "NonExistent", "DoesNotExist", "NoSuch")
Clients = Callable[[str, str], Any]  # (service, region) to a boto3 client


class Caller(NamedTuple):
    """On whose behalf something is sent: the name in a refusal, and what its policies allow."""

    name: str
    may: Callable[[Call], bool]

    def check(self, target: str) -> None:
        """Raises ApiError unless it may send to an ARN."""
        for call in to_send(target):
            if not self.may(call):
                words = access_denied(self.name, call, Decision.NOT_ALLOWED)
                raise ApiError(403, "AccessDeniedException", words)


@dataclass(frozen=True)
class Extras:
    """What goes with a body, each to the targets that take it."""

    attributes: Mapping[str, str | int] = field(default_factory=dict)  # of a queue's, a topic's
    message: Mapping[str, str] = field(default_factory=dict)  # more of SendMessage's and Publish's
    entry: Mapping[str, Any] = field(default_factory=dict)  # an event bus: Source, DetailType, ...
    partition_key: str = ""  # a stream
    object_key: str = ""  # a bucket
    region: str = REGION  # a bucket: its ARN names none


PLAIN = Extras()


class Sender:
    """`client(service, region)` gives a boto3 client."""

    def __init__(self, client: Clients) -> None:
        self._client = client

    def send(
        self, target: str, body: str, extras: Extras = PLAIN, caller: Caller | None = None
    ) -> None:
        """Sends a body to an ARN, if the caller may; without one nobody is asked.

        Raises ApiError, ValueError or an error of botocore's.
        """
        arn = Arn.parse(target)
        is_known = arn.service in SENDERS and (
            arn.service != "events" or arn.resource.startswith("event-bus/")
        )
        if not is_known or (caller and not to_send(target)):  # nobody knows what right it takes
            message = f"the local cloud sends nothing to targets such as {target}"
            raise ApiError(400, "UnsupportedTarget", message)
        if caller:
            caller.check(target)
        client = self._client(arn.service, arn.region or extras.region)
        SENDERS[arn.service](client, arn, body, extras)


def queue_url(sqs: Any, arn: Arn) -> str:
    """The URL of a queue. Raises botocore's error if there is none."""
    return sqs.get_queue_url(QueueName=arn.resource, QueueOwnerAWSAccountId=arn.account)["QueueUrl"]


def as_api_error(error: Exception) -> ApiError:
    """Why something was not delivered, as AWS's services would say it, from what was raised."""
    if isinstance(error, ApiError):
        return error
    if isinstance(error, ClientError):
        answer, meta = error.response["Error"], error.response["ResponseMetadata"]
        return ApiError(meta["HTTPStatusCode"], answer["Code"], answer["Message"])
    if isinstance(error, BotoCoreError):
        return ApiError(400, "InvalidParameter", str(error))
    return ApiError(500, "InternalError", f"{type(error).__name__}: {error}")


def is_gone(error: ApiError) -> bool:
    """Whether there is no such target."""
    return any(word in error.code for word in GONE)


def _to_queue(sqs: Any, arn: Arn, body: str, extras: Extras) -> None:
    sqs.send_message(QueueUrl=queue_url(sqs, arn), MessageBody=body, **_message(extras))


def _to_topic(sns: Any, arn: Arn, body: str, extras: Extras) -> None:
    sns.publish(TopicArn=arn.text, Message=body, **_message(extras))


def _to_function(client: Any, arn: Arn, body: str, extras: Extras) -> None:
    client.invoke(FunctionName=arn.text, InvocationType="Event", Payload=body.encode())


def _to_bus(events: Any, arn: Arn, body: str, extras: Extras) -> None:
    entry = {**extras.entry, "Detail": body, "EventBusName": arn.text}
    [answer] = events.put_events(Entries=[entry])["Entries"]
    if "ErrorCode" in answer:
        raise ApiError(400, answer["ErrorCode"], answer["ErrorMessage"])


def _to_stream(kinesis: Any, arn: Arn, body: str, extras: Extras) -> None:
    kinesis.put_record(StreamName=arn.name, Data=body.encode(), PartitionKey=extras.partition_key)


def _to_bucket(s3: Any, arn: Arn, body: str, extras: Extras) -> None:
    s3.put_object(Bucket=arn.resource, Key=extras.object_key, Body=body.encode())


def _to_log_group(logs: Any, arn: Arn, body: str, extras: Extras) -> None:
    """As an event in a log stream of its own."""
    group = arn.resource.removeprefix("log-group:").removesuffix(":*")
    stream = str(uuid.uuid4())
    logs.create_log_stream(logGroupName=group, logStreamName=stream)
    entry = {"timestamp": int(time.time() * 1000), "message": body}
    logs.put_log_events(logGroupName=group, logStreamName=stream, logEvents=[entry])


def _message(extras: Extras) -> dict[str, Any]:
    """The arguments of SendMessage and of Publish beside target and body."""
    attributes = {
        name: {
            "DataType": "Number" if isinstance(value, int) else "String",
            "StringValue": str(value),
        }
        for name, value in extras.attributes.items()
        if value != ""  # AWS refuses an attribute without a value
    }
    return {**extras.message, **({"MessageAttributes": attributes} if attributes else {})}


SENDERS: dict[str, Callable[[Any, Arn, str, Extras], None]] = {
    "sqs": _to_queue,
    "sns": _to_topic,
    "lambda": _to_function,
    "events": _to_bus,
    "kinesis": _to_stream,
    "s3": _to_bucket,
    "logs": _to_log_group,
}
