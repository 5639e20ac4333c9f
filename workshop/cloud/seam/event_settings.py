"""The API of the settings for asynchronous events: each version and alias has its own.

Follows PutFunctionEventInvokeConfig
(https://docs.aws.amazon.com/lambda/latest/api/API_PutFunctionEventInvokeConfig.html). moto keeps
one for the function as a whole.
"""

from __future__ import annotations

import json
import time
from typing import Any
from urllib.parse import unquote

from moto.awslambda.exceptions import UnknownFunctionException
from moto.awslambda.responses import LambdaResponse

from ..access import check_destination
from ..base.model import ApiError
from ..functions.validation import check_ends, check_event_settings
from .errors import as_moto_error
from .function import Function
from .hooks import open_hooks

LATEST = "$LATEST"


class EventSettingsApi:
    """What moto's Lambda backend answers about the settings; a Function keeps them."""

    @as_moto_error
    def put_function_event_invoke_config(
        self, function_name: str, config: dict[str, Any], qualifier: str | None = None
    ) -> dict[str, Any]:
        function, qualifier = self._with_events(function_name, qualifier)
        check_event_settings(config, function.function_arn)
        for target in check_ends(config.get("DestinationConfig") or {}):
            open_hooks().destinations.check(target)
            check_destination(open_hooks().allows, function.role, target)
        function.event_settings[qualifier] = {**config, "LastModified": time.time()}
        return _answer(function, qualifier)

    @as_moto_error
    def update_function_event_invoke_config(
        self, function_name: str, config: dict[str, Any], qualifier: str | None = None
    ) -> dict[str, Any]:
        function, _ = self._with_events(function_name, qualifier)
        check_event_settings(config, function.function_arn)
        before = self.get_function_event_invoke_config(function_name, qualifier)
        return self.put_function_event_invoke_config(function_name, {**before, **config}, qualifier)

    @as_moto_error
    def get_function_event_invoke_config(
        self, function_name: str, qualifier: str | None = None
    ) -> dict[str, Any]:
        function, qualifier = self._with_events(function_name, qualifier)
        if qualifier not in function.event_settings:
            arn = f"{function.function_arn.removesuffix(':' + LATEST)}:{qualifier}"
            message = f"The function {arn} doesn't have an EventInvokeConfig"
            raise ApiError(404, "ResourceNotFoundException", message)
        return _answer(function, qualifier)

    def delete_function_event_invoke_config(
        self, function_name: str, qualifier: str | None = None
    ) -> None:
        self.get_function_event_invoke_config(function_name, qualifier)
        function, qualifier = self._with_events(function_name, qualifier)
        del function.event_settings[qualifier]

    @as_moto_error
    def list_function_event_invoke_configs(self, function_name: str) -> dict[str, Any]:
        function, _ = self._with_events(function_name, None)
        configs = [_answer(function, each) for each in function.event_settings]
        return {"FunctionEventInvokeConfigs": configs}

    def _with_events(self, name: str, qualifier: str | None) -> tuple[Function, str]:
        """A function, which keeps the settings, and the version or alias that is meant."""
        parts = name.split(":function:")[-1].split(":")
        qualifier = qualifier or (parts[1] if len(parts) > 1 else LATEST)
        try:
            self.get_function(parts[0], qualifier)  # it exists
            return self.get_function(parts[0]), qualifier
        except UnknownFunctionException:
            message = "The function doesn't exist."
            raise ApiError(404, "ResourceNotFoundException", message) from None


def _answer(function: Function, qualifier: str) -> dict[str, Any]:
    settings = function.event_settings[qualifier]
    ends = {"OnSuccess": {}, "OnFailure": {}, **(settings.get("DestinationConfig") or {})}
    arn = function.function_arn.removesuffix(f":{LATEST}")
    return {**settings, "FunctionArn": f"{arn}:{qualifier}", "DestinationConfig": ends}


def install() -> None:
    """Replaces moto's answers; each is the same the second time."""
    LambdaResponse.put_function_event_invoke_config = _put
    LambdaResponse.update_function_event_invoke_config = _update
    LambdaResponse.get_function_event_invoke_config = _get
    LambdaResponse.delete_function_event_invoke_config = _delete


def _put(response: LambdaResponse) -> Any:
    name, qualifier = _asked(response)
    put = response.backend.put_function_event_invoke_config
    return 200, {}, json.dumps(put(name, response.json_body or {}, qualifier))


def _update(response: LambdaResponse) -> Any:
    name, qualifier = _asked(response)
    update = response.backend.update_function_event_invoke_config
    return 200, {}, json.dumps(update(name, response.json_body or {}, qualifier))


def _get(response: LambdaResponse) -> Any:
    found = response.backend.get_function_event_invoke_config(*_asked(response))
    return 200, {}, json.dumps(found)


def _delete(response: LambdaResponse) -> Any:
    response.backend.delete_function_event_invoke_config(*_asked(response))
    return 204, {"status": 204}, ""


def _asked(response: LambdaResponse) -> tuple[str, str | None]:
    qualifier = response.querystring.get("Qualifier", [None])[0]
    return unquote(response.path.rsplit("/", 2)[1]), qualifier
