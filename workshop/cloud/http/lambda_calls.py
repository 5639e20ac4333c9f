"""Reads a call of Lambda's API out of a request, by botocore's model of the service."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any
from urllib.parse import parse_qs

from ..access import Asked, find_operation
from ..base.clients import service_model
from ..base.json_text import from_json
from ..base.model import ApiError
from .requests import SignedRequest

# Required in a query string: a call without them is none by its path alone
REQUIRED = "&Qualifier=&tagKeys="


@dataclass(frozen=True)
class LambdaCall:
    """One call: its operation, and its parameters by their names in the API, None if not given."""

    operation: str
    region: str
    parameters: dict[str, Any]
    status: int  # of the answer, where all goes well

    @property
    def name(self) -> str:
        """The function's name or ARN."""
        return self.parameters["FunctionName"]

    @property
    def qualifier(self) -> str | None:
        """The version or alias that was asked for."""
        return self.parameters.get("Qualifier")


def read_call(request: SignedRequest) -> LambdaCall | None:
    """A request's call; None for what is no call of the API. Raises ApiError for a wrong body."""
    asked = Asked.of(request.environ, None)
    routed = replace(asked, body=b"")
    found = find_operation("lambda", routed) or find_operation(
        "lambda", replace(routed, query=asked.query + REQUIRED)
    )
    if found is None:
        return None
    operation = service_model("lambda").operation_model(found.name)
    shape, status = operation.input_shape, operation.http.get("responseCode", 200)
    payload = shape.serialization.get("payload")  # the parameter that is the body as a whole
    parameters = {payload: asked.body} if payload else _fields(asked.body)
    query = parse_qs(asked.query, keep_blank_values=True)
    for name, member in shape.members.items():
        if member.serialization.get("location") == "uri":
            parameters[name] = _value(member, [found.parameters[name]])
        if member.serialization.get("location") == "querystring":
            parameters[name] = _value(member, query.get(member.serialization["name"]))
    return LambdaCall(found.name, request.region, parameters, status)


def _fields(body: bytes) -> dict[str, Any]:
    try:
        fields = from_json(body or b"{}")
    except ValueError:
        fields = None
    if not isinstance(fields, dict):
        raise ApiError(400, "SerializationException", "Could not parse request body into json")
    return fields


def _value(shape: Any, values: list[str] | None) -> Any:
    """What a path or a query string says of a parameter, in the parameter's type."""
    if values is None or shape.type_name == "list":
        return values
    is_number = shape.type_name in ("integer", "long") and values[0].lstrip("-").isdecimal()
    return int(values[0]) if is_number else values[0]
