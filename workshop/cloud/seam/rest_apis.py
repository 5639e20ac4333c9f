"""moto's REST APIs: what AWS keeps of them and moto forgets, and a stage as it is deployed."""

from __future__ import annotations

import json
from typing import Any

from ..base.variables import ACCOUNT_ID
from ..triggers.gateway.apis import RestMethod, RestStage
from .moto_apigateway import models, responses
from .moto_apigateway import urls as moto_urls
from .rest_checks import CheckedBackend, check_document

BINARY = "/binaryMediaTypes/"


class RestBackend(CheckedBackend):
    """moto's backend; a deployment is a snapshot, and a stage outlives a new one."""

    _url_module = moto_urls  # moto would look for it beside this file

    def create_deployment(
        self, function_id: str, name: str, description: str = "", stage_variables: Any = None
    ) -> models.Deployment:
        api = self.get_rest_api(function_id)
        self.check_integrations(api)
        stage = api.stages.get(name)
        deployment = super().create_deployment(function_id, name, description, stage_variables)
        deployment.methods = _snapshot(api)
        if stage:  # moto makes a new one, without its settings
            stage.deployment_id = deployment.id
            stage.variables.update(stage_variables or {})
            api.stages[name] = stage
        return deployment

    def update_rest_api(
        self, function_id: str, patch_operations: list[dict[str, Any]]
    ) -> models.RestAPI:
        api = self.get_rest_api(function_id)
        for operation in patch_operations:
            if operation["path"].startswith(BINARY):
                _patch_binary(api.binaryMediaTypes, operation)
        others = [each for each in patch_operations if not each["path"].startswith(BINARY)]
        return super().update_rest_api(function_id, others)


def install() -> None:
    """Puts the subclass in moto's place; does nothing the second time."""
    if models.apigateway_backends.backend is RestBackend:
        return
    models.apigateway_backends.backend = RestBackend
    models.apigateway_backends.clear()
    create = responses.APIGatewayResponse.create_rest_api

    def create_rest_api(self: responses.APIGatewayResponse) -> Any:
        check_document(self.body)
        status, headers, body = create(self)
        if status == 200:
            api = self.backend.get_rest_api(json.loads(body)["id"])
            api.binaryMediaTypes = list(self._get_param("binaryMediaTypes") or [])
            return 201, {**headers, "status": 201}, json.dumps(api.to_dict())
        return status, headers, body

    responses.APIGatewayResponse.create_rest_api = create_rest_api


def find_rest_stage(api_id: str, region: str | None, name: str) -> RestStage | None:
    """A stage with what is deployed to it; None if there is no such API, or no such stage."""
    for backend in list(models.apigateway_backends[ACCOUNT_ID].values()):
        api = backend.apis.get(api_id)
        if api is None or region not in (None, backend.region_name):
            continue
        stage = api.stages.get(name)
        deployment = api.deployments.get(stage.deployment_id) if stage else None
        if deployment is None or api.disableExecuteApiEndpoint:
            return None
        return RestStage(
            api_id=api_id,
            region=backend.region_name,
            name=name,
            deployment_id=deployment.id,
            variables=dict(stage.variables),
            binary_media_types=list(api.binaryMediaTypes),
            methods=deployment.methods,
            api_keys=_api_keys(backend, api_id, name),
        )
    return None


def _snapshot(api: models.RestAPI) -> tuple[RestMethod, ...]:
    return tuple(
        RestMethod(
            resource_id=resource.id,
            resource_path=resource.get_path(),
            http_method=method.http_method,
            authorization=method.authorization_type or "NONE",
            api_key_required=str(method.api_key_required).lower() == "true",
            operation_name=method.operation_name,
            integration=json.loads(json.dumps(method.method_integration.to_json())),
        )
        for resource in api.resources.values()
        for method in resource.resource_methods.values()
    )


def _api_keys(backend: RestBackend, api_id: str, stage: str) -> dict[str, str]:
    """The values and ids of the keys that are enabled and in a usage plan with the stage."""
    found = {}
    for plan in backend.usage_plans.values():
        if any((s["apiId"], s["stage"]) == (api_id, stage) for s in plan.api_stages):
            for key_id in backend.usage_plan_keys.get(plan.id, {}):
                key = backend.keys.get(key_id)
                if key and key.enabled:
                    found[key.value] = key.id
    return found


def _patch_binary(kinds: list[str], operation: dict[str, Any]) -> None:
    """The media type stands in the path, as `image~1png`."""
    kind = operation["path"].removeprefix(BINARY).replace("~1", "/").replace("~0", "~")
    if kind in kinds:
        kinds.remove(kind)
    if operation["op"] in ("add", "replace"):
        kinds.append(operation.get("value") or kind)
