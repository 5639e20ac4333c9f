"""What is around the functions of stage 08: pages, a queue that refuses, settings from night.json."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from workshop.grading.function import ROLE, Function, deploy
from workshop.grading.outcomes import OF_THE_GRADER
from workshop.grading.submission import NotReady
from workshop.grading.web import reachable

from .night import FULL_PAGE, PAGE, Night
from .logs import hour, some_day

SHORT_PAGES = "MOTO_S3_DEFAULT_MAX_KEYS"  # of the local cloud in this process; elsewhere nothing
# It speaks SQS's JSON, as an endpoint of its own. It sends on what it does not refuse.
REFUSING = """
import base64
import json
import os

import boto3

sqs = boto3.client("sqs")


def handler(event, context):
    body = event["body"]
    asked = json.loads(base64.b64decode(body) if event["isBase64Encoded"] else body)
    entries = asked.get("Entries", [])
    refused = entries[-1:] if os.environ["REFUSES"] == "last" and len(entries) > 1 else []
    if os.environ["REFUSES"] == "all":
        refused = entries
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
    headers = {"content-type": "application/x-amz-json-1.0"}
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


def refusing_queue(account: Any, folder: Path, queue_url: str, refuses: str) -> str:
    """The endpoint of an SQS that refuses "all" entries, or the "last" of several."""
    (folder / "handler.py").write_text(REFUSING, encoding="utf-8")
    role = os.environ.get("WORKSHOP_ROLE_ARN", ROLE)
    client = account.client("lambda")
    variables = {"REFUSES": refuses, "QUEUE_URL": queue_url}
    function: Function = deploy(client, folder, role, variables)
    account.later(function.delete)
    url = client.create_function_url_config(FunctionName=function.name, AuthType="NONE")
    everyone = {"FunctionName": function.name, "Principal": "*"}
    client.add_permission(
        **everyone,
        StatementId="url",
        Action="lambda:InvokeFunctionUrl",
        FunctionUrlAuthType="NONE",
    )
    client.add_permission(
        **everyone, StatementId="invoke", Action="lambda:InvokeFunction", InvokedViaFunctionUrl=True
    )
    return reachable(url["FunctionUrl"], client)


def made(part: str, call: Any, /, **arguments: Any) -> Any:
    """What a call of AWS makes of settings in night.json. Raises NotReady where it refuses them."""
    from botocore.exceptions import ClientError, ParamValidationError

    try:
        return call(**arguments)
    except ParamValidationError as error:
        raise NotReady(f"night.json: `{part}` has something that AWS cannot take:\n{error}") from None
    except ClientError as error:
        if error.response["Error"]["Code"] in OF_THE_GRADER:
            raise
        raise NotReady(f"AWS refuses `{part}` in night.json:\n{error}") from None


def text_of(value: Any) -> str:
    """A value of night.json as the string that AWS takes."""
    return value if isinstance(value, str) else json.dumps(value)
