"""A learner's function: packed, created and invoked with boto3, never imported."""

from __future__ import annotations

import base64
import json
import time
import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ..cloud.functions.runtime_names import NEWEST_RUNTIME
from .outcomes import OF_THE_GRADER
from .package import pack
from .patience import NeverEnds
from .settings import read_settings, variables_of
from .submission import NotReady
from .words import show

ROLE = "arn:aws:iam::123456789012:role/lambda-role"
RESERVED = "ReservedConcurrentExecutions"  # in function.json, though it is a call of its own
ACTIVE_WITHIN_S = 300  # on AWS a function waits for its network interfaces in a VPC
LARGEST_ANSWER = 7_000_000  # bytes; AWS ends a function's answer at 6 MB


class Unreadable(AssertionError):
    """A function's answer that no caller can read; the message says why."""


class NotActive(RuntimeError):
    """AWS did not get a function ready, which is not its author's fault."""


@dataclass(frozen=True)
class Result:
    """What one invocation answered.

    `value` is the payload as Python (None if it is not JSON). `error` is None or the error object,
    whose `errorType` and `errorMessage` are strings where they are there.
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
    handler: str = "handler.handler"  # where a learner writes its handler

    def invoke(self, event: Any) -> Result:
        """Invokes it with a JSON event and waits for the result.

        Raises NeverEnds where the client gives up waiting, Unreadable, and NotReady where Lambda
        finds no handler.
        """
        from botocore.exceptions import ReadTimeoutError

        try:
            answer = self.client.invoke(
                FunctionName=self.name, Payload=json.dumps(event).encode(), LogType="Tail"
            )
            value = _parsed(answer["Payload"].read(LARGEST_ANSWER + 1))
        except ReadTimeoutError:
            raise NeverEnds("The function did not answer") from None
        failed = "FunctionError" in answer
        error = _error_object(value) if failed else None
        _check_handler(error or {}, self.handler)
        return Result(
            value=None if failed else value,
            error=error,
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

    Raises NotReady where the learner has something to fix first.
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
        arguments["Environment"] = {"Variables": {**variables_of(settings), **variables}}
    from botocore.exceptions import ClientError, ParamValidationError

    try:
        client.create_function(**arguments)
    except ParamValidationError as error:
        raise NotReady(_wrong_parameter(str(error))) from None
    except ClientError as error:
        if not settings or error.response["Error"]["Code"] in OF_THE_GRADER:
            raise  # the arguments are ours, or the keys
        raise NotReady(f"AWS refuses the settings in function.json:\n{error}") from None
    _wait_until_active(client, name)
    function = Function(client, name, (changes or {}).get("Handler", Function.handler))
    if reserved is not None:
        try:
            client.put_function_concurrency(FunctionName=name, **{RESERVED: reserved})
        except (ParamValidationError, ClientError) as error:
            function.delete()
            raise NotReady(f"AWS refuses {RESERVED} in function.json:\n{error}") from None
    return function


def _parsed(payload: bytes) -> Any:
    """A payload as Python, None if it is not JSON. Raises Unreadable."""
    if len(payload) > LARGEST_ANSWER:
        raise Unreadable(f"The function's answer is larger than {LARGEST_ANSWER:,} bytes.")
    try:
        return json.loads(payload)
    except ValueError:
        return None
    except RecursionError:
        raise Unreadable(
            "The function's answer is nested too deeply: hundreds of objects or lists inside one "
            "another. Answer with what the contract describes."
        ) from None


def _error_object(value: Any) -> dict[str, Any]:
    """The error that a function reported, also where it is not the object that Lambda writes."""
    if not isinstance(value, dict):
        return {"errorMessage": f"an error that is not an object: {show(value)}"}
    texts = {name: value[name] for name in ("errorType", "errorMessage") if name in value}
    return value | {
        name: text if isinstance(text, str) else show(text) for name, text in texts.items()
    }


def _check_handler(error: dict[str, Any], handler: str) -> None:
    """Raises NotReady if Lambda found no handler: no event of any check can change that."""
    _, _, name = handler.rpartition(".")
    kind, said = error.get("errorType"), error.get("errorMessage", "")
    if kind == "Runtime.HandlerNotFound":
        raise NotReady(
            f"Lambda cannot find the handler in your code: {said}.\n"
            f"Keep `def {name}(event, context):` in handler.py, under that name. If function.json "
            f"names a Handler, it must be {handler}."
        )
    if kind == "Runtime.ImportModuleError":
        raise NotReady(
            f"Lambda cannot load your code: {said}\n"
            "A function has Python's standard library and boto3. Anything else has to be in the "
            "exercise's folder."
        )


def _wrong_parameter(error: str) -> str:
    """What boto3 has against the arguments, for somebody who wrote them as JSON."""
    if "Unknown parameter" in error:
        return f"function.json has a setting that AWS does not know:\n{error}"
    if "Invalid type" not in error:  # too small, too long
        return f"AWS refuses a value in function.json:\n{error}"
    hint = ""
    if "Environment.Variables" in error:
        hint = " Each variable is a string: write numbers and JSON in quotes."
    return f"A value in function.json has the wrong type.{hint}\n{error}"


def _wait_until_active(client: Any, name: str) -> None:
    """Returns when AWS has made the function ready. Raises NotReady or NotActive."""
    until = time.monotonic() + ACTIVE_WITHIN_S
    while time.monotonic() < until:
        found = client.get_function_configuration(FunctionName=name)
        state = found.get("State", "Active")
        if state == "Active":
            return
        if state == "Failed":
            raise NotReady(f"AWS cannot run the function: {found.get('StateReason', 'no reason')}")
        time.sleep(1)
    raise NotActive(f"the function {name} did not become active in {ACTIVE_WITHIN_S} s")
