"""Which operation of AWS's APIs a request asks for, by botocore's descriptions of the services.

A request that could be taken for two operations is taken for none: moto, which answers it, looks
in other places, and in another order.
"""

from __future__ import annotations

import functools
import re
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qs, unquote

from botocore.exceptions import UnknownServiceError
from botocore.loaders import Loader
from botocore.model import OperationModel, ServiceModel

from ..base.clients import service_model
from .asked import Asked

# Where botocore has another name than the signature, or several services share one
SERVICES = {
    "dynamodb": ("dynamodb", "dynamodbstreams"),
    "email": ("ses",),
    "iotdata": ("iot-data",),
    "lex": ("lexv2-models", "lexv2-runtime"),
    "monitoring": ("cloudwatch",),
    "states": ("stepfunctions",),
}
CBOR = re.compile(r"/service/[^/]+/operation/(\w+)")
LABEL = re.compile(r"\{([\w-]+)(\+?)\}")


@dataclass(frozen=True)
class Operation:
    """An operation and its parameters, as far as they are told apart."""

    name: str
    parameters: dict[str, Any] = field(default_factory=dict)


def find_operation(service: str, asked: Asked) -> Operation | None:
    """What a request asks of the service that it is signed for; None where nobody can tell."""
    models = [model for name in SERVICES.get(service, (service,)) if (model := _model(name))]
    if not models:
        return None
    try:
        if models[0].metadata["protocol"].startswith("rest"):
            return _of_path(service, models, asked)
        return _of_name(models, asked)
    except ValueError:
        return None


@functools.cache
def _model(service: str) -> ServiceModel | None:
    try:
        if service == "s3":  # clients rewrite the paths of the model that they share
            return ServiceModel(Loader().load_service_model(service, "service-2"), service)
        return service_model(service)
    except UnknownServiceError:
        return None


def _of_name(models: list[ServiceModel], asked: Asked) -> Operation | None:
    """Of the services that have the operation's name in a header, a field or the path's end."""
    if asked.headers.get("content-type", "").startswith("multipart/"):
        return None
    target = asked.headers.get("x-amz-target")
    path = CBOR.fullmatch(asked.path)
    names = set(_actions(asked))
    if target:
        names.add(target.rpartition(".")[2])
    if path:
        names.add(path[1])
    name = names.pop() if len(names) == 1 else ""
    if not any(name in model.operation_names for model in models):
        return None
    if path or target:
        if "cbor" in asked.headers.get("content-type", "") and not path:
            return None  # its fields cannot be read
        return Operation(name, {} if path else asked.json())
    fields: dict[str, Any] = {}
    for key, value in asked.query_fields() + asked.form_fields():
        if fields.setdefault(key, value) != value:
            return None
    return Operation(name, fields)


def _actions(asked: Asked) -> list[str]:
    """Each value that moto could take for the action's name."""
    fields = asked.query_fields() + asked.form_fields()
    found = [value for name, value in fields if name == "Action"]
    return [*found, *([asked.headers["action"]] if "action" in asked.headers else [])]


@dataclass(frozen=True)
class _Route:
    """Where an operation of a REST API is found."""

    operation: OperationModel
    method: str
    pattern: re.Pattern[str]
    literals: int  # parts of the path that are no labels
    constants: frozenset[tuple[str, str]]  # of the query string
    required: frozenset[str]  # parameters of the query string
    required_headers: frozenset[str]
    labels: dict[str, str]  # a group's name to the parameter's

    def matches(self, asked: Asked, path: str, query: dict[str, list[str]]) -> re.Match[str] | None:
        found = self.pattern.fullmatch(path) if self.method == asked.method else None
        if found is None or not self.required <= query.keys():
            return None
        if not self.required_headers <= asked.headers.keys():
            return None
        if any(query.get(name, [None])[0] != value for name, value in self.constants):
            return None
        return found

    @property
    def weight(self) -> tuple[int, int]:
        """How closely it describes a request."""
        wanted = len(self.constants) + len(self.required) + len(self.required_headers)
        return self.literals, wanted


def _of_path(service: str, models: list[ServiceModel], asked: Asked) -> Operation | None:
    """Of the services whose paths are their operations."""
    if service != "s3" and (_actions(asked) or "x-amz-target" in asked.headers):
        return None
    decoded = _match(models, asked, asked.path)
    sent = _match(models, asked, unquote_labels(asked.raw_path or asked.path))
    if decoded is None or sent is None or decoded.name != sent.name:
        return None
    body = asked.json() if service != "s3" and _is_json(asked.body) else {}
    return Operation(decoded.name, {**body, **decoded.parameters})


def unquote_labels(path: str) -> str:
    """A path with its characters decoded, but for those that would change its parts."""
    return re.sub(r"%(?!2[Ff])[0-9A-Fa-f]{2}(?:%(?!2[Ff])[0-9A-Fa-f]{2})*", _decode, path)


def _decode(found: re.Match[str]) -> str:
    return unquote(found[0])


def _match(models: list[ServiceModel], asked: Asked, path: str) -> Operation | None:
    query = parse_qs(asked.query, keep_blank_values=True)
    if any(len(values) > 1 for values in query.values()):
        query = {name: values[:1] for name, values in query.items()}
    found = []
    for model in models:
        for route in _routes(model.service_name):
            match = route.matches(asked, path, query)
            if match:
                found.append((route, match))
    if not found:
        return None
    literals = max(route.literals for route, _ in found)
    found = [each for each in found if each[0].literals == literals]
    constants = [route.constants for route, _ in found]
    widest = max(constants, key=len)
    if not all(each <= widest for each in constants):
        return None  # such as ?acl&tagging
    route, match = max(found, key=lambda each: each[0].weight)
    labels = {route.labels[group]: value for group, value in match.groupdict().items()}
    return Operation(route.operation.name, {n: v[0] for n, v in query.items()} | labels)


@functools.cache
def _routes(service: str) -> list[_Route]:
    model = _model(service)
    assert model is not None, "it was found before"
    return [_route(model.operation_model(name)) for name in model.operation_names]


def _route(operation: OperationModel) -> _Route:
    path, _, query = operation.http["requestUri"].partition("?")
    constants = {
        (name, values[0]) for name, values in parse_qs(query, keep_blank_values=True).items()
    }
    members = operation.input_shape.members if operation.input_shape else {}
    required = operation.input_shape.required_members if operation.input_shape else []

    def wanted(location: str) -> frozenset[str]:
        return frozenset(
            members[name].serialization["name"].lower()
            if location == "header"
            else members[name].serialization["name"]
            for name in required
            if members[name].serialization.get("location") == location
        )

    pattern, labels = _pattern(path, operation)
    return _Route(
        operation,
        operation.http["method"],
        pattern,
        sum(bool(part) and "{" not in part for part in path.split("/")),
        frozenset(constants),
        wanted("querystring") - {name for name, _ in constants},
        wanted("header") if operation.service_model.service_name == "s3" else frozenset(),
        labels,
    )


def _pattern(path: str, operation: OperationModel) -> tuple[re.Pattern[str], dict[str, str]]:
    """The path as a regular expression, and which parameter each of its groups holds."""
    members = operation.input_shape.members if operation.input_shape else {}
    names = {
        shape.serialization.get("name", name): name
        for name, shape in members.items()
        if shape.serialization.get("location") == "uri"
    }
    is_s3 = operation.service_model.service_name == "s3"
    expression, position = "", 0
    labels: dict[str, str] = {}
    for number, found in enumerate(LABEL.finditer(path)):
        group = f"label{number}"
        labels[group] = str(names.get(found[1], found[1]))
        expression += re.escape(path[position : found.start()])
        # Names of things with slashes in them come decoded; only S3's models say where they may
        is_greedy = found[2] or (not is_s3 and found.end() == len(path.rstrip("/")))
        several = ".+" if is_s3 else ".+?"  # the slash at a path's end is no part of a name
        expression += f"(?P<{group}>{several if is_greedy else '[^/]+'})"
        position = found.end()
    expression += re.escape(path[position:].rstrip("/"))
    return re.compile(expression + "/?", re.DOTALL), labels


def _is_json(body: bytes) -> bool:
    return body.lstrip()[:1] == b"{"
