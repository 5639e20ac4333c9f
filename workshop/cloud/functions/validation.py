"""What AWS refuses when a function is created or changed, in AWS's words.

The messages were recorded from AWS (2022 to 2026) or follow the API's constraints
(https://docs.aws.amazon.com/lambda/latest/api/API_CreateFunction.html).
"""

from __future__ import annotations

import json
import re
from datetime import date
from typing import Any

from ..base.parameters import check_range, constraint, invalid, missing
from .runtime_names import RUNTIMES

LARGEST_ENVIRONMENT = 4096  # bytes of the variables as JSON
NAME = r"[a-zA-Z0-9-_\.]+"
HANDLER = r"[^\s]+"
VARIABLE = r"[a-zA-Z]([a-zA-Z0-9_])+"
DESTINATION = (
    r"$|kafka://([^.]([a-zA-Z0-9\-_.]{0,248}))|arn:(aws[a-zA-Z0-9-]*):([a-zA-Z0-9\-])+:"
    r"([a-z]{2}((-gov)|(-iso([a-z]?)))?-[a-z]+-\d{1})?:(\d{12})?:(.*)"
)
# what asynchronous events can end in; a bucket takes failures only
DESTINATIONS = {
    "OnSuccess": ("sqs", "sns", "lambda", "events"),
    "OnFailure": ("sqs", "sns", "lambda", "events", "s3"),
}
OTHER_RUNTIMES = (
    "nodejs20.x",
    "nodejs22.x",
    "nodejs24.x",
    "java11",
    "java17",
    "java21",
    "java25",
    "dotnet8",
    "dotnet10",
    "ruby3.3",
    "ruby3.4",
    "provided.al2",
    "provided.al2023",
)
RESERVED_VARIABLES = {
    "_HANDLER",
    "_X_AMZN_TRACE_ID",
    "AWS_DEFAULT_REGION",
    "AWS_REGION",
    "AWS_EXECUTION_ENV",
    "AWS_LAMBDA_FUNCTION_NAME",
    "AWS_LAMBDA_FUNCTION_MEMORY_SIZE",
    "AWS_LAMBDA_FUNCTION_VERSION",
    "AWS_LAMBDA_INITIALIZATION_TYPE",
    "AWS_LAMBDA_LOG_GROUP_NAME",
    "AWS_LAMBDA_LOG_STREAM_NAME",
    "AWS_ACCESS_KEY",
    "AWS_ACCESS_KEY_ID",
    "AWS_SECRET_ACCESS_KEY",
    "AWS_SESSION_TOKEN",
    "AWS_LAMBDA_RUNTIME_API",
    "AWS_LAMBDA_METADATA_API",
    "AWS_LAMBDA_METADATA_TOKEN",
    "AWS_LAMBDA_MAX_CONCURRENCY",
    "LAMBDA_TASK_ROOT",
    "LAMBDA_RUNTIME_DIR",
}


def check_configuration(spec: dict[str, Any]) -> None:
    """Checks the fields of CreateFunction and UpdateFunctionConfiguration that are there.

    Raises ApiError: ValidationException or InvalidParameterValueException, status 400.
    """
    check_range(spec.get("Timeout"), "timeout", 1, 900)
    check_range(spec.get("MemorySize"), "memorySize", 128, 10_240)
    storage = spec.get("EphemeralStorage") or {}
    check_range(storage.get("Size"), "ephemeralStorage.size", 512, 10_240)
    _pattern(spec.get("Handler"), "handler", HANDLER, 128)
    if "Runtime" in spec:
        _check_runtime(spec["Runtime"])
    if "Environment" in spec:
        _check_variables((spec["Environment"] or {}).get("Variables") or {})
    layers = spec.get("Layers") or []
    if len(layers) > 5:
        raise invalid("Cannot reference more than 5 layers.")
    _check_logging(spec.get("LoggingConfig") or {})
    _check_dead_letter((spec.get("DeadLetterConfig") or {}).get("TargetArn"))


def check_creation(spec: dict[str, Any]) -> None:
    """Checks the fields that only CreateFunction has. Raises ApiError."""
    for field in ("FunctionName", "Role", "Code"):
        if spec.get(field) is None:
            raise missing(field[0].lower() + field[1:])
    name = str(spec.get("FunctionName", "")).rsplit(":", 1)[-1]
    _pattern(name, "functionName", NAME, 64)
    if spec.get("PackageType", "Zip") == "Zip":
        for field in ("Runtime", "Handler"):
            if not spec.get(field):
                raise invalid(
                    f"Runtime and Handler are mandatory parameters for functions created "
                    f"with deployment packages. {field} is missing."
                )
    check_configuration(spec)


def check_reserved_concurrency(
    wanted: int, left: int, minimum: int = 100, provisioned: int = 0
) -> None:
    """Checks reserved concurrency against what the account has left for it, and must keep.

    `provisioned` is what the function has as provisioned concurrency. Raises ApiError.
    """
    if wanted < 0:
        raise constraint(
            wanted,
            "reservedConcurrentExecutions",
            "Member must have value greater than or equal to 0",
        )
    if wanted < provisioned:
        raise invalid(
            f"ReservedConcurrentExecutions  {wanted} should not be lower than function's total "
            f"provisioned concurrency [{provisioned}]."
        )
    if left - wanted < minimum:
        raise invalid(
            "Specified ReservedConcurrentExecutions for function decreases account's "
            f"UnreservedConcurrentExecution below its minimum value of [{minimum}]."
        )


def check_provisioned_concurrency(
    wanted: int, others: int, reserved: int | None, left: int, limit: int, minimum: int
) -> None:
    """Checks provisioned concurrency; `others` is that of the function's other versions.

    `left` is what the account has for it. Raises ApiError.
    """
    check_range(wanted, "provisionedConcurrentExecutions", 1, 2**31 - 1)
    if reserved is not None:
        if others + wanted > reserved:
            raise invalid(
                "Requested Provisioned Concurrency should not be greater than the "
                "reservedConcurrentExecution for function"
            )
        return
    if wanted > limit:
        raise invalid(
            "Specified ConcurrentExecutions for function is greater than account's unreserved "
            f"concurrency [{limit}]."
        )
    if left - others - wanted < minimum:
        raise invalid(
            "Specified ConcurrentExecutions for function decreases account's "
            f"UnreservedConcurrentExecution below its minimum value of [{minimum}]."
        )


def check_event_settings(config: dict[str, Any], function_arn: str) -> None:
    """Checks the settings of asynchronous invocation. Raises ApiError."""
    fields = ("MaximumRetryAttempts", "MaximumEventAgeInSeconds", "DestinationConfig")
    if not any(config.get(field) is not None for field in fields):
        raise invalid("You must specify at least one of error handling or destination setting.")
    check_range(config.get("MaximumRetryAttempts"), "maximumRetryAttempts", 0, 2)
    check_range(config.get("MaximumEventAgeInSeconds"), "maximumEventAgeInSeconds", 60, 21_600)
    for target in check_ends(config.get("DestinationConfig") or {}):
        if target.split(":")[:7] == function_arn.split(":")[:7]:
            raise invalid("You can't specify the function as a destination for itself.")


def check_ends(config: dict[str, Any]) -> list[str]:
    """The destinations of an asynchronous event. Raises ApiError for one of another kind."""
    found = {}
    for end in DESTINATIONS:
        target = (config.get(end) or {}).get("Destination")
        check_destination_arn(end[0].lower() + end[1:], target)
        if target:
            found[end] = target
    if any(_service(target) not in DESTINATIONS[end] for end, target in found.items()):
        success, failure = (
            f"{end}(destination={found[end]})" if end in found else "null" for end in DESTINATIONS
        )
        raise invalid(
            f"The provided destination config DestinationConfig(onSuccess={success}, "
            f"onFailure={failure}) is invalid."
        )
    return list(found.values())


def _check_dead_letter(target: str | None) -> None:
    if target and _service(target) not in ("sqs", "sns"):
        raise invalid(f"The dead letter target {target} is no SQS queue and no SNS topic.")


def _service(arn: str) -> str:
    parts = arn.split(":")
    return parts[2] if len(parts) > 2 else ""


def check_destination_arn(end: str, target: str | None) -> None:
    """Raises ApiError for a destination that is no ARN; `end` is onSuccess or onFailure."""
    if target and not re.fullmatch(DESTINATION, target):
        raise constraint(
            target,
            f"destinationConfig.{end}.destination",
            f"Member must satisfy regular expression pattern: {DESTINATION}",
        )


def _check_runtime(runtime: str) -> None:
    known = RUNTIMES.get(runtime)
    if known is not None and known.can_create(date.today()):
        return
    if runtime in OTHER_RUNTIMES:
        return
    names = ", ".join([*(n for n, r in RUNTIMES.items() if r.can_create()), *OTHER_RUNTIMES])
    raise invalid(
        f"Value {runtime} at 'runtime' failed to satisfy constraint: "
        f"Member must satisfy enum value set: [{names}] or be a valid ARN"
    )


def _check_variables(variables: dict[str, str]) -> None:
    reserved = sorted(RESERVED_VARIABLES & set(variables))
    if reserved:
        raise invalid(
            "Lambda was unable to configure your environment variables because the environment "
            "variables you have provided contains reserved keys that are currently not supported "
            f"for modification. Reserved keys used in this request: {', '.join(reserved)}"
        )
    for name in variables:
        if not re.fullmatch(VARIABLE, name):
            raise constraint(
                variables,
                "environment.variables",
                "Map keys must satisfy constraint: [Member must satisfy regular expression "
                f"pattern: {VARIABLE}]",
            )

    measured = json.dumps(variables, separators=(",", ":"), ensure_ascii=False)
    if len(measured.encode()) > LARGEST_ENVIRONMENT:
        raise invalid(
            "Lambda was unable to configure your environment variables because the environment "
            f"variables you have provided exceeded the 4KB limit. String measured: {measured}"
        )


def _check_logging(logging: dict[str, Any]) -> None:
    allowed = {
        "LogFormat": ("JSON", "Text"),
        "ApplicationLogLevel": ("TRACE", "DEBUG", "INFO", "WARN", "ERROR", "FATAL"),
        "SystemLogLevel": ("DEBUG", "INFO", "WARN"),
    }
    for field, values in allowed.items():
        if field in logging and logging[field] not in values:
            path = "loggingConfig." + field[0].lower() + field[1:]
            enum = ", ".join(values)
            raise constraint(logging[field], path, f"Member must satisfy enum value set: [{enum}]")
    levels = {"ApplicationLogLevel", "SystemLogLevel"} & set(logging)
    if levels and logging.get("LogFormat", "Text") == "Text":
        raise invalid(
            "ApplicationLogLevel and SystemLogLevel are only supported with LogFormat JSON."
        )


def _pattern(value: str | None, field: str, pattern: str, longest: int) -> None:
    if value is None:
        return
    if len(value) > longest:
        raise constraint(value, field, f"Member must have length less than or equal to {longest}")
    if not re.fullmatch(pattern, value):
        raise constraint(value, field, f"Member must satisfy regular expression pattern: {pattern}")
