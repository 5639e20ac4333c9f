"""The AWS account that checks work in: resources of their own, made, waited for and tidied up.

It speaks boto3 only, so that a check grades on the local cloud and on any other AWS endpoint.
"""

from __future__ import annotations

import contextlib
import json
import re
import time
import uuid
from collections.abc import Callable
from http.client import REQUEST_TIMEOUT
from typing import Any, TypeVar
from urllib.error import HTTPError

from .function import Function
from .patience import NeverEnds

Found = TypeVar("Found")
STARTED = re.compile(r'START RequestId|\{.*"platform\.start"')  # in a log: an invocation begins
WITHIN_S = 60  # how long an effect may take on an endpoint that cannot say when it is idle
QUIET_S = 15  # how long nothing may happen there before it counts as settled


class Account:
    """Clients, and what a check file makes with them.

    `client(service)` gives a boto3 client. `idle` returns when every event has been handled; it
    is None for an endpoint that cannot tell, such as AWS.
    """

    def __init__(
        self, client: Callable[[str], Any], idle: Callable[[], None] | None = None
    ) -> None:
        self.client = client
        self._idle = idle
        self._undo = contextlib.ExitStack()

    @property
    def is_local(self) -> bool:
        """Whether it is a local cloud, which reaches what runs on this machine."""
        return self._idle is not None

    def close(self) -> None:
        """Deletes what was made, the last first; what cannot be deleted hinders nothing."""
        self._undo.close()

    def name(self, what: str) -> str:
        """A name that nobody else uses: bucket, table, queue, ..."""
        return f"workshop-{what}-{uuid.uuid4().hex[:12]}"

    def later(self, undo: Callable[..., Any], **arguments: Any) -> None:
        """Names what to call when the checks are over."""

        def quietly() -> None:
            with contextlib.suppress(Exception):
                undo(**arguments)

        self._undo.callback(quietly)

    def settle(self) -> None:
        """Returns when what was set off is over, as far as that can be known.

        Raises NeverEnds where it is not over in the time that a check waits.
        """
        if not self._idle:
            time.sleep(QUIET_S)
            return
        try:
            self._idle()
        except (TimeoutError, HTTPError) as error:
            if isinstance(error, HTTPError) and error.code != REQUEST_TIMEOUT:
                raise
            raise NeverEnds(f"What the check started did not end ({error})") from None

    def eventually(self, look: Callable[[], Found]) -> Found:
        """What `look` finds when events have been handled; tries again where that takes time.

        Raises NeverEnds as `settle` does.
        """
        if self._idle:
            self.settle()
            return look()
        until = time.monotonic() + WITHIN_S
        while True:
            found = look()
            if found or time.monotonic() > until:
                return found
            time.sleep(1)

    def bucket(self) -> str:
        """A new bucket's name."""
        s3, name = self.client("s3"), self.name("bucket")
        s3.create_bucket(Bucket=name)
        self.later(self._empty_and_delete, bucket=name)
        return name

    def table(self, key: str = "id", sort: str | None = None, stream: str | None = None) -> str:
        """A new table's name; its keys are texts. `stream` is a StreamViewType."""
        dynamodb, name = self.client("dynamodb"), self.name("table")
        keys = {key: "HASH"} | ({sort: "RANGE"} if sort else {})
        spec: dict[str, Any] = {
            "TableName": name,
            "KeySchema": [{"AttributeName": k, "KeyType": v} for k, v in keys.items()],
            "AttributeDefinitions": [{"AttributeName": k, "AttributeType": "S"} for k in keys],
            "BillingMode": "PAY_PER_REQUEST",
        }
        if stream:
            spec["StreamSpecification"] = {"StreamEnabled": True, "StreamViewType": stream}
        dynamodb.create_table(**spec)
        self.later(dynamodb.delete_table, TableName=name)
        if not self._idle:  # the local cloud's tables are there at once
            dynamodb.get_waiter("table_exists").wait(TableName=name)
        return name

    def queue(self, fifo: bool = False, **attributes: str) -> tuple[str, str]:
        """A new queue's URL and ARN."""
        sqs, name = self.client("sqs"), self.name("queue") + (".fifo" if fifo else "")
        if fifo:
            attributes["FifoQueue"] = "true"
        url = sqs.create_queue(QueueName=name, Attributes=attributes)["QueueUrl"]
        self.later(sqs.delete_queue, QueueUrl=url)
        found = sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["QueueArn"])
        return url, found["Attributes"]["QueueArn"]

    def topic(self, name: str | None = None) -> tuple[str, str]:
        """A new topic's ARN, and the URL of a queue that gets each message as it was published."""
        sns = self.client("sns")
        arn = sns.create_topic(Name=name or self.name("topic"))["TopicArn"]
        self.later(sns.delete_topic, TopicArn=arn)
        url, queue_arn = self.queue()
        allow = {
            "Effect": "Allow",
            "Principal": {"Service": "sns.amazonaws.com"},
            "Action": "sqs:SendMessage",
            "Resource": queue_arn,
            "Condition": {"ArnEquals": {"aws:SourceArn": arn}},
        }
        policy = json.dumps({"Version": "2012-10-17", "Statement": [allow]})
        self.client("sqs").set_queue_attributes(QueueUrl=url, Attributes={"Policy": policy})
        sns.subscribe(
            TopicArn=arn,
            Protocol="sqs",
            Endpoint=queue_arn,
            Attributes={"RawMessageDelivery": "true"},
        )
        return arn, url

    def messages(self, queue_url: str) -> list[str]:
        """Takes every message out of a queue, as text, in the order in which they come."""
        sqs = self.client("sqs")
        bodies: list[str] = []
        while True:
            found = sqs.receive_message(
                QueueUrl=queue_url, MaxNumberOfMessages=10, WaitTimeSeconds=0 if self._idle else 2
            ).get("Messages", [])
            if not found:
                return bodies
            for message in found:
                bodies.append(message["Body"])
                sqs.delete_message(QueueUrl=queue_url, ReceiptHandle=message["ReceiptHandle"])

    def items(self, table: str) -> list[dict[str, Any]]:
        """Every item of a table, in DynamoDB's own form."""
        pages = (
            self.client("dynamodb")
            .get_paginator("scan")
            .paginate(TableName=table, ConsistentRead=True)
        )
        return [item for page in pages for item in page["Items"]]

    def log_of(self, function: Function) -> list[str]:
        """Every message in a function's log group, the newest last."""
        return [event["message"] for event in self._events_of(function)]

    def last_log_of(self, function: Function) -> list[str]:
        """The messages of a function's newest invocation, from its START on."""
        events = self._events_of(function)
        starts = [event for event in events if STARTED.match(event["message"])]
        if not starts:
            return []
        stream = [e for e in events if e["logStreamName"] == starts[-1]["logStreamName"]]
        return [event["message"] for event in stream[stream.index(starts[-1]) :]]

    def _events_of(self, function: Function) -> list[dict[str, Any]]:
        """Every event in a function's log group by time, whichever stream it is in."""
        logs, group = self.client("logs"), f"/aws/lambda/{function.name}"
        with contextlib.suppress(logs.exceptions.ResourceNotFoundException):
            pages = logs.get_paginator("filter_log_events").paginate(logGroupName=group)
            events = [event for page in pages for event in page["events"]]
            return sorted(events, key=lambda event: event["timestamp"])
        return []

    def log_streams_of(self, function: Function) -> list[list[str]]:
        """The messages of each log stream of a function, in order: one stream an environment."""
        logs, group = self.client("logs"), f"/aws/lambda/{function.name}"
        with contextlib.suppress(logs.exceptions.ResourceNotFoundException):
            streams = logs.get_paginator("describe_log_streams").paginate(logGroupName=group)
            names = [each["logStreamName"] for page in streams for each in page["logStreams"]]
            return [self._messages_in(group, name) for name in names]
        return []

    def _messages_in(self, group: str, stream: str) -> list[str]:
        found = self.client("logs").get_log_events(
            logGroupName=group, logStreamName=stream, startFromHead=True
        )
        return [event["message"] for event in found["events"]]

    def _empty_and_delete(self, bucket: str) -> None:
        s3 = self.client("s3")
        for page in s3.get_paginator("list_object_versions").paginate(Bucket=bucket):
            found = [*page.get("Versions", []), *page.get("DeleteMarkers", [])]
            objects = [{"Key": each["Key"], "VersionId": each["VersionId"]} for each in found]
            if objects:
                s3.delete_objects(Bucket=bucket, Delete={"Objects": objects, "Quiet": True})
        s3.delete_bucket(Bucket=bucket)
