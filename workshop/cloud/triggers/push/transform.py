"""What a rule's target gets of an event: Input, InputPath and InputTransformer.

Follows "Amazon EventBridge input transformation"
(https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-transform-target-input.html).
"""

from __future__ import annotations

import json
import re
from typing import Any

VARIABLE = re.compile(r"<([A-Za-z0-9_.\-]+)>")
STEP = re.compile(r"\.([^.\[\]]+)|\['([^']+)'\]|\[\"([^\"]+)\"\]|\[(\d+|\*)\]")
MISSING = object()


def target_input(target: dict[str, Any], event: dict[str, Any], variables: dict[str, str]) -> str:
    """The text that a target gets for an event.

    `variables` are those that EventBridge defines and that are no part of the event, by name.
    """
    if target.get("Input"):
        return target["Input"]
    if target.get("InputPath"):
        found = value_at(event, target["InputPath"])
        return compact({} if found is MISSING else found)
    transformer = target.get("InputTransformer")
    if not transformer:
        return compact(event)
    values = {
        name: value_at(event, path)
        for name, path in (transformer.get("InputPathsMap") or {}).items()
    }
    values |= {
        **variables,
        "aws.events.event.json": event,
        "aws.events.event": {k: v for k, v in event.items() if k != "detail"},
    }
    return fill(transformer.get("InputTemplate") or "", values)


def fill(template: str, values: dict[str, Any]) -> str:
    """A template with its variables replaced; what has no value becomes an empty string.

    Within quotes a value stands as text, elsewhere as JSON.
    """
    parts: list[str] = []
    in_quotes, end = False, 0
    for found in VARIABLE.finditer(template):
        before = template[end : found.start()]
        in_quotes ^= _opens_or_closes(before)
        value = values.get(found[1], MISSING)
        parts += [before, _as_text(value) if in_quotes else _as_json(value)]
        end = found.end()
    return "".join([*parts, template[end:]])


def value_at(event: Any, path: str) -> Any:
    """What a JSON path such as `$.detail.items[0].name` names, or MISSING."""
    values = [event]
    wild = False
    for step in STEP.finditer(path.removeprefix("$")):
        name = next(group for group in step.groups() if group is not None)
        if name == "*":
            wild = True
            values = [each for value in values for each in _children(value)]
        else:
            values = [each for value in values if (each := _child(value, name)) is not MISSING]
    if wild:
        return values
    return values[0] if values else MISSING


def compact(value: Any) -> str:
    """JSON as AWS writes it."""
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"))


def _children(value: Any) -> list[Any]:
    if isinstance(value, dict):
        return list(value.values())
    return value if isinstance(value, list) else []


def _child(value: Any, name: str) -> Any:
    if isinstance(value, dict):
        return value.get(name, MISSING)
    if isinstance(value, list) and name.isdigit() and int(name) < len(value):
        return value[int(name)]
    return MISSING


def _opens_or_closes(text: str) -> bool:
    """Whether a piece of a template has an odd number of quotes that are not escaped."""
    return len(re.findall(r'(?<!\\)(?:\\\\)*"', text)) % 2 == 1


def _as_json(value: Any) -> str:
    return '""' if value is MISSING else compact(value)


def _as_text(value: Any) -> str:
    if value is MISSING:
        return ""
    if isinstance(value, str):
        return compact(value)[1:-1]
    return compact(value).replace('"', "")
