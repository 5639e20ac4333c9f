"""YAML that moto loads: nothing in it runs, and its size and its depth have bounds.

moto loads CloudFormation's templates with `yaml.Loader`, which calls any Python function that a
template names. What a template may hold follows "CloudFormation template formats"
(https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/template-formats.html): YAML 1.1
without aliases, merges and timestamps, and the short forms of the intrinsic functions.
"""

from __future__ import annotations

import json
from typing import Any

import yaml

DEEPEST = 100  # levels; AWS's own templates have some ten
MOST_NODES = 100_000  # a document of 1 MB with values of ten characters has as many
TOO_DEEP = f"the document is nested more than {DEEPEST} levels deep."
SHORT_FORMS = {
    f"!{name}": f"Fn::{name}"
    for name in (
        "And",
        "Base64",
        "Cidr",
        "Contains",
        "EachMemberEquals",
        "EachMemberIn",
        "Equals",
        "FindInMap",
        "GetAtt",
        "GetAZs",
        "GetStackOutput",
        "If",
        "ImportValue",
        "Join",
        "Length",
        "Not",
        "Or",
        "RefAll",
        "Select",
        "Split",
        "Sub",
        "ToJsonString",
        "Transform",
        "ValueOf",
        "ValueOfAll",
    )
} | {"!Ref": "Ref", "!Condition": "Condition"}

_Safe: type = getattr(yaml, "CSafeLoader", yaml.SafeLoader)  # the one in C is ten times as fast


class DocumentError(yaml.YAMLError):
    """A document that is wrong, or too much; the message is for whoever sent it."""


class _TemplateLoader(_Safe):
    """Reads plain values and CloudFormation's short forms; a date stays text, as on AWS."""

    yaml_implicit_resolvers = {
        first: [each for each in resolvers if each[0] != "tag:yaml.org,2002:timestamp"]
        for first, resolvers in yaml.SafeLoader.yaml_implicit_resolvers.items()
    }


def _short_form(loader: Any, node: yaml.Node) -> dict[str, Any]:
    """`!GetAtt a.b` is `{"Fn::GetAtt": ["a", "b"]}`; the others keep what stands behind them."""
    if isinstance(node, yaml.SequenceNode):
        value = loader.construct_sequence(node, deep=True)
    elif isinstance(node, yaml.MappingNode):
        value = loader.construct_mapping(node, deep=True)
    else:
        value = loader.construct_scalar(node)
        if node.tag == "!GetAtt":
            value = value.split(".")
    return {SHORT_FORMS[node.tag]: value}


for _tag in SHORT_FORMS:
    _TemplateLoader.add_constructor(_tag, _short_form)


def read_template(text: str) -> dict[str, Any]:
    """A CloudFormation template, in JSON or YAML. Raises DocumentError, in AWS's words."""
    try:
        template = _read_json(text) if text.lstrip().startswith("{") else None
        if template is None:
            template = _read_yaml(text, _TemplateLoader, aliases=False)
    except (yaml.YAMLError, RecursionError, ValueError) as error:
        raise DocumentError(f"Template format error: {_reason(error)}") from None
    if not isinstance(template, dict):
        raise DocumentError("Template format error: unsupported structure.")
    if not template.get("Resources"):
        raise DocumentError("Template format error: At least one Resources member must be defined.")
    return template


def read_document(text: str | bytes) -> Any:
    """A YAML document of another service. Raises DocumentError."""
    try:
        return _read_yaml(text, _Safe, aliases=True)
    except (yaml.YAMLError, RecursionError, ValueError) as error:
        raise DocumentError(_reason(error)) from None


def _read_json(text: str) -> Any:
    """A JSON document, or None if it is none: YAML may begin with a brace too."""
    try:
        document = json.loads(text)
    except json.JSONDecodeError:
        return None
    except RecursionError:
        raise DocumentError(TOO_DEEP) from None
    level, depth = [document], 0
    while level:
        if depth > DEEPEST:
            raise DocumentError(TOO_DEEP)
        level = [child for each in level for child in _children(each)]
        depth += 1
    return document


def _children(value: Any) -> list[Any]:
    every = value.values() if isinstance(value, dict) else value if isinstance(value, list) else ()
    return [each for each in every if isinstance(each, (dict, list))]


def _read_yaml(text: str | bytes, loader: type, aliases: bool) -> Any:
    _check_events(text, aliases)
    return yaml.load(text, Loader=loader)


def _check_events(text: str | bytes, aliases: bool) -> None:
    """Reads the document once without building it. Raises DocumentError for one that is too much.

    An alias stands for all that its anchor holds, so it counts as much: a few lines of aliases of
    aliases would be billions of values.
    """
    depth = nodes = 0
    sizes: dict[str, int] = {}  # nodes below each anchor
    opened: list[tuple[str | None, int]] = []
    for event in yaml.parse(text, Loader=_Safe):
        if isinstance(event, yaml.NodeEvent):
            nodes += 1
        if isinstance(event, yaml.AliasEvent):
            if not aliases:
                raise DocumentError("YAML aliases are not allowed in CloudFormation templates.")
            nodes += sizes.get(event.anchor, 0)
        elif isinstance(event, yaml.CollectionStartEvent):
            depth += 1
            opened.append((event.anchor, nodes))
        elif isinstance(event, yaml.CollectionEndEvent):
            depth -= 1
            anchor, before = opened.pop()
            if anchor:
                sizes[anchor] = nodes - before
        if depth > DEEPEST:
            raise DocumentError(TOO_DEEP)
        if nodes > MOST_NODES:
            raise DocumentError(f"the document has more than {MOST_NODES} values.")


def _reason(error: Exception) -> str:
    if isinstance(error, DocumentError):
        return str(error)
    mark = getattr(error, "problem_mark", None)
    where = f" (line {mark.line + 1}, column {mark.column + 1})" if mark else ""
    return f"YAML not well-formed.{where}"
