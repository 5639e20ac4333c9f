"""A function's resource-based policy: its statements, and whom they let in.

Follows "Using resource-based policies for Lambda"
(https://docs.aws.amazon.com/lambda/latest/dg/access-control-resource-based.html).
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any

from ..base.model import ApiError
from ..base.parameters import constraint
from ..base.wildcards import like

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
Statement = dict[str, Any]


@dataclass(frozen=True)
class Source:
    """A service that wants to invoke a function, and on whose behalf.

    principal: such as "s3.amazonaws.com"; arn: of the bucket, topic, rule, API method, ...
    """

    principal: str
    arn: str = ""
    account: str = ""
    token: str = ""  # EventSourceToken: an Alexa skill's id
    url_auth_type: str = ""  # FunctionUrlAuthType, for a function URL

    def keys(self) -> dict[str, str]:
        """The request's condition keys, by their names in small letters."""
        return {
            "aws:sourcearn": self.arn,
            "aws:sourceaccount": self.account,
            "lambda:eventsourcetoken": self.token,
            "lambda:functionurlauthtype": self.url_auth_type,
            "lambda:invokedviafunctionurl": "true" if self.url_auth_type else "false",
        }


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
    return any(_matches(each, source, resource, action) for each in statements)


def denied(source: Source, resource: str, action: str = INVOKE) -> ApiError:
    """The error of a source that no statement allows, in AWS's words."""
    return ApiError(
        403,
        "AccessDeniedException",
        f"User: {source.principal} is not authorized to perform: {action} on resource: {resource} "
        f"because no resource-based policy allows the {action} action",
    )


def _matches(statement: Statement, source: Source, resource: str, action: str) -> bool:
    if statement["Resource"] != resource.removesuffix(":$LATEST"):
        return False
    if not like(statement["Action"], action, ignore_case=True):
        return False
    if not _is_for(statement["Principal"], source.principal):
        return False
    keys = source.keys()
    for operator, wanted in statement.get("Condition", {}).items():
        for key, value in wanted.items():
            found = keys.get(key.lower(), "")
            if operator == "ArnLike":
                if not like(value, found):
                    return False
            elif found != value:
                return False
    return True


def _is_for(principal: Any, service: str) -> bool:
    return principal == "*" or (
        isinstance(principal, dict) and service in (principal.get("Service"), principal.get("AWS"))
    )


def _principal(given: str) -> Any:
    if given == "*":
        return "*"
    if given.isdigit():
        return {"AWS": f"arn:aws:iam::{given}:root"}
    if given.startswith("arn:"):
        return {"AWS": given}
    return {"Service": given}
