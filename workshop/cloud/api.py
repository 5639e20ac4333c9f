"""The WSGI application: every request goes to the part of the cloud that answers it."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable
from typing import Any
from urllib.parse import unquote

from .alarms import Alarms
from .control import Control
from .exchange import Exchange, Watcher, request_headers
from .gate import Gate
from .gateway.gateway import Gateway
from .invoke_api import InvokeApi
from .lambda_api import LambdaApi
from .model import ApiError
from .seam import application, load_managed_policies
from .tracing import following
from .wsgi import StartResponse, access_key, read_body, refuse, region_of, respond, service_of


class Api:
    """The WSGI application."""

    def __init__(
        self,
        gate: Gate,
        invoke_api: InvokeApi,
        wake: Callable[[str], None],
        own_key: str,
        watchers: dict[str, Watcher],
        control: Control,
        gateway: Gateway,
        lambda_api: LambdaApi,
        alarms: Alarms,
    ) -> None:
        self._gate, self._gateway = gate, gateway
        self._lambda_api, self._alarms = lambda_api, alarms
        self._wake, self._own_key = wake, own_key
        self._invoke_api = invoke_api
        self._moto = application()
        self._watchers = watchers
        self._control = control

    def __call__(self, environ: dict[str, Any], start_response: StartResponse) -> Iterable[bytes]:
        address = self._gateway.address(environ)
        refusal = self._gate.foreign_host(environ) if address else self._gate.refusal(environ)
        if address and not refusal:
            return self._gateway.serve(address, environ, start_response)
        if refusal:
            return refuse(environ, start_response, *refusal)
        with following(unquote(environ.get("HTTP_X_AMZN_TRACE_ID", "")) or None):
            return self._serve(environ, start_response)

    def _serve(self, environ: dict[str, Any], start_response: StartResponse) -> Iterable[bytes]:
        name = self._invoke_api.function_name(environ)
        if name is not None:
            return self._invoke_api.answer(name, environ, start_response)
        if environ["PATH_INFO"].startswith("/_aws/"):
            return self._answer_control(environ, start_response)
        if self._lambda_api.answers(environ["REQUEST_METHOD"], environ["PATH_INFO"]):
            return self._ask_lambda_api(environ, start_response)
        service = service_of(environ)
        if service == "monitoring" and access_key(environ) != self._own_key:
            self._alarms.evaluate()
            self._alarms.look_at(region_of(environ))
        if service == "iam":
            load_managed_policies()
        answer = self._ask_moto(service, environ, start_response)
        if (
            environ["REQUEST_METHOD"] not in ("GET", "HEAD")
            and access_key(environ) != self._own_key
        ):
            # What moto did may have put something into a queue, whatever the service was.
            self._wake(service if service in ("kinesis", "dynamodb") else "sqs")
        return answer

    def _ask_lambda_api(
        self, environ: dict[str, Any], start_response: StartResponse
    ) -> Iterable[bytes]:
        body = read_body(environ)
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

    def _ask_moto(
        self, service: str | None, environ: dict[str, Any], start_response: StartResponse
    ) -> Iterable[bytes]:
        """moto's answer; those who watch the service hear of a call that may change something."""
        watcher = self._watchers.get(service or "")
        if watcher is None or environ["REQUEST_METHOD"] in ("GET", "HEAD"):
            return self._moto(environ, start_response)
        given: list[Any] = []

        def note(status: str, headers: list[tuple[str, str]], *more: Any) -> Any:
            given[:] = [int(status.split()[0]), {k.lower(): v for k, v in headers}]
            return start_response(status, headers, *more)

        answer = b"".join(self._moto(environ, note))
        exchange = Exchange(
            service=service or "",
            region=region_of(environ),
            method=environ["REQUEST_METHOD"],
            path=environ["PATH_INFO"],
            query=environ.get("QUERY_STRING", ""),
            headers=request_headers(environ),
            status=given[0],
            answer_headers=given[1],
            answer=answer,
            source_ip=environ.get("REMOTE_ADDR", "127.0.0.1"),
        )
        watcher(exchange)
        return [answer]

    def _answer_control(
        self, environ: dict[str, Any], start_response: StartResponse
    ) -> Iterable[bytes]:
        method, path = environ["REQUEST_METHOD"], environ["PATH_INFO"]
        try:
            answer = self._control.answer(method, path, read_body(environ))
        except ApiError as error:
            headers = [("x-amzn-ErrorType", error.code)]
            return respond(start_response, error.status, headers, error.body())
        return respond(start_response, 200, [], answer)
