"""A message of a queue on its way to a function.

Follows "Example standard queue message event" and "Example FIFO queue message event"
(https://docs.aws.amazon.com/lambda/latest/dg/with-sqs.html).
"""

from __future__ import annotations

import base64
import json
import time
from typing import Any

from ...base.arns import Arn


class Message:
    """One message as ReceiveMessage gave it, and the record that the event has of it."""

    def __init__(self, received: dict[str, Any], queue_arn: str, has_window: bool) -> None:
        self.id: str = received["MessageId"]
        self.handle: str = received["ReceiptHandle"]
        self.received_at = time.monotonic()
        self.record = _record(received, queue_arn, has_window)
        self.trace: str = self.record["attributes"].get("AWSTraceHeader", "")
        self.size = len(json.dumps(self.record, ensure_ascii=False).encode())

    def age(self, visibility_timeout: int) -> float:
        """Seconds on AWS since it was sent: every visibility timeout in full."""
        attributes = self.record["attributes"]
        real = time.time() - int(attributes["SentTimestamp"]) / 1000
        return real + int(attributes["ApproximateReceiveCount"]) * visibility_timeout


def batch_of(messages: list[Message], largest: int) -> tuple[list[Message], list[Message]]:
    """As many of the messages as fit into `largest` bytes, one at least; and the rest."""
    size = len('{"Records": []}')
    for place, message in enumerate(messages):
        size += message.size + len(", ")
        if size > largest and place:
            return messages[:place], messages[place:]
    return messages, []


def _record(received: dict[str, Any], queue_arn: str, has_window: bool) -> dict[str, Any]:
    record = {
        "messageId": received["MessageId"],
        "receiptHandle": received["ReceiptHandle"],
        "body": received["Body"],
        "attributes": received["Attributes"],
        "messageAttributes": {
            name: _attribute(value) for name, value in received.get("MessageAttributes", {}).items()
        },
        "md5OfBody": received["MD5OfBody"],
        "eventSource": "aws:sqs",
        "eventSourceARN": queue_arn,
        "awsRegion": Arn.parse(queue_arn).region,
    }
    digest = received.get("MD5OfMessageAttributes")
    if digest or has_window:  # recorded: null, but only from a mapping with a batching window
        record["md5OfMessageAttributes"] = digest
    return record


def _attribute(value: dict[str, Any]) -> dict[str, Any]:
    attribute: dict[str, Any] = {}
    if "StringValue" in value:
        attribute["stringValue"] = value["StringValue"]
    if "BinaryValue" in value:
        attribute["binaryValue"] = base64.b64encode(value["BinaryValue"]).decode()
    attribute |= {"stringListValues": [], "binaryListValues": []}
    attribute["dataType"] = value["DataType"]
    return attribute
