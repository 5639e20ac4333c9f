"""What a set of identity-based policies says of one action on one resource.

Follows "Policy evaluation logic"
(https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_evaluation-logic.html): an
explicit Deny wins, then an Allow, and what nobody allows is denied.
"""

from __future__ import annotations

from enum import Enum
from typing import Any

from ..base.wildcards import like

Document = dict[str, Any]


class Decision(Enum):
    """How an evaluation ends."""

    ALLOWED = "allowed"
    NOT_ALLOWED = "no statement allows it"
    DENIED = "a statement denies it"


def decide(documents: list[Document], action: str, resource: str) -> Decision:
    """Evaluates policy documents for an action, such as "s3:GetObject", on a resource's ARN."""
    decision = Decision.NOT_ALLOWED
    for document in documents:
        for statement in as_list(document.get("Statement")):
            if not _concerns(statement, action, resource):
                continue
            if statement.get("Effect") == "Deny":
                return Decision.DENIED
            decision = Decision.ALLOWED
    return decision


def _concerns(statement: Document, action: str, resource: str) -> bool:
    """Whether a statement speaks of an action on a resource.

    The local cloud knows no condition keys of a request: an Allow with a condition allows
    nothing, and a Deny with one denies nothing.
    """
    if statement.get("Condition"):
        return False
    return _element(statement, "Action", action.lower(), str.lower) and _element(
        statement, "Resource", resource, str
    )


def _element(statement: Document, name: str, value: str, fold: Any) -> bool:
    if f"Not{name}" in statement:
        return not any(_like(fold(each), value) for each in as_list(statement[f"Not{name}"]))
    return any(_like(fold(each), value) for each in as_list(statement.get(name)))


def _like(pattern: str, value: str) -> bool:
    """IAM's wildcards: `*` for any characters, `?` for one."""
    return like(pattern, value)


def as_list(value: Any) -> list[Any]:
    """A policy element as a list: AWS lets a single value stand without one."""
    if value is None:
        return []
    return value if isinstance(value, list) else [value]
