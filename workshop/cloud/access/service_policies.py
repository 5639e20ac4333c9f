"""The policies of queues and topics: whether a service may send to them.

Follows "Granting permissions to publish event notification messages to a destination"
(https://docs.aws.amazon.com/AmazonS3/latest/userguide/grant-destinations-permissions-to-s3.html).
"""

from __future__ import annotations

import json
from typing import Any

from ..base.wildcards import like
from .resource_policy import Source


def may_send(policy: str | None, source: Source, action: str, resource: str) -> bool:
    """Whether a policy's JSON lets a source do `action` (such as `sqs:SendMessage`)."""
    try:
        statements = _list(json.loads(policy or "{}").get("Statement", []))
    except (ValueError, AttributeError):
        return False
    found = [each for each in statements if _applies(each, source, action, resource)]
    effects = {each.get("Effect") for each in found}
    return "Allow" in effects and "Deny" not in effects


def _applies(statement: dict[str, Any], source: Source, action: str, resource: str) -> bool:
    return (
        any(like(each, action, ignore_case=True) for each in _list(statement.get("Action", [])))
        and any(like(each, resource) for each in _list(statement.get("Resource", "*")))
        and _is_for(statement.get("Principal"), source.principal)
        and all(
            _holds(operator, wanted, source)
            for operator, wanted in statement.get("Condition", {}).items()
        )
    )


def _is_for(principal: Any, service: str) -> bool:
    if isinstance(principal, dict):
        return service in _list(principal.get("Service", [])) or "*" in _list(
            principal.get("AWS", [])
        )
    return principal == "*"


def _holds(operator: str, wanted: dict[str, Any], source: Source) -> bool:
    """Whether one condition holds; one that is not known here does not."""
    keys = source.keys()
    return all(
        any(_compares(operator, keys.get(key.lower()) or "", each) for each in _list(values))
        for key, values in wanted.items()
    )


def _compares(operator: str, found: str, wanted: str) -> bool:
    if operator in ("ArnLike", "ArnEquals", "StringLike"):
        return like(wanted, found)
    return operator == "StringEquals" and found == wanted


def _list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [value]
