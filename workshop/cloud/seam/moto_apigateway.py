"""moto.apigateway, imported without openapi_spec_validator.

moto wants that package, which brings ten others, for one thing: to validate an OpenAPI document
that is imported with `failOnWarnings`. A stand-in refuses just that; it is gone after the import.
"""

from __future__ import annotations

import contextlib
import sys
import types
from collections.abc import Iterator
from typing import Any


def _no_validation(document: dict[str, Any]) -> None:
    """moto asks openapi_spec_validator only where `failOnWarnings` is set."""
    raise _NotAnOpenApiDocument(
        "The local cloud can't check an OpenAPI document for warnings: leave out failOnWarnings."
    )


class _NotAnOpenApiDocument(Exception):
    """What moto turns into BadRequestException."""

    @property
    def message(self) -> str:
        return str(self)


@contextlib.contextmanager
def _validator() -> Iterator[None]:
    """A stand-in for openapi_spec_validator, while moto.apigateway is imported."""
    if "moto.apigateway.models" in sys.modules:
        yield
        return
    names = ("", ".validation", ".validation.exceptions")
    modules = [types.ModuleType(f"openapi_spec_validator{name}") for name in names]
    modules[0].validate = _no_validation
    modules[2].OpenAPIValidationError = _NotAnOpenApiDocument
    before = {each.__name__: sys.modules.get(each.__name__) for each in modules}
    sys.modules.update({each.__name__: each for each in modules})
    try:
        yield
    finally:
        for name, module in before.items():
            sys.modules.pop(name)
            if module is not None:
                sys.modules[name] = module


with _validator():
    from moto.apigateway import exceptions, models, responses, urls

__all__ = ["exceptions", "models", "responses", "urls"]
