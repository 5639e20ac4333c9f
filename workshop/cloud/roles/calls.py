"""Which action on which resources an API call asks for, in IAM's words.

Follows "Actions, resources, and condition keys for AWS services"
(https://docs.aws.amazon.com/service-authorization/latest/reference/).
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from typing import Any
from urllib.parse import parse_qs, unquote

# The name in a request's signature, where IAM has another.
PREFIXES = {"monitoring": "cloudwatch", "email": "ses"}
# JSON fields that name the resource: "{}" stands for the value, "arn" for a value that is one.
RESOURCES = {
    "dynamodb": (("TableName", "table/{}"), ("StreamArn", "arn")),
    "kinesis": (("StreamARN", "arn"), ("StreamName", "stream/{}")),
    "logs": (("logGroupName", "log-group:{}:*"),),
    "secretsmanager": (("SecretId", "secret:{}"),),
    "ssm": (("Name", "parameter/{}"), ("Path", "parameter/{}")),
    "events": (("EventBusName", "event-bus/{}"),),
    "states": (("stateMachineArn", "arn"),),
    "kms": (("KeyId", "key/{}"),),
    "sqs": (("QueueUrl", "{}"), ("QueueName", "{}")),
    "sns": (("TopicArn", "arn"), ("TargetArn", "arn")),
}
S3_OBJECT = {
    "GET": "GetObject",
    "HEAD": "GetObject",
    "PUT": "PutObject",
    "POST": "PutObject",
    "DELETE": "DeleteObject",
}
S3_SUBRESOURCES = {"tagging": "Tagging", "acl": "Acl"}
INVOKE = re.compile(r"/2015-03-31/functions/([^/]+)/(invocations|invoke-async)/?")


@dataclass(frozen=True)
class Call:
    """One action on one resource."""

    action: str  # "dynamodb:PutItem"
    resource: str  # an ARN, or "*"


def describe(
    service: str,
    region: str,
    account: str,
    method: str,
    path: str,
    query: str,
    target: str,
    body: bytes,
) -> list[Call]:
    """What a request asks for; an empty list where the local cloud cannot tell.

    `service` is the one that the request is signed for, `target` its X-Amz-Target header.
    """
    if service == "s3":
        return _s3(method, path, query)
    arn = f"arn:aws:{service}:{region}:{account}:"
    if service == "lambda":
        return _lambda(method, unquote(path), arn)
    name, fields = _operation(target, query, body)
    if not name:
        return []
    prefix = PREFIXES.get(service, service)
    if service == "dynamodb":
        return _dynamodb(name, fields, arn)
    return [Call(f"{prefix}:{name}", _resource(service, fields, arn))]


def _operation(target: str, query: str, body: bytes) -> tuple[str, dict[str, Any]]:
    """The operation's name and its parameters, from either of AWS's two forms."""
    if target:
        try:
            fields = json.loads(body or b"{}")
        except ValueError:
            fields = {}
        return target.rpartition(".")[2], fields if isinstance(fields, dict) else {}
    form = parse_qs(query) | parse_qs(body.decode("utf-8", "replace"))
    fields = {key: values[0] for key, values in form.items()}
    return fields.get("Action", ""), fields


def _resource(service: str, fields: dict[str, Any], arn: str) -> str:
    for field, form in RESOURCES.get(service, ()):
        value = fields.get(field)
        if not isinstance(value, str):
            continue
        if form == "arn" or value.startswith("arn:"):
            return value
        return arn + form.format(
            value.rpartition("/")[2] if service == "sqs" else value.lstrip("/")
        )
    return "*"


def _dynamodb(name: str, fields: dict[str, Any], arn: str) -> list[Call]:
    if name in ("BatchWriteItem", "BatchGetItem"):
        return [Call(f"dynamodb:{name}", f"{arn}table/{t}") for t in fields.get("RequestItems", {})]
    if name in ("TransactWriteItems", "TransactGetItems"):
        renamed = {
            "Put": "PutItem",
            "Update": "UpdateItem",
            "Delete": "DeleteItem",
            "Get": "GetItem",
        }
        return [
            Call(
                f"dynamodb:{renamed.get(kind, 'ConditionCheckItem')}",
                f"{arn}table/{each['TableName']}",
            )
            for item in fields.get("TransactItems", [])
            for kind, each in item.items()
        ]
    resource = _resource("dynamodb", fields, arn)
    if fields.get("IndexName"):
        resource += f"/index/{fields['IndexName']}"
    return [Call(f"dynamodb:{name}", resource)]


def _lambda(method: str, path: str, arn: str) -> list[Call]:
    found = INVOKE.fullmatch(path)
    if not found or method != "POST":
        return []
    name = found[1]
    return [
        Call("lambda:InvokeFunction", name if name.startswith("arn:") else f"{arn}function:{name}")
    ]


def _s3(method: str, path: str, query: str) -> list[Call]:
    """Path style only: that is how clients reach 127.0.0.1."""
    bucket, _, key = unquote(path).lstrip("/").partition("/")
    names = set(parse_qs(query, keep_blank_values=True))
    if not bucket:
        return [Call("s3:ListAllMyBuckets", "*")]
    arn = f"arn:aws:s3:::{bucket}"
    if not key:
        if "delete" in names:
            return [Call("s3:DeleteObject", f"{arn}/*")]
        return [Call("s3:ListBucket", arn)] if method in ("GET", "HEAD") else []
    action = S3_OBJECT.get(method)
    if action is None:
        return []
    if method == "DELETE" and "uploadId" in names:
        action = "AbortMultipartUpload"
    if method in ("GET", "HEAD", "DELETE") and "versionId" in names:
        action += "Version"
    for name, suffix in S3_SUBRESOURCES.items():
        if name in names:
            action += suffix
    return [Call(f"s3:{action}", f"{arn}/{key}")]
