"""A role as a whole: who may assume it, and what it may do."""

from __future__ import annotations

from dataclasses import dataclass

from ..base.variables import ACCOUNT_ID
from .policy import Asker, Decision, Document, decide
from .resource_policy import Source


@dataclass(frozen=True)
class Role:
    """A role with its policies, as documents."""

    name: str
    trust: Document
    policies: tuple[Document, ...]

    def trusts(self, service: str, source_arn: str = "") -> bool:
        """Whether a service, such as scheduler.amazonaws.com, may assume it for a resource."""
        return self._trusts(Source(service, source_arn, ACCOUNT_ID).asker())

    def trusts_caller(self, arn: str, role_arn: str | None) -> bool:
        """Whether a caller may assume it: by its own ARN, its role's, or as one of the account."""
        account = f"arn:aws:iam::{ACCOUNT_ID}:root"
        return self._trusts(Asker(frozenset({arn, role_arn or arn, account, ACCOUNT_ID})))

    def allows(self, action: str, resource: str) -> bool:
        """Whether its policies let it do something."""
        return decide(list(self.policies), action, resource) is Decision.ALLOWED

    def _trusts(self, asker: Asker) -> bool:
        return decide([self.trust], "sts:AssumeRole", "", asker) is Decision.ALLOWED
