"""The contract with moto for APIs and function URLs."""

from __future__ import annotations

import inspect
import subprocess
import sys

import pytest
from moto.awslambda import responses as lambda_responses
from moto.awslambda import urls as lambda_urls
from moto.awslambda.models import LambdaBackend
from moto.core.base_backend import BaseBackend

from workshop.cloud import seam  # noqa: F401  it lets moto.apigateway be imported
from workshop.cloud.seam import http_apis, moto_apigateway, rest_apis

REST, HTTP = rest_apis.models.APIGatewayBackend, http_apis.models.ApiGatewayV2Backend
OVERRIDDEN = [
    (REST, "create_deployment", ["function_id", "name", "description", "stage_variables"]),
    (REST, "update_rest_api", ["function_id", "patch_operations"]),
    (HTTP, "create_stage", ["api_id", "config"]),
    (LambdaBackend, "create_function_url_config", ["name_or_arn", "config"]),
    (LambdaBackend, "get_function_url_config", ["name_or_arn"]),
    (LambdaBackend, "update_function_url_config", ["name_or_arn", "config"]),
    (LambdaBackend, "delete_function_url_config", ["name_or_arn"]),
]
USED = [
    (HTTP, "create_api", {"name", "protocol_type", "tags"}),
    (HTTP, "create_integration", {"integration_type", "integration_subtype"}),
    (HTTP, "create_integration", {"payload_format_version"}),
    (HTTP, "create_route", {"api_id", "route_key"}),
    (HTTP, "reimport_api", {"api_id", "body", "fail_on_warnings"}),
    (http_apis.models.Api, "create_integration", {"integration_uri", "payload_format_version"}),
    (http_apis.models.Api, "create_route", {"route_key", "target", "authorization_type"}),
    (http_apis.models.Api, "create_stage", {"config"}),
]


@pytest.mark.parametrize(("owner", "name", "arguments"), OVERRIDDEN)
def test_overridden_methods_have_motos_arguments(owner, name, arguments):
    found = list(inspect.signature(getattr(owner, name)).parameters)[1:]
    assert found == arguments, f"{owner.__name__}.{name} has other arguments"


@pytest.mark.parametrize(("owner", "name", "arguments"), USED)
def test_methods_that_are_called_take_what_they_get(owner, name, arguments):
    assert arguments <= set(inspect.signature(getattr(owner, name)).parameters)


def test_moto_asks_response_classes_by_the_operations_name():
    for name in ("create_rest_api", "create_deployment", "create_stage"):
        assert callable(getattr(rest_apis.responses.APIGatewayResponse, name))
    for name in ("create_api", "create_stage", "get_stage"):
        assert callable(getattr(http_apis.responses.ApiGatewayV2Response, name))
    assert isinstance(http_apis.responses.ApiGatewayV2Response.apigatewayv2_backend, property)
    assert isinstance(lambda_responses.LambdaResponse.backend, property)


def test_paths_are_where_they_were():
    """moto answers both services' host name from moto.apigateway's paths."""
    assert "{0}/v2/apis$" in moto_apigateway.urls.url_paths
    assert any(
        path.endswith("/functions/(?P<function_name>[\\w_:%-]+)/url/?$")
        for path in lambda_urls.url_paths
    )
    assert isinstance(inspect.getattr_static(BaseBackend, "_url_module"), property)


def test_what_is_kept_of_an_api_is_where_it_was(lab):
    api = lab.cloud.client("apigateway").create_rest_api(name="x", binaryMediaTypes=["a/b"])
    backend = rest_apis.models.apigateway_backends["123456789012"]["us-east-1"]
    assert isinstance(backend, rest_apis.RestBackend)
    found = backend.apis[api["id"]]
    for name in ("stages", "deployments", "resources", "binaryMediaTypes"):
        assert hasattr(found, name)
    assert found.disableExecuteApiEndpoint is False
    assert {"keys", "usage_plans", "usage_plan_keys"} <= set(vars(backend))
    api = lab.cloud.client("apigatewayv2").create_api(Name="x", ProtocolType="HTTP")
    backend = http_apis.models.apigatewayv2_backends["123456789012"]["us-east-1"]
    assert isinstance(backend, http_apis.HttpBackend)
    for name in ("routes", "integrations", "stages", "cors_configuration", "arn", "api_endpoint"):
        assert hasattr(backend.apis[api["ApiId"]], name)


def test_importing_leaves_no_module_behind_that_is_not_installed():
    """moto.apigateway is imported without openapi_spec_validator; nobody else sees a stand-in."""
    script = (
        "import importlib.util, sys\n"
        "installed = importlib.util.find_spec('openapi_spec_validator')\n"
        "import workshop.cloud.seam\n"
        "loaded = sys.modules.get('openapi_spec_validator')\n"
        "assert loaded is None or installed, loaded"
    )
    subprocess.run([sys.executable, "-c", script], check=True, timeout=60)
