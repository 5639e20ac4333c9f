"""A learner's function: packed, created and invoked with boto3, never imported."""

from __future__ import annotations

import base64
import io
import json
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
    client: Any, folder: Path, role: str = ROLE, variables: Mapping[str, str] | None = None
) -> Function:
    """Creates the function in `folder` and waits until it is active.

    `variables` come beside the environment variables of function.json, and win over them.

    Raises NotReady where the learner has something to mend first.
    """
    settings = read_settings(folder)
    name = f"{folder.name}-{uuid.uuid4().hex[:8]}"
    arguments = {
        "Runtime": NEWEST_RUNTIME,
        "Handler": "handler.handler",
        "Role": role,
        **settings,
        "FunctionName": name,
        "Code": {"ZipFile": pack(folder)},
    }
    if variables:
        arguments["Environment"] = {"Variables": {**_variables(settings), **variables}}
    from botocore.exceptions import ClientError, ParamValidationError

    try:
        client.create_function(**arguments)
    except ParamValidationError as error:
        raise NotReady(f"function.json has a setting that AWS does not know:\n{error}") from None
    except ClientError as error:
        if not settings:
            raise  # the arguments are ours
        raise NotReady(f"AWS refuses the settings in function.json:\n{error}") from None
    _wait_until_active(client, name)
    return Function(client, name)


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


def read_settings(folder: Path) -> dict[str, Any]:
    """The arguments of create_function in function.json, if there is one. Raises NotReady."""
    path = folder / "function.json"
    if not path.is_file():
        return {}
    try:
        settings = json.loads(path.read_text(encoding="utf-8"))
    except ValueError as error:
        raise NotReady(f"{folder.name}/function.json is not JSON: {error}") from None
    if not isinstance(settings, dict):
        raise NotReady(f"{folder.name}/function.json must hold an object: {{...}}")
    return settings


def _variables(settings: dict[str, Any]) -> dict[str, str]:
    """The environment variables of function.json. Raises NotReady if they are no variables."""
    environment = settings.get("Environment", {})
    found = environment.get("Variables", {}) if isinstance(environment, dict) else None
    if not isinstance(found, dict):
        raise NotReady('function.json: write {"Environment": {"Variables": {"NAME": "value"}}}')
    return found


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
    until = time.monotonic() + 120
    while time.monotonic() < until:
        state = client.get_function_configuration(FunctionName=name).get("State", "Active")
        if state == "Active":
            return
        time.sleep(1)
    raise TimeoutError(f"the function {name} did not become active in 120 s")
