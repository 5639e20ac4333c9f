"""Which action on which resources an API call asks for, in IAM's words.

Follows "Actions, resources, and condition keys for AWS services"
(https://docs.aws.amazon.com/service-authorization/latest/reference/).
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any

from ..base.arns import Arn
from .asked import Asked
from .dynamodb_calls import dynamodb_calls
from .operations import find_operation
from .s3_calls import s3_calls

# The name in a request's signature, where IAM has another.
PREFIXES = {"monitoring": "cloudwatch", "email": "ses", "iotdata": "iot"}
# IAM's name of an operation, where it has another than the API.
RENAMED = {
    "lambda:Invoke": "lambda:InvokeFunction",
    "lambda:InvokeAsync": "lambda:InvokeFunction",
    "lambda:InvokeWithResponseStream": "lambda:InvokeFunction",
    "lambda:GetLayerVersionByArn": "lambda:GetLayerVersion",
    "sns:PublishBatch": "sns:Publish",
    "sqs:SendMessageBatch": "sqs:SendMessage",
    "sqs:DeleteMessageBatch": "sqs:DeleteMessage",
    "sqs:ChangeMessageVisibilityBatch": "sqs:ChangeMessageVisibility",
}
# Parameters that name the resource: "{}" stands for the value, "arn" for a value that is one.
RESOURCES = {
    "kinesis": (("StreamARN", "arn"), ("ResourceARN", "arn"), ("StreamName", "stream/{}")),
    "logs": (("logGroupName", "log-group:{}:*"), ("logGroupIdentifier", "log-group:{}:*")),
    "secretsmanager": (("SecretId", "secret:{}"), ("Name", "secret:{}")),
    "ssm": (("Name", "parameter/{}"), ("Names", "parameter/{}"), ("Path", "parameter/{}")),
    "states": (("stateMachineArn", "arn"), ("executionArn", "arn")),
    "kms": (("KeyId", "key/{}"),),
    "sqs": (("QueueUrl", "{}"), ("QueueName", "{}")),
    "sns": (("TopicArn", "arn"), ("TargetArn", "arn"), ("ResourceArn", "arn"), ("Name", "{}")),
    "iot": (("ruleName", "rule/{}"), ("thingName", "thing/{}"), ("policyName", "policy/{}")),
    "iotdata": (("topic", "topic/{}"), ("thingName", "thing/{}")),
    "lambda": (("LayerName", "layer:{}"), ("UUID", "event-source-mapping:{}"), ("Resource", "arn")),
    "iam": (("RoleName", "role/{}"), ("UserName", "user/{}"), ("PolicyArn", "arn")),
    "sts": (("RoleArn", "arn"),),
}
FUNCTION = re.compile(
    r"(?:arn:aws:lambda:[\w-]+:\d{12}:)?(?:\d{12}:)?(?:function:)?(?P<name>[\w-]+)"
    r"(?::(?P<qualifier>[\w$-]+))?"
)
ROLE = re.compile(r"arn:aws:iam::\d{12}:role/[\w+=,.@/-]+")
PASSING = {"lambda", "events", "scheduler", "iot", "states", "logs", "pipes", "firehose"}


@dataclass(frozen=True)
class Call:
    """One action on one resource."""

    action: str  # "dynamodb:PutItem"
    resource: str  # an ARN, or "*"


def describe(service: str, region: str, account: str, asked: Asked) -> list[Call] | None:
    """What a request asks for; None where the local cloud cannot tell.

    `service` and `region` are those that the request is signed for.
    """
    if service == "apigateway":
        return [_apigateway(region, asked)]
    if service == "s3":
        return _calls(s3_calls(asked))
    operation = find_operation(service, asked)
    if operation is None:
        return None
    arn = f"arn:aws:{PREFIXES.get(service, service)}:{region}:{account}:"
    name, fields = operation.name, operation.parameters
    if service == "dynamodb":
        return _calls(dynamodb_calls(name, fields, arn))
    action = f"{PREFIXES.get(service, service)}:{name}"
    action = RENAMED.get(action, action)
    resources = _resources(service, name, fields, arn, asked)
    if resources is None:
        return None
    calls = [Call(action, resource) for resource in resources]
    if service in PASSING:
        calls += [Call("iam:PassRole", role) for role in sorted(_roles_in(fields))]
    return calls


def _calls(pairs: list[tuple[str, str]] | None) -> list[Call] | None:
    return None if pairs is None else [Call(*pair) for pair in pairs]


def _apigateway(region: str, asked: Asked) -> Call:
    """API Gateway's actions are HTTP's methods, and its resources are paths.

    Follows "Actions, resources, and condition keys for Amazon API Gateway Management"
    (https://docs.aws.amazon.com/service-authorization/latest/reference/list_amazonapigatewaymanagement.html).
    """
    path = asked.path.removeprefix("/v2") if asked.path.startswith("/v2/") else asked.path
    return Call(f"apigateway:{asked.method}", f"arn:aws:apigateway:{region}::{path.rstrip('/')}")


def _resources(
    service: str, name: str, fields: dict[str, Any], arn: str, asked: Asked
) -> list[str] | None:
    """The resources of a call; None where it names them in a way that cannot be read."""
    if service == "lambda" and isinstance(fields.get("FunctionName"), str):
        return _function(name, fields, arn)
    if service == "events":
        return _events(name, fields, arn)
    if service == "scheduler":
        return [_schedule(name, fields, arn)]
    if service == "iam":
        arn = arn.replace(Arn.parse(arn).region, "", 1)  # IAM's ARNs have no region
    if service == "sqs" and asked.path.strip("/"):
        if fields.get("QueueUrl", asked.path).rstrip("/").split("/")[-2:] != _last_parts(asked):
            return None
        fields = {**fields, "QueueUrl": asked.path}
    for field, form in RESOURCES.get(service, ()):
        values = fields.get(field)
        values = [values] if isinstance(values, str) else values
        if isinstance(values, list) and values and all(isinstance(v, str) for v in values):
            return [_resource(service, form, value, arn) for value in values]
    return ["*"]


def _last_parts(asked: Asked) -> list[str]:
    return asked.path.rstrip("/").split("/")[-2:]


def _resource(service: str, form: str, value: str, arn: str) -> str:
    if form == "arn" or value.startswith("arn:"):
        return value
    return arn + form.format(value.rpartition("/")[2] if service == "sqs" else value.lstrip("/"))


def _function(name: str, fields: dict[str, Any], arn: str) -> list[str] | None:
    """A function by its name, its ARN or part of it; invoked with a qualifier, that counts."""
    given = fields["FunctionName"]
    found = FUNCTION.fullmatch(given)
    if not found:
        return None
    if given.startswith("arn:"):
        arn = given.removesuffix(Arn.parse(given).resource)
    qualifier = found["qualifier"] or fields.get("Qualifier")
    named = f":{qualifier}" if qualifier and name.startswith("Invoke") else ""
    return [f"{arn}function:{found['name']}{named}"]


def _events(name: str, fields: dict[str, Any], arn: str) -> list[str]:
    """Rules stand below their bus, the default one apart; PutEvents names a bus for each event."""
    if name == "PutEvents":
        entries = fields.get("Entries")
        entries = [e for e in entries if isinstance(e, dict)] if isinstance(entries, list) else []
        buses = [e.get("EventBusName") or "default" for e in entries]
        return [_bus(str(each), arn) for each in dict.fromkeys(buses)] or [_bus("default", arn)]
    bus = str(fields.get("EventBusName") or "default")
    rule = fields.get("Rule") or (fields.get("Name") if "Rule" in name else None)
    if isinstance(rule, str):
        below = "" if bus == "default" else f"{bus.rpartition('/')[2]}/"
        return [f"{arn}rule/{below}{rule}"]
    if isinstance(fields.get("EventBusName") or fields.get("Name"), str):
        return [_bus(fields.get("EventBusName") or fields["Name"], arn)]
    return ["*"]


def _bus(name: str, arn: str) -> str:
    return name if name.startswith("arn:") else f"{arn}event-bus/{name}"


def _schedule(name: str, fields: dict[str, Any], arn: str) -> str:
    if isinstance(fields.get("ResourceArn"), str):
        return fields["ResourceArn"]
    if not isinstance(fields.get("Name"), str):
        return "*"
    if name.endswith("ScheduleGroup"):
        return f"{arn}schedule-group/{fields['Name']}"
    group = fields.get("GroupName") or fields.get("groupName") or "default"
    return f"{arn}schedule/{group}/{fields['Name']}"


def _roles_in(value: Any) -> set[str]:
    """Each role that a call's parameters name: AWS asks whether the caller may pass it on."""
    if isinstance(value, str):
        return {value} if ROLE.fullmatch(value) else set()
    parts = value.values() if isinstance(value, dict) else value if isinstance(value, list) else ()
    return set().union(*(_roles_in(part) for part in parts))
