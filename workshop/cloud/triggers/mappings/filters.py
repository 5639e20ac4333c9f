"""Filters of event source mappings: which records reach the function.

Follows "Control which events Lambda sends to your function"
(https://docs.aws.amazon.com/lambda/latest/dg/invocation-eventfiltering.html) and its page of each
source.
"""

from __future__ import annotations

import base64
import json
from collections.abc import Callable
from typing import Any

from ...base.parameters import invalid

Pattern = dict[str, Any]
Matches = Callable[[Pattern, dict[str, Any]], bool]

MOST_FILTERS = 5
MOST_COMBINATIONS = 1000  # of a pattern's $or, as in EventBridge
MISSING = object()
DATA_FIELDS = {"sqs": ("body",), "kinesis": ("data",), "kafka": ("value",)}
STRICT = {"kinesis": "data", "dynamodb": "dynamodb"}  # patterns of these must be JSON objects
OPERATORS = {  # with the types that their operand may have
    "anything-but": (str, int, float, list, dict),
    "cidr": (str,),
    "equals-ignore-case": (str,),
    "exists": (bool,),
    "numeric": (list,),
    "prefix": (str, dict),
    "suffix": (str, dict),
    "wildcard": (str,),
}
COMPARISONS = ("<", "<=", "=", ">=", ">")


def passes(record: dict[str, Any], service: str, patterns: list[Pattern], matches: Matches) -> bool:
    """Whether a record, as the event has it, matches one of the patterns, or there is none."""
    if not patterns:
        return True
    seen = _as_filters_see_it(record, service)
    return any(_passes(seen, service, pattern, matches) for pattern in patterns)


def check_filters(criteria: dict[str, Any], service: str) -> None:
    """Checks FilterCriteria for a source of `service`. Raises ApiError."""
    filters = criteria.get("Filters") or []
    if len(filters) > MOST_FILTERS:
        raise invalid(f"Number of filters must be less than or equal to {MOST_FILTERS}.")
    for each in filters:
        if not _is_valid(each.get("Pattern") or "", service):
            raise invalid("Invalid filter pattern definition.")


def _passes(seen: dict[str, Any], service: str, pattern: Pattern, matches: Matches) -> bool:
    """Whether a record matches one pattern, whose data must be of the record's format."""
    for field in DATA_FIELDS.get(service, ()):
        if field in pattern and isinstance(pattern[field], dict) != _is_json(seen.get(field)):
            if service != "kafka":
                return False
            # of Kafka the other properties alone decide then
            pattern = {name: value for name, value in pattern.items() if name != field}
    return _holds([pattern], seen, matches)


def _as_filters_see_it(record: dict[str, Any], service: str) -> dict[str, Any]:
    """A queue's body and a stream's data are decoded: patterns reach into their JSON.

    Of a Kafka record they see the value alone.
    """
    if service == "sqs":
        return {**record, "body": _decoded(record["body"])}
    if service == "kinesis":
        return {**record, **record["kinesis"], "data": _from_base64(record["kinesis"]["data"])}
    if service == "kafka":
        return {"value": _from_base64(record.get("value"))}
    return record


def _from_base64(text: str | None) -> Any:
    return None if text is None else _decoded(base64.b64decode(text).decode(errors="replace"))


def _decoded(text: str) -> Any:
    """A JSON object or array as Python, anything else as the text that it is."""
    try:
        value = json.loads(text)
    except (ValueError, RecursionError):
        return text
    return value if _is_json(value) else text


def _is_json(value: Any) -> bool:
    return isinstance(value, (dict, list))


def _holds(patterns: list[Pattern], seen: dict[str, Any], matches: Matches) -> bool:
    """Whether one object passes all of the patterns.

    Of a list of objects on a pattern's way one must pass, the same for all of the patterns. Each
    field is looked at by itself: all combinations of several lists would be thousands.
    """
    for number, pattern in enumerate(patterns):
        if isinstance(pattern.get("$or"), list):
            rest = {name: wanted for name, wanted in pattern.items() if name != "$or"}
            others = [*patterns[:number], rest, *patterns[number + 1 :]]
            return any(_holds([*others, part], seen, matches) for part in pattern["$or"])
    by_name: dict[str, list[Any]] = {}
    for pattern in patterns:
        for name, wanted in pattern.items():
            by_name.setdefault(name, []).append(wanted)
    return all(
        _field_holds(name, wanted, seen.get(name, MISSING), matches)
        for name, wanted in by_name.items()
    )


def _field_holds(name: str, wanted: list[Any], found: Any, matches: Matches) -> bool:
    """Whether one field passes all that is wanted of it: nested patterns, or lists of rules."""
    nested = [each for each in wanted if isinstance(each, dict)]
    rules = [each for each in wanted if not isinstance(each, dict)]
    if nested and isinstance(found, (dict, list)):
        if not _nested_holds(nested, found, matches):
            return False
    else:
        rules = wanted
    if isinstance(found, dict) and found:
        found = {"": None}  # rules see values, not objects: what is in it does not matter
    shown = {} if found is MISSING else {name: found}
    return all(matches({name: each}, shown) for each in rules)


def _nested_holds(nested: list[Pattern], found: Any, matches: Matches) -> bool:
    if isinstance(found, list):
        return any(_nested_holds(nested, each, matches) for each in found)
    if isinstance(found, dict):
        return _holds(nested, found, matches)
    return all(matches({"x": each}, {"x": found}) for each in nested)


def combinations(pattern: Any) -> int:
    """How many ways through its alternatives a pattern has."""
    if not isinstance(pattern, dict):
        return 1
    ways = 1
    for name, value in pattern.items():
        if name == "$or" and isinstance(value, list):
            ways *= sum(combinations(each) for each in value)
        else:
            ways *= combinations(value)
    return ways


def _is_valid(text: str, service: str) -> bool:
    try:
        pattern = json.loads(text)
    except (ValueError, RecursionError):
        return False
    if not isinstance(pattern, dict) or not pattern or not _is_pattern(pattern):
        return False
    if combinations(pattern) > MOST_COMBINATIONS:
        return False
    field = STRICT.get(service)
    return field not in pattern or isinstance(pattern[field], dict)


def _is_pattern(node: Any) -> bool:
    """Every leaf is a list, not empty, of values and of operators."""
    if not isinstance(node, dict):
        return False
    for name, value in node.items():
        if name == "$or" and isinstance(value, list):
            if len(value) < 2 or not all(_is_pattern(each) for each in value):
                return False
        elif isinstance(value, list):
            if not value or not all(_is_rule(each) for each in value):
                return False
        elif not _is_pattern(value):
            return False
    return True


def _is_rule(rule: Any) -> bool:
    """A value that must be there, or one operator with its operand."""
    if not isinstance(rule, dict):
        return not isinstance(rule, list)
    if len(rule) != 1:
        return False
    ((name, operand),) = rule.items()
    if name not in OPERATORS or not isinstance(operand, OPERATORS[name]):
        return False
    if name == "numeric" and isinstance(operand, list):
        return _is_comparison(operand)
    if name == "anything-but" and isinstance(operand, dict):
        return _is_rule(operand)
    return operand not in ([], {})


def _is_comparison(operand: list[Any]) -> bool:
    """Such as ["<", 2] or [">", 0, "<=", 5]."""
    operators, numbers = operand[::2], operand[1::2]
    return (
        len(operand) in (2, 4)
        and all(each in COMPARISONS for each in operators)
        and all(isinstance(each, (int, float)) for each in numbers)
    )
