"""IAM roles: who may assume one, and what it may do.

Follows "Policy evaluation logic"
(https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_evaluation-logic.html), as far
as a role in one account needs it: identity-based policies, without conditions.
"""

from __future__ import annotations

import fnmatch
from dataclasses import dataclass
from typing import Any

Document = dict[str, Any]


@dataclass(frozen=True)
class Role:
    """A role with its policies, as documents."""

    name: str
    trust: Document
    policies: tuple[Document, ...]

    def trusts(self, service: str) -> bool:
        """Whether a service, such as scheduler.amazonaws.com, may assume it."""
        return any(
            each.get("Effect") == "Allow"
            and _matches("sts:AssumeRole", each.get("Action"))
            and _names(each.get("Principal"), service)
            for each in statements(self.trust)
        )

    def allows(self, action: str, resource: str) -> bool:
        """Whether its policies let it do something: one allows it, and none denies it."""
        effects = {
            each.get("Effect")
            for policy in self.policies
            for each in statements(policy)
            if _covers(each, action, resource)
        }
        return "Allow" in effects and "Deny" not in effects


def statements(document: Document) -> list[dict[str, Any]]:
    """A policy's statements; a single one may stand without a list."""
    return [each for each in _as_list(document.get("Statement")) if isinstance(each, dict)]


def _covers(statement: dict[str, Any], action: str, resource: str) -> bool:
    if "NotAction" in statement:
        if _matches(action, statement["NotAction"]):
            return False
    elif not _matches(action, statement.get("Action")):
        return False
    if "NotResource" in statement:
        return not _matches(resource, statement["NotResource"])
    return _matches(resource, statement.get("Resource"))


def _names(principal: Any, service: str) -> bool:
    if principal == "*":
        return True
    return isinstance(principal, dict) and service in _as_list(principal.get("Service"))


def _matches(value: str, patterns: Any) -> bool:
    return any(fnmatch.fnmatchcase(value.lower(), str(p).lower()) for p in _as_list(patterns))


def _as_list(value: Any) -> list[Any]:
    if value is None:
        return []
    return value if isinstance(value, list) else [value]
