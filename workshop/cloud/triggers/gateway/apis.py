"""APIs and function URLs as they are when a request comes; read by the seam."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True)
class RestMethod:
    """One method of a resource, as it was deployed."""

    resource_id: str
    resource_path: str
    http_method: str  # or "ANY"
    authorization: str  # "NONE", "AWS_IAM", ...
    api_key_required: bool
    operation_name: str | None
    integration: dict[str, Any] | None  # as GetIntegration answers it


@dataclass(frozen=True)
class RestStage:
    """A stage of a REST API, with the deployment that it shows."""

    api_id: str
    region: str
    name: str
    deployment_id: str
    variables: dict[str, str]
    binary_media_types: list[str]
    methods: tuple[RestMethod, ...]
    api_keys: dict[str, str]  # of the usage plans that hold the stage: value to id


@dataclass(frozen=True)
class HttpRoute:
    """A route of an HTTP API, and where it leads."""

    key: str  # "GET /stations/{id}", "ANY /{proxy+}" or "$default"
    authorization: str
    integration: dict[str, Any] | None  # as GetIntegration answers it


@dataclass(frozen=True)
class HttpStage:
    """A stage of an HTTP API."""

    name: str
    variables: dict[str, str]
    routes: tuple[HttpRoute, ...]


@dataclass(frozen=True)
class HttpApi:
    """An HTTP API: its stages by name, and its CORS configuration, if any."""

    api_id: str
    region: str
    stages: dict[str, HttpStage]
    cors: dict[str, Any] | None


@dataclass(frozen=True)
class FunctionUrl:
    """A function URL's configuration."""

    url_id: str
    region: str
    function_arn: str  # with the alias, where it has one
    auth_type: str  # "NONE" or "AWS_IAM"
    cors: dict[str, Any] = field(hash=False)
