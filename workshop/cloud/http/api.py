"""The WSGI application: every request goes to the part of the cloud that answers it."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable
from typing import Any

from ..base.model import ApiError
from ..base.reading import release
from ..base.tracing import following
from ..seam import application, load_managed_policies
from ..triggers.alarms.alarms import Alarms
from ..triggers.gateway.gateway import Gateway
from .admission import Gate, key_of
from .control import Control
from .invoke_api import InvokeApi
from .lambda_api import LambdaApi
from .wsgi import StartResponse, body_of, refuse, region_of, respond, service_of


class Api:
    """The WSGI application. `note(problem)` keeps what went wrong in it; `own_key` is an id."""

    def __init__(
        self,
        gate: Gate,
        invoke_api: InvokeApi,
        own_key: str,
        control: Control,
        gateway: Gateway,
        lambda_api: LambdaApi,
        alarms: Alarms,
        note: Callable[[str], None] = lambda problem: None,
    ) -> None:
        self._gate, self._gateway = gate, gateway
        self._lambda_api, self._alarms = lambda_api, alarms
        self._own_key = own_key
        self._invoke_api = invoke_api
        self._moto = application()
        self._control = control
        self._note = note

    def __call__(self, environ: dict[str, Any], start_response: StartResponse) -> Iterable[bytes]:
        try:
            return self._answer(environ, start_response)
        except ApiError as error:
            return refuse(environ, start_response, error)
        except ConnectionError:
            raise  # the client went away; the server knows what to do
        except RecursionError:
            message = "The request's body is nested too deeply."
            return refuse(environ, start_response, ApiError(400, "SerializationException", message))
        except Exception as error:
            return self._failed(environ, start_response, error)
        finally:
            release(environ)

    def _answer(self, environ: dict[str, Any], start_response: StartResponse) -> Iterable[bytes]:
        address = self._gateway.address(environ)
        if address:
            self._gate.check_host(environ)
            return self._gateway.serve(address, environ, start_response)
        self._gate.admit(environ)
        with following(environ.get("HTTP_X_AMZN_TRACE_ID")):
            return self._serve(environ, start_response)

    def _failed(
        self, environ: dict[str, Any], start_response: StartResponse, error: Exception
    ) -> Iterable[bytes]:
        """The answer to a request that something here could not bear: short, and noted."""
        where = f"{environ['REQUEST_METHOD']} {environ['PATH_INFO']}"
        self._note(f"{where}: the local cloud failed: {type(error).__name__}: {error}"[:500])
        code = "InternalError" if service_of(environ) == "s3" else "InternalFailure"
        message = f"The local cloud failed to answer this request ({type(error).__name__})."
        return refuse(environ, start_response, ApiError(500, code, message))

    def _serve(self, environ: dict[str, Any], start_response: StartResponse) -> Iterable[bytes]:
        if environ["PATH_INFO"].startswith("/_aws/"):
            return self._answer_control(environ, start_response)
        service = service_of(environ)
        if service == "lambda":
            name = self._invoke_api.function_name(environ)
            if name is not None:
                return self._invoke_api.answer(name, environ, start_response)
            if self._lambda_api.answers(environ["REQUEST_METHOD"], environ["PATH_INFO"]):
                return self._ask_lambda_api(environ, start_response)
        key = key_of(environ)
        is_own = key is not None and key.id == self._own_key
        if service == "monitoring" and not is_own:
            self._alarms.evaluate()
            self._alarms.look_at(region_of(environ))
        if service == "iam":
            load_managed_policies()
        return self._moto(environ, start_response)

    def _ask_lambda_api(
        self, environ: dict[str, Any], start_response: StartResponse
    ) -> Iterable[bytes]:
        body = body_of(environ)
        try:
            status, answer = self._lambda_api.answer(
                environ["REQUEST_METHOD"],
                environ["PATH_INFO"],
                environ.get("QUERY_STRING", ""),
                region_of(environ),
                body,
            )
        except ApiError as error:
            headers = [("x-amzn-ErrorType", error.code)]
            return respond(start_response, error.status, headers, error.body())
        payload = b"" if answer is None else json.dumps(answer).encode()
        return respond(start_response, status, [], payload)

    def _answer_control(
        self, environ: dict[str, Any], start_response: StartResponse
    ) -> Iterable[bytes]:
        method, path = environ["REQUEST_METHOD"], environ["PATH_INFO"]
        try:
            answer = self._control.answer(method, path, body_of(environ))
        except ApiError as error:
            headers = [("x-amzn-ErrorType", error.code)]
            return respond(start_response, error.status, headers, error.body())
        return respond(start_response, 200, [], answer)
