"""Finds functions in moto's backends, as they are when a request comes."""

from __future__ import annotations

import random
import re

import moto.awslambda.models as lambda_models
from moto.awslambda.exceptions import LambdaClientError

from ..access.resource_policy import Statement
from ..base.arns import Arn, unqualified
from ..base.model import ApiError, EventSettings, FunctionVersion
from ..base.variables import ACCOUNT_ID
from .backend import Backend
from .function import Function

FUNCTION_NAME = re.compile(r"(?:(?:arn:aws:lambda:[^:]+:)?\d{12}:function:)?([^:]+)(?::([^:]+))?")


def find_function(region: str, name: str, qualifier: str | None) -> tuple[FunctionVersion, str]:
    """A version of a function and the ARN it was asked for by (name, ARN or partial ARN).

    An alias with weights picks one of its two versions. Raises ApiError, 404, if there is none.
    """
    backend = lambda_models.lambda_backends[ACCOUNT_ID][region]
    name, qualifier = split_name(name, qualifier)
    try:
        function = backend.get_function(name, _pick_version(backend, name, qualifier))
        latest = backend.get_function(name)
    except LambdaClientError as error:
        raise ApiError(error.code, error.error_type, error.message) from None
    arn = unqualified(function.function_arn)
    invoked_arn = f"{arn}:{qualifier}" if qualifier else arn
    return _frozen(backend, function, arn, latest), invoked_arn


def statements(function_arn: str) -> list[Statement]:
    """The statements of a function's resource-based policy, for all of its versions."""
    arn = Arn.parse(function_arn)
    backend = lambda_models.lambda_backends[ACCOUNT_ID][arn.region]
    return backend.get_function(arn.name).policy.statements


def find_for_event(invoked_arn: str) -> tuple[FunctionVersion, EventSettings]:
    """A function as it is now, and how its asynchronous events are handled. Raises ApiError."""
    region = Arn.parse(invoked_arn).region
    found, _ = find_function(region, invoked_arn, None)
    function = lambda_models.lambda_backends[ACCOUNT_ID][region].get_function(found.name)
    _, qualifier = split_name(invoked_arn, None)
    config = function.event_settings.get(qualifier or "$LATEST", {})
    ends = config.get("DestinationConfig") or {}
    return found, EventSettings(
        maximum_retries=config.get("MaximumRetryAttempts", EventSettings.maximum_retries),
        maximum_age_s=config.get("MaximumEventAgeInSeconds", EventSettings.maximum_age_s),
        on_success=(ends.get("OnSuccess") or {}).get("Destination"),
        on_failure=(ends.get("OnFailure") or {}).get("Destination"),
        dead_letter=(function.dead_letter_config or {}).get("TargetArn"),
    )


def _frozen(backend: Backend, function: Function, arn: str, latest: Function) -> FunctionVersion:
    return FunctionVersion(
        name=function.function_name,
        version=str(function.version),
        region=function.region,
        account_id=function.account_id,
        arn=arn,
        revision=function.revision_id,
        runtime=function.run_time or "",
        handler=function.handler or "",
        memory_mb=int(function.memory_size),
        timeout_s=int(function.timeout),
        variables=dict(function.environment_vars),
        code=function.code_bytes,
        layers=backend.layer_bytes(function),
        log_group=function.log_group,
        log_format=function.log_format,
        application_log_level=function.logging_config.get("ApplicationLogLevel"),
        system_log_level=function.logging_config.get("SystemLogLevel"),
        reserved_concurrency=latest.reserved_concurrency,
        role=function.role,
        recursive_loop=latest.recursive_loop,
        tmp_mb=int(function.ephemeral_storage),
    )


def split_name(name: str, qualifier: str | None) -> tuple[str, str | None]:
    """A name, a partial ARN or an ARN, as function name and qualifier."""
    found = FUNCTION_NAME.fullmatch(name)
    if not found:
        raise ApiError(
            400,
            "ValidationException",
            f"1 validation error detected: Value '{name}' at 'functionName' failed to satisfy "
            "constraint: Member must satisfy regular expression pattern: "
            r"(arn:(aws[a-zA-Z-]*)?:lambda:)?([a-z]{2}(-gov)?-[a-z]+-\d{1}:)?(\d{12}:)?"
            r"(function:)?([a-zA-Z0-9-_\.]+)(:(\$LATEST|[a-zA-Z0-9-_]+))?",
        )
    return found[1], found[2] or qualifier


def _pick_version(backend: Backend, name: str, qualifier: str | None) -> str | None:
    """The version that an alias with weights sends this request to."""
    if not qualifier or qualifier == "$LATEST" or qualifier.isdigit():
        return qualifier
    try:
        alias = backend.get_alias(qualifier, name)
    except LambdaClientError:
        return qualifier
    dice = random.random()
    for version, weight in (
        (alias.routing_config or {}).get("AdditionalVersionWeights") or {}
    ).items():
        if dice < float(weight):
            return version
        dice -= float(weight)
    return alias.function_version
