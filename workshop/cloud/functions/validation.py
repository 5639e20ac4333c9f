"""What AWS refuses when a function is created or changed, beyond what its API's model says.

The messages were recorded from AWS (2022 to 2026) or follow the API's constraints
(https://docs.aws.amazon.com/lambda/latest/api/API_CreateFunction.html).
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import date
from typing import Any

from ..base.parameters import check_parameters, constraint, invalid
from .runtime_names import RUNTIMES

LARGEST_ENVIRONMENT = 4096  # bytes of the variables as JSON
LONGEST_NAME = 64  # characters; an ARN may be longer
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


def check_creation(spec: dict[str, Any]) -> None:
    """Checks a request to create a function, of CloudFormation as well. Raises ApiError."""
    check_parameters("lambda", "CreateFunction", spec)
    name = spec["FunctionName"].rsplit(":", 1)[-1]
    if len(name) > LONGEST_NAME:
        rule = f"Member must have length less than or equal to {LONGEST_NAME}"
        raise constraint(name, "functionName", rule)
    if spec.get("PackageType", "Zip") == "Zip":
        for field in ("Runtime", "Handler"):
            if not spec.get(field):
                raise invalid(
                    f"Runtime and Handler are mandatory parameters for functions created "
                    f"with deployment packages. {field} is missing."
                )
    check_configuration(spec)


def check_configuration(spec: dict[str, Any]) -> None:
    """Checks the fields of CreateFunction and UpdateFunctionConfiguration that are there.

    Raises ApiError: InvalidParameterValueException, status 400.
    """
    if "Runtime" in spec:
        _check_runtime(spec["Runtime"])
    if "Environment" in spec:
        _check_variables((spec["Environment"] or {}).get("Variables") or {})
    if len(spec.get("Layers") or []) > 5:
        raise invalid("Cannot reference more than 5 layers.")
    _check_logging(spec.get("LoggingConfig") or {})
    _check_dead_letter((spec.get("DeadLetterConfig") or {}).get("TargetArn"))


def check_reserved_concurrency(
    wanted: int, left: int, minimum: int = 100, provisioned: int = 0
) -> None:
    """Checks reserved concurrency against what the account has left for it, and must keep.

    `provisioned` is what the function has as provisioned concurrency. Raises ApiError.
    """
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


@dataclass(frozen=True)
class Capacity:
    """What an account has left for a function, its limit, and what must stay unreserved."""

    left: int
    limit: int
    minimum: int


def check_provisioned_concurrency(
    wanted: int, others: int, reserved: int | None, capacity: Capacity
) -> None:
    """Checks provisioned concurrency; `others` is that of the function's other versions.

    Raises ApiError.
    """
    if reserved is not None:
        if others + wanted > reserved:
            raise invalid(
                "Requested Provisioned Concurrency should not be greater than the "
                "reservedConcurrentExecution for function"
            )
        return
    if wanted > capacity.limit:
        raise invalid(
            "Specified ConcurrentExecutions for function is greater than account's unreserved "
            f"concurrency [{capacity.limit}]."
        )
    if capacity.left - wanted < capacity.minimum:
        raise invalid(
            "Specified ConcurrentExecutions for function decreases account's "
            f"UnreservedConcurrentExecution below its minimum value of [{capacity.minimum}]."
        )


def check_event_settings(config: dict[str, Any], function_arn: str) -> None:
    """Checks the settings of asynchronous invocation. Raises ApiError."""
    fields = ("MaximumRetryAttempts", "MaximumEventAgeInSeconds", "DestinationConfig")
    if not any(config.get(field) is not None for field in fields):
        raise invalid("You must specify at least one of error handling or destination setting.")
    for target in check_ends(config.get("DestinationConfig") or {}):
        if target.split(":")[:7] == function_arn.split(":")[:7]:
            raise invalid("You can't specify the function as a destination for itself.")


def check_ends(config: dict[str, Any]) -> list[str]:
    """The destinations of an asynchronous event. Raises ApiError for one of another kind."""
    found = {}
    for end in DESTINATIONS:
        target = (config.get(end) or {}).get("Destination")
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
    measured = json.dumps(variables, separators=(",", ":"), ensure_ascii=False)
    if len(measured.encode()) > LARGEST_ENVIRONMENT:
        raise invalid(
            "Lambda was unable to configure your environment variables because the environment "
            f"variables you have provided exceeded the 4KB limit. String measured: {measured}"
        )


def _check_logging(logging: dict[str, Any]) -> None:
    levels = {"ApplicationLogLevel", "SystemLogLevel"} & set(logging)
    if levels and logging.get("LogFormat", "Text") == "Text":
        raise invalid(
            "ApplicationLogLevel and SystemLogLevel are only supported with LogFormat JSON."
        )
