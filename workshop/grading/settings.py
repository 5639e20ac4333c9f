"""function.json: the settings that a learner gives a function, read and filled in.

Whether a value is right is for AWS to say. Here is looked after what cannot be sent at all, and
what is not the learner's to choose.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from ..cloud.functions.runtime_names import NEWEST_RUNTIME
from .submission import KB, NotReady, read_file
from .words import visible

FILE = "function.json"
LARGEST = 64 * KB
DEEPEST = 20  # objects and lists in one another; create_function needs 3
OURS = ("FunctionName", "Role", "Code")  # the grader's choice: a role is its account's
PLACEHOLDER = re.compile(r"\$\{(\w+)\}")
HALF = re.compile(r"[\ud800-\udfff]")


def read_settings(folder: Path, values: Mapping[str, str] | None = None) -> dict[str, Any]:
    """The settings in function.json, if there is one, with `${NAME}` filled in from `values`.

    Raises NotReady for what is no JSON object or cannot be sent to AWS, for a name that has no
    value, and for a setting that is not the learner's.
    """
    content = read_file(folder, FILE, LARGEST)
    if content is None:
        return {}
    settings = _parse(content, folder.name)
    if not isinstance(settings, dict):
        raise NotReady(f"{folder.name}/{FILE} must hold an object: {{...}}")
    _check(settings)
    for name in OURS:
        if name in settings:
            raise NotReady(f"{FILE}: the workshop chooses {name}. Remove it.")
    runtime = settings.get("Runtime")
    if isinstance(runtime, str) and not runtime.startswith(("python", "${")):
        raise NotReady(
            f"{FILE}: Runtime is {visible(runtime)[:100]}, but handler.py is Python. "
            f"Remove Runtime, or write {NEWEST_RUNTIME}."
        )
    return _fill_in(settings, values or {})


def read_more(folder: Path, file: str, values: Mapping[str, str]) -> dict[str, Any]:
    """The object in another JSON file of a stage, filled in; empty where there is no such file.

    Raises NotReady as `read_settings` does.
    """
    try:
        content = read_file(folder, file, LARGEST)
        found = {} if content is None else _parse(content, folder.name)
        if not isinstance(found, dict):
            raise NotReady(f"{folder.name}/{FILE} must hold an object: {{...}}")
        _check(found)
        return _fill_in(found, values)
    except NotReady as error:
        raise NotReady(str(error).replace(FILE, file)) from None


def variables_of(settings: dict[str, Any]) -> dict[str, str]:
    """The environment variables of function.json. Raises NotReady if they are no variables."""
    environment = settings.get("Environment", {})
    found = environment.get("Variables", {}) if isinstance(environment, dict) else None
    if not isinstance(found, dict):
        raise NotReady(f'{FILE}: write {{"Environment": {{"Variables": {{"NAME": "value"}}}}}}')
    return found


def _parse(content: bytes, folder: str) -> Any:
    try:
        text = content.decode("utf-8-sig")
        return json.loads(text, object_pairs_hook=_object, parse_constant=_no_constant)
    except json.JSONDecodeError as error:
        said = f"{folder}/{FILE} is not JSON: {visible(str(error))}{_likely_cause(error)}"
        raise NotReady(said) from None
    except ValueError as error:
        raise NotReady(f"{folder}/{FILE} is not JSON: {visible(str(error))}") from None
    except RecursionError:
        raise NotReady(_too_deep()) from None


def _likely_cause(error: json.JSONDecodeError) -> str:
    """The line that is wrong, and a question where it is a usual slip; Python's place is vague."""
    line = error.doc.splitlines()[error.lineno - 1].strip() if error.doc.strip() else ""
    # Python 3.13 points at a trailing comma, an older one at what follows it.
    around = error.doc[: error.pos].rstrip()[-1:] + error.doc[error.pos :].lstrip()
    trailing = re.match(r"[^,]?,\s*([}\]])", around)
    question = ""
    if trailing:
        question = f"\nIs there a comma before `{trailing[1]}`? The last value has none after it."
    elif error.msg.startswith("Expecting ',' delimiter"):
        question = "\nIs a comma missing before it, or a backslash before a quotation mark?"
    elif around[1:2] == "'":
        question = "\nStrings need double quotes."
    return (f"\nThe line: {visible(line)[:120]}" if line else "") + question


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """A JSON object. Raises NotReady for a name that stands in it twice."""
    found: dict[str, Any] = {}
    for name, value in pairs:
        if name in found:
            raise NotReady(f"{FILE} has {visible(name)[:100]} twice in an object. Keep one.")
        found[name] = value
    return found


def _no_constant(name: str) -> None:
    raise NotReady(f"{FILE}: {name} is not a JSON value. Write a number.")


def _check(value: Any, depth: int = 1) -> None:
    """Raises NotReady for what no request to AWS can carry."""
    if depth > DEEPEST:
        raise NotReady(_too_deep())
    if isinstance(value, str):
        _check_string(value)
    elif isinstance(value, list):
        for each in value:
            _check(each, depth + 1)
    elif isinstance(value, dict):
        for name, each in value.items():
            _check_string(name)
            _check(each, depth + 1)


def _check_string(text: str) -> None:
    if "\0" in text:
        raise NotReady(f"{FILE}: a string contains the character \\u0000. Remove it.")
    if HALF.search(text):
        raise NotReady(f"{FILE}: {visible(text)[:100]} contains half a character. Remove it.")


def _too_deep() -> str:
    return f"{FILE} is nested too deeply: at most {DEEPEST} objects and lists inside one another."


def _fill_in(value: Any, values: Mapping[str, str]) -> Any:
    """A value of JSON with every placeholder in its strings replaced."""
    if isinstance(value, dict):
        return {key: _fill_in(each, values) for key, each in value.items()}
    if isinstance(value, list):
        return [_fill_in(each, values) for each in value]
    if isinstance(value, str):
        if value in values:
            raise NotReady(f"function.json: {value} is a placeholder, so write ${{{value}}}.")
        return PLACEHOLDER.sub(lambda found: _value_of(found[1], values), value)
    return value


def _value_of(name: str, values: Mapping[str, str]) -> str:
    if name not in values:
        known = ", ".join(f"${{{each}}}" for each in sorted(values)) or "none in this stage"
        raise NotReady(f"function.json: ${{{name}}} stands for nothing. There are: {known}.")
    return values[name]
