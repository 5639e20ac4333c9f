"""moto's HTTP APIs: the calls that moto lacks, and an API as it is when a request comes.

moto serves them from the paths of moto.apigateway, since both have one host name.
"""

from __future__ import annotations

import copy
import datetime
import inspect
import json
import re
import secrets
import string
from typing import Any
from urllib.parse import unquote

from moto.apigatewayv2 import models, responses, urls
from moto.apigatewayv2.exceptions import APIGatewayV2Error, BadRequestException

from ..base.variables import ACCOUNT_ID
from ..triggers.gateway.apis import HttpApi, HttpRoute, HttpStage
from .moto_apigateway import urls as rest_urls
from .rest_checks import check_document

PATHS = ("deployments$", "deployments/(?P<deployment_id>[^/]+)$")
ROUTE_KEY = re.compile(r"\$default|(ANY|DELETE|GET|HEAD|OPTIONS|PATCH|POST|PUT) /\S*")
ALPHABET = string.ascii_lowercase + string.digits


class Conflict(APIGatewayV2Error):
    """There is one already."""

    code = 409

    def __init__(self, message: str) -> None:
        super().__init__("ConflictException", message)


class DeploymentNotFound(APIGatewayV2Error):
    """There is none."""

    code = 404

    def __init__(self) -> None:
        super().__init__("NotFoundException", "Invalid Deployment identifier specified")


class HttpBackend(models.ApiGatewayV2Backend):
    """moto's backend, with AWS's ids, deployments, and the checks of a route."""

    _url_module = urls  # moto would look for it beside this file

    def create_api(self, **spec: Any) -> models.Api:
        api = super().create_api(**spec)
        del self.apis[api.api_id]
        tags = self.get_tags(api.arn)
        before, api.api_id = api.api_id, _new_id()
        api.api_endpoint = api.api_endpoint.replace(before, api.api_id)
        api.arn = api.arn.replace(before, api.api_id)
        self.tag_resource(api.arn, tags)
        api.deployments = {}
        self.apis[api.api_id] = api
        return api

    def quick_create(self, api: models.Api, target: str, route_key: str | None) -> None:
        """The integration, the route and the stage that CreateApi makes for a Target."""
        integration = api.create_integration(
            connection_type="INTERNET",
            description="",
            integration_method="POST",
            integration_type="AWS_PROXY" if ":lambda:" in target else "HTTP_PROXY",
            integration_uri=target,
            payload_format_version="2.0" if ":lambda:" in target else "1.0",
        )
        api.create_route(
            api_key_required=False,
            authorization_scopes=[],
            authorization_type="NONE",
            route_key=route_key or "$default",
            target=f"integrations/{integration.id}",
        )
        api.create_stage({"stageName": "$default", "autoDeploy": True})

    def create_integration(self, api_id: str, **spec: Any) -> models.Integration:
        api = self.get_api(api_id)
        is_function = spec["integration_type"] == "AWS_PROXY" and not spec["integration_subtype"]
        versions = ("1.0", "2.0") if is_function and api.protocol_type == "HTTP" else ()
        if versions and spec["payload_format_version"] not in versions:
            raise BadRequestException("PayloadFormatVersion must be 1.0 or 2.0")
        return super().create_integration(api_id=api_id, **spec)

    def create_route(self, api_id: str, **spec: Any) -> models.Route:
        key = spec["route_key"]
        if self.get_api(api_id).protocol_type == "HTTP" and not ROUTE_KEY.fullmatch(key):
            raise BadRequestException(
                "The provided route key is not formatted properly for HTTP protocol. Format should "
                'be "<HTTP METHOD> /<RESOURCE PATH>" or "$default"'
            )
        if key in (each.route_key for each in self.get_routes(api_id)):
            raise Conflict(f"Route with key {key} already exists for this API")
        return super().create_route(api_id=api_id, **spec)

    def reimport_api(self, api_id: str, body: str, fail_on_warnings: bool) -> models.Api:
        check_document(body)
        api = super().reimport_api(api_id, body, fail_on_warnings)
        for integration in api.integrations.values():  # OpenAPI documents write it small
            integration.integration_type = integration.integration_type.upper()
        return api

    def delete_api(self, api_id: str) -> None:
        self.get_api(api_id)
        super().delete_api(api_id)

    def delete_route(self, api_id: str, route_id: str) -> None:
        self.get_route(api_id, route_id)
        super().delete_route(api_id, route_id)

    def update_integration(self, api_id: str, **spec: Any) -> models.Integration:
        self.get_integration(api_id, spec["integration_id"])
        return super().update_integration(api_id=api_id, **spec)

    def create_stage(self, api_id: str, config: dict[str, Any]) -> models.Stage:
        if config["stageName"] in self.get_api(api_id).stages:
            raise Conflict("Stage already exists")
        return super().create_stage(api_id, config)

    def create_deployment(self, api_id: str, spec: dict[str, Any]) -> dict[str, Any]:
        """Takes a snapshot of the routes; with `stageName` that stage shows it."""
        api = self.get_api(api_id)
        if spec.get("stageName"):
            self.get_stage(api_id, spec["stageName"]).config["deploymentId"] = None
        deployment_id = secrets.token_hex(3)
        answer = {
            "deploymentId": deployment_id,
            "createdDate": datetime.datetime.now(datetime.timezone.utc).isoformat(),
            "deploymentStatus": "DEPLOYED",
            "autoDeployed": False,
            "description": spec.get("description"),
        }
        api.deployments[deployment_id] = (answer, _routes(api))
        if spec.get("stageName"):
            self.get_stage(api_id, spec["stageName"]).config["deploymentId"] = deployment_id
        return answer


def install() -> None:
    """Puts the subclass in moto's place and adds the calls; does nothing the second time."""
    if models.apigatewayv2_backends.backend is HttpBackend:
        return
    models.apigatewayv2_backends.backend = HttpBackend
    models.apigatewayv2_backends.clear()
    create = responses.ApiGatewayV2Response.create_api

    def create_api(self: responses.ApiGatewayV2Response) -> Any:
        status, headers, body = create(self)
        params = json.loads(self.body)
        if params.get("target"):
            api = self.apigatewayv2_backend.get_api(json.loads(body)["apiId"])
            self.apigatewayv2_backend.quick_create(api, params["target"], params.get("routeKey"))
        return 201, {**headers, "status": 201}, body

    responses.ApiGatewayV2Response.create_api = create_api
    for method in (
        import_api,
        create_deployment,
        get_deployment,
        get_deployments,
        delete_deployment,
        create_stage,
        update_stage,
    ):
        setattr(responses.ApiGatewayV2Response, method.__name__, method)
    for path in PATHS:
        key = "{0}/v2/apis/(?P<api_id>[^/]+)/" + path
        rest_urls.url_paths[key] = responses.ApiGatewayV2Response.dispatch


def find_http_api(api_id: str, region: str | None) -> HttpApi | None:
    """An HTTP API with what its stages show now, None if there is none of that id."""
    for backend in list(models.apigatewayv2_backends[ACCOUNT_ID].values()):
        api = backend.apis.get(api_id)
        if api is None or region not in (None, backend.region_name):
            continue
        if api.protocol_type != "HTTP" or api.disable_execute_api_endpoint:
            return None
        stages = {each.name: _stage(api, each) for each in list(api.stages.values())}
        return HttpApi(api_id, backend.region_name, stages, api.cors_configuration)
    return None


def import_api(self: responses.ApiGatewayV2Response) -> Any:
    """ImportApi: a new API from an OpenAPI document."""
    params = json.loads(self.body)
    check_document(params.get("body"))
    backend = self.apigatewayv2_backend
    unset = dict.fromkeys(
        list(inspect.signature(models.ApiGatewayV2Backend.create_api).parameters)[1:]
    )
    api = backend.create_api(**{**unset, "tags": {}, "protocol_type": "HTTP"})
    backend.reimport_api(api.api_id, params.get("body"), False)
    return 201, {"status": 201}, json.dumps(api.to_json())


def create_deployment(self: responses.ApiGatewayV2Response) -> Any:
    """CreateDeployment."""
    api_id = self.path.split("/")[-2]
    answer = self.apigatewayv2_backend.create_deployment(api_id, json.loads(self.body or "{}"))
    return 201, {"status": 201}, json.dumps(answer)


def get_deployment(self: responses.ApiGatewayV2Response) -> Any:
    """GetDeployment."""
    answer, _ = _deployment(self)
    return 200, {}, json.dumps(answer)


def get_deployments(self: responses.ApiGatewayV2Response) -> Any:
    """GetDeployments."""
    api = self.apigatewayv2_backend.get_api(self.path.split("/")[-2])
    return 200, {}, json.dumps({"items": [answer for answer, _ in api.deployments.values()]})


def delete_deployment(self: responses.ApiGatewayV2Response) -> Any:
    """DeleteDeployment."""
    answer, _ = _deployment(self)
    api = self.apigatewayv2_backend.get_api(self.path.split("/")[-3])
    if any(s.config.get("deploymentId") == answer["deploymentId"] for s in api.stages.values()):
        raise BadRequestException("Active stages pointing to this deployment must be moved first")
    del api.deployments[answer["deploymentId"]]
    return 204, {"status": 204}, ""


def create_stage(self: responses.ApiGatewayV2Response) -> Any:
    """CreateStage: of a deployment that exists, if it names one."""
    api_id, config = self.path.split("/")[-2], json.loads(self.body)
    backend = self.apigatewayv2_backend
    _check_deployment(backend.get_api(api_id), config)
    stage = backend.create_stage(api_id, config)
    return 201, {"status": 201}, json.dumps(_stage_json(stage))


def update_stage(self: responses.ApiGatewayV2Response) -> Any:
    """UpdateStage."""
    api_id, name = self.path.split("/")[-3], unquote(self.path.split("/")[-1])
    backend, changes = self.apigatewayv2_backend, json.loads(self.body)
    _check_deployment(backend.get_api(api_id), changes)
    before = backend.get_stage(api_id, name)
    stage = models.Stage(backend.get_api(api_id), {**before.config, **changes})
    stage.created = before.created
    backend.get_api(api_id).stages[name] = stage
    return 200, {}, json.dumps(_stage_json(stage))


def _deployment(self: responses.ApiGatewayV2Response) -> tuple[dict[str, Any], Any]:
    api = self.apigatewayv2_backend.get_api(self.path.split("/")[-3])
    try:
        return api.deployments[self.path.split("/")[-1]]
    except KeyError:
        raise DeploymentNotFound from None


def _check_deployment(api: models.Api, config: dict[str, Any]) -> None:
    if config.get("deploymentId") and config["deploymentId"] not in api.deployments:
        raise DeploymentNotFound


def _stage_json(stage: models.Stage) -> dict[str, Any]:
    return {**stage.to_json(), "deploymentId": stage.config.get("deploymentId")}


def _stage(api: models.Api, stage: models.Stage) -> HttpStage:
    _, deployed = getattr(api, "deployments", {}).get(stage.config.get("deploymentId"), (None, ()))
    routes = _routes(api) if stage.auto_deploy else deployed
    return HttpStage(stage.name, dict(stage.stage_variables or {}), routes)


def _routes(api: models.Api) -> tuple[HttpRoute, ...]:
    routes = []
    for route in list(api.routes.values()):
        integration = api.integrations.get((route.target or "").rpartition("/")[2])
        routes.append(
            HttpRoute(
                route.route_key,
                route.authorization_type or "NONE",
                copy.deepcopy(integration.to_json()) if integration else None,
            )
        )
    return tuple(routes)


def _new_id() -> str:
    """Ten letters and digits, as AWS's: enough that no web page finds an API by trying."""
    return "".join(secrets.choice(ALPHABET) for _ in range(10))
