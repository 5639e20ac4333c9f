"""What policies say of one action on one resource: a role's, a user's, or the resource's own.

Follows "Policy evaluation logic"
(https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_evaluation-logic.html): an
explicit Deny wins, then an Allow, and what nobody allows is denied. Conditions follow "IAM JSON
policy elements: Condition operators"
(https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements_condition_operators.html).
What the local cloud cannot judge counts against the caller: with a condition key or an operator
that it does not know, an Allow allows nothing, and a Deny denies.
"""

from __future__ import annotations

import operator
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from enum import Enum
from typing import Any

from ..base.wildcards import like

Document = dict[str, Any]
# Condition keys of every request. On AWS it comes over TLS; here it leaves this machine never.
COMMON_KEYS = {"aws:securetransport": "true"}


class Decision(Enum):
    """How an evaluation ends."""

    ALLOWED = "allowed"
    NOT_ALLOWED = "no statement allows it"
    DENIED = "a statement denies it"


@dataclass(frozen=True)
class Asker:
    """Who asks, as far as policies look at it.

    `names` are those by which Principal may name it; None where its own policies are asked, which
    name nobody. `keys` are condition keys in small letters; an empty value says that the request
    has none.
    """

    names: frozenset[str] | None = None
    keys: Mapping[str, str] = field(default_factory=lambda: COMMON_KEYS)


ITSELF = Asker()


def decide(
    documents: list[Document], action: str, resource: str, asker: Asker = ITSELF
) -> Decision:
    """Evaluates policy documents for an action, such as "s3:GetObject", on a resource's ARN."""
    effects = {
        statement.get("Effect")
        for document in documents
        for statement in as_list(document.get("Statement"))
        if _concerns(statement, action, resource, asker)
    }
    if "Deny" in effects:
        return Decision.DENIED
    return Decision.ALLOWED if "Allow" in effects else Decision.NOT_ALLOWED


def as_list(value: Any) -> list[Any]:
    """A policy element as a list: AWS lets a single value stand without one."""
    if value is None:
        return []
    return value if isinstance(value, list) else [value]


def _concerns(statement: Document, action: str, resource: str, asker: Asker) -> bool:
    """Whether a statement speaks of an action on a resource by somebody."""
    return (
        _covers(statement, "Action", lambda each: like(each.lower(), action.lower()))
        and _covers_resource(statement, resource, asker)
        and (asker.names is None or _is_for(statement, asker.names))
        and _holds(statement, asker.keys)
    )


def _covers(statement: Document, name: str, fits: Callable[[str], bool]) -> bool:
    if f"Not{name}" in statement:
        return not any(fits(each) for each in as_list(statement[f"Not{name}"]))
    return any(fits(each) for each in as_list(statement.get(name)))


def _covers_resource(statement: Document, resource: str, asker: Asker) -> bool:
    """A resource's own policy, and a role's trust policy, may leave out what they are about."""
    if asker.names is not None and not {"Resource", "NotResource"} & statement.keys():
        return True
    return _covers(statement, "Resource", lambda each: like(each, resource))


def _is_for(statement: Document, names: frozenset[str]) -> bool:
    if "NotPrincipal" in statement:
        return not _is_among(statement["NotPrincipal"], names)
    return _is_among(statement.get("Principal"), names)


def _is_among(principal: Any, names: frozenset[str]) -> bool:
    if not isinstance(principal, dict):
        return principal == "*"
    listed = {each for value in principal.values() for each in as_list(value)}
    return "*" in as_list(principal.get("AWS")) or not names.isdisjoint(listed)


def _holds(statement: Document, keys: Mapping[str, str]) -> bool:
    """Whether all conditions of a statement hold."""
    unknown = statement.get("Effect") == "Deny"
    return all(
        _compare(name, keys.get(key.lower()), as_list(values), unknown)
        for name, wanted in (statement.get("Condition") or {}).items()
        for key, values in wanted.items()
    )


def _compare(name: str, found: str | None, wanted: list[Any], unknown: bool) -> bool:
    """One condition: `found` is None for a key that is not known here, "" for one without value.

    `unknown` is what a comparison counts as that can't be made.
    """
    base = name.removesuffix("IfExists")
    if found is None or (base != "Null" and base.replace("Not", "") not in OPERATORS):
        return unknown
    if base == "Null":
        return any(_equal_ignoring_case(str(each), str(not found)) for each in wanted)
    negated = "Not" in base
    if not found:
        return negated or base != name
    compare = OPERATORS[base.replace("Not", "")]
    return any(compare(_text(each), found) for each in wanted) != negated


def _text(value: Any) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)


def _equal_ignoring_case(one: str, other: str) -> bool:
    return one.lower() == other.lower()


def _arn_like(pattern: str, arn: str) -> bool:
    """Compares part by part: no star reaches over a colon, but for those of the last part."""
    parts = list(zip(pattern.split(":", 5), arn.split(":", 5), strict=False))
    return pattern == "*" or (len(parts) == 6 and all(like(*part) for part in parts))


OPERATORS: dict[str, Callable[[str, str], bool]] = {
    "StringEquals": operator.eq,
    "StringEqualsIgnoreCase": _equal_ignoring_case,
    "StringLike": like,
    "ArnEquals": _arn_like,
    "ArnLike": _arn_like,
    "Bool": _equal_ignoring_case,
}
