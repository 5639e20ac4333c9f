"""IAM roles in moto, as the local cloud asks for them."""

from __future__ import annotations

from typing import Any

from moto.iam.models import iam_backends

from ..access import Role
from ..base.arns import Arn
from ..base.json_text import from_json


def find_role(arn: str) -> Role | None:
    """A role with its policies, inline and attached, by its ARN."""
    for role in iam_backends[Arn.parse(arn).account]["aws"].roles.values():
        if role.arn == arn:
            trust = document(role.assume_role_policy_document)
            return Role(role.name, trust, documents(role))
    return None


def documents(holder: Any) -> tuple[dict[str, Any], ...]:
    """The policies of a role, a user or a group, inline and attached."""
    return tuple(map(document, [*holder.policies.values(), *_managed(holder)]))


def _managed(holder: Any) -> list[Any]:
    """The documents of the policies that are attached, in their default versions."""
    return [
        version.document
        for policy in holder.managed_policies.values()
        for version in policy.versions
        if version.version_id == policy.default_version_id
    ]


def document(given: Any) -> dict[str, Any]:
    """A policy document, as moto keeps it: text or not. One that cannot be read allows nothing."""
    try:
        found = from_json(given) if isinstance(given, str) else given
    except ValueError:
        found = None
    return found if isinstance(found, dict) else {}
