"""moto's Lambda backend, with what AWS checks and with functions that run here."""

from __future__ import annotations

import json
import uuid
from typing import Any

import moto.awslambda.models as lambda_models
from moto.awslambda.policy import Policy

from ..mappings.registry import Mapping
from ..model import ApiError
from ..permissions import make_statement
from ..validation import (
    check_configuration,
    check_creation,
    check_event_settings,
    check_package,
    check_reserved_concurrency,
    invalid,
)
from .errors import as_moto_error, code_error
from .function import Function
from .function_urls import FunctionUrls
from .hooks import open_hooks
from .network import check_vpc


class Backend(FunctionUrls, lambda_models.LambdaBackend):
    """moto's Lambda backend: checks what AWS checks, and runs functions here."""

    @as_moto_error
    def create_function(self, spec: dict[str, Any]) -> Function:
        check_creation(spec)
        check_vpc(spec.get("VpcConfig"), self.region_name)
        spec["FunctionName"] = spec["FunctionName"].rsplit(":", 1)[-1]
        try:
            function = Function(self.account_id, spec, self.region_name, "$LATEST")
        except ValueError as error:
            raise code_error(error) from None
        if function.package_type == "Zip":
            check_package(function.code_bytes, self.layer_bytes(function))
        self._lambdas.put_function(function)
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
        return function.reserved_concurrency

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
    def put_function_event_invoke_config(
        self, function_name: str, config: dict[str, Any]
    ) -> dict[str, Any]:
        function = self.get_function(function_name)
        check_event_settings(config, function.function_arn)
        function.event_invoke_config = []  # moto keeps the first for ever
        response = super().put_function_event_invoke_config(function_name, config)
        return self._with_every_key(response)

    @as_moto_error
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

    @as_moto_error
    def create_event_source_mapping(self, spec: dict[str, Any]) -> Mapping:
        return open_hooks().mappings.create(spec, self.region_name, self.account_id)

    def get_event_source_mapping(self, uuid: str) -> Mapping | None:
        return open_hooks().mappings.get(uuid)

    def list_event_source_mappings(
        self, event_source_arn: str, function_name: str
    ) -> list[Mapping]:
        return open_hooks().mappings.list(event_source_arn, function_name)

    @as_moto_error
    def update_event_source_mapping(self, uuid: str, spec: dict[str, Any]) -> Mapping:
        return open_hooks().mappings.update(uuid, spec)

    @as_moto_error
    def delete_event_source_mapping(self, uuid: str) -> Mapping:
        return open_hooks().mappings.delete(uuid)

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
        found = [self.layers_versions_by_arn(layer["Arn"]) for layer in function.layers]
        return tuple(layer.code_bytes for layer in found if layer)


def unqualified(arn: str) -> str:
    return ":".join(arn.split(":")[:7])
