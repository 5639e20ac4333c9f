"""What AWS refuses when a function is created or changed, in AWS's words."""

from __future__ import annotations

import re
from datetime import date

import pytest
from botocore.config import Config
from botocore.exceptions import ClientError
from support import ROLE, package

from workshop.cloud.functions.runtime_names import NEWEST_RUNTIME, RUNTIMES
from workshop.cloud.functions.validation import RESERVED_VARIABLES

VALIDATION, PARAMETER = "ValidationException", "InvalidParameterValueException"
DETECTED = "1 validation error detected: Value '{}' at '{}' failed to satisfy constraint: Member "
RESERVED = "contains reserved keys that are currently not supported for modification"

# name: settings, error code, the message's beginning
ROWS = {
    "timeout too long": (
        {"Timeout": 901},
        VALIDATION,
        DETECTED.format(901, "timeout") + "must have value less than or equal to 900",
    ),
    "timeout of nothing": (
        {"Timeout": 0},
        VALIDATION,
        DETECTED.format(0, "timeout") + "must have value greater than or equal to 1",
    ),
    "too little memory": (
        {"MemorySize": 127},
        VALIDATION,
        DETECTED.format(127, "memorySize") + "must have value greater than or equal to 128",
    ),
    "too much memory": (
        {"MemorySize": 10241},
        VALIDATION,
        DETECTED.format(10241, "memorySize") + "must have value less than or equal to 10240",
    ),
    "too little /tmp": (
        {"EphemeralStorage": {"Size": 511}},
        VALIDATION,
        DETECTED.format(511, "ephemeralStorage.size")
        + "must have value greater than or equal to 512",
    ),
    "handler with a blank": (
        {"Handler": "a handler"},
        VALIDATION,
        DETECTED.format("a handler", "handler") + "must satisfy regular expression pattern:",
    ),
    "handler too long": (
        {"Handler": "h" * 129},
        VALIDATION,
        DETECTED.format("h" * 129, "handler") + "must have length less than or equal to 128",
    ),
    "unknown runtime": (
        {"Runtime": "python2.7"},
        PARAMETER,
        "Value python2.7 at 'runtime' failed to satisfy constraint: "
        "Member must satisfy enum value set: [python3.14, ",
    ),
    "variables over 4 KB": (
        {"Environment": {"Variables": {"LONG": "x" * 4096}}},
        PARAMETER,
        "Lambda was unable to configure your environment variables because the environment "
        "variables you have provided exceeded the 4KB limit. String measured: ",
    ),
    "name of a variable": (
        {"Environment": {"Variables": {"1st": "x"}}},
        VALIDATION,
        "1 validation error detected: Value ",
    ),
    "six layers": (
        {"Layers": [f"arn:aws:lambda:us-east-1:123456789012:layer:l{n}:1" for n in range(6)]},
        PARAMETER,
        "Cannot reference more than 5 layers.",
    ),
    "log level with text": (
        {"LoggingConfig": {"LogFormat": "Text", "SystemLogLevel": "INFO"}},
        PARAMETER,
        "ApplicationLogLevel and SystemLogLevel are only supported with LogFormat JSON.",
    ),
}


def refused(call, **arguments) -> tuple[str, str]:
    """The code and message with which a call is refused with status 400."""
    with pytest.raises(ClientError) as caught:
        call(**arguments)
    assert caught.value.response["ResponseMetadata"]["HTTPStatusCode"] == 400
    error = caught.value.response["Error"]
    return error["Code"], error["Message"]


@pytest.fixture(scope="module")
def unchecked(lab):
    """A client that sends what botocore itself would refuse."""
    return lab.cloud.client("lambda", config=Config(parameter_validation=False))


@pytest.fixture(scope="module")
def existing(lab):
    return lab.create()


@pytest.mark.parametrize("row", ROWS)
def test_create_refuses(lab, unchecked, row):
    settings, code, message = ROWS[row]
    arguments = {"Runtime": "python3.14", "Handler": "handler.handler", "Role": ROLE, **settings}
    came = refused(
        unchecked.create_function,
        FunctionName="refused",
        Code={"ZipFile": package()},
        **arguments,
    )
    assert came[0] == code
    assert came[1].startswith(message)
    assert "refused" not in [f["FunctionName"] for f in lab.client.list_functions()["Functions"]]


@pytest.mark.parametrize("row", ROWS)
def test_update_refuses_and_changes_nothing(lab, unchecked, existing, row):
    settings, code, message = ROWS[row]
    before = lab.client.get_function_configuration(FunctionName=existing)
    came = refused(unchecked.update_function_configuration, FunctionName=existing, **settings)
    assert came[0] == code
    assert came[1].startswith(message)
    after = lab.client.get_function_configuration(FunctionName=existing)
    before.pop("ResponseMetadata"), after.pop("ResponseMetadata")
    assert after == before


@pytest.mark.parametrize("name", sorted(RESERVED_VARIABLES))
def test_reserved_variables_cannot_be_set(unchecked, existing, name):
    code, message = refused(
        unchecked.update_function_configuration,
        FunctionName=existing,
        Environment={"Variables": {name: "x"}},
    )
    # a name that begins with an underline is refused as a name, too; as reserved comes first
    assert code == PARAMETER
    assert RESERVED in message
    assert message.endswith(f"Reserved keys used in this request: {name}")


def test_variables_of_just_4_kb_are_taken(lab, existing):
    lab.client.update_function_configuration(
        FunctionName=existing, Environment={"Variables": {"LONG": "x" * (4096 - 11)}}
    )


@pytest.mark.parametrize(
    ("settings", "word"), [({"Runtime": None}, "Runtime"), ({"Handler": None}, "Handler")]
)
def test_a_zip_needs_runtime_and_handler(unchecked, settings, word):
    arguments = {"Runtime": "python3.14", "Handler": "handler.handler", **settings}
    code, message = refused(
        unchecked.create_function,
        FunctionName="refused",
        Role=ROLE,
        Code={"ZipFile": package()},
        **{key: value for key, value in arguments.items() if value},
    )
    assert code == PARAMETER
    assert word in message


@pytest.mark.parametrize(("zipped", "words"), [(b"", "non-empty zip"), (b"x", "Could not unzip")])
def test_package_that_is_no_zip(lab, unchecked, zipped, words):
    code, message = refused(
        unchecked.create_function,
        FunctionName="refused",
        Runtime="python3.14",
        Handler="handler.handler",
        Role=ROLE,
        Code={"ZipFile": zipped},
    )
    assert code == PARAMETER
    assert words in message


def test_package_that_is_too_large_unzipped(lab):
    zipped = package("", **{"big": "\0" * 262_144_001})
    code, message = refused(
        lab.client.create_function,
        FunctionName="refused",
        Runtime="python3.14",
        Handler="handler.handler",
        Role=ROLE,
        Code={"ZipFile": zipped},
    )
    assert (code, message) == (PARAMETER, "Unzipped size must be smaller than 262144000 bytes")


def test_the_same_name_twice(lab, existing):
    with pytest.raises(ClientError) as caught:
        lab.create(FunctionName=existing)
    assert caught.value.response["ResponseMetadata"]["HTTPStatusCode"] == 409
    assert caught.value.response["Error"]["Code"] == "ResourceConflictException"
    assert caught.value.response["Error"]["Message"] == f"Function already exist: {existing}"


@pytest.mark.parametrize("name", RUNTIMES)
def test_runtimes_in_the_table_run_while_aws_lets_you_create_them(lab, name):
    if not RUNTIMES[name].can_create():
        pytest.skip(f"AWS takes no new functions with {name} any more")
    value = lab.run(
        "import os\ndef handler(event, context): return os.environ['AWS_EXECUTION_ENV']",
        Runtime=name,
    )
    assert value == f"AWS_Lambda_{name}"


def test_a_runtime_ends_on_its_day():
    runtime = RUNTIMES["python3.10"]
    assert runtime.can_create(date(2027, 1, 31))
    assert not runtime.can_create(date(2027, 2, 1))


def test_newest_runtime_is_the_newest():
    def number(name: str) -> tuple[int, ...]:
        return tuple(map(int, re.findall(r"\d+", name)))

    assert max(RUNTIMES, key=number) == NEWEST_RUNTIME
