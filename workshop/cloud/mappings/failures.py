"""The records of batches that were given up, and where they are sent.

Follows "Retain discarded batch records for a Kinesis Data Streams event source in Lambda"
(https://docs.aws.amazon.com/lambda/latest/dg/kinesis-on-failure-destination.html). Queues and
topics get what is known of the batch; a bucket gets the batch itself too.
"""

from __future__ import annotations

import contextlib
import json
import uuid
from typing import TYPE_CHECKING, Any

from ..destinations import timestamp
from ..roles import check_destination as check_role
from ..validation import invalid
from .mapping import Mapping
from .poller import Tools

if TYPE_CHECKING:
    from .processing import Batch, Record, Source


def send_failure(
    mapping: Mapping,
    tools: Tools,
    source: Source,
    batch: Batch,
    records: list[Record],
    condition: str,
) -> None:
    """Sends the record of records that are given up to the mapping's destination, if it has one.

    A destination that is gone loses it, as on AWS; so does a function that is.
    """
    target = mapping.failure_destination
    if not target:
        return
    record = failure_record(mapping, source, batch, records, condition)
    with contextlib.suppress(Exception):
        if target.startswith("kafka://"):
            source.send_to_topic(target.partition("//")[2], records, record)
            return
        if target.split(":")[2] == "s3":
            record["payload"] = json.dumps(source.event(records), ensure_ascii=False)
        function, arn = tools.find(mapping.region, mapping.function_arn, None)
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


def check_destination(target: str | None, role: str, tools: Tools) -> None:
    """Raises ApiError for a destination that is none, or that the function's role may not use."""
    if not target or target.startswith("kafka://"):  # brokers may make topics when written to
        return
    if target.split(":")[2] not in ("sqs", "sns", "s3"):
        raise invalid(f"The destination ARN {target} is invalid.")
    tools.destinations.check(target)
    check_role(tools.allows, role, target)
