"""Invoke, as AWS's API describes it: kinds of invocation, answers, errors of the call."""

from __future__ import annotations

import base64
import json
import re

import pytest
from botocore.exceptions import ClientError
from support import package

ECHO = "def handler(event, context): return event"
ARN = "arn:aws:lambda:us-east-1:123456789012:function:"


def error_of(call, *args, **kwargs) -> tuple[int, str, str]:
    """The status, code and message of a call that must be refused."""
    with pytest.raises(ClientError) as caught:
        call(*args, **kwargs)
    response = caught.value.response
    status = response["ResponseMetadata"]["HTTPStatusCode"]
    return status, response["Error"]["Code"], response["Error"]["Message"]


def test_request_response(lab):
    answer = lab.invoke(lab.create(ECHO), {"a": [1, 2.5, None, "Łódź"]})
    assert answer.status == 200
    assert answer.error is None
    assert answer.raw["ExecutedVersion"] == "$LATEST"
    assert answer.value == {"a": [1, 2.5, None, "Łódź"]}


def test_non_ascii_text_is_sent_as_it_is(lab):
    raw = lab.client.invoke(FunctionName=lab.create(ECHO), Payload='"Łódź"'.encode())
    assert raw["Payload"].read() == '"Łódź"'.encode()


def test_no_payload_is_an_empty_object_and_no_result_is_null(lab):
    assert lab.run(ECHO) == {}
    raw = lab.client.invoke(FunctionName=lab.create("def handler(event, context): pass"))
    assert raw["Payload"].read() == b"null"


def test_event_returns_at_once_and_runs_later(lab):
    name = lab.create("import time\ndef handler(event, context): time.sleep(0.5)")
    answer = lab.invoke(name, {}, InvocationType="Event")
    assert (answer.status, answer.value, answer.error) == (202, None, None)
    assert lab.cloud.invocations(name) == []
    lab.cloud.idle()
    assert [each.status for each in lab.cloud.invocations(name)] == ["success"]


def test_dry_run_runs_nothing(lab):
    name = lab.create(ECHO)
    answer = lab.invoke(name, {}, InvocationType="DryRun")
    assert (answer.status, answer.value) == (204, None)
    assert lab.cloud.invocations(name) == []


def test_log_result_only_where_it_was_asked_for(lab):
    name = lab.create("def handler(event, context): print('hello')")
    assert "LogResult" not in lab.client.invoke(FunctionName=name)
    log = lab.invoke(name).log
    assert log.startswith("START RequestId: ")
    assert "\nhello\n" in log


def test_log_result_is_the_last_4_kb(lab):
    name = lab.create("def handler(event, context): print('x' * 10_000); print('the end')")
    log = lab.invoke(name).log
    assert len(log) == 4096
    assert "the end" in log
    assert log.rstrip("\n").rpartition("\n")[2].startswith("REPORT")


def test_context_of_an_invocation(lab):
    name = lab.create(
        "def handler(event, context):\n"
        "    names = ('aws_request_id', 'function_name', 'function_version', 'client_context',\n"
        "        'invoked_function_arn', 'memory_limit_in_mb', 'log_group_name',\n"
        "        'log_stream_name')\n"
        "    left = context.get_remaining_time_in_millis()\n"
        "    return {'left': left, **{name: getattr(context, name) for name in names}}",
        Timeout=7,
        MemorySize=256,
    )
    answer = lab.invoke(name)
    value = answer.value
    assert 0 < value.pop("left") <= 7000
    assert re.fullmatch(r"\d{4}/\d\d/\d\d/\[\$LATEST\][0-9a-f]{32}", value.pop("log_stream_name"))
    assert value == {
        "aws_request_id": answer.raw["ResponseMetadata"]["RequestId"],
        "function_name": name,
        "function_version": "$LATEST",
        "invoked_function_arn": ARN + name,
        "memory_limit_in_mb": "256",
        "log_group_name": f"/aws/lambda/{name}",
        "client_context": None,
    }


def test_client_context(lab):
    name = lab.create(
        "def handler(event, context):\n"
        "    c = context.client_context\n"
        "    return [c.custom, c.env, c.client.app_title]"
    )
    sent = {"custom": {"a": 1}, "env": {"locale": "pl"}, "client": {"app_title": "Bikes"}}
    encoded = base64.b64encode(json.dumps(sent).encode()).decode()
    answer = lab.invoke(name, ClientContext=encoded)
    assert answer.value == [{"a": 1}, {"locale": "pl"}, "Bikes"]


@pytest.mark.parametrize("form", ["name", "partial ARN", "ARN", "name:qualifier"])
def test_every_way_to_name_a_function(lab, form):
    name = lab.create(ECHO)
    asked = {
        "name": name,
        "partial ARN": f"123456789012:function:{name}",
        "ARN": ARN + name,
        "name:qualifier": f"{name}:$LATEST",
    }[form]
    assert lab.invoke(asked, {"x": 1}).value == {"x": 1}


def test_unknown_function(lab):
    status, code, message = error_of(lab.client.invoke, FunctionName="nobody")
    assert (status, code) == (404, "ResourceNotFoundException")
    assert message == f"Function not found: {ARN}nobody"


def test_payload_that_is_no_json_runs_nothing(lab):
    name = lab.create(ECHO)
    status, code, message = error_of(lab.client.invoke, FunctionName=name, Payload=b"{oops")
    assert (status, code) == (400, "InvalidRequestContentException")
    assert message.startswith("Could not parse request body into json: ")
    assert lab.cloud.invocations(name) == []


@pytest.mark.parametrize(("kind", "limit"), [("RequestResponse", 6 * 2**20), ("Event", 2**20)])
def test_payload_over_its_limit(lab, kind, limit):
    name = lab.create("def handler(event, context): return len(event)")
    fits = json.dumps("x" * (limit - 2))
    call = dict(FunctionName=name, InvocationType=kind)
    assert lab.client.invoke(Payload=fits, **call)["StatusCode"] in (200, 202)
    status, code, _ = error_of(lab.client.invoke, Payload=fits[:-1] + 'x"', **call)
    assert (status, code) == (413, "RequestTooLargeException")
    lab.cloud.idle()


def test_wrong_invocation_type_is_refused_by_the_cloud_too(lab):
    from botocore.config import Config

    client = lab.cloud.client("lambda", config=Config(parameter_validation=False))
    status, code, message = error_of(
        client.invoke, FunctionName=lab.create(ECHO), InvocationType="Later"
    )
    assert (status, code) == (400, "InvalidParameterValueException")
    assert "[Event, RequestResponse, DryRun]" in message


def test_client_context_that_is_no_json(lab):
    status, code, _ = error_of(
        lab.client.invoke, FunctionName=lab.create(ECHO), ClientContext="bm8="
    )
    assert (status, code) == (400, "InvalidRequestContentException")


def test_a_function_in_another_language_is_not_run_and_says_so(lab):
    name = lab.create(Runtime="java21", Handler="index.handler")
    status, code, message = error_of(lab.client.invoke, FunctionName=name)
    assert (status, code) == (502, "InvalidRuntimeException")
    assert "runs python3, nodejs and provided runtimes, not java21" in message


def test_many_files_and_folders_in_a_package(lab):
    zipped = package(
        "import helper\nfrom pathlib import Path\n"
        "def handler(event, context): return [helper.VALUE, Path('data.txt').read_text()]",
        helper__py="VALUE = 42",
        data__txt="words",
    )
    assert lab.run("", Code={"ZipFile": zipped}) == [42, "words"]
