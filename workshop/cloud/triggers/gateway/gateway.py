"""The HTTP triggers, in front of AWS's APIs."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from ...base.answer import Answer
from ...base.model import ApiError
from ...base.reading import TooLarge
from ...base.request_line import raw_target, split_target
from ...base.tracing import following
from . import function_url, http_api, rest
from .addresses import Address, find_address
from .answer import message
from .apis import FunctionUrl, HttpApi, RestStage
from .caller import Caller, Signed
from .invoking import Functions
from .request import HttpRequest, read_request


class Gateway:
    """Answers requests to APIs and function URLs; anybody who can reach them may ask.

    `find_rest_stage(api_id, region, stage)`, `find_http_api(api_id, region)` and
    `find_function_url(url_id, region)` give what is there now, or None; a region of None means
    any. `caller(environ, service)` gives who signed a request for a service, or None.
    """

    def __init__(
        self,
        functions: Functions,
        find_rest_stage: Callable[[str, str | None, str], RestStage | None],
        find_http_api: Callable[[str, str | None], HttpApi | None],
        find_function_url: Callable[[str, str | None], FunctionUrl | None],
        caller: Callable[[dict[str, Any], str], Caller | None],
    ) -> None:
        self._functions = functions
        self._find_rest_stage, self._find_http_api = find_rest_stage, find_http_api
        self._find_function_url = find_function_url
        self._caller = caller

    def address(self, environ: dict[str, Any]) -> Address | None:
        """The API or function URL that a request is for; None if it is for an API of AWS's."""
        path, _ = split_target(raw_target(environ))
        return find_address(environ.get("HTTP_HOST", ""), path)

    def serve(self, address: Address, environ: dict[str, Any]) -> Answer:
        """The answer to a request to an address."""
        try:
            signed = Signed(environ, self._caller, address.service)
            request = read_request(environ, address, signed)
        except TooLarge:
            return _too_long(address)
        except ApiError as error:
            return message(error.status, "Bad Request" if error.status == 400 else error.message)
        with following(request.trace):
            return self._answer(address, request)

    def _answer(self, address: Address, request: HttpRequest) -> Answer:
        if address.service == "lambda-url":
            url = self._find_function_url(address.id, address.region)
            if url is None:
                return message(403, function_url.FORBIDDEN, key="Message")
            return function_url.serve(url, request, self._functions)
        api = self._find_http_api(address.id, address.region)
        if api:
            return http_api.serve(api, request, self._functions)
        name, _ = rest.split_stage(address.path)
        stage = self._find_rest_stage(address.id, address.region, name)
        if stage is None:
            return rest.error(403, "Forbidden")
        return rest.serve(stage, request, self._functions)


def _too_long(address: Address) -> Answer:
    if address.service == "execute-api":
        return rest.error(413, "Request Too Long")
    return message(413, "Request Entity Too Large", key="Message")
