"""Functions in other languages: a bootstrap of one's own, and Node.js; in the same sandbox."""

from __future__ import annotations

import io
import json
import shutil
import sys
import zipfile

import pytest
from botocore.exceptions import ClientError

from workshop.cloud.sandbox import languages
from workshop.paths import repository

unix = pytest.mark.skipif(sys.platform == "win32", reason="a bootstrap is a Linux program")
with_curl = pytest.mark.skipif(shutil.which("curl") is None, reason="curl is missing here")
with_node = pytest.mark.skipif(shutil.which("node") is None, reason="node is missing here")

SHELL = """#!/bin/sh
# Answers with the event's length; "fail" fails, "exit" exits, "sleep" takes too long.
api="http://$AWS_LAMBDA_RUNTIME_API/2018-06-01/runtime"
headers=$(mktemp)
echo "ready in $PWD"
while true; do
  event=$(curl -sS -D "$headers" "$api/invocation/next")
  id=$(sed -n 's/^Lambda-Runtime-Aws-Request-Id: *//Ip' "$headers" | tr -d '\\r')
  echo "event: $event"
  case "$event" in
    *fail*) body='{"errorType": "NoBike", "errorMessage": "there is no bike", "stackTrace": []}'
      curl -sS -o /dev/null -d "$body" "$api/invocation/$id/error" ;;
    *exit*) exit 3 ;;
    *sleep*) sleep 60 ;;
    *) curl -sS -o /dev/null -d "{\\"characters\\": ${#event}}" "$api/invocation/$id/response" ;;
  esac
done
"""

NODE = """
let count = 0;
console.log("loaded");
export const handler = async (event, context) => {
  count += 1;
  if (event.throw) throw new TypeError("not a ride");
  if (event.exit) process.exit(3);
  if (event.wait) await new Promise((done) => setTimeout(done, event.wait));
  console.log("ride", event, "\\nsecond line");
  console.error("late");
  return { count, name: context.functionName, left: context.getRemainingTimeInMillis() > 0,
           id: context.awsRequestId, memory: context.memoryLimitInMB };
};
"""


def archive(mode: int = 0o755, **files: str) -> bytes:
    """A zip with executable files; `__` in a name stands for a dot."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as zipped:
        for name, text in files.items():
            info = zipfile.ZipInfo(name.replace("__", "."))
            info.external_attr = (0o100000 | mode) << 16
            zipped.writestr(info, text)
    return buffer.getvalue()


def logged(lab, name: str) -> list[str]:
    return lab.log_events(f"/aws/lambda/{name}")


def create(lab, code: bytes, runtime: str = "provided.al2023", handler: str = "x", **spec) -> str:
    spec = {"Timeout": 10, **spec}
    return lab.create(Code={"ZipFile": code}, Runtime=runtime, Handler=handler, **spec)


@unix
@with_curl
@pytest.mark.parametrize("runtime", ["provided.al2023", "provided.al2"])
def test_a_shell_script_is_a_function(isolated_lab, runtime):
    lab = isolated_lab
    name = create(lab, archive(bootstrap=SHELL), runtime)
    first, second = lab.invoke(name, {"ride": 1}), lab.invoke(name, {"ride": 1000})
    assert (first.value, second.value) == ({"characters": 11}, {"characters": 14})
    assert first.error is None
    assert "ready in /var/task\n" in logged(lab, name)
    assert 'event: {"ride": 1}\n' in first.log
    assert "Init Duration" in first.log
    assert "Init Duration" not in second.log
    assert "REPORT RequestId" in second.log


@unix
@with_curl
def test_a_shell_script_fails_exits_and_takes_too_long(isolated_lab):
    lab = isolated_lab
    name = create(lab, archive(bootstrap=SHELL), Timeout=2)
    failed = lab.invoke(name, "fail")
    assert (failed.error, failed.value["errorType"]) == ("Unhandled", "NoBike")
    exited = lab.invoke(name, "exit")
    assert exited.value["errorType"] == "Runtime.ExitError"
    assert "Runtime exited with error: exit status 3" in exited.value["errorMessage"]
    slow = lab.invoke(name, "sleep")
    assert slow.value["errorType"] == "Sandbox.Timedout"
    assert lab.invoke(name, "again").value == {"characters": 7}


@unix
@with_curl
def test_it_has_a_key_of_its_own_and_not_the_owners(isolated_lab):
    lab = isolated_lab
    source = SHELL.replace('"ready in $PWD"', '"all: $(env)"')
    name = create(lab, archive(bootstrap=source))
    lab.invoke(name, {})
    text = "".join(logged(lab, name))
    owner = lab.cloud.environ()
    assert f"AWS_ENDPOINT_URL={lab.cloud.endpoint_url}" in text
    assert "AWS_SESSION_TOKEN=" in text
    assert owner["AWS_ACCESS_KEY_ID"] not in text
    assert owner["AWS_SECRET_ACCESS_KEY"] not in text
    assert str(repository()) not in text


@unix
def test_no_execution_environment_variable_and_no_python_path(isolated_lab):
    lab = isolated_lab
    if shutil.which("curl") is None:
        pytest.skip("curl is missing here")
    source = SHELL.replace('"ready in $PWD"', '"env: ${AWS_EXECUTION_ENV-none} ${PYTHONPATH-none}"')
    name = create(lab, archive(bootstrap=source))
    lab.invoke(name, {})
    assert "env: none none\n" in logged(lab, name)


@unix
def test_a_bootstrap_in_a_layer(isolated_lab):
    lab = isolated_lab
    if shutil.which("curl") is None:
        pytest.skip("curl is missing here")
    layer = lab.client.publish_layer_version(
        LayerName="shell", Content={"ZipFile": archive(bootstrap=SHELL)}
    )["LayerVersionArn"]
    name = create(lab, archive(data__txt="x"), Layers=[layer])
    assert lab.invoke(name, {}).value == {"characters": 2}


@unix
@pytest.mark.parametrize(
    ("code", "why"),
    [
        (
            archive(other="x"),
            "Couldn't find valid bootstrap(s): [/var/task/bootstrap /opt/bootstrap]",
        ),
        (archive(0o644, bootstrap=SHELL), "fork/exec /var/task/bootstrap: permission denied"),
        (archive(bootstrap="no program"), "fork/exec /var/task/bootstrap: exec format error"),
        (
            archive(bootstrap="#!/no/such/shell\n"),
            "fork/exec /var/task/bootstrap: no such file or directory",
        ),
    ],
    ids=["none", "not executable", "no program", "no interpreter"],
)
def test_a_bootstrap_that_cannot_be_started(isolated_lab, code, why):
    lab = isolated_lab
    name = create(lab, code)
    answer = lab.invoke(name, {})
    assert answer.error == "Unhandled"
    assert answer.value["errorType"] == "Runtime.InvalidEntrypoint"
    if "format" in why and answer.value["errorMessage"] != f"Error: {why}":
        pytest.skip("this system's shell runs a file without a first line")
    assert answer.value["errorMessage"] == f"Error: {why}"
    assert "Error Type: Runtime.InvalidEntrypoint" in "".join(logged(lab, name))


@with_node
@pytest.mark.parametrize("runtime", ["nodejs22.x", "nodejs24.x"])
def test_a_node_function(isolated_lab, runtime):
    lab = isolated_lab
    name = create(lab, archive(index__mjs=NODE), runtime, "index.handler")
    first, second = lab.invoke(name, {"ride": 1}), lab.invoke(name, {"ride": 2})
    assert first.value == {
        **{"count": 1, "name": name, "left": True, "memory": "128"},
        **{"id": first.raw["ResponseMetadata"]["RequestId"]},
    }
    assert second.value["count"] == 2
    assert any(event.endswith("\tundefined\tINFO\tloaded\n") for event in logged(lab, name))
    assert f"\t{first.value['id']}\tINFO\tride {{ ride: 1 }} \nsecond line\n" in first.log
    assert f"\t{first.value['id']}\tERROR\tlate\n" in first.log
    (event,) = [event for event in logged(lab, name) if "{ ride: 2 }" in event]
    assert event.endswith("second line\n")


@with_node
def test_a_node_function_fails_exits_and_takes_too_long(isolated_lab):
    lab = isolated_lab
    name = create(lab, archive(index__mjs=NODE), "nodejs22.x", "index.handler", Timeout=3)
    failed = lab.invoke(name, {"throw": True})
    assert failed.value["errorType"] == "TypeError"
    assert failed.value["errorMessage"] == "not a ride"
    assert failed.value["trace"][0] == "TypeError: not a ride"
    assert "/var/task/index.mjs" in failed.value["trace"][1]
    assert "\tERROR\tInvoke Error\t" in failed.log.replace(" {", "\t{")
    exited = lab.invoke(name, {"exit": True})
    assert "exit status 3" in exited.value["errorMessage"]
    slow = lab.invoke(name, {"wait": 60_000})
    assert slow.value["errorType"] == "Sandbox.Timedout"
    assert lab.invoke(name, {}).value["count"] == 1


@with_node
@pytest.mark.parametrize(
    ("files", "handler", "error_type", "message"),
    [
        ({"index__js": ""}, "other.handler", "ImportModuleError", "Cannot find module 'other'"),
        ({"index__js": ""}, "index.handler", "HandlerNotFound", "index.handler is undefined"),
        ({"index__mjs": "export const h = (;"}, "index.h", "UserCodeSyntaxError", "SyntaxError: "),
        (
            {"index__js": "exports.h = (a, b, callback) => callback(null, 1)"},
            *("index.h", "CallbackHandlerDeprecated", "callback-based function handlers"),
        ),
    ],
    ids=["no file", "no export", "syntax", "callback"],
)
def test_a_node_function_that_does_not_load(isolated_lab, files, handler, error_type, message):
    lab = isolated_lab
    name = create(lab, archive(**files), "nodejs24.x", handler)
    answer = lab.invoke(name, {})
    assert answer.value["errorType"] == f"Runtime.{error_type}"
    assert message in answer.value["errorMessage"]
    assert f"Error Type: Runtime.{error_type}" in "".join(logged(lab, name))


@with_node
@pytest.mark.parametrize(
    ("source", "value"),
    [
        ("exports.h = (e, c, callback) => setTimeout(() => callback(null, e.a + 1), 20)", 2),
        ("exports.h = async (e) => { await 1; return e.a + 1 }", 2),
        ("exports.h = (e) => Promise.resolve(e.a + 1)", 2),
        ("exports.h = (e) => { e.a + 1 }", None),
        ("const p = require('./part/more'); exports.h = async () => p.value", 7),
    ],
    ids=["callback", "async", "promise", "nothing", "require"],
)
def test_ways_to_write_a_node_handler(isolated_lab, source, value):
    lab = isolated_lab
    code = archive(index__js=source, **{"part/more__js": "exports.value = 7"})
    name = create(lab, code, "nodejs22.x", "index.h")
    assert [lab.invoke(name, {"a": 1}).value for _ in range(2)] == [value, value]


@with_node
def test_a_rejection_that_nothing_catches_ends_the_environment(isolated_lab):
    lab = isolated_lab
    source = (
        "exports.h = async () => { Promise.reject(new Error('lost')); await new Promise(() => {}) }"
    )
    answer = lab.invoke(create(lab, archive(index__js=source), "nodejs22.x", "index.h"), {})
    assert answer.value["errorType"] == "Runtime.UnhandledPromiseRejection"
    assert answer.value["errorMessage"] == "Error: lost"


@with_node
def test_node_logs_as_json(isolated_lab):
    lab = isolated_lab
    source = (
        "exports.h = async (e) => { console.debug('low'); console.info('ride', 3);"
        " console.warn({ bike: 7 }); console.error(new RangeError('far')) }"
    )
    name = create(
        lab,
        archive(index__js=source),
        *("nodejs22.x", "index.h"),
        LoggingConfig={"LogFormat": "JSON", "ApplicationLogLevel": "INFO"},
    )
    lab.invoke(name, {})
    records = [json.loads(event) for event in logged(lab, name)]
    printed = [record for record in records if "level" in record]
    assert [(r["level"], r["message"]) for r in printed[:2]] == [
        ("INFO", "ride 3"),
        ("WARN", {"bike": 7}),
    ]
    assert printed[2]["message"]["errorType"] == "RangeError"
    assert all(len(record["requestId"]) == 36 for record in printed)


@with_node
def test_a_node_function_asks_the_cloud(isolated_lab):
    """Its SDK is its own; any HTTP client finds the cloud at AWS_ENDPOINT_URL."""
    lab = isolated_lab
    source = (
        "exports.h = async () => (await fetch(process.env.AWS_ENDPOINT_URL + '/_aws/x')).status"
    )
    assert (
        lab.invoke(
            create(lab, archive(index__js=source), "nodejs22.x", "index.h", MemorySize=256), {}
        ).value
        == 403
    )


def test_what_this_machine_lacks_is_said(isolated_lab, monkeypatch):
    lab = isolated_lab
    monkeypatch.setattr(languages, "node", lambda: None)
    name = create(lab, archive(index__js=""), "nodejs22.x", "index.handler")
    with pytest.raises(ClientError, match="Install Node.js and start the local cloud again"):
        lab.client.invoke(FunctionName=name)
    other = create(lab, archive(x=""), "java21", "x")
    with pytest.raises(ClientError, match="python3, nodejs and provided runtimes, not java21"):
        lab.client.invoke(FunctionName=other)
    monkeypatch.setattr(languages.sys, "platform", "win32")
    assert "Start the local cloud in WSL" in languages.refusal("provided.al2023")
