"""The records of batches that were given up, and where they are sent.

Follows "Retain discarded batch records for a Kinesis Data Streams event source in Lambda"
(https://docs.aws.amazon.com/lambda/latest/dg/kinesis-on-failure-destination.html). Queues and
topics get what is known of the batch; a bucket gets the batch itself too.
"""

from __future__ import annotations

import re
import uuid
from typing import Any, Protocol, runtime_checkable

from ...access import check_destination as check_role
from ...base.arns import Arn, unqualified
from ...base.json_text import to_json
from ...base.model import ApiError
from ...base.parameters import invalid
from ...base.times import in_milliseconds
from ...functions.destinations import End
from .mapping import EventSourceMapping
from .poller import Tools
from .source import Batch, Record, Source

TO_TOPIC = "kafka://"
SERVICES = re.compile(r"arn:aws[\w-]*:(sqs|sns|s3):")


@runtime_checkable
class HasTopics(Protocol):
    """A source whose failures may go to a topic of its own cluster."""

    def send_to_topic(self, topic: str, records: list[Record], failure: dict[str, Any]) -> None:
        """Sends records that were given up to a topic. Raises TopicProblem."""


class Failures:
    """Sends the records of what a mapping gives up to its destination, if it has one."""

    def __init__(self, mapping: EventSourceMapping, tools: Tools, source: Source) -> None:
        self._mapping, self._tools, self._source = mapping, tools, source

    def send(self, batch: Batch, records: list[Record], condition: str) -> None:
        """Tells of records of a batch that are given up.

        A destination that is gone loses it, as on AWS, and `cloud.problems()` says so; where the
        function is gone, nobody asks for it.
        """
        target = self._mapping.failure_destination
        if not target:
            return
        with self._tools.problems.guard(f"{self._mapping.arn}: {target}"):
            record = self._record(batch, records, condition)
            if isinstance(self._source, HasTopics) and target.startswith(TO_TOPIC):
                topic = target.removeprefix(TO_TOPIC)
                self._source.send_to_topic(topic, records, record)
            else:
                self._send(target, record, records)

    def _record(self, batch: Batch, records: list[Record], condition: str) -> dict[str, Any]:
        """What AWS writes of a batch that was given up."""
        last = batch.last
        record: dict[str, Any] = {
            "requestContext": {
                "requestId": last.request.request_id if last else str(uuid.uuid4()),
                "functionArn": unqualified(self._mapping.function_arn),
                "condition": condition,
                "approximateInvokeCount": batch.attempts,
            }
        }
        if last and condition != "RecordAgeExceeded":
            record["responseContext"] = {
                "statusCode": 200,
                "executedVersion": last.function.version,
                "functionError": "Unhandled" if last.outcome.error else None,
            }
        return {
            **record,
            "version": "1.0",
            "timestamp": in_milliseconds(),
            **self._source.batch_info(records),
        }

    def _send(self, target: str, record: dict[str, Any], records: list[Record]) -> None:
        if Arn.parse(target).service == "s3":
            record["payload"] = to_json(self._source.event(records)).decode()
        mapping, tools = self._mapping, self._tools
        try:
            function, arn = tools.find(mapping.region, mapping.function_arn, None)
        except ApiError:
            return
        end = End(target, function, arn, "Failure", f"{mapping.uuid}/{self._source.where}")
        tools.destinations.try_to_send(end, record)


def check_destination(
    target: str | None, role: str, tools: Tools, may_be_topic: bool = False
) -> None:
    """Raises ApiError for a destination that is none, or that the function's role may not use.

    Only a mapping of Kafka (`may_be_topic`) can have a topic, of its own cluster.
    """
    if not target:
        return
    if may_be_topic and target.startswith(TO_TOPIC):  # brokers may make topics when written to
        return
    if not SERVICES.match(target):
        raise invalid(f"The destination ARN {target} is invalid.")
    tools.destinations.check(target)
    check_role(tools.allows, role, target)
