"""A learner's function: packed, created and invoked with boto3, never imported."""

from __future__ import annotations

import base64
import io
import json
import re
import time
import uuid
import zipfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ..cloud.runtimes import NEWEST_RUNTIME

ROLE = "arn:aws:iam::123456789012:role/lambda-role"
LEFT_OUT = {"__pycache__", "function.json", ".ipynb_checkpoints"}
RESERVED = "ReservedConcurrentExecutions"  # in function.json, though it is a call of its own
ACTIVE_WITHIN_S = 300  # on AWS a function waits for its network interfaces in a VPC
PLACEHOLDER = re.compile(r"\$\{(\w+)\}")


class NotReady(AssertionError):
    """The learner's folder cannot be deployed; the message says what to mend."""


@dataclass(frozen=True)
class Result:
    """What one invocation answered.

    `value` is the payload as Python (None if it is no JSON), `error` the error object or None.
    """

    value: Any
    error: dict[str, Any] | None
    request_id: str
    log: str


@dataclass(frozen=True)
class Function:
    """A function that is deployed."""

    client: Any
    name: str

    def invoke(self, event: Any) -> Result:
        """Invokes it with a JSON event and waits for the result."""
        answer = self.client.invoke(
            FunctionName=self.name, Payload=json.dumps(event).encode(), LogType="Tail"
        )
        payload = answer["Payload"].read()
        try:
            value = json.loads(payload)
        except ValueError:
            value = None
        failed = "FunctionError" in answer
        return Result(
            value=None if failed else value,
            error=value if failed else None,
            request_id=answer["ResponseMetadata"]["RequestId"],
            log=base64.b64decode(answer.get("LogResult", "")).decode("utf-8", "replace"),
        )

    def delete(self) -> None:
        """Deletes it."""
        self.client.delete_function(FunctionName=self.name)


def deploy(
    client: Any,
    folder: Path,
    role: str = ROLE,
    variables: Mapping[str, str] | None = None,
    values: Mapping[str, str] | None = None,
    changes: Mapping[str, Any] | None = None,
) -> Function:
    """Creates the function in `folder` and waits until it is active.

    `variables` come beside the environment variables of function.json, and win over them.
    `values` are what its placeholders stand for, `changes` win over its settings. Its
    `ReservedConcurrentExecutions` is no argument of create_function: it is set when the function
    is there.

    Raises NotReady where the learner has something to mend first.
    """
    settings = read_settings(folder, values)
    reserved = settings.pop(RESERVED, None)
    name = f"{folder.name}-{uuid.uuid4().hex[:8]}"
    arguments = {
        "Runtime": NEWEST_RUNTIME,
        "Handler": "handler.handler",
        "Role": role,
        **settings,
        **(changes or {}),
        "FunctionName": name,
        "Code": {"ZipFile": pack(folder)},
    }
    if variables:
        arguments["Environment"] = {"Variables": {**_variables(settings), **variables}}
    from botocore.exceptions import ClientError, ParamValidationError

    try:
        client.create_function(**arguments)
    except ParamValidationError as error:
        raise NotReady(_wrong_parameter(str(error))) from None
    except ClientError as error:
        if not settings:
            raise  # the arguments are ours
        raise NotReady(f"AWS refuses the settings in function.json:\n{error}") from None
    _wait_until_active(client, name)
    function = Function(client, name)
    if reserved is not None:
        try:
            client.put_function_concurrency(FunctionName=name, **{RESERVED: reserved})
        except (ParamValidationError, ClientError) as error:
            function.delete()
            raise NotReady(f"AWS refuses {RESERVED} in function.json:\n{error}") from None
    return function


def pack(folder: Path) -> bytes:
    """A deployment package of the folder's files. Raises NotReady if handler.py cannot run."""
    handler = folder / "handler.py"
    if not folder.is_dir():
        raise NotReady(
            f"The folder {folder.name} is missing. `workshop reset {folder.name}` brings it back."
        )
    if not handler.is_file():
        raise NotReady(
            f"There is no handler.py in {folder.name}. "
            f"`workshop reset {folder.name}` brings the stub back."
        )
    _check_syntax(handler)
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        for path in sorted(folder.rglob("*")):
            inner = path.relative_to(folder)
            if path.is_file() and not LEFT_OUT & set(inner.parts):
                archive.write(path, inner.as_posix())
    return buffer.getvalue()


def read_settings(folder: Path, values: Mapping[str, str] | None = None) -> dict[str, Any]:
    """The settings in function.json, if there is one, with `${NAME}` filled in from `values`.

    Raises NotReady, also for a name that has no value.
    """
    path = folder / "function.json"
    if not path.is_file():
        return {}
    try:
        settings = json.loads(path.read_text(encoding="utf-8"))
    except ValueError as error:
        raise NotReady(f"{folder.name}/function.json is not JSON: {error}") from None
    if not isinstance(settings, dict):
        raise NotReady(f"{folder.name}/function.json must hold an object: {{...}}")
    return _fill_in(settings, values or {})


def _fill_in(value: Any, values: Mapping[str, str]) -> Any:
    """A value of JSON with every placeholder in its texts replaced."""
    if isinstance(value, dict):
        return {key: _fill_in(each, values) for key, each in value.items()}
    if isinstance(value, list):
        return [_fill_in(each, values) for each in value]
    if isinstance(value, str):
        if value in values:
            raise NotReady(f"function.json: {value} is a placeholder, so write ${{{value}}}.")
        return PLACEHOLDER.sub(lambda found: _value_of(found[1], values), value)
    return value


def _value_of(name: str, values: Mapping[str, str]) -> str:
    if name not in values:
        known = ", ".join(f"${{{each}}}" for each in sorted(values)) or "none in this stage"
        raise NotReady(f"function.json: ${{{name}}} stands for nothing. There are: {known}.")
    return values[name]


def _variables(settings: dict[str, Any]) -> dict[str, str]:
    """The environment variables of function.json. Raises NotReady if they are no variables."""
    environment = settings.get("Environment", {})
    found = environment.get("Variables", {}) if isinstance(environment, dict) else None
    if not isinstance(found, dict):
        raise NotReady('function.json: write {"Environment": {"Variables": {"NAME": "value"}}}')
    return found


def _wrong_parameter(error: str) -> str:
    """What boto3 has against the arguments, for somebody who wrote them as JSON."""
    if "Invalid type" not in error:
        return f"function.json has a setting that AWS does not know:\n{error}"
    hint = ""
    if "Environment.Variables" in error:
        hint = " Each variable is a string: write numbers and JSON in quotes."
    return f"A value in function.json has the wrong type.{hint}\n{error}"


def _check_syntax(handler: Path) -> None:
    """Says where a syntax error is; it compiles the text and runs nothing of it."""
    try:
        compile(handler.read_bytes(), "handler.py", "exec", dont_inherit=True)
    except SyntaxError as error:
        if error.lineno is None:  # bytes that no editor for Python writes
            raise NotReady(f"handler.py is no Python text: {error.msg}") from None
        line = (error.text or "").rstrip()
        raise NotReady(
            f"handler.py has a syntax error in line {error.lineno}: {error.msg}\n"
            f"    {line}\nMend it, save the file, and check again."
        ) from None
    except ValueError as error:
        raise NotReady(f"handler.py is no Python text: {error}") from None


def _wait_until_active(client: Any, name: str) -> None:
    until = time.monotonic() + ACTIVE_WITHIN_S
    while time.monotonic() < until:
        state = client.get_function_configuration(FunctionName=name).get("State", "Active")
        if state == "Active":
            return
        time.sleep(1)
    raise TimeoutError(f"the function {name} did not become active in {ACTIVE_WITHIN_S} s")
