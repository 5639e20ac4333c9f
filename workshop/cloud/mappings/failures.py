"""The records of batches that were given up, and where they are sent.

Follows "Retain discarded batch records for a Kinesis Data Streams event source in Lambda"
(https://docs.aws.amazon.com/lambda/latest/dg/kinesis-on-failure-destination.html). Queues and
topics get what is known of the batch; a bucket gets the batch itself too.
"""

from __future__ import annotations

import contextlib
import json
import uuid
from datetime import datetime, timezone
from typing import TYPE_CHECKING, Any

from ..destinations import timestamp
from ..model import ApiError
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

    A destination that is gone loses it, as on AWS.
    """
    target = mapping.failure_destination
    if not target:
        return
    record = failure_record(mapping, source, batch, records, condition)
    with contextlib.suppress(Exception):
        if target.startswith("kafka://"):
            source.send_to_topic(target.partition("//")[2], records, record)
        elif target.split(":")[2] == "s3":
            payload = json.dumps(source.event(records), ensure_ascii=False)
            _put_object(mapping, tools, source.where, {**record, "payload": payload})
        else:
            tools.destinations.send(target, record, None, "Failure")


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


def _put_object(mapping: Mapping, tools: Tools, where: str, record: dict[str, Any]) -> None:
    now = datetime.now(timezone.utc)
    key = f"aws/lambda/{mapping.uuid}/{where}/{now:%Y/%m/%d/%Y-%m-%dT%H.%M.%S}-{uuid.uuid4()}"
    bucket = mapping.failure_destination.split(":::")[1]
    body = json.dumps(record, ensure_ascii=False).encode()
    tools.client("s3", mapping.region).put_object(Bucket=bucket, Key=key, Body=body)
    tools.wake("sqs")  # the bucket may notify a queue


def check_destination(target: str | None, tools: Tools) -> None:
    """Raises ApiError for a destination of another kind, or one that does not exist."""
    if not target or target.startswith("kafka://"):  # brokers may make topics when written to
        return
    service, region, account, name = (target.split(":", 5) + [""] * 6)[2:6]
    try:
        if service == "sqs":
            client = tools.client("sqs", region)
            client.get_queue_url(QueueName=name, QueueOwnerAWSAccountId=account)
        elif service == "sns":
            tools.client("sns", region).get_topic_attributes(TopicArn=target)
        elif service == "s3":
            tools.client("s3", "us-east-1").head_bucket(Bucket=name)
        else:
            raise _wrong(target)
    except ApiError:
        raise
    except Exception as error:
        raise _wrong(target) from error


def _wrong(target: str) -> ApiError:
    return invalid(f"The destination ARN {target} is invalid.")
