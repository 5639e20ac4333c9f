"""The HTTP server: lets only its owner in, runs invocations, and leaves the rest to moto."""

from __future__ import annotations

import base64
import contextlib
import io
import json
import re
import socket
import threading
from collections.abc import Callable, Iterable
from typing import Any
from urllib.parse import parse_qs, unquote

from werkzeug.serving import ThreadedWSGIServer

from .asynchronous import AsynchronousQueue
from .control import Control
from .credentials import credential
from .environ import ACCOUNT_ID
from .exchange import Exchange, Watcher, request_headers
from .gateway.gateway import Gateway
from .gateway.request import HEADERS_KEY
from .invoker import Invoker, new_request
from .loops import LoopGuard
from .model import ApiError, Outcome, PortTaken
from .roles import Roles, describe
from .seam import MotoRequestHandler, application, find_function, load_managed_policies
from .tracing import following

INVOKE = re.compile(r"/2015-03-31/functions/([^/]+)/invocations/?")
# What a service calls a call that a role does not allow
DENIED = {"s3": "AccessDenied", "sqs": "AccessDenied", "sns": "AuthorizationError"}
XML_SERVICES = ("s3", "iam", "sts", "sns", "ec2", "rds", "cloudformation", "autoscaling")
StartResponse = Callable[..., Any]


class Gate:
    """Who may speak to the cloud: its owner's keys, from no web page, by a local name."""

    def __init__(self, keys: set[str], roles: Roles) -> None:
        self._keys, self._roles = keys, roles

    def refusal(self, environ: dict[str, Any]) -> tuple[str, str] | None:
        """An error's code and message, or None for a request that may pass."""
        foreign = self.foreign_host(environ)
        if foreign:
            return foreign
        origin = environ.get("HTTP_ORIGIN")
        if origin is not None or environ.get("HTTP_SEC_FETCH_SITE") == "cross-site":
            return "AccessDeniedException", f"The local cloud does not answer web pages ({origin})."
        key_id = access_key(environ)
        if key_id not in self._keys and not self._roles.knows(key_id):
            return (
                "UnrecognizedClientException",
                "The security token included in the request is invalid. "
                "Use the AWS_ACCESS_KEY_ID that this run of the local cloud printed.",
            )
        return self._role_refusal(key_id, environ)

    def _role_refusal(self, key_id: str | None, environ: dict[str, Any]) -> tuple[str, str] | None:
        """What a function's role does not allow, where roles are enforced."""
        if not self._roles.holds(key_id):
            return None
        service = _service(environ) or ""
        body = b""
        if service != "s3":  # objects may be large, and S3's actions do not need the body
            body = _read_body(environ)
            environ["wsgi.input"] = io.BytesIO(body)
        calls = describe(
            service=service,
            region=_region(environ),
            account=ACCOUNT_ID,
            method=environ["REQUEST_METHOD"],
            path=environ["PATH_INFO"],
            query=environ.get("QUERY_STRING", ""),
            target=environ.get("HTTP_X_AMZ_TARGET", ""),
            body=body,
        )
        message = self._roles.refusal(key_id, calls)
        return (DENIED.get(service, "AccessDeniedException"), message) if message else None

    def foreign_host(self, environ: dict[str, Any]) -> tuple[str, str] | None:
        """The refusal of a request by a name that is not this machine's; holds for APIs too."""
        host = environ.get("HTTP_HOST", "")
        if _is_local(host):
            return None
        return "AccessDeniedException", f"The local cloud does not answer to the host {host!r}."

    def signer(self, environ: dict[str, Any]) -> str | None:
        """The access key that signed a request, if it is one of the owner's."""
        key = access_key(environ)
        return key if key in self._keys or self._roles.knows(key) else None


class Api:
    """The WSGI application."""

    def __init__(
        self,
        gate: Gate,
        invoker: Invoker,
        queue: AsynchronousQueue,
        loops: LoopGuard,
        wake: Callable[[str], None],
        own_key: str,
        watchers: dict[str, Watcher],
        control: Control,
        gateway: Gateway,
    ) -> None:
        self._gate, self._gateway = gate, gateway
        self._wake, self._own_key = wake, own_key
        self._invoker = invoker
        self._queue, self._loops = queue, loops
        self._moto = application()
        self._watchers = watchers
        self._control = control
        self._one_at_a_time = {"dynamodb": threading.Lock()}

    def __call__(self, environ: dict[str, Any], start_response: StartResponse) -> Iterable[bytes]:
        address = self._gateway.address(environ)
        refusal = self._gate.foreign_host(environ) if address else self._gate.refusal(environ)
        if address and not refusal:
            return self._gateway.serve(address, environ, start_response)
        if refusal:
            return _refuse(environ, start_response, *refusal)
        with following(unquote(environ.get("HTTP_X_AMZN_TRACE_ID", "")) or None):
            return self._serve(environ, start_response)

    def _serve(self, environ: dict[str, Any], start_response: StartResponse) -> Iterable[bytes]:
        found = INVOKE.fullmatch(environ["PATH_INFO"])
        if found and environ["REQUEST_METHOD"] == "POST":
            return self._invoke(unquote(found[1]), environ, start_response)
        if environ["PATH_INFO"].startswith("/_aws/"):
            return self._answer_control(environ, start_response)
        service = _service(environ)
        if service == "iam":
            load_managed_policies()
        with self._one_at_a_time.get(service or "", contextlib.nullcontext()):
            # moto looks at an item and writes it in two steps: a conditional write must be one
            answer = self._ask_moto(service, environ, start_response)
        if (
            environ["REQUEST_METHOD"] not in ("GET", "HEAD")
            and access_key(environ) != self._own_key
        ):
            # What moto did may have put something into a queue, whatever the service was.
            self._wake(service if service in ("kinesis", "dynamodb") else "sqs")
        return answer

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
            region=_region(environ),
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
            answer = self._control.answer(method, path, _read_body(environ))
        except ApiError as error:
            headers = [("x-amzn-ErrorType", error.code)]
            return _respond(start_response, error.status, headers, error.body())
        return _respond(start_response, 200, [], answer)

    def _invoke(
        self, name: str, environ: dict[str, Any], start_response: StartResponse
    ) -> Iterable[bytes]:
        body = _read_body(environ)
        try:
            return self._answer(name, body, environ, start_response)
        except ApiError as error:
            headers = [("x-amzn-ErrorType", error.code)]
            if error.status == 429:
                headers.append(("Retry-After", "1"))
            return _respond(start_response, error.status, headers, error.body())

    def _answer(
        self, name: str, body: bytes, environ: dict[str, Any], start_response: StartResponse
    ) -> Iterable[bytes]:
        query = parse_qs(environ.get("QUERY_STRING", ""))
        qualifier = query.get("Qualifier", [None])[0]
        function, invoked_arn = find_function(_region(environ), name, qualifier)
        kind = environ.get("HTTP_X_AMZN_INVOCATION_TYPE") or environ.get(
            "HTTP_X_AMZ_INVOCATION_TYPE", "RequestResponse"
        )
        context = _client_context(environ.get("HTTP_X_AMZ_CLIENT_CONTEXT"))
        request = new_request(body, invoked_arn, context)
        headers = [
            ("x-amzn-RequestId", request.request_id),
            ("X-Amzn-Trace-Id", request.trace_id.partition(";")[0]),
        ]
        if kind == "DryRun":
            return _respond(start_response, 204, headers, b"")
        if kind == "Event":
            self._queue.submit(function, request)
            return _respond(start_response, 202, headers, b"")
        if kind != "RequestResponse":
            raise ApiError(
                400,
                "InvalidParameterValueException",
                f"Value '{kind}' at 'invocationType' failed to satisfy constraint: Member must "
                "satisfy enum value set: [Event, RequestResponse, DryRun]",
            )
        self._loops.check(function, request)
        outcome = self._invoker.synchronous(function, request)
        headers.append(("X-Amz-Executed-Version", function.version))
        headers += _outcome_headers(outcome, environ.get("HTTP_X_AMZ_LOG_TYPE") == "Tail")
        return _respond(start_response, 200, headers, outcome.payload)


class Server:
    """Serves an Api on 127.0.0.1 in threads of its own. Raises PortTaken."""

    def __init__(self, app: Api, port: int) -> None:
        if port:
            _check_free(port)
        try:
            # werkzeug prints and exits where the port is taken
            with contextlib.redirect_stderr(io.StringIO()):
                self._server = _HttpServer("127.0.0.1", port, app, handler=_Handler)
        except SystemExit:
            raise PortTaken(port) from None
        self.port: int = self._server.server_address[1]
        self._thread = threading.Thread(
            target=self._server.serve_forever, args=(0.05,), name="local-cloud", daemon=True
        )
        self._thread.start()

    def close(self) -> None:
        """Stops listening and drops the connections."""
        self._server.shutdown()
        self._thread.join(timeout=5)
        self._server.server_close()
        self._server.drop_connections()


class _HttpServer(ThreadedWSGIServer):
    daemon_threads = True
    block_on_close = False
    request_queue_size = 512

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        self._connections: set[socket.socket] = set()
        super().__init__(*args, **kwargs)

    def process_request(self, request: Any, client_address: Any) -> None:
        request.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._connections.add(request)
        super().process_request(request, client_address)

    def shutdown_request(self, request: Any) -> None:
        self._connections.discard(request)
        super().shutdown_request(request)

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A client that went away is no news."""

    def drop_connections(self) -> None:
        for connection in list(self._connections):
            with contextlib.suppress(OSError):
                connection.shutdown(socket.SHUT_RDWR)


class _Handler(MotoRequestHandler):
    protocol_version = "HTTP/1.1"  # clients keep their connection
    wbufsize = -1  # headers and body leave in one write

    def make_environ(self) -> dict[str, Any]:
        """WSGI's, and the headers as the client wrote them, for events."""
        return {**super().make_environ(), HEADERS_KEY: list(self.headers.items())}

    def handle_expect_100(self) -> bool:
        """Asks for the body at once: what is written waits in a buffer, and so would clients."""
        super().handle_expect_100()
        self.wfile.flush()
        del self.headers["Expect"]  # or werkzeug would ask again
        return True

    def log(self, type: str, message: str, *args: Any) -> None:
        """The learner's terminal is not an access log."""


def access_key(environ: dict[str, Any]) -> str | None:
    """The access key id that a request is signed with, in its header, its URL or its form."""
    return credential(environ).key


def _region(environ: dict[str, Any]) -> str:
    return credential(environ).region or "us-east-1"


def _service(environ: dict[str, Any]) -> str | None:
    return credential(environ).service


def _is_local(host: str) -> bool:
    name = host.rsplit(":", 1)[0].lower()
    return name in ("127.0.0.1", "localhost") or name.endswith(
        (".localhost", ".amazonaws.com", ".on.aws")
    )


def _read_body(environ: dict[str, Any]) -> bytes:
    if environ.get("wsgi.input_terminated"):
        return environ["wsgi.input"].read()
    return environ["wsgi.input"].read(int(environ.get("CONTENT_LENGTH") or 0))


def _client_context(header: str | None) -> str | None:
    """The client context's JSON. Raises ApiError if it is not base64 of JSON."""
    if not header:
        return None
    try:
        text = base64.b64decode(header, validate=True).decode()
        json.loads(text)
    except ValueError:
        raise ApiError(
            400,
            "InvalidRequestContentException",
            "Client context must be a valid Base64-encoded JSON object.",
        ) from None
    return " ".join(text.split("\n"))


def _outcome_headers(outcome: Outcome, with_log: bool) -> list[tuple[str, str]]:
    headers = []
    if outcome.error:
        headers.append(("X-Amz-Function-Error", "Unhandled"))
    if with_log:
        headers.append(("X-Amz-Log-Result", base64.b64encode(outcome.tail()).decode()))
    return headers


def _respond(
    start_response: StartResponse, status: int, headers: list[tuple[str, str]], body: bytes
) -> Iterable[bytes]:
    every = [*headers, ("Content-Type", "application/json")]
    if status != 204:
        every.append(("Content-Length", str(len(body))))
    start_response(f"{status} {_REASONS.get(status, 'Error')}", every)
    return [body] if body else []


_REASONS = {200: "OK", 202: "Accepted", 204: "No Content", 403: "Forbidden", 404: "Not Found"}


def _refuse(
    environ: dict[str, Any], start_response: StartResponse, code: str, message: str
) -> Iterable[bytes]:
    """403 in the form that the service's clients read."""
    service = _service(environ)
    headers = [("Connection", "close")]  # the request's body was not read
    if service in XML_SERVICES:
        error = f"<Error><Code>{code}</Code><Message>{message}</Message></Error>"
        body = (error if service == "s3" else f"<ErrorResponse>{error}</ErrorResponse>").encode()
        headers += [("Content-Type", "text/xml"), ("Content-Length", str(len(body)))]
        start_response("403 Forbidden", headers)
        return [body]
    headers.append(("x-amzn-ErrorType", code))
    body = json.dumps({"__type": code, "message": message}).encode()
    return _respond(start_response, 403, headers, body)


def _check_free(port: int) -> None:
    with socket.socket() as probe:
        probe.settimeout(0.2)
        if probe.connect_ex(("127.0.0.1", port)) == 0:
            raise PortTaken(port)
