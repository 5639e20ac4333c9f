"""The one place that touches moto's internals.

moto answers the AWS APIs; functions run here. What this module uses of moto 5.2, and why:

- `moto.awslambda.models.lambda_backends`: replaced by backends of `Backend`, a subclass of
  `LambdaBackend`. `moto.awslambda.utils.get_backend` reads that name at every call, so moto's
  own services find the subclass too.
- `LambdaBackend.create_function`, `update_function_code`, `update_function_configuration`,
  `publish_version`, `delete_function`, `put_function_concurrency`,
  `put_/update_/get_function_event_invoke_config`, `invoke`: overridden, to
  check what AWS checks, to keep what moto forgets, and to end environments that are out of date.
- `LambdaBackend.*_event_source_mapping(s)`: overridden, so that moto's queues, tables and streams
  know of no mapping and deliver nothing themselves; the pollers do.
- `EventPattern`: decides what a filter lets pass.
- `LambdaFunction`: subclassed, for the settings that moto does not store.
- `LambdaStorage` (`_lambdas`) and `LayerStorage`: read, to find a version, an alias, a layer.
- `IAMBackend._init_aws_policies`: called when IAM is first asked, not at every start.
- `logs_backends`, `iam_backends`: the functions' logs are written, and a role is made, without a
  round trip over HTTP.
- `moto_api_backend.reset()`: a new cloud starts empty.
- `moto.moto_server.werkzeug_app`: the WSGI application and its request handler.

tests/test_cloud_seam.py is the contract: it fails when a moto release moves one of these.
"""

from __future__ import annotations

import functools
import json
import random
import re
import uuid
from collections.abc import Callable
from datetime import datetime, timezone
from typing import Any

import moto.awslambda.models as lambda_models
from moto.awslambda.exceptions import LambdaClientError
from moto.core.base_backend import BackendDict
from moto.core.exceptions import JsonRESTError
from moto.core.models import default_user_config
from moto.events.models import EventPattern
from moto.iam.models import iam_backends
from moto.logs.models import logs_backends
from moto.moto_api._internal.models import moto_api_backend
from moto.moto_server.werkzeug_app import (
    DomainDispatcherApplication,
    MotoRequestHandler,
    create_backend_app,
)

from .environ import ACCOUNT_ID
from .mappings.registry import Mapping, Mappings
from .model import ApiError, EventSettings, FunctionVersion, LogEvent
from .validation import (
    check_configuration,
    check_creation,
    check_event_settings,
    check_package,
    check_reserved_concurrency,
)

FUNCTION_NAME = re.compile(r"(?:(?:arn:aws:lambda:[^:]+:)?\d{12}:function:)?([^:]+)(?::([^:]+))?")
ROLE = "lambda-role"
TRUST = {
    "Version": "2012-10-17",
    "Statement": [
        {
            "Effect": "Allow",
            "Principal": {"Service": "lambda.amazonaws.com"},
            "Action": "sts:AssumeRole",
        }
    ],
}
# Set by `start`; moto makes backends by itself, so they find it here.
_retire: Callable[[str, str | None], None] = lambda arn, version: None  # noqa: E731
_invoke: Callable[..., bytes] | None = None
_mappings: Mappings | None = None

__all__ = [
    "Backend",
    "MotoRequestHandler",
    "application",
    "find_for_event",
    "find_function",
    "load_managed_policies",
    "matches",
    "start",
    "stop",
    "write_logs",
]


def _as_moto_error(method: Callable[..., Any]) -> Callable[..., Any]:
    """Lets moto serialise an ApiError as it does its own."""

    @functools.wraps(method)
    def wrapped(*args: Any, **kwargs: Any) -> Any:
        try:
            return method(*args, **kwargs)
        except ApiError as error:
            moto_error = JsonRESTError(error.code, error.message)
            moto_error.code = error.status
            raise moto_error from None

    return wrapped


class Function(lambda_models.LambdaFunction):
    """moto's function, with the settings that moto does not keep."""

    def __init__(self, account_id: str, spec: dict[str, Any], region: str, version: str) -> None:
        self.logging_config = dict(spec.get("LoggingConfig") or {})
        self.dead_letter_config = spec.get("DeadLetterConfig")
        self.revision_id = str(uuid.uuid4())
        super().__init__(account_id, spec, region, version)
        self.last_modified = _now()

    def touch(self) -> None:
        """Notes a change: invocations after it get new environments."""
        self.revision_id = str(uuid.uuid4())
        self.last_modified = _now()
        self.code_or_config_updated = True

    def set_version(self, version: int) -> None:
        super().set_version(version)
        self.last_modified = _now()

    def get_configuration(self, on_create: bool = False) -> dict[str, Any]:
        configuration = super().get_configuration(on_create)
        configuration["RevisionId"] = self.revision_id
        configuration["LoggingConfig"] = {
            "LogFormat": self.log_format,
            "LogGroup": self.log_group,
            **{k: v for k, v in self.logging_config.items() if k.endswith("Level")},
        }
        if self.dead_letter_config:
            configuration["DeadLetterConfig"] = self.dead_letter_config
        return configuration

    def update_configuration(self, config_updates: dict[str, Any]) -> dict[str, Any]:
        if "LoggingConfig" in config_updates:
            self.logging_config.update(config_updates["LoggingConfig"] or {})
            if self.log_format == "Text":
                for level in ("ApplicationLogLevel", "SystemLogLevel"):
                    self.logging_config.pop(level, None)
        if "DeadLetterConfig" in config_updates:
            self.dead_letter_config = config_updates["DeadLetterConfig"]
        if "EphemeralStorage" in config_updates:
            self.ephemeral_storage = config_updates["EphemeralStorage"]["Size"]
        if "TracingConfig" in config_updates:
            self.tracing_config = config_updates["TracingConfig"]
        if "KMSKeyArn" in config_updates:
            self.kms_key_arn = config_updates["KMSKeyArn"]
        super().update_configuration(config_updates)
        self.touch()
        return self.get_configuration()

    @property
    def log_format(self) -> str:
        """Text or JSON."""
        return self.logging_config.get("LogFormat", "Text")

    @property
    def log_group(self) -> str:
        """Where its log goes."""
        return self.logging_config.get("LogGroup") or f"/aws/lambda/{self.function_name}"


class Backend(lambda_models.LambdaBackend):
    """moto's Lambda backend: checks what AWS checks, and runs functions here."""

    @_as_moto_error
    def create_function(self, spec: dict[str, Any]) -> Function:
        check_creation(spec)
        spec["FunctionName"] = spec["FunctionName"].rsplit(":", 1)[-1]
        try:
            function = Function(self.account_id, spec, self.region_name, "$LATEST")
        except ValueError as error:
            raise _code_error(error) from None
        if function.package_type == "Zip":
            check_package(function.code_bytes, self._layer_bytes(function))
        self._lambdas.put_function(function)
        if spec.get("Publish"):
            return self.publish_version(function.function_name)
        return function

    @_as_moto_error
    def update_function_code(
        self, function_name: str, qualifier: str, body: dict[str, Any]
    ) -> dict[str, Any]:
        function = self.get_function(function_name, qualifier)
        if body.get("DryRun"):
            return function.get_configuration()
        before = dict(function.__dict__, code=dict(function.code))
        try:
            function.update_function_code(body)
            if function.package_type == "Zip":
                check_package(function.code_bytes, self._layer_bytes(function))
        except (ValueError, ApiError) as error:
            function.__dict__.update(before)  # nothing is left half made
            raise error if isinstance(error, ApiError) else _code_error(error) from None
        function.touch()
        _retire(function.function_arn, "$LATEST")
        if body.get("Publish"):
            function = self.publish_version(function.function_name)
        return function.get_configuration()

    @_as_moto_error
    def update_function_configuration(
        self, function_name: str, qualifier: str, body: dict[str, Any]
    ) -> dict[str, Any]:
        check_configuration(body)
        function = self.get_function(function_name, qualifier)
        configuration = function.update_configuration(body)
        _retire(function.function_arn, "$LATEST")
        return configuration

    def delete_function(self, function_name: str, qualifier: str | None = None) -> None:
        function = self.get_function(function_name, qualifier)
        arn = _unqualified(function.function_arn)
        version = str(function.version) if qualifier else None
        super().delete_function(function_name, qualifier)
        _retire(arn, version)

    @_as_moto_error
    def put_function_concurrency(self, function_name: str, reserved_concurrency: str) -> str:
        function = self.get_function(function_name)
        others = sum(
            int(each["latest"].reserved_concurrency or 0)
            for name, each in self._lambdas._functions.items()
            if name != function.function_name
        )
        check_reserved_concurrency(int(reserved_concurrency), others)
        function.reserved_concurrency = int(reserved_concurrency)
        return function.reserved_concurrency

    @_as_moto_error
    def put_function_event_invoke_config(
        self, function_name: str, config: dict[str, Any]
    ) -> dict[str, Any]:
        function = self.get_function(function_name)
        check_event_settings(config, function.function_arn)
        function.event_invoke_config = []  # moto keeps the first for ever
        response = super().put_function_event_invoke_config(function_name, config)
        return self._with_every_key(response)

    @_as_moto_error
    def update_function_event_invoke_config(
        self, function_name: str, config: dict[str, Any]
    ) -> dict[str, Any]:
        function = self.get_function(function_name)
        before = function.event_invoke_config[0].config if function.event_invoke_config else {}
        return self.put_function_event_invoke_config(function_name, {**before, **config})

    def get_function_event_invoke_config(self, function_name: str) -> dict[str, Any]:
        return self._with_every_key(super().get_function_event_invoke_config(function_name))

    def list_function_event_invoke_configs(self, function_name: str) -> dict[str, Any]:
        found = super().list_function_event_invoke_configs(function_name)
        configs = [self._with_every_key(each) for each in found["FunctionEventInvokeConfigs"]]
        return {"FunctionEventInvokeConfigs": configs}

    def _with_every_key(self, response: dict[str, Any]) -> dict[str, Any]:
        ends = {"OnSuccess": {}, "OnFailure": {}, **(response.get("DestinationConfig") or {})}
        arn = response["FunctionArn"].removesuffix(":$LATEST") + ":$LATEST"
        return {**response, "FunctionArn": arn, "DestinationConfig": ends}

    @_as_moto_error
    def create_event_source_mapping(self, spec: dict[str, Any]) -> Mapping:
        return _open_mappings().create(spec, self.region_name, self.account_id)

    def get_event_source_mapping(self, uuid: str) -> Mapping | None:
        return _open_mappings().get(uuid)

    def list_event_source_mappings(
        self, event_source_arn: str, function_name: str
    ) -> list[Mapping]:
        return _open_mappings().list(event_source_arn, function_name)

    @_as_moto_error
    def update_event_source_mapping(self, uuid: str, spec: dict[str, Any]) -> Mapping:
        return _open_mappings().update(uuid, spec)

    @_as_moto_error
    def delete_event_source_mapping(self, uuid: str) -> Mapping:
        return _open_mappings().delete(uuid)

    def invoke(
        self,
        function_name: str,
        qualifier: str | None,
        body: Any,
        headers: Any,
        response_headers: Any,
    ) -> bytes:
        """For moto's own services; HTTP invocations are answered before they reach moto."""
        if _invoke is None:
            raise JsonRESTError("ServiceException", "the local cloud is closed")
        payload = body.encode() if isinstance(body, str) else bytes(body or b"{}")
        return _invoke(self.region_name, function_name, qualifier, payload)

    def _layer_bytes(self, function: Function) -> tuple[bytes, ...]:
        found = [self.layers_versions_by_arn(layer["Arn"]) for layer in function.layers]
        return tuple(layer.code_bytes for layer in found if layer)


def find_function(region: str, name: str, qualifier: str | None) -> tuple[FunctionVersion, str]:
    """A version of a function and the ARN it was asked for by (name, ARN or partial ARN).

    An alias with weights picks one of its two versions. Raises ApiError, 404, if there is none.
    """
    backend = lambda_models.lambda_backends[ACCOUNT_ID][region]
    name, qualifier = _split_name(name, qualifier)
    try:
        function = backend.get_function(name, _pick_version(backend, name, qualifier))
        latest = backend.get_function(name)
    except LambdaClientError as error:
        raise ApiError(error.code, error.error_type, error.message) from None
    arn = _unqualified(function.function_arn)
    invoked_arn = f"{arn}:{qualifier}" if qualifier else arn
    return _frozen(backend, function, arn, latest.reserved_concurrency), invoked_arn


def find_for_event(invoked_arn: str) -> tuple[FunctionVersion, EventSettings]:
    """A function as it is now, and how its asynchronous events are handled. Raises ApiError."""
    region = invoked_arn.split(":")[3]
    found, _ = find_function(region, invoked_arn, None)
    function = lambda_models.lambda_backends[ACCOUNT_ID][region].get_function(found.name)
    config = function.event_invoke_config[0].config if function.event_invoke_config else {}
    ends = config.get("DestinationConfig") or {}
    return found, EventSettings(
        maximum_retries=config.get("MaximumRetryAttempts", EventSettings.maximum_retries),
        maximum_age_s=config.get("MaximumEventAgeInSeconds", EventSettings.maximum_age_s),
        on_success=(ends.get("OnSuccess") or {}).get("Destination"),
        on_failure=(ends.get("OnFailure") or {}).get("Destination"),
        dead_letter=(function.dead_letter_config or {}).get("TargetArn"),
    )


def load_managed_policies() -> None:
    """Lets IAM know AWS's own policies, such as AWSLambdaBasicExecutionRole.

    moto reads 1,500 of them (0.2 s), so this waits for the first request to IAM.
    """
    iam = iam_backends[ACCOUNT_ID]["aws"]
    if not iam.aws_managed_policies:
        default_user_config.setdefault("iam", {})["load_aws_managed_policies"] = True
        iam.aws_managed_policies = iam._init_aws_policies()
        iam.managed_policies.update(iam._init_managed_policies())
        default_user_config["iam"]["load_aws_managed_policies"] = False


def write_logs(function: FunctionVersion, stream: str, events: list[LogEvent]) -> None:
    """Appends to a function's log stream in CloudWatch Logs."""
    logs = logs_backends[function.account_id][function.region]
    logs.ensure_log_group(function.log_group)
    logs.ensure_log_stream(function.log_group, stream)
    latest, entries = 0, []
    for event in events:  # a batch must be in order; the clocks of two processes may differ
        latest = max(latest, event.timestamp_ms)
        entries.append({"timestamp": latest, "message": event.message})
    logs.put_log_events(function.log_group, stream, entries)


def start(
    retire: Callable[[str, str | None], None], invoke: Callable[..., bytes], mappings: Mappings
) -> None:
    """Puts the subclass in moto's place and empties moto; makes the role `lambda-role`."""
    global _retire, _invoke, _mappings
    _retire, _invoke, _mappings = retire, invoke, mappings
    if not isinstance(lambda_models.lambda_backends, _Backends):
        lambda_models.lambda_backends = _Backends(Backend, "lambda")
    moto_api_backend.reset()
    lambda_models.lambda_backends.reset()
    iam_backends[ACCOUNT_ID]["aws"].create_role(
        role_name=ROLE,
        assume_role_policy_document=json.dumps(TRUST),
        path="/",
        permissions_boundary=None,
        description="Made by the local cloud",
        tags=[],
        max_session_duration="3600",
    )


def stop() -> None:
    """Forgets the cloud that `start` named."""
    global _retire, _invoke, _mappings
    _retire, _invoke, _mappings = (lambda arn, version: None), None, None


def application() -> Callable[..., Any]:
    """moto's APIs as a WSGI application."""
    return DomainDispatcherApplication(create_backend_app)


def matches(pattern: dict[str, Any], event: dict[str, Any]) -> bool:
    """Whether an event matches a pattern of EventBridge, or a filter of a mapping."""
    return EventPattern(None, pattern).matches_event(event)


def _open_mappings() -> Mappings:
    if _mappings is None:
        raise JsonRESTError("ServiceException", "the local cloud is closed")
    return _mappings


class _Backends(BackendDict):
    """Tells our backends from moto's."""


def _frozen(
    backend: Backend, function: Function, arn: str, reserved: int | None
) -> FunctionVersion:
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
        layers=backend._layer_bytes(function),
        log_group=function.log_group,
        log_format=function.log_format,
        application_log_level=function.logging_config.get("ApplicationLogLevel"),
        system_log_level=function.logging_config.get("SystemLogLevel"),
        reserved_concurrency=reserved,
        role=function.role,
    )


def _split_name(name: str, qualifier: str | None) -> tuple[str, str | None]:
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


def _code_error(error: ValueError) -> ApiError:
    """moto raises ValueError("Code", "message") for a missing bucket or key."""
    if len(error.args) == 2:
        return ApiError(400, error.args[0], error.args[1])
    return ApiError(400, "InvalidParameterValueException", str(error))


def _unqualified(arn: str) -> str:
    return ":".join(arn.split(":")[:7])


def _now() -> str:
    """As AWS writes LastModified: `2026-11-02T03:04:05.678+0000`."""
    return datetime.now(timezone.utc).strftime("%Y-%m-%dT%H:%M:%S.%f")[:-3] + "+0000"
