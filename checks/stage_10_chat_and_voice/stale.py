"""A DynamoDB whose first answer is old news: somebody took the last bike in the meantime."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from workshop.grading.stand_in import stand_in

# It speaks DynamoDB's JSON, as an endpoint of its own, and sends on what it gets. In the first
# answer to a read, each station has one bike.
STALE = """
import base64
import json

import boto3
from botocore import xform_name
from botocore.exceptions import ClientError

dynamodb = boto3.client("dynamodb")
state = {"is_stale": True}


def with_a_bike(value):
    if isinstance(value, list):
        return [with_a_bike(each) for each in value]
    if not isinstance(value, dict):
        return value
    more = {"bikes": {"N": "1"}} if "bikes" in value else {}
    return {key: with_a_bike(each) for key, each in value.items()} | more


def handler(event, context):
    body = event["body"]
    asked = json.loads(base64.b64decode(body) if event["isBase64Encoded"] else body)
    name = event["headers"]["x-amz-target"].rpartition(".")[2]
    status = 200
    try:
        answer = getattr(dynamodb, xform_name(name))(**asked)
        if state["is_stale"] and ("Get" in name or name in ("Query", "Scan")):
            state["is_stale"], answer = False, with_a_bike(answer)
    except ClientError as error:
        status, answer = 400, error.response
        answer["__type"] = answer["Error"]["Code"]
        answer["message"] = answer["Error"]["Message"]
    answer.pop("ResponseMetadata", None)
    headers = {"content-type": "application/x-amz-json-1.0"}
    return {"statusCode": status, "headers": headers, "body": json.dumps(answer)}
"""


def stale_table(account: Any, folder: Path) -> str:
    """The endpoint of a DynamoDB that is behind once; `folder` is an empty one."""
    return stand_in(account, folder, STALE)
