"""A role as a whole: who may assume it, and what it may do."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from ..base.variables import ACCOUNT_ID
from .policy import Decision, Document, as_list, decide


@dataclass(frozen=True)
class Role:
    """A role with its policies, as documents."""

    name: str
    trust: Document
    policies: tuple[Document, ...]

    def trusts(self, service: str) -> bool:
        """Whether a service, such as scheduler.amazonaws.com, may assume it."""
        return self._trusts("Service", {service})

    def trusts_caller(self, arn: str, role_arn: str | None) -> bool:
        """Whether a caller may assume it: by its own ARN, its role's, or as one of the account."""
        account = f"arn:aws:iam::{ACCOUNT_ID}:root"
        return self._trusts("AWS", {arn, role_arn or arn, account, ACCOUNT_ID, "*"})

    def _trusts(self, kind: str, names: set[str]) -> bool:
        return any(
            each.get("Effect") == "Allow"
            and "sts:assumerole" in [str(action).lower() for action in as_list(each.get("Action"))]
            and _names(each.get("Principal"), kind, names)
            for each in as_list(self.trust.get("Statement"))
        )

    def allows(self, action: str, resource: str) -> bool:
        """Whether its policies let it do something."""
        return decide(list(self.policies), action, resource) is Decision.ALLOWED


def _names(principal: Any, kind: str, names: set[str]) -> bool:
    if principal == "*":
        return True
    return isinstance(principal, dict) and not names.isdisjoint(as_list(principal.get(kind)))
