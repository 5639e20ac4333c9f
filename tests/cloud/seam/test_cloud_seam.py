"""The contract with moto: fails, with a name, where a release moves what the seam uses."""

from __future__ import annotations

import inspect
from importlib.metadata import version

import moto.awslambda.models as lambda_models
import moto.awslambda.utils as lambda_utils
import moto.core.responses as moto_responses
import pytest
from moto.awslambda.responses import LambdaResponse
from moto.awslambda.utils import get_backend
from moto.core.responses import BaseResponse
from moto.sns.responses import SNSResponse

from workshop.cloud import seam

# The range of releases that works: the newest is the one in requirements.txt, and
# test_cloud_seam_releases.py runs this contract with the oldest. A newer one: run these tests with
# it, read what has changed in the modules that the seam names, then widen the range.
OLDEST, NEWEST = "5.2.4", "5.2.5"
OVERRIDDEN = {
    "create_function": ["spec"],
    "update_function_code": ["function_name", "qualifier", "body"],
    "update_function_configuration": ["function_name", "qualifier", "body"],
    "delete_function": ["function_name", "qualifier"],
    "put_function_concurrency": ["function_name", "reserved_concurrency"],
    "create_alias": [
        "name",
        "function_name",
        "function_version",
        "description",
        "routing_config",
    ],
    "invoke": ["function_name", "qualifier", "body", "headers", "response_headers"],
}


def test_version_of_moto_is_one_that_works():
    installed = version("moto")
    assert OLDEST <= installed <= NEWEST, (
        f"moto {installed} is not from {OLDEST} to {NEWEST}: read what the seam uses of it "
        "(workshop/cloud/seam/__init__.py), run the tests, then widen the range"
    )


@pytest.mark.parametrize("name", OVERRIDDEN)
def test_overridden_methods_have_motos_arguments(name):
    theirs = list(inspect.signature(getattr(lambda_models.LambdaBackend, name)).parameters)[1:]
    ours = list(inspect.signature(getattr(seam.Backend, name)).parameters)[1:]
    assert theirs == ours == OVERRIDDEN[name], f"LambdaBackend.{name} has other arguments"


@pytest.mark.parametrize(
    "name",
    ["publish_version", "get_function", "get_alias", "layers_versions_by_arn", "reset"],
)
def test_methods_that_are_called_exist(name):
    assert callable(getattr(lambda_models.LambdaBackend, name, None))


@pytest.mark.parametrize(
    "name", ["update_configuration", "update_function_code", "get_configuration", "set_version"]
)
def test_methods_of_a_function_exist(name):
    assert callable(getattr(lambda_models.LambdaFunction, name, None))


def test_moto_finds_the_subclass_by_itself(lab):
    """moto's own services, such as S3's notifications, look the backend up at every call."""
    assert isinstance(get_backend("123456789012", "us-east-1"), seam.Backend)
    assert "lambda_backends" in inspect.getsource(lambda_utils.get_backend)


def test_attributes_of_a_function_that_are_read(lab):
    name = lab.create(Environment={"Variables": {"CITY": "X"}}, MemorySize=256, Timeout=9)
    backend = get_backend("123456789012", "us-east-1")
    function = backend.get_function(name)
    assert function.function_name == name
    assert function.run_time == "python3.14"
    assert function.handler == "handler.handler"
    assert int(function.memory_size) == 256
    assert int(function.timeout) == 9
    assert dict(function.environment_vars) == {"CITY": "X"}
    assert function.code_bytes.startswith(b"PK")
    assert str(function.version) == "$LATEST"
    assert function.package_type == "Zip"
    assert function.layers == []
    assert backend._lambdas._functions[name]["latest"] is function


def test_a_services_own_invocation_runs_here(lab):
    """What moto's SNS or S3 call: `backend.send_...` and `invoke` end up in this cloud."""
    name = lab.create("def handler(event, context): return event")
    backend = get_backend("123456789012", "us-east-1")
    backend.invoke(name, None, '{"from": "a service"}', {}, {})
    lab.cloud.idle()
    assert [each.status for each in lab.cloud.invocations(name)] == ["success"]


def test_iam_knows_awss_own_policies_and_the_role(lab):
    iam = lab.cloud.client("iam")
    arn = "arn:aws:iam::aws:policy/service-role/AWSLambdaBasicExecutionRole"
    assert iam.get_policy(PolicyArn=arn)["Policy"]["Arn"] == arn
    assert iam.get_role(RoleName="lambda-role")["Role"]["Arn"].endswith(":role/lambda-role")


def test_settings_that_moto_does_not_keep(lab):
    name = lab.create(
        LoggingConfig={"LogFormat": "JSON", "ApplicationLogLevel": "DEBUG"},
        DeadLetterConfig={"TargetArn": "arn:aws:sqs:us-east-1:123456789012:dlq"},
    )
    lab.client.update_function_configuration(
        FunctionName=name, EphemeralStorage={"Size": 1024}, TracingConfig={"Mode": "Active"}
    )
    found = lab.client.get_function_configuration(FunctionName=name)
    assert found["LoggingConfig"]["LogFormat"] == "JSON"
    assert found["LoggingConfig"]["ApplicationLogLevel"] == "DEBUG"
    assert found["LoggingConfig"]["LogGroup"] == f"/aws/lambda/{name}"
    assert found["DeadLetterConfig"]["TargetArn"].endswith(":dlq")
    assert found["EphemeralStorage"] == {"Size": 1024}
    assert found["TracingConfig"]["Mode"] == "Active"


def test_only_the_seam_touches_moto():
    from workshop.paths import repository

    users = [
        str(path.relative_to(repository()))
        for path in sorted((repository() / "workshop").rglob("*.py"))
        if any(
            line.startswith(("import moto", "from moto"))
            for line in map(str.strip, path.read_text(encoding="utf-8").splitlines())
        )
    ]
    assert users
    assert all(user.startswith("workshop/cloud/seam/") for user in users), users


@pytest.mark.parametrize("what", ["put", "update", "get", "delete"])
def test_answers_about_event_settings_are_replaced(lab, what):
    """moto routes these operations to methods of these names."""
    name = f"{what}_function_event_invoke_config"
    theirs = inspect.signature(getattr(lambda_models.LambdaBackend, name)).parameters
    assert list(theirs)[1] == "function_name"
    assert getattr(LambdaResponse, name).__module__ == "workshop.cloud.seam.event_settings"


def test_the_methods_of_a_service_are_read_once(lab):
    assert "method_names_from_class(self.__class__)" in inspect.getsource(BaseResponse.call_action)
    cached = moto_responses.method_names_from_class
    lab.cloud.client("sns").list_topics()
    before = cached.cache_info().misses
    lab.cloud.client("sns").list_topics()
    assert cached.cache_info().misses == before
    assert "list_topics" in cached(SNSResponse)
