"""What EventBridge refuses and moto takes, raised as moto's errors."""

from __future__ import annotations

import json
import re
from datetime import datetime, timezone
from typing import Any

import moto.events.models as models
from moto.core.exceptions import JsonRESTError
from moto.events.exceptions import InvalidEventPatternException, ValidationException

from ..triggers.push.expressions import rule_times

LARGEST_REQUEST = 1024 * 1024  # bytes of all entries; 256 KB until January 2026
RULE_NAME = r"[\.\-_A-Za-z0-9]+"
RULE_STATES = ("ENABLED", "DISABLED", "ENABLED_WITH_ALL_CLOUDTRAIL_MANAGEMENT_EVENTS")
MOST_TARGETS = 5  # of a rule
INPUTS = ("Input", "InputPath", "InputTransformer")
MATCH_TYPES = {
    "prefix",
    "suffix",
    "anything-but",
    "numeric",
    "cidr",
    "exists",
    "equals-ignore-case",
    "wildcard",
}


def check_request(entries: list[dict[str, Any]]) -> None:
    """Checks the entries of PutEvents together."""
    if not entries:
        raise ValidationException(
            "1 validation error detected: Value '[]' at 'entries' failed to satisfy constraint: "
            "Member must have length greater than or equal to 1"
        )
    if sum(map(_size, entries)) > LARGEST_REQUEST:
        raise ValidationException("Total size of the entries in the request is over the limit.")


def check_targets(targets: list[dict[str, Any]], rule: models.Rule | None) -> None:
    """Checks targets that a rule shall get besides those that it has."""
    for target in targets:
        _check_target(target)
    ids = {each["Id"] for each in [*targets, *(rule.targets if rule else [])]}
    if len(ids) > MOST_TARGETS:
        message = "The requested resource exceeds the maximum number allowed."
        raise JsonRESTError("LimitExceededException", message)


def check_rule(name: str, pattern: str | None, expression: str | None, state: str | None) -> None:
    """Raises moto's errors for what AWS refuses and moto does not."""
    if not re.fullmatch(RULE_NAME, name or ""):
        raise ValidationException(
            f"1 validation error detected: Value '{name}' at 'name' failed to satisfy "
            f"constraint: Member must satisfy regular expression pattern: {RULE_NAME}"
        )
    if state is not None and state not in RULE_STATES:
        raise ValidationException(
            f"1 validation error detected: Value '{state}' at 'state' failed to satisfy "
            f"constraint: Member must satisfy enum value set: [{', '.join(RULE_STATES)}]"
        )
    if pattern:
        check_pattern(pattern)
    if not expression:
        return
    try:
        rule_times(expression, datetime.now(timezone.utc))
    except ValueError:
        raise ValidationException("Parameter ScheduleExpression is not valid.") from None


def check_pattern(text: str) -> None:
    """Raises moto's error for a pattern that is no object or has match types of its own."""
    if not is_object(text, unless_broken=True):
        raise InvalidEventPatternException("Filter is not an object")
    pattern = models.EventPattern.load(text).get_pattern()  # raises the error for broken JSON
    for match_type in _match_types(pattern):
        if match_type not in MATCH_TYPES:
            raise InvalidEventPatternException(f"Unrecognized match type {match_type}")


def _check_target(target: dict[str, Any]) -> None:
    if sum(bool(target.get(each)) for each in INPUTS) > 1:
        raise ValidationException(
            f"Only one of Input, InputPath, or InputTransformer must be provided for target "
            f"{target['Id']}."
        )
    if target.get("Input"):
        try:
            json.loads(target["Input"])
        except ValueError as error:
            raise ValidationException(
                f"JSON syntax error in input for target {target['Id']}: {error}"
            ) from None


def _size(entry: dict[str, Any]) -> int:
    """Bytes of an entry, as AWS counts them."""
    texts = [entry.get("Source"), entry.get("DetailType"), entry.get("Detail")]
    texts += entry.get("Resources") or []
    return sum(len(str(text or "").encode()) for text in texts) + (14 if entry.get("Time") else 0)


def is_object(text: str, unless_broken: bool = False) -> bool:
    """Whether a text is a JSON object; `unless_broken` is the answer for what is no JSON."""
    try:
        return isinstance(json.loads(text), dict)
    except (ValueError, RecursionError):
        return unless_broken


def _match_types(pattern: dict[str, Any]) -> list[str]:
    """The names in a pattern's filters, such as `prefix`."""
    found: list[str] = []
    for key, value in pattern.items():
        if isinstance(value, dict):
            found += _match_types(value)
        for each in value if isinstance(value, list) else []:
            if isinstance(each, dict):
                found += _match_types(each) if key == "$or" else list(each)
    return found
