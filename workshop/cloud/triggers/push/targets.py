"""The targets that rules and schedules have in common, called through AWS's public APIs."""

from __future__ import annotations

import time
import uuid
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError

from ...base.model import ApiError

Clients = Callable[[str, str], Any]  # (service, region) to a boto3 client
GONE = ("NotFound", "NonExistent", "DoesNotExist", "NoSuch")


@dataclass(frozen=True)
class TargetArn:
    """A target's ARN in its parts; `resource` is what stands after the account."""

    text: str
    service: str
    region: str
    account: str
    resource: str

    @classmethod
    def parse(cls, text: str) -> TargetArn:
        """Raises ValueError for what is no ARN."""
        parts = text.split(":", 5)
        if len(parts) != 6 or parts[0] != "arn":
            raise ValueError(f"{text!r} is no ARN")
        return cls(text, parts[2], parts[3], parts[4], parts[5])


def send_to_queue(client: Clients, arn: TargetArn, body: str, settings: dict[str, Any]) -> None:
    """Sends a message; `settings` are the target's SqsParameters."""
    sqs = client("sqs", arn.region)
    url = sqs.get_queue_url(QueueName=arn.resource, QueueOwnerAWSAccountId=arn.account)["QueueUrl"]
    group = {"MessageGroupId": settings["MessageGroupId"]} if settings else {}
    sqs.send_message(QueueUrl=url, MessageBody=body, **group)


def send_to_topic(client: Clients, arn: TargetArn, message: str) -> None:
    """Publishes a message."""
    client("sns", arn.region).publish(TopicArn=arn.text, Message=message)


def send_to_stream(client: Clients, arn: TargetArn, data: str, partition_key: str) -> None:
    """Puts a record into a Kinesis data stream."""
    client("kinesis", arn.region).put_record(
        StreamName=arn.resource.partition("/")[2], Data=data.encode(), PartitionKey=partition_key
    )


def send_to_log_group(client: Clients, arn: TargetArn, message: str) -> None:
    """Writes an event to a log stream of its own."""
    logs = client("logs", arn.region)
    group = arn.resource.removeprefix("log-group:").removesuffix(":*")
    stream = str(uuid.uuid4())
    logs.create_log_stream(logGroupName=group, logStreamName=stream)
    entry = {"timestamp": int(time.time() * 1000), "message": message}
    logs.put_log_events(logGroupName=group, logStreamName=stream, logEvents=[entry])


def send_dead_letter(
    client: Clients, queue_arn: str, body: str, attributes: dict[str, str]
) -> None:
    """Sends what could not be delivered to a dead-letter queue."""
    arn = TargetArn.parse(queue_arn)
    sqs = client("sqs", arn.region)
    url = sqs.get_queue_url(QueueName=arn.resource, QueueOwnerAWSAccountId=arn.account)["QueueUrl"]
    sqs.send_message(
        QueueUrl=url,
        MessageBody=body,
        MessageAttributes={
            name: {"DataType": "String", "StringValue": value}
            for name, value in attributes.items()
            if value  # AWS refuses an attribute without a value
        },
    )


@dataclass(frozen=True)
class Failure:
    """Why something was not delivered, as AWS's services would say it."""

    code: str
    message: str

    @classmethod
    def of(cls, error: Exception) -> Failure:
        """From what an API call raised."""
        if isinstance(error, ClientError):
            return cls(error.response["Error"]["Code"], error.response["Error"]["Message"])
        if isinstance(error, ApiError):
            return cls(error.code, error.message)
        if isinstance(error, BotoCoreError):
            return cls("InvalidParameter", str(error))
        return cls("InternalError", f"{type(error).__name__}: {error}")

    @property
    def is_denial(self) -> bool:
        """Whether the target may not be called."""
        return "AccessDenied" in self.code or "AuthorizationError" in self.code

    @property
    def is_gone(self) -> bool:
        """Whether there is no such target."""
        return any(word in self.code for word in GONE)
