"""The records of batches that were given up, and where they are sent.

Follows "Retain discarded batch records for a Kinesis Data Streams event source in Lambda"
(https://docs.aws.amazon.com/lambda/latest/dg/kinesis-on-failure-destination.html). Queues and
topics get what is known of the batch; a bucket gets the batch itself too.
"""

from __future__ import annotations

import uuid
from typing import TYPE_CHECKING, Any, Protocol, cast

from ...access import check_destination as check_role
from ...base.json_text import to_json
from ...base.model import ApiError
from ...base.parameters import invalid
from ...functions.destinations import timestamp
from .mapping import Mapping
from .poller import Tools

if TYPE_CHECKING:
    from .processing import Batch, Record, Source

TO_TOPIC = "kafka://"


class KafkaSource(Protocol):
    """A source whose failures may go to a topic of its own cluster."""

    def send_to_topic(self, topic: str, records: list[Record], failure: dict[str, Any]) -> None:
        """Sends records that were given up to a topic. Raises TopicProblem."""


def send_failure(
    mapping: Mapping,
    tools: Tools,
    source: Source,
    batch: Batch,
    records: list[Record],
    condition: str,
) -> None:
    """Sends the record of records that are given up to the mapping's destination, if it has one.

    A destination that is gone loses it, as on AWS, and `cloud.problems()` says so; where the
    function is gone, nobody asks for it.
    """
    target = mapping.failure_destination
    if not target:
        return
    with tools.problems.guard(f"{mapping.arn}: {target}"):
        record = failure_record(mapping, source, batch, records, condition)
        if target.startswith(TO_TOPIC):
            topic = target.removeprefix(TO_TOPIC)
            cast("KafkaSource", source).send_to_topic(topic, records, record)
            return
        if target.split(":")[2] == "s3":
            record["payload"] = to_json(source.event(records)).decode()
        try:
            function, arn = tools.find(mapping.region, mapping.function_arn, None)
        except ApiError:
            return
        folder = f"{mapping.uuid}/{source.where}"
        tools.destinations.try_to_send(target, record, function, arn, "Failure", folder)


def failure_record(
    mapping: Mapping, source: Source, batch: Batch, records: list[Record], condition: str
) -> dict[str, Any]:
    """What AWS writes of a batch that was given up."""
    last = batch.last
    record: dict[str, Any] = {
        "requestContext": {
            "requestId": last.request.request_id if last else str(uuid.uuid4()),
            "functionArn": ":".join(mapping.function_arn.split(":")[:7]),
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
    record |= {"version": "1.0", "timestamp": timestamp(), **source.batch_info(records)}
    return record


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
    if target.count(":") < 5 or target.split(":")[2] not in ("sqs", "sns", "s3"):
        raise invalid(f"The destination ARN {target} is invalid.")
    tools.destinations.check(target)
    check_role(tools.allows, role, target)
