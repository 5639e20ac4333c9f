"""Lex V2's two APIs, lexv2-models and lexv2-runtime, in place of moto's."""

from __future__ import annotations

import json
from typing import Any

from ..access import Asked, find_operation
from ..base.answer import Answer
from ..base.clients import service_model
from ..base.model import ApiError
from ..base.parameters import check_parameters
from ..triggers.chat.bots import Bots
from ..triggers.chat.lex import Lex
from .requests import SignedRequest, json_answer

MODELS, RUNTIME = "lexv2-models", "lexv2-runtime"


class LexApi:
    """Answers every request that is signed for Lex."""

    def __init__(self, bots: Bots, lex: Lex) -> None:
        self._bots, self._lex = bots, lex

    def answer(self, request: SignedRequest) -> Answer | None:
        """The answer in JSON; None for another service's request. Raises ApiError."""
        if request.service != "lex":
            return None
        found = find_operation("lex", Asked.of(request.environ, None))
        if found is None:
            message = f"The local cloud has Lex V2 only, and there no {request.path}."
            raise ApiError(404, "ResourceNotFoundException", message)
        service = MODELS if found.name in service_model(MODELS).operation_names else RUNTIME
        operation = service_model(service).operation_model(found.name)
        asked = {name: _typed(operation, name, each) for name, each in found.parameters.items()}
        check_parameters(service, found.name, asked)
        if service == RUNTIME:
            fields = self._lex.call(found.name, request.region, asked)
        else:
            fields = self._bots.call(found.name, asked)
        known = operation.output_shape.members if operation.output_shape else {}
        said = {name: value for name, value in fields.items() if name in known}
        return json_answer(json.dumps(said).encode(), operation.http.get("responseCode", 200))


def _typed(operation: Any, name: str, value: Any) -> Any:
    """A parameter, of which the query string has the letters alone."""
    shape = operation.input_shape.members.get(name)
    if shape is None or shape.serialization.get("location") != "querystring":
        return value
    return value == "true" if shape.type_name == "boolean" else value
