"""IAM roles in moto, as the local cloud asks for them."""

from __future__ import annotations

import json
from typing import Any

from moto.iam.models import iam_backends

from ..roles import Role


def find_role(arn: str) -> Role | None:
    """A role with its policies, inline and attached, by its ARN."""
    for role in iam_backends[arn.split(":")[4]]["aws"].roles.values():
        if role.arn == arn:
            policies = [*role.policies.values(), *_managed(role)]
            trust = _document(role.assume_role_policy_document)
            return Role(role.name, trust, tuple(map(_document, policies)))
    return None


def _managed(role: Any) -> list[Any]:
    """The documents of the policies that are attached, in their default versions."""
    return [
        version.document
        for policy in role.managed_policies.values()
        for version in policy.versions
        if version.version_id == policy.default_version_id
    ]


def _document(given: Any) -> dict[str, Any]:
    found = json.loads(given) if isinstance(given, str) else given
    return found if isinstance(found, dict) else {}
