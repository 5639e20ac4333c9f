"""Function URLs: their configurations, of which moto keeps one a function and no alias.

Follows "Creating and managing Lambda function URLs"
(https://docs.aws.amazon.com/lambda/latest/dg/urls-configuration.html).
"""

from __future__ import annotations

import json
import secrets
import string
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import unquote

import moto.awslambda.models as lambda_models
from moto.awslambda import responses, urls
from moto.awslambda.exceptions import LambdaClientError

from ..base.arns import unqualified
from ..base.model import ApiError
from ..base.times import utc
from ..base.variables import ACCOUNT_ID
from ..triggers.gateway.apis import FunctionUrl
from .errors import as_moto_error

ALPHABET = string.ascii_lowercase + string.digits


@dataclass
class UrlConfig:
    """One function URL."""

    url_id: str
    region: str
    function_arn: str
    auth_type: str
    cors: dict[str, Any]
    invoke_mode: str
    created: str = field(default_factory=lambda: _now())
    modified: str = field(default_factory=lambda: _now())

    def to_json(self) -> dict[str, Any]:
        """As GetFunctionUrlConfig answers it."""
        answer = {
            "FunctionUrl": f"https://{self.url_id}.lambda-url.{self.region}.on.aws/",
            "FunctionArn": self.function_arn,
            "AuthType": self.auth_type,
            "CreationTime": self.created,
            "LastModifiedTime": self.modified,
            "InvokeMode": self.invoke_mode,
        }
        return {**answer, "Cors": self.cors} if self.cors else answer


class FunctionUrls:
    """The part of a Lambda backend that keeps function URLs, by function and alias."""

    def url_configs(self) -> dict[tuple[str, str | None], UrlConfig]:
        """Every one of the region."""
        return self.__dict__.setdefault("_url_configs", {})

    @as_moto_error
    def create_function_url_config(
        self, name_or_arn: str, config: dict[str, Any], qualifier: str | None = None
    ) -> UrlConfig:
        name, arn = self._url_function(name_or_arn, qualifier)
        if (name, qualifier) in self.url_configs():
            raise ApiError(
                409,
                "ResourceConflictException",
                f"Failed to create function url config for [functionArn = {arn}]. Error message:  "
                "FunctionUrlConfig exists for this Lambda function",
            )
        created = UrlConfig(
            url_id="".join(secrets.choice(ALPHABET) for _ in range(32)),
            region=self.region_name,
            function_arn=arn,
            auth_type=config["AuthType"],
            cors=config.get("Cors") or {},
            invoke_mode=config.get("InvokeMode") or "BUFFERED",
        )
        self.url_configs()[name, qualifier] = created
        return created

    @as_moto_error
    def get_function_url_config(self, name_or_arn: str, qualifier: str | None = None) -> UrlConfig:
        return self._url_config(name_or_arn, qualifier)

    @as_moto_error
    def list_function_url_configs(self, name_or_arn: str) -> list[UrlConfig]:
        name, _ = self._url_function(name_or_arn, None)
        return [config for (each, _), config in self.url_configs().items() if each == name]

    @as_moto_error
    def update_function_url_config(
        self, name_or_arn: str, config: dict[str, Any], qualifier: str | None = None
    ) -> UrlConfig:
        found = self._url_config(name_or_arn, qualifier)
        found.auth_type = config.get("AuthType") or found.auth_type
        found.invoke_mode = config.get("InvokeMode") or found.invoke_mode
        if "Cors" in config:
            found.cors = config["Cors"] or {}
        found.modified = _now()
        return found

    @as_moto_error
    def delete_function_url_config(self, name_or_arn: str, qualifier: str | None = None) -> None:
        self._url_config(name_or_arn, qualifier)
        name, _ = self._url_function(name_or_arn, qualifier)
        del self.url_configs()[name, qualifier]

    def forget_urls(self, name: str) -> None:
        """Deletes those of a function that is deleted."""
        for key in [each for each in self.url_configs() if each[0] == name]:
            del self.url_configs()[key]

    def _url_config(self, name_or_arn: str, qualifier: str | None) -> UrlConfig:
        name, _ = self._url_function(name_or_arn, qualifier)
        try:
            return self.url_configs()[name, qualifier]
        except KeyError:
            raise ApiError(
                404,
                "ResourceNotFoundException",
                "The resource you requested does not exist.",
            ) from None

    def _url_function(self, name_or_arn: str, qualifier: str | None) -> tuple[str, str]:
        """The function's name, and its ARN with the alias."""
        name = name_or_arn.split(":function:")[-1].split(":")[0]
        try:
            function = self.get_function(name)
        except LambdaClientError:
            message = "Function does not exist"
            raise ApiError(404, "ResourceNotFoundException", message) from None
        arn = unqualified(function.function_arn)
        if qualifier is None:
            return name, arn
        self.get_alias(qualifier, name)  # raises if there is none
        return name, f"{arn}:{qualifier}"


def install() -> None:
    """Lets moto hand on the qualifier, and list; does nothing the second time."""
    for name, method in {
        "create_function_url_config": _create,
        "get_function_url_config": _get,
        "list_function_url_configs": _list,
        "update_function_url_config": _update,
        "delete_function_url_config": _delete,
    }.items():
        setattr(responses.LambdaResponse, name, method)
    path = r"{0}/(?P<api_version>[^/]+)/functions/(?P<function_name>[\w_:%-]+)/urls/?$"
    urls.url_paths[path] = responses.LambdaResponse.dispatch


def find_function_url(url_id: str, region: str | None) -> FunctionUrl | None:
    """A function URL by its id, None if there is none."""
    for backend in list(lambda_models.lambda_backends[ACCOUNT_ID].values()):
        if region not in (None, backend.region_name):
            continue
        for config in list(backend.url_configs().values()):
            if config.url_id == url_id:
                return FunctionUrl(
                    url_id, config.region, config.function_arn, config.auth_type, config.cors
                )
    return None


def _create(self: responses.LambdaResponse) -> Any:
    config = self.backend.create_function_url_config(
        _function(self), self.json_body, _qualifier(self)
    )
    return 201, {"status": 201}, json.dumps(config.to_json())


def _get(self: responses.LambdaResponse) -> Any:
    config = self.backend.get_function_url_config(_function(self), _qualifier(self))
    return 200, {}, json.dumps(config.to_json())


def _list(self: responses.LambdaResponse) -> Any:
    found = self.backend.list_function_url_configs(_function(self))
    return 200, {}, json.dumps({"FunctionUrlConfigs": [each.to_json() for each in found]})


def _update(self: responses.LambdaResponse) -> Any:
    config = self.backend.update_function_url_config(
        _function(self), self.json_body, _qualifier(self)
    )
    return 200, {}, json.dumps(config.to_json())


def _delete(self: responses.LambdaResponse) -> Any:
    self.backend.delete_function_url_config(_function(self), _qualifier(self))
    return 204, {"status": 204}, ""


def _function(self: responses.LambdaResponse) -> str:
    return unquote(self.path.rstrip("/").split("/")[-2])


def _qualifier(self: responses.LambdaResponse) -> str | None:
    return self.querystring.get("Qualifier", [None])[0]


def _now() -> str:
    return f"{utc():%Y-%m-%dT%H:%M:%S.%fZ}"
