"""What the functions of a region make together, and the settings that moto does not store."""

from __future__ import annotations

import moto.awslambda.models as lambda_models
from moto.awslambda.exceptions import LambdaClientError

from ..base.arns import unqualified
from ..base.model import ApiError
from ..base.variables import ACCOUNT_ID
from .function import Function
from .lookup import split_name


def reserved(region: str) -> dict[str, int]:
    """Reserved concurrency, by the ARN of each function that has it."""
    functions = list(lambda_models.lambda_backends[ACCOUNT_ID][region]._lambdas._functions.values())
    return {
        unqualified(each["latest"].function_arn): int(each["latest"].reserved_concurrency)
        for each in functions
        if each["latest"].reserved_concurrency is not None
    }


def usage(region: str) -> tuple[int, int]:
    """Bytes of code that are stored, versions and layers included, and the count of functions."""
    backend = lambda_models.lambda_backends[ACCOUNT_ID][region]
    functions = list(backend._lambdas._functions.values())
    stored = [version for each in functions for version in [each["latest"], *each["versions"]]]
    for layer in backend.list_layers():
        stored += backend._layers.get_layer_versions(layer["LayerName"])
    return sum(int(each.code_size or 0) for each in stored), len(functions)


def shares(region: str, name: str, qualifier: str) -> dict[str, float]:
    """The versions behind a version's number or an alias, and the share of requests of each.

    The version that an alias points to comes first. Raises ApiError, 404.
    """
    backend = lambda_models.lambda_backends[ACCOUNT_ID][region]
    try:
        if qualifier == "$LATEST" or qualifier.isdigit():
            found = {qualifier: 1.0}
        else:
            alias = backend.get_alias(qualifier, name)
            weights = (alias.routing_config or {}).get("AdditionalVersionWeights") or {}
            others = {version: float(weight) for version, weight in weights.items()}
            found = {alias.function_version: 1.0 - sum(others.values()), **others}
        for version in found:
            backend.get_function(name, version)
    except LambdaClientError as error:
        raise ApiError(error.code, error.error_type, error.message) from None
    return found


def latest(region: str, name: str) -> Function:
    """A function's $LATEST, where its settings are kept. Raises ApiError, 404."""
    try:
        return lambda_models.lambda_backends[ACCOUNT_ID][region].get_function(
            split_name(name, None)[0]
        )
    except LambdaClientError as error:
        raise ApiError(error.code, error.error_type, error.message) from None
