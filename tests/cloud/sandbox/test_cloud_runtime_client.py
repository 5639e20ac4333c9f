"""The pure-Python runtime client that macOS and Windows use: the same calls, the same answers."""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys

import pytest
from lab import Lab

from workshop.cloud import LocalCloud
from workshop.cloud.base.model import Request
from workshop.cloud.sandbox import package
from workshop.cloud.sandbox.package import HERE
from workshop.cloud.sandbox.runtime_api import RuntimeApi
from workshop.cloud.sandbox.watch import Watch

CLIENT = HERE / "runtime" / "runtime_client.py"


@pytest.fixture(scope="module")
def pure_lab():
    """A cloud whose functions run on it, as on a Mac."""
    found = package.find_spec
    try:
        package.find_spec = lambda name: None if name == "runtime_client" else found(name)
        with LocalCloud() as cloud:
            yield Lab(cloud)
    finally:
        package.find_spec = found


def test_it_is_what_functions_use(pure_lab):
    value = pure_lab.run(
        "import runtime_client\ndef handler(event, context): return runtime_client.__file__"
    )
    assert value.endswith("runtime_client.py")


def test_results_and_errors(pure_lab):
    name = pure_lab.create(
        "def handler(event, context):\n"
        "    if event.get('fail'): raise ValueError('Łódź')\n"
        "    return [event, context.aws_request_id, context.get_remaining_time_in_millis() > 0]"
    )
    answer = pure_lab.invoke(name, {"city": "Łódź"})
    request_id = answer.raw["ResponseMetadata"]["RequestId"]
    assert answer.value == [{"city": "Łódź"}, request_id, True]
    failed = pure_lab.invoke(name, {"fail": True})
    assert (failed.error, failed.value["errorType"]) == ("Unhandled", "ValueError")
    assert failed.value["errorMessage"] == "Łódź"
    assert pure_lab.invoke(name, {}).error is None


def test_errors_of_init(pure_lab):
    answer = pure_lab.invoke(pure_lab.create(Handler="nope.handler"))
    assert answer.value["errorType"] == "Runtime.ImportModuleError"


def test_client_context_and_trace(pure_lab):
    import base64

    name = pure_lab.create(
        "import os\n"
        "def handler(event, context):\n"
        "    return [context.client_context.custom, os.environ['_X_AMZN_TRACE_ID'][:7]]"
    )
    encoded = base64.b64encode(json.dumps({"custom": {"a": 1}}).encode()).decode()
    assert pure_lab.invoke(name, ClientContext=encoded).value == [{"a": 1}, "Root=1-"]


def test_six_megabytes_each_way(pure_lab):
    name = pure_lab.create("def handler(event, context): return event")
    text = "x" * (6 * 2**20 - 2)
    assert pure_lab.invoke(name, text).value == text


def test_it_has_the_four_calls_of_the_native_one():
    """awslambdaric calls these by name: see its lambda_runtime_client.py."""
    import ast

    import awslambdaric.lambda_runtime_client as user

    source = ast.parse(open(user.__file__, encoding="utf-8").read())  # noqa: PTH123, SIM115
    used = {
        node.attr
        for node in ast.walk(source)
        if isinstance(node, ast.Attribute)
        and isinstance(node.value, ast.Name)
        and node.value.id == "runtime_client"
    }
    tree = ast.parse(CLIENT.read_text(encoding="utf-8"))
    ours = {n.name for n in tree.body if isinstance(n, ast.FunctionDef) and n.name[0] != "_"}
    assert used == ours == {"initialize_client", "next", "post_invocation_result", "post_error"}


def test_it_says_what_the_runtime_api_refused():
    """An answer for another invocation is refused, and the refusal is an error, not silence."""
    api, watch = RuntimeApi(), Watch()
    listener = socket.create_server(("127.0.0.1", 0))
    api.address = "127.0.0.1:{1}".format(*listener.getsockname())
    watch.accept(listener, api.serve)
    try:
        api.send(Request("id-1", b'{"n": 1}', "arn:aws:lambda:x"), 2_000_000_000_000)
        code = (
            f"import sys; sys.path.insert(0, {str(CLIENT.parent)!r})\n"
            "import runtime_client as client\n"
            "client.initialize_client('test')\n"
            "body, headers = client.next()\n"
            "print(body.decode(), headers['Lambda-Runtime-Aws-Request-Id'])\n"
            "try:\n"
            "    client.post_invocation_result('other', b'{}', 'application/json')\n"
            "except RuntimeError as error:\n"
            "    print(error)\n"
            "client.post_invocation_result('id-1', b'[1]', 'application/json')\n"
        )
        done = subprocess.run(
            [sys.executable, "-c", code],
            env=os.environ | {"AWS_LAMBDA_RUNTIME_API": api.address},
            capture_output=True,
            text=True,
            timeout=60,
        )
        assert done.stderr == ""
        first, second = done.stdout.splitlines()
        assert first == '{"n": 1} id-1'
        assert second.startswith("the Runtime API answered 400 to POST ")
        kinds = [api.answers.get(timeout=30).kind for _ in range(2)]
        assert kinds == ["ready", "response"]
    finally:
        api.close()
        watch.close()
        listener.close()
