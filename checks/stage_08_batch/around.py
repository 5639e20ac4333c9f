"""What is around the functions of stage 08: pages of S3, and a queue that refuses messages."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from workshop.grading.stand_in import stand_in

from .logs import hour, some_day
from .night import Night

PAGE, FULL_PAGE = 40, 1_000  # keys that S3 lists at once: the local cloud for these checks, AWS
SHORT_PAGES = "MOTO_S3_DEFAULT_MAX_KEYS"  # of the local cloud in this process; elsewhere nothing
FOR_GOOD = "refused-for-good"  # in the key of a file
# It speaks SQS's JSON, as an endpoint of its own. It refuses the last of several entries, and each
# that is refused for good; the others it sends on. It takes no message outside a batch.
REFUSING = """
import base64
import json
import os

import boto3

sqs = boto3.client("sqs")


def handler(event, context):
    body = event["body"]
    asked = json.loads(base64.b64decode(body) if event["isBase64Encoded"] else body)
    headers = {"content-type": "application/x-amz-json-1.0"}
    if "Entries" not in asked:
        said = "this queue takes batches only: send_message_batch, with up to 10 Entries"
        refusal = {"__type": "UnsupportedOperation", "message": said}
        return {"statusCode": 400, "headers": headers, "body": json.dumps(refusal)}
    entries = asked["Entries"]
    refused = [each for each in entries if os.environ["FOR_GOOD"] in each["MessageBody"]]
    refused = refused or (entries[-1:] if len(entries) > 1 else [])
    passed = [each for each in entries if each not in refused]
    answer = {"Successful": [], "Failed": []}
    if passed:
        answer |= sqs.send_message_batch(QueueUrl=os.environ["QUEUE_URL"], Entries=passed)
        answer.pop("ResponseMetadata")
    answer["Failed"] = [
        {"Id": each["Id"], "SenderFault": False, "Code": "InternalError", "Message": "Try again."}
        for each in refused
    ]
    print(len(entries), "entries,", len(refused), "refused")
    return {"statusCode": 200, "headers": headers, "body": json.dumps(answer)}
"""


def fill_two_pages(night: Night) -> list[str]:
    """Uploads log files until S3 does not list them all at once; gives their keys."""
    keys: list[str] = []
    for most in (PAGE, FULL_PAGE):
        while len(keys) <= most:
            keys.append(night.put(f"{len(keys) % 7}/{len(keys):04}", hour(some_day())))
        listed = night.city.s3.list_objects_v2(Bucket=night.city.bucket, Prefix=night.prefix)
        if listed["IsTruncated"]:
            break
    return sorted(keys)


@contextmanager
def short_pages() -> Iterator[None]:
    """Has the local cloud list a few keys at once, so that a few files fill two pages."""
    os.environ[SHORT_PAGES] = str(PAGE)
    try:
        yield
    finally:
        del os.environ[SHORT_PAGES]


def refusing_queue(account: Any, folder: Path, queue_url: str) -> str:
    """The endpoint of an SQS that refuses some entries; `folder` is an empty one."""
    return stand_in(account, folder, REFUSING, FOR_GOOD=FOR_GOOD, QUEUE_URL=queue_url)
