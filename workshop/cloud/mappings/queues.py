"""SQS queues as event sources.

Follows "Using Lambda with Amazon SQS" (https://docs.aws.amazon.com/lambda/latest/dg/with-sqs.html).
"""

from __future__ import annotations

import base64
import contextlib
import json
import threading
import time
from typing import Any

from ..model import ApiError
from ..timers import shrunk
from .batches import WholeBatchFailed, failed_items
from .filters import passes
from .mapping import Mapping
from .poller import Poller, Tools

AT_ONCE = 5  # batches, as AWS begins with
LOOK_AGAIN = 0.05  # seconds, while messages wait for their delay
Message = dict[str, Any]


class QueuePoller(Poller):
    """Reads a queue, invokes, deletes what was handled, and gives back what was not."""

    def __init__(self, mapping: Mapping, tools: Tools) -> None:
        super().__init__(mapping, tools)
        self._sqs = tools.client("sqs", mapping.region)
        account, name = mapping.source_arn.split(":")[4:6]
        self._url = self._sqs.get_queue_url(QueueName=name, QueueOwnerAWSAccountId=account)[
            "QueueUrl"
        ]
        limit = (mapping["ScalingConfig"] or {}).get("MaximumConcurrency", AT_ONCE)
        self._places = threading.Semaphore(limit)

    def visibility_timeout(self) -> int:
        """The queue's, in seconds."""
        names = ["VisibilityTimeout"]
        found = self._sqs.get_queue_attributes(QueueUrl=self._url, AttributeNames=names)
        return int(found["Attributes"]["VisibilityTimeout"])

    def poll(self) -> float | None:
        while not self.stopped:
            messages = self._receive()
            if not messages:
                return self._wait_for_delayed()
            received_at = time.monotonic()
            self._places.acquire()
            self.tools.activity.begin(self._what)
            arguments = (messages, received_at)
            threading.Thread(target=self._handle, args=arguments, daemon=True).start()
        return None

    def _receive(self) -> list[Message]:
        """At most a batch: what is there, or what comes until the batching window ends."""
        size, window = self.mapping["BatchSize"], self.mapping["MaximumBatchingWindowInSeconds"]
        messages: list[Message] = []
        until = None
        while len(messages) < size and not self.stopped:
            found = self._sqs.receive_message(
                QueueUrl=self._url,
                MaxNumberOfMessages=min(10, size - len(messages)),
                MessageSystemAttributeNames=["All"],
                MessageAttributeNames=["All"],
            ).get("Messages", [])
            messages += found
            if not messages or (not window and (len(found) < 10 or not found)):
                break
            until = until or time.monotonic() + window
            if not found:
                if time.monotonic() >= until:
                    break
                self.pause(min(LOOK_AGAIN, max(0.0, until - time.monotonic())))
        return messages

    def _wait_for_delayed(self) -> float | None:
        """Messages with a delay, and those that others hold, come without a call."""
        names = [
            "ApproximateNumberOfMessagesDelayed",
            "ApproximateNumberOfMessagesNotVisible",
        ]
        found = self._sqs.get_queue_attributes(QueueUrl=self._url, AttributeNames=names)
        waiting = found.get("Attributes", {})
        if int(waiting.get(names[0], 0)):
            self.pause(LOOK_AGAIN)
            self.wake()
            return None
        return LOOK_AGAIN if int(waiting.get(names[1], 0)) else None

    def _handle(self, messages: list[Message], received_at: float) -> None:
        try:
            records = {each["MessageId"]: self._record(each) for each in messages}
            patterns = self.mapping.patterns
            wanted = {
                key: record
                for key, record in records.items()
                if passes(record, "sqs", patterns, self.tools.matches)
            }
            failed = self._failed(wanted) if wanted else set()
            self._delete([m for m in messages if m["MessageId"] not in failed])
            self._give_back([m for m in messages if m["MessageId"] in failed], received_at)
        except Exception:
            pass
        finally:
            self._places.release()
            self.wake()
            self.tools.activity.end(self._what)

    def _failed(self, records: dict[str, dict[str, Any]]) -> set[str]:
        """The ids of the messages that were not handled."""
        try:
            answer = self.invoke({"Records": list(records.values())}, _dump)
        except ApiError:  # throttled
            return set(records)
        if answer.outcome.error:
            return set(records)
        if not self.mapping.reports_failures:
            return set()
        try:
            return failed_items(answer.outcome.payload, list(records))
        except WholeBatchFailed:
            return set(records)

    def _delete(self, messages: list[Message]) -> None:
        for some in _tens(messages):
            entries = [
                {"Id": str(i), "ReceiptHandle": each["ReceiptHandle"]}
                for i, each in enumerate(some)
            ]
            self._sqs.delete_message_batch(QueueUrl=self._url, Entries=entries)

    def _give_back(self, messages: list[Message], received_at: float) -> None:
        """Makes messages visible when the queue's visibility timeout, shrunk, is over."""
        if not messages:
            return
        until = received_at + shrunk(self.visibility_timeout())
        self.pause(max(0.0, until - time.monotonic()))
        for message in messages:
            with contextlib.suppress(self._sqs.exceptions.ClientError):  # visible already
                self._sqs.change_message_visibility(
                    QueueUrl=self._url,
                    ReceiptHandle=message["ReceiptHandle"],
                    VisibilityTimeout=0,
                )
        self.tools.wake("sqs")  # the next look may move them to a queue that has a mapping

    def _record(self, message: Message) -> dict[str, Any]:
        record = {
            "messageId": message["MessageId"],
            "receiptHandle": message["ReceiptHandle"],
            "body": message["Body"],
            "attributes": message.get("Attributes", {}),
            "messageAttributes": {
                name: _attribute(value)
                for name, value in message.get("MessageAttributes", {}).items()
            },
            "md5OfBody": message["MD5OfBody"],
            "eventSource": "aws:sqs",
            "eventSourceARN": self.mapping.source_arn,
            "awsRegion": self.mapping.region,
        }
        if "MD5OfMessageAttributes" in message:
            record["md5OfMessageAttributes"] = message["MD5OfMessageAttributes"]
        return record


def _attribute(value: dict[str, Any]) -> dict[str, Any]:
    attribute: dict[str, Any] = {"stringListValues": [], "binaryListValues": []}
    if "StringValue" in value:
        attribute["stringValue"] = value["StringValue"]
    if "BinaryValue" in value:
        attribute["binaryValue"] = base64.b64encode(value["BinaryValue"]).decode()
    attribute["dataType"] = value["DataType"]
    return attribute


def _tens(items: list[Message]) -> list[list[Message]]:
    return [items[i : i + 10] for i in range(0, len(items), 10)]


def _dump(event: Any) -> bytes:
    return json.dumps(event, ensure_ascii=False).encode()
