"""The policies of functions, queues and topics: their statements, and whom they let in.

Follows "Using resource-based policies for Lambda"
(https://docs.aws.amazon.com/lambda/latest/dg/access-control-resource-based.html).
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any

from ..base.json_text import from_json
from ..base.model import ApiError
from ..base.parameters import constraint
from .policy import COMMON_KEYS, Asker, Decision, Document, decide

INVOKE = "lambda:InvokeFunction"
STATEMENT_ID = r"([a-zA-Z0-9-_]+)"
ACTION = r"(lambda:[*]|lambda:[a-zA-Z]+|[*])"
# AddPermission's parameters, and where they stand in a statement
CONDITIONS = {
    "SourceArn": ("ArnLike", "AWS:SourceArn"),
    "SourceAccount": ("StringEquals", "AWS:SourceAccount"),
    "EventSourceToken": ("StringEquals", "lambda:EventSourceToken"),
    "FunctionUrlAuthType": ("StringEquals", "lambda:FunctionUrlAuthType"),
    "PrincipalOrgID": ("StringEquals", "aws:PrincipalOrgID"),
}
Statement = Document


@dataclass(frozen=True)
class Source:
    """Who wants to use a resource, and on whose behalf.

    principal: a service such as "s3.amazonaws.com", the ARN of a role or of its session, or "*"
    for anybody; arn: of the bucket, topic, rule, API method, ...
    """

    principal: str
    arn: str = ""
    account: str = ""
    token: str = ""  # EventSourceToken: an Alexa skill's id
    url_auth_type: str = ""  # FunctionUrlAuthType, for a function URL

    def asker(self) -> Asker:
        """Itself, as policies look at it."""
        keys = {
            **COMMON_KEYS,
            "aws:principalorgid": "",  # the account is in no organization
            "aws:sourcearn": self.arn,
            "aws:sourceaccount": self.account,
            "lambda:eventsourcetoken": self.token,
            "lambda:functionurlauthtype": self.url_auth_type,
            "lambda:invokedviafunctionurl": "true" if self.url_auth_type else "false",
        }
        return Asker(frozenset({self.principal}), keys)


def make_statement(spec: dict[str, Any], resource: str) -> Statement:
    """The statement that AddPermission adds, as AWS writes it. Raises ApiError."""
    for field, name, pattern in (
        ("StatementId", "statementId", STATEMENT_ID),
        ("Action", "action", ACTION),
    ):
        if not re.fullmatch(pattern, str(spec.get(field, ""))):
            rule = f"Member must satisfy regular expression pattern: {pattern}"
            raise constraint(spec.get(field, ""), name, rule)
    statement: Statement = {
        "Sid": spec["StatementId"],
        "Effect": "Allow",
        "Principal": _principal(spec["Principal"]),
        "Action": spec["Action"],
        "Resource": resource,
    }
    conditions: dict[str, dict[str, str]] = {}
    for parameter, (operator, key) in CONDITIONS.items():
        if spec.get(parameter):
            conditions.setdefault(operator, {})[key] = spec[parameter]
    if spec.get("InvokedViaFunctionUrl") is not None:
        value = str(spec["InvokedViaFunctionUrl"]).lower()
        conditions["Bool"] = {"lambda:InvokedViaFunctionUrl": value}
    if conditions:
        statement["Condition"] = conditions
    return statement


def allows(
    statements: list[Statement], source: Source, resource: str, action: str = INVOKE
) -> bool:
    """Whether a function's policy lets a source invoke `resource`, the ARN as it is invoked."""
    document = {"Statement": statements}
    return _decide(document, source, action, resource.removesuffix(":$LATEST"))


def may_send(policy: str | None, source: Source, action: str, resource: str) -> bool:
    """Whether the JSON of a queue's or a topic's policy lets a source do `action` (such as
    `sqs:SendMessage`).

    Follows "Granting permissions to publish event notification messages to a destination"
    (https://docs.aws.amazon.com/AmazonS3/latest/userguide/grant-destinations-permissions-to-s3.html).
    """
    try:
        return _decide(from_json(policy or "{}"), source, action, resource)
    except (ValueError, AttributeError, TypeError):  # a policy that can't be read allows nothing
        return False


def denied(source: Source, resource: str, action: str = INVOKE) -> ApiError:
    """The error of a source that no statement allows, in AWS's words."""
    return ApiError(
        403,
        "AccessDeniedException",
        f"User: {source.principal} is not authorized to perform: {action} on resource: {resource} "
        f"because no resource-based policy allows the {action} action",
    )


def _decide(document: Document, source: Source, action: str, resource: str) -> bool:
    return decide([document], action, resource, source.asker()) is Decision.ALLOWED


def _principal(given: str) -> Any:
    if given == "*":
        return "*"
    if given.isdigit():
        return {"AWS": f"arn:aws:iam::{given}:root"}
    if given.startswith("arn:"):
        return {"AWS": given}
    return {"Service": given}
