"""What AWS refuses of a REST API's making, and moto accepts or fails over."""

from __future__ import annotations

from typing import Any

from .documents import DocumentError, read_document
from .moto_apigateway import exceptions, models

HTTP_METHODS = ("ANY", "DELETE", "GET", "HEAD", "OPTIONS", "PATCH", "POST", "PUT")


class CheckedBackend(models.APIGatewayBackend):
    """moto's backend, with checks before it acts: a refused request leaves nothing half made."""

    def check_integrations(self, api: models.RestAPI) -> None:
        """Raises if a method leads nowhere: such an API is not deployed."""
        methods = [m for each in api.resources.values() for m in each.resource_methods.values()]
        if methods and not all(each.method_integration for each in methods):
            raise exceptions.NoIntegrationDefined

    def put_rest_api(self, function_id: str, *args: Any, **kwargs: Any) -> models.RestAPI:
        self.get_rest_api(function_id)
        self._imports = True  # what is there already is no conflict
        try:
            return super().put_rest_api(function_id, *args, **kwargs)
        finally:
            self._imports = False

    def delete_rest_api(self, function_id: str) -> models.RestAPI:
        self.get_rest_api(function_id)
        return super().delete_rest_api(function_id)

    def create_resource(
        self, function_id: str, parent_resource_id: str, path_part: str
    ) -> models.Resource:
        self.get_resource(function_id, parent_resource_id)
        for each in self.get_resources(function_id):
            if (each.parent_id, each.path_part) == (parent_resource_id, path_part):
                if getattr(self, "_imports", False):
                    return each
                raise exceptions.ConflictException(
                    f"Another resource with the same parent already has this name: {path_part}"
                )
        return super().create_resource(function_id, parent_resource_id, path_part)

    def delete_resource(self, function_id: str, resource_id: str) -> models.Resource:
        deleted = self.get_resource(function_id, resource_id)
        children = [r.id for r in self.get_resources(function_id) if r.parent_id == resource_id]
        for child in children:
            self.delete_resource(function_id, child)
        super().delete_resource(function_id, resource_id)
        deleted.parent_id = None  # moto answers with its path, and looks for the parent
        return deleted

    def put_method(
        self,
        function_id: str,
        resource_id: str,
        method_type: str,
        authorization_type: str | None,
        *args: Any,
        **kwargs: Any,
    ) -> models.Method:
        resource = self.get_resource(function_id, resource_id)
        if method_type not in HTTP_METHODS:
            raise exceptions.BadRequestException(
                f"Invalid HttpMethod specified. Valid options are {','.join(HTTP_METHODS)}",
            )
        if method_type in resource.resource_methods and not getattr(self, "_imports", False):
            raise exceptions.ConflictException("Method already exists for this resource")
        return super().put_method(
            function_id, resource_id, method_type, authorization_type, *args, **kwargs
        )

    def delete_method(self, function_id: str, resource_id: str, method_type: str) -> None:
        self.get_method(function_id, resource_id, method_type)
        super().delete_method(function_id, resource_id, method_type)

    def put_integration(
        self,
        function_id: str,
        resource_id: str,
        method_type: str,
        integration_type: str,
        uri: str,
        *args: Any,
        **kwargs: Any,
    ) -> models.Integration:
        self.get_method(function_id, resource_id, method_type)
        integration_type = integration_type.upper()  # OpenAPI documents write it small
        if integration_type in ("AWS", "AWS_PROXY") and not uri:
            raise exceptions.InvalidArn
        return super().put_integration(
            function_id, resource_id, method_type, integration_type, uri, *args, **kwargs
        )

    def get_integration(
        self, function_id: str, resource_id: str, method_type: str
    ) -> models.Integration:
        method = self.get_method(function_id, resource_id, method_type)
        if method.method_integration is None:
            raise exceptions.NotFoundException("Invalid Integration identifier specified")
        return method.method_integration

    def delete_integration(
        self, function_id: str, resource_id: str, method_type: str
    ) -> models.Integration:
        self.get_integration(function_id, resource_id, method_type)
        return super().delete_integration(function_id, resource_id, method_type)

    def create_stage(
        self, function_id: str, stage_name: str, deploymentId: str, *args: Any, **kwargs: Any
    ) -> models.Stage:
        if deploymentId not in self.get_rest_api(function_id).deployments:
            raise exceptions.BadRequestException("Deployment id does not exist")
        return super().create_stage(function_id, stage_name, deploymentId, *args, **kwargs)

    def update_stage(
        self, function_id: str, stage_name: str, patch_operations: Any
    ) -> models.Stage:
        api = self.get_rest_api(function_id)
        for operation in patch_operations:
            path = operation["path"]
            if path.startswith("/variables/") and operation["op"] not in ("replace", "remove"):
                raise exceptions.BadRequestException(
                    f"Invalid patch operation {operation['op']!r} for {path}: use 'replace'",
                )
            if path == "/deploymentId" and operation.get("value") not in api.deployments:
                raise exceptions.BadRequestException("Deployment id does not exist")
        return super().update_stage(function_id, stage_name, patch_operations)

    def get_deployment(self, function_id: str, deployment_id: str) -> models.Deployment:
        if deployment_id not in self.get_rest_api(function_id).deployments:
            raise exceptions.DeploymentNotFoundException
        return super().get_deployment(function_id, deployment_id)

    def import_rest_api(self, api_doc: dict[str, Any], fail_on_warnings: bool) -> models.RestAPI:
        api_doc["info"].setdefault("description", "")
        return super().import_rest_api(api_doc, fail_on_warnings)


def check_document(body: str | bytes | None) -> None:
    """Raises BadRequestException for a document that is none, before an API is made of it."""
    if not body:
        return
    try:
        document = read_document(body)
    except DocumentError as error:
        raise exceptions.BadRequestException(
            f"Invalid OpenAPI input. Unable to parse API definition: {error}"
        ) from None
    if isinstance(document, dict) and not {"openapi", "swagger"} & set(document):
        return  # the parameters of CreateRestApi
    info = document.get("info") if isinstance(document, dict) else None
    if not isinstance(info, dict) or "title" not in info or not _has_paths(document):
        raise exceptions.BadRequestException(
            "Invalid OpenAPI input. Unable to parse API definition: it needs openapi, info.title "
            "and paths.",
        )


def _has_paths(document: dict[str, Any]) -> bool:
    return isinstance(document.get("paths"), dict)
