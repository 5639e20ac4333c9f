"""What AWS's APIs refuse of a call's parameters, in AWS's words.

The limits, patterns, enums and required members are those of botocore's model of the service, so
that they are AWS's own and change with it. Where AWS answers other than its model says, DIFFERENT
says so. The forms of the messages were recorded from AWS (2022 to 2026).
"""

from __future__ import annotations

import functools
import re
from collections.abc import Callable, Iterator
from datetime import datetime
from typing import Any

from .clients import service_model
from .model import ApiError

# By the shape's name. The models give room to functions on EC2 ("managed instances"), which may
# run for longer and have more memory: https://docs.aws.amazon.com/lambda/latest/dg/
# gettingstarted-limits.html says what the others have.
DIFFERENT: dict[str, dict[str, Any]] = {
    "EphemeralStorageSize": {"max": 10_240},
    "MemorySize": {"max": 10_240},
    "Timeout": {"max": 900},
    "Runtime": {"enum": None},  # its message is another, and runtimes end
    "InvocationType": {"enum": None},  # its message is another
    # AWS lists these in another order
    "EventSourcePosition": {"enum": ("LATEST", "AT_TIMESTAMP", "TRIM_HORIZON")},
    "RecursiveLoop": {"enum": ("Terminate", "Allow")},
    "UpdateRuntimeOn": {"enum": ("FunctionUpdate", "Auto", "Manual")},
    "EnvironmentVariableName": {"also": ("_HANDLER", "_X_AMZN_TRACE_ID")},  # refused as reserved
}
TYPES: dict[str, tuple[type, ...]] = {
    "blob": (str, bytes),
    "boolean": (bool,),
    "double": (int, float),
    "float": (int, float),
    "integer": (int,),
    "list": (list,),
    "long": (int,),
    "map": (dict,),
    "string": (str,),
    "structure": (dict,),
    "timestamp": (int, float, str, datetime),
}
# Java's classes of characters, as far as Python has them
CLASSES = {r"\p{L}": r"\w", r"\p{N}": r"\w", r"\p{Z}": " "}
Rule = tuple[str, Callable[[Any], bool]]  # in AWS's words, and whether a value keeps it


def check_parameters(service: str, operation: str, parameters: dict[str, Any]) -> None:
    """Checks a call's parameters, by their names in the API; None is as good as none.

    Raises ApiError, status 400: SerializationException for a value of a wrong type, else
    ValidationException, which names everything that is wrong.
    """
    shape = service_model(service).operation_model(operation).input_shape
    if shape is None:
        return
    _check_types(shape, parameters)
    problems = list(_problems(shape, parameters, ""))
    if problems:
        raise _validation_error(problems)


def constraint(value: object, field: str, rule: str) -> ApiError:
    """The error of a field that breaks a rule of the API."""
    return _validation_error([_problem(f" '{_shown(value)}'", field, rule)])


def invalid(message: str) -> ApiError:
    """The error of a request that is well formed but can't be."""
    return ApiError(400, "InvalidParameterValueException", message)


def _problems(shape: Any, value: Any, path: str) -> Iterator[str]:
    """What is wrong with a value, and with all that is in it."""
    shown = "" if shape.metadata.get("sensitive") else f" '{_shown(value)}'"
    for rule, holds in _rules(shape):
        if not holds(value):
            yield _problem(shown, path, rule)
    if shape.type_name == "structure":
        for name, member in shape.members.items():
            inner = f"{path}.{name[0].lower()}{name[1:]}".lstrip(".")
            if value.get(name) is not None:
                yield from _problems(member, value[name], inner)
            elif name in shape.required_members:
                yield _problem(" null", inner, "Member must not be null")
    elif shape.type_name == "list" and shape.member.type_name == "structure":
        for number, each in enumerate(value, 1):
            yield from _problems(shape.member, each, f"{path}.{number}.member")


@functools.cache
def _rules(shape: Any) -> list[Rule]:
    """What a value of a shape must be like; a structure's members have rules of their own."""
    limits = {**shape.metadata, **DIFFERENT.get(shape.name, {})}
    is_number = shape.type_name in ("integer", "long", "float", "double")
    what, size = ("value", lambda value: value) if is_number else ("length", len)
    least, most, pattern = limits.get("min"), limits.get("max"), limits.get("pattern")
    rules: list[Rule] = []
    if most is not None:
        rule = f"Member must have {what} less than or equal to {most}"
        rules.append((rule, lambda value: size(value) <= most))
    if least is not None:
        rule = f"Member must have {what} greater than or equal to {least}"
        rules.append((rule, lambda value: size(value) >= least))
    if limits.get("enum"):
        rule = f"Member must satisfy enum value set: [{', '.join(limits['enum'])}]"
        rules.append((rule, lambda value: value in limits["enum"]))
    if pattern:
        rules.append(_pattern(pattern, most, limits.get("also", ())))
    if shape.type_name == "list":
        rules += _of_each("Member", shape.member, lambda value: value, ["Member must not be null"])
    if shape.type_name == "map":
        rules += _of_each("Map keys", shape.key, lambda value: list(value))
        rules += _of_each("Map value", shape.value, lambda value: list(value.values()))
    return rules


def _of_each(
    what: str, shape: Any, values: Callable[[Any], list[Any]], more: list[str] | None = None
) -> list[Rule]:
    """One rule for all values that are in a list or a map."""
    rules = _rules(shape)
    if shape.type_name == "structure" or not rules:
        return []
    words = ", ".join([*(rule for rule, _ in rules), *(more or [])])
    return [
        (
            f"{what} must satisfy constraint: [{words}]",
            lambda value: all(holds(each) for each in values(value) for _, holds in rules),
        )
    ]


def _pattern(pattern: str, most: int | None, also: tuple[str, ...]) -> Rule:
    """The rule of a pattern, which no value is held against that is too long."""
    expression = pattern
    for theirs, ours in CLASSES.items():
        expression = expression.replace(theirs, ours)
    compiled = re.compile(expression)

    def holds(value: str) -> bool:
        is_long = most is not None and len(value) > most
        return is_long or value in also or compiled.fullmatch(value) is not None

    return f"Member must satisfy regular expression pattern: {pattern}", holds


def _check_types(shape: Any, value: Any) -> None:
    """Raises ApiError where a value, or one in it, is of a wrong type."""
    kind = shape.type_name
    is_right = isinstance(value, TYPES[kind]) and (kind == "boolean" or not isinstance(value, bool))
    if not is_right:
        raise ApiError(400, "SerializationException", _wrong_type(kind, value))
    if kind == "structure":
        for name, member in shape.members.items():
            if value.get(name) is not None:
                _check_types(member, value[name])
    elif kind == "list":
        for each in value:
            _check_types(shape.member, each)
    elif kind == "map":
        for each in value.values():  # JSON's keys are text
            _check_types(shape.value, each)


def _wrong_type(kind: str, value: Any) -> str:
    if isinstance(value, (dict, list)):
        started = "list" if isinstance(value, list) else "structure or map"
        return f"Start of {started} found where not expected."
    names = {str: "STRING", bool: str(value).upper(), type(None): "NULL"}
    found, article = names.get(type(value), "NUMBER"), "an" if kind == "integer" else "a"
    return f"{found}_VALUE can not be converted to {article} {kind.capitalize()}"


def _problem(shown: str, field: str, rule: str) -> str:
    return f"Value{shown} at '{field}' failed to satisfy constraint: {rule}"


def _validation_error(problems: list[str]) -> ApiError:
    count = "1 validation error" if len(problems) == 1 else f"{len(problems)} validation errors"
    return ApiError(400, "ValidationException", f"{count} detected: {'; '.join(problems)}")


def _shown(value: Any) -> str:
    """A value as AWS's Java writes it."""
    if isinstance(value, list):
        return f"[{', '.join(map(_shown, value))}]"
    if isinstance(value, dict):
        return f"{{{', '.join(f'{key}={_shown(each)}' for key, each in value.items())}}}"
    return str(value).lower() if isinstance(value, bool) else str(value)
