"""moto's Lambda backend, with what AWS checks and with functions that run here."""

from __future__ import annotations

import json
import uuid
from typing import Any

import moto.awslambda.models as lambda_models
from moto.awslambda.exceptions import ConflictException
from moto.awslambda.policy import Policy

from ..access import check_dead_letter
from ..access.resource_policy import make_statement
from ..base.arns import unqualified
from ..base.model import ApiError
from ..base.parameters import invalid
from ..functions.validation import check_configuration, check_creation, check_reserved_concurrency
from ..sandbox.zips import check_layers, check_package, check_upload, check_zip
from .errors import as_moto_error, code_error
from .event_settings import EventSettingsApi
from .function import Function
from .function_urls import FunctionUrls
from .hooks import open_hooks, wake_queues
from .mappings import MappingApi
from .network import check_vpc


class Backend(FunctionUrls, MappingApi, EventSettingsApi, lambda_models.LambdaBackend):
    """moto's Lambda backend: checks what AWS checks, and runs functions here."""

    @as_moto_error
    def create_function(self, spec: dict[str, Any]) -> Function:
        check_creation(spec)
        _check_dead_letter(spec.get("Role", ""), spec.get("DeadLetterConfig"))
        check_vpc(spec.get("VpcConfig"), self.region_name)
        spec["FunctionName"] = spec["FunctionName"].rsplit(":", 1)[-1]
        _check_uploads(spec.get("Code"))
        try:
            function = Function(self.account_id, spec, self.region_name, "$LATEST")
        except ValueError as error:
            raise code_error(error) from None
        if function.package_type == "Zip":
            check_package(function.code_bytes, self.layer_bytes(function))
        self._lambdas.put_function(function)
        wake_queues()
        if spec.get("Publish"):
            return self.publish_version(function.function_name)
        return function

    @as_moto_error
    def update_function_code(
        self, function_name: str, qualifier: str, body: dict[str, Any]
    ) -> dict[str, Any]:
        function = self.get_function(function_name, qualifier)
        if body.get("DryRun"):
            return function.get_configuration()
        _check_uploads(body)
        before = dict(function.__dict__, code=dict(function.code))
        try:
            function.update_function_code(body)
            if function.package_type == "Zip":
                check_package(function.code_bytes, self.layer_bytes(function))
        except (ValueError, ApiError) as error:
            function.__dict__.update(before)  # nothing is left half made
            raise error if isinstance(error, ApiError) else code_error(error) from None
        function.touch()
        open_hooks().retire(function.function_arn, "$LATEST")
        if body.get("Publish"):
            function = self.publish_version(function.function_name)
        return function.get_configuration()

    @as_moto_error
    def update_function_configuration(
        self, function_name: str, qualifier: str, body: dict[str, Any]
    ) -> dict[str, Any]:
        check_configuration(body)
        check_vpc(body.get("VpcConfig"), self.region_name)
        function = self.get_function(function_name, qualifier)
        if "Role" in body or "DeadLetterConfig" in body:
            dead_letter = body.get("DeadLetterConfig", function.dead_letter_config)
            _check_dead_letter(body.get("Role", function.role), dead_letter)
        if body.get("Layers") and function.package_type == "Zip":
            check_layers(function.code_bytes, self._layers_of(body["Layers"]))
        configuration = function.update_configuration(body)
        open_hooks().retire(function.function_arn, "$LATEST")
        return configuration

    def delete_function(self, function_name: str, qualifier: str | None = None) -> None:
        function = self.get_function(function_name, qualifier)
        arn = unqualified(function.function_arn)
        version = str(function.version) if qualifier else None
        super().delete_function(function_name, qualifier)
        if version is None:
            self.forget_urls(function.function_name)
        if not qualifier:
            self._lambdas._aliases.pop(arn, None)  # moto keeps them for a function that follows
        open_hooks().retire(arn, version)

    @as_moto_error
    def put_function_concurrency(self, function_name: str, reserved_concurrency: str) -> str:
        function = self.get_function(function_name)
        hooks, arn = open_hooks(), unqualified(function.function_arn)
        left = hooks.concurrency.left_without(arn, self.region_name)
        provisioned = hooks.provisioned.totals(self.region_name).get(arn, 0)
        check_reserved_concurrency(
            int(reserved_concurrency), left, hooks.concurrency.minimum, provisioned
        )
        function.reserved_concurrency = int(reserved_concurrency)
        wake_queues()
        return function.reserved_concurrency

    def delete_function_concurrency(self, function_name: str) -> str | None:
        super().delete_function_concurrency(function_name)
        wake_queues()
        return None

    @as_moto_error
    def create_alias(
        self,
        name: str,
        function_name: str,
        function_version: str,
        description: str,
        routing_config: str,
    ) -> Any:
        try:
            alias = super().create_alias(
                name, function_name, function_version, description, routing_config
            )
        except ConflictException as error:  # moto's code is another than AWS's
            raise ApiError(409, "ResourceConflictException", error.message) from None
        wake_queues()
        return alias

    @as_moto_error
    def update_alias(
        self,
        name: str,
        function_name: str,
        function_version: str,
        description: str,
        routing_config: str,
    ) -> Any:
        arn = unqualified(self.get_function(function_name).function_arn)
        if function_version == "$LATEST" and open_hooks().provisioned.get(arn, name):
            raise invalid(
                "Provisioned Concurrency Configs cannot be applied to unpublished function "
                "versions."
            )
        alias = super().update_alias(
            name, function_name, function_version, description, routing_config
        )
        open_hooks().provisioned.allocate(arn)
        return alias

    def delete_alias(self, name: str, function_name: str) -> None:
        arn = unqualified(self.get_function(function_name).function_arn)
        super().delete_alias(name, function_name)
        open_hooks().provisioned.delete(arn, name)

    @as_moto_error
    def add_permission(self, function_name: str, qualifier: str, raw: str) -> dict[str, Any]:
        function = self.get_function(function_name, qualifier)
        policy = self._policy(function_name)
        spec = json.loads(raw)
        resource = unqualified(function.function_arn)
        if qualifier and qualifier != "$LATEST":
            resource += f":{qualifier}"
        statement = make_statement(spec, resource)
        if any(
            (s["Sid"], s["Resource"]) == (statement["Sid"], resource) for s in policy.statements
        ):
            raise ApiError(
                409,
                "ResourceConflictException",
                f"The statement id ({statement['Sid']}) provided already exists. Please provide a "
                "new statement id, or remove the existing statement.",
            )
        if spec.get("RevisionId") and spec["RevisionId"] != policy.revision:
            raise ApiError(
                412,
                "PreconditionFailedException",
                "The RevisionId provided does not match the latest RevisionId for the Lambda "
                "function or alias. Call the GetPolicy API to retrieve the latest RevisionId.",
            )
        policy.statements.append(statement)
        policy.revision = str(uuid.uuid4())
        return statement

    def remove_permission(self, function_name: str, sid: str, revision: str = "") -> None:
        self.get_function(function_name)
        self._policy(function_name).del_statement(sid, revision)

    @as_moto_error
    def get_policy(self, function_name: str, qualifier: str | None = None) -> str:
        function = self.get_function(function_name, qualifier)
        resource = unqualified(function.function_arn)
        if qualifier and qualifier != "$LATEST":
            resource += f":{qualifier}"
        policy = self._policy(function_name)
        statements = [s for s in policy.statements if s["Resource"] == resource]
        if not statements:
            message = "The resource you requested does not exist."
            raise ApiError(404, "ResourceNotFoundException", message)
        document = {"Version": "2012-10-17", "Id": "default", "Statement": statements}
        return json.dumps({"Policy": json.dumps(document), "RevisionId": policy.revision})

    def _policy(self, function_name: str) -> Policy:
        """One policy holds the statements of every version and alias; moto would copy it."""
        return self.get_function(function_name.split(":function:")[-1].split(":")[0]).policy

    def invoke(
        self,
        function_name: str,
        qualifier: str | None,
        body: Any,
        headers: Any,
        response_headers: Any,
    ) -> bytes:
        """For moto's own services; HTTP invocations are answered before they reach moto."""
        payload = body.encode() if isinstance(body, str) else bytes(body or b"{}")
        return open_hooks().invoke(self.region_name, function_name, qualifier, payload)

    def layer_bytes(self, function: Function) -> tuple[bytes, ...]:
        return self._layers_of([layer["Arn"] for layer in function.layers])

    def _layers_of(self, arns: list[str]) -> tuple[bytes, ...]:
        found = [self.layers_versions_by_arn(arn) for arn in arns]
        return tuple(layer.code_bytes for layer in found if layer)

    @as_moto_error
    def publish_layer_version(self, spec: dict[str, Any]) -> Any:
        _check_uploads(spec.get("Content"))
        try:
            if spec.get("LayerName") and spec.get("Content"):
                check_zip(
                    lambda_models.LayerVersion(spec, self.account_id, self.region_name).code_bytes
                )
            return super().publish_layer_version(spec)
        except ValueError as error:
            raise code_error(error) from None


def _check_uploads(code: dict[str, Any] | None) -> None:
    """Raises ApiError for a zip in the request that is too large, before it is decoded."""
    check_upload(len((code or {}).get("ZipFile") or "") * 3 // 4)


def _check_dead_letter(role: str, config: dict[str, Any] | None) -> None:
    target = (config or {}).get("TargetArn")
    if target:
        check_dead_letter(open_hooks().allows, role, target)
