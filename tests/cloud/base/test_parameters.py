"""Parameters of calls against botocore's model, in AWS's words: by what any client may send."""

from __future__ import annotations

import json
from urllib.parse import urlencode

import pytest
from botocore.config import Config
from botocore.exceptions import ClientError
from signed import ask
from support import ROLE

from workshop.cloud.base.model import ApiError
from workshop.cloud.base.parameters import DIFFERENT, check_parameters, service_model

FUNCTIONS = "/2015-03-31/functions"
FAILED = "' failed to satisfy constraint: Member must "
GOOD = {"FunctionName": "f", "Role": ROLE, "Code": {"ZipFile": "eA=="}}


def error_of(operation: str, service: str = "lambda", **parameters) -> tuple[str, str]:
    with pytest.raises(ApiError) as caught:
        check_parameters(service, operation, parameters)
    assert caught.value.status == 400
    return caught.value.code, caught.value.message


def refused(lab, method: str, path: str, body: object = None) -> tuple[str, str]:
    """The code and message with which a raw request is refused."""
    reply = ask(lab, method, path, "lambda", b"" if body is None else json.dumps(body).encode())
    assert reply.status == 400
    return reply.headers["x-amzn-errortype"], reply.value["message"]


@pytest.fixture(scope="module")
def unchecked(lab):
    """A client that sends what botocore itself would refuse."""
    return lab.cloud.client("lambda", config=Config(parameter_validation=False))


def test_what_is_right_passes():
    check_parameters("lambda", "CreateFunction", {**GOOD, "Timeout": 900, "Description": None})
    check_parameters("lambda", "GetAccountSettings", {})
    check_parameters("lambda", "CreateFunction", {**GOOD, "Code": {"ZipFile": b"x"}})
    tags = {"Straße 1": "a_b.c:/=+-@ 東京"}
    check_parameters("lambda", "CreateFunction", {**GOOD, "Tags": tags})


@pytest.mark.parametrize(
    ("operation", "parameters", "where", "rule"),
    [
        ("GetFunction", {"FunctionName": "f" * 257}, "functionName", "have length less than or"),
        ("CreateFunction", {**GOOD, "Handler": "a b"}, "handler", "satisfy regular expression"),
        ("CreateFunction", {**GOOD, "FunctionName": "a.b"}, "functionName", "satisfy regular"),
        (
            "CreateFunction",
            {**GOOD, "EphemeralStorage": {}},
            "ephemeralStorage.size",
            "not be null",
        ),
        ("ListFunctions", {"MaxItems": 0}, "maxItems", "have value greater than or equal to 1"),
        ("PutFunctionConcurrency", {"FunctionName": "f"}, "reservedConcurrentExecutions", "not be"),
        (
            "CreateEventSourceMapping",
            {"FunctionName": "f", "StartingPosition": "NOW"},
            "startingPosition",
            "satisfy enum value set: [LATEST, AT_TIMESTAMP, TRIM_HORIZON]",
        ),
        (
            "CreateEventSourceMapping",
            {"FunctionName": "f", "SourceAccessConfigurations": [{}, {"Type": "PASSWORD"}]},
            "sourceAccessConfigurations.2.member.type",
            "satisfy enum value set: [BASIC_AUTH",
        ),
        (
            "CreateFunctionUrlConfig",
            {"FunctionName": "f", "AuthType": "NONE", "Cors": {"AllowMethods": ["GET", "OPTIONS"]}},
            "cors.allowMethods",
            "satisfy constraint: [Member must have length less than or equal to 6, Member must "
            "have length greater than or equal to 0, Member must satisfy regular expression "
            "pattern: .*, Member must not be null]",  # recorded
        ),
    ],
)
def test_what_breaks_a_rule_of_the_model(operation, parameters, where, rule):
    code, message = error_of(operation, **parameters)
    assert code == "ValidationException"
    assert message.startswith("1 validation error detected: Value ")
    assert f" at '{where}{FAILED}{rule}" in message


def test_several_errors_come_in_one():
    _, message = error_of("CreateFunction", **{**GOOD, "Timeout": 901, "MemorySize": 1})
    first, second = message.split("; ")
    assert first == (
        f"2 validation errors detected: Value '901' at 'timeout{FAILED}have value less than or "
        "equal to 900"
    )
    assert second.startswith("Value '1' at 'memorySize' failed")


def test_names_in_a_map_and_what_is_sensitive():
    variables = {"Environment": {"Variables": {"1st": "secret"}}}
    assert error_of("CreateFunction", **GOOD, **variables) == (
        "ValidationException",
        "1 validation error detected: Value at 'environment.variables' failed to satisfy "
        "constraint: Map keys must satisfy constraint: [Member must satisfy regular expression "
        "pattern: [a-zA-Z]([a-zA-Z0-9_])+]",
    )
    _, message = error_of("CreateFunction", **GOOD, Tags={"a&b": "c"})
    assert message.startswith("1 validation error detected: Value '{a&b=c}' at 'tags' failed")


@pytest.mark.parametrize(
    ("field", "value", "message"),
    [
        ("Timeout", "3", "STRING_VALUE can not be converted to an Integer"),
        ("Timeout", True, "TRUE_VALUE can not be converted to an Integer"),
        ("Timeout", 1.5, "NUMBER_VALUE can not be converted to an Integer"),
        ("Handler", 3, "NUMBER_VALUE can not be converted to a String"),
        ("Publish", "true", "STRING_VALUE can not be converted to a Boolean"),
        ("Handler", {}, "Start of structure or map found where not expected."),
        ("Environment", [], "Start of list found where not expected."),
        ("Layers", [None], "NULL_VALUE can not be converted to a String"),
        ("Environment", {"Variables": {"A1": 1}}, "NUMBER_VALUE can not be converted to a String"),
    ],
)
def test_a_value_of_a_wrong_type(field, value, message):
    assert error_of("CreateFunction", **GOOD, **{field: value}) == (
        "SerializationException",
        message,
    )


def test_the_table_of_differences_names_shapes_that_there_are():
    """A shape that botocore renames would lose what the table says."""
    assert set(DIFFERENT) <= set(service_model("lambda").shape_names)


def test_a_pattern_is_not_held_against_what_is_too_long():
    """Some of AWS's patterns would take long."""
    endpoints = {"Endpoints": {"KAFKA_BOOTSTRAP_SERVERS": ["a-" * 100_000]}}
    _, message = error_of(
        "CreateEventSourceMapping", FunctionName="f", SelfManagedEventSource=endpoints
    )
    assert "less than or equal to 300" in message


@pytest.mark.parametrize(
    ("method", "path", "body", "code", "words"),
    [
        ("POST", FUNCTIONS, {}, "ValidationException", "3 validation errors detected: Value null"),
        ("GET", f"{FUNCTIONS}?MaxItems=0", None, "ValidationException", "'maxItems' failed"),
        ("GET", f"{FUNCTIONS}?MaxItems=x", None, "SerializationException", "STRING_VALUE can not"),
        (
            "GET",
            f"{FUNCTIONS}/f?Qualifier=a%20b",
            None,
            "ValidationException",
            "'qualifier' failed",
        ),
        ("POST", f"{FUNCTIONS}/f/aliases", {"Name": "1"}, "ValidationException", "'name' failed"),
        ("PUT", f"{FUNCTIONS}/f/configuration", [], "SerializationException", "Could not parse"),
        (
            "PUT",
            f"{FUNCTIONS}/f/configuration",
            {"Timeout": "3"},
            "SerializationException",
            "an Int",
        ),
        (
            "PUT",
            "/2019-09-30/functions/f/provisioned-concurrency",
            {"ProvisionedConcurrentExecutions": 0},
            "ValidationException",
            "'qualifier' failed to satisfy constraint: Member must not be null",
        ),
        ("DELETE", "/2017-03-31/tags/arn%3Aaws%3Ax", None, "ValidationException", "'tagKeys'"),
    ],
)
def test_raw_requests(lab, method, path, body, code, words):
    came = refused(lab, method, path, body)
    assert came[0] == code
    assert words in came[1]


def test_calls_that_moto_answers_are_checked_too(lab, unchecked):
    name = lab.create()
    for call, arguments, where in (
        (unchecked.publish_version, {"Description": "d" * 257}, "description"),
        (unchecked.tag_resource, {"Resource": "function", "Tags": {"a": "b"}}, "resource"),
        (unchecked.add_permission, {"StatementId": "a b"}, "statementId"),
    ):
        spec = arguments if "Resource" in arguments else {"FunctionName": name, **arguments}
        with pytest.raises(ClientError, match=f"ValidationException.* at '{where}' failed"):
            call(**spec)


def test_what_cloudformation_makes_is_checked(lab):
    """It comes to Lambda without a request."""
    properties = {
        "FunctionName": "of-a-stack",
        "Role": ROLE,
        "Runtime": "python3.14",
        "Handler": "index.handler",
        "Timeout": 901,
        "Code": {"ZipFile": "def handler(event, context): pass"},
    }
    template = {"Resources": {"F": {"Type": "AWS::Lambda::Function", "Properties": properties}}}
    form = {"Action": "CreateStack", "Version": "2010-05-15", "StackName": "s"}
    body = urlencode({**form, "TemplateBody": json.dumps(template)}).encode()
    kind = {"Content-Type": "application/x-www-form-urlencoded"}
    reply = ask(lab, "POST", "/", "cloudformation", body, kind)
    assert reply.status == 400
    assert "at 'timeout' failed to satisfy constraint" in reply.body.decode()
