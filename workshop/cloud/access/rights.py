"""What a function's role must allow, since Lambda does it with that role.

Follows "Defining Lambda function permissions with an execution role"
(https://docs.aws.amazon.com/lambda/latest/dg/lambda-intro-execution-role.html) and "Capturing
records of Lambda asynchronous invocations"
(https://docs.aws.amazon.com/lambda/latest/dg/invocation-async-retain-records.html). AWS's words
are those that public reports of these errors quote.
"""

from __future__ import annotations

from collections.abc import Callable

from ..base.arns import Arn
from ..base.parameters import invalid
from .calls import Call

Allows = Callable[[str, Call], bool]  # (a role's ARN, what is to be done)

SENDING = {
    "sqs": ("SendMessage",),
    "sns": ("Publish",),
    "lambda": ("InvokeFunction",),
    "events": ("PutEvents",),
    "kinesis": ("PutRecord",),
    "s3": ("PutObject", "ListBucket"),
}
READING = {
    "sqs": ("ReceiveMessage", "DeleteMessage", "GetQueueAttributes"),
    "kinesis": ("GetRecords", "GetShardIterator", "DescribeStream", "ListShards"),
    "dynamodb": ("GetRecords", "GetShardIterator", "DescribeStream"),
}
# How AWS names what it asks of a stream. ListStreams is not asked here: it is no stream's right.
STREAM_ACTIONS = {
    "kinesis": "GetRecords, GetShardIterator, DescribeStream, ListShards, and ListStreams",
    "dynamodb": "GetRecords, GetShardIterator, DescribeStream, and ListStreams",
}


def to_send(target: str) -> list[Call]:
    """What sending to a queue, topic, function, event bus or bucket takes, by its ARN."""
    service = Arn.parse(target).service
    return [
        Call(f"{service}:{name}", f"{target}/*" if name == "PutObject" else target)
        for name in SENDING.get(service, ())
    ]


def check_destination(allows: Allows, role: str, target: str) -> None:
    """Raises ApiError unless a role may send to a destination."""
    for call in to_send(target):
        if not allows(role, call):
            name = call.action.partition(":")[2]
            raise invalid(
                f"The function's execution role does not have permissions to call {name} on "
                f"{target}"
            )


def check_dead_letter(allows: Allows, role: str, target: str) -> None:
    """Raises ApiError unless a role may send to a dead-letter queue or topic."""
    for call in to_send(target):
        if not allows(role, call):
            service, _, name = call.action.partition(":")
            raise invalid(
                f"The provided execution role does not have permissions to call {name} on "
                f"{service.upper()}"
            )


def check_source(allows: Allows, role: str, source: str) -> None:
    """Raises ApiError unless a role may read a queue or a stream."""
    service = Arn.parse(source).service
    for name in READING.get(service, ()):
        if allows(role, Call(f"{service}:{name}", source)):
            continue
        if service == "sqs":
            raise invalid(
                f"The function execution role does not have permissions to call {name} on SQS"
            )
        raise invalid(
            f"Cannot access stream {source}. Please ensure the role can perform the "
            f"{STREAM_ACTIONS[service]} Actions on your stream in IAM."
        )
