"""The Runtime API of one execution environment: AWS's documented HTTP contract.

Follows "Using the Lambda runtime API for custom runtimes"
(https://docs.aws.amazon.com/lambda/latest/dg/runtimes-api.html).
"""

from __future__ import annotations

import contextlib
import queue
import re
import socket
import threading
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler

from .model import Request

PREFIX = "/2018-06-01/runtime"
INVOCATION = re.compile(PREFIX + r"/invocation/([^/]+)/(response|error)")
LARGEST_BODY = 32 * 1024 * 1024  # bytes read of one answer; Lambda's own limit is far below


@dataclass(frozen=True)
class Answer:
    """What the runtime sent: kind is "ready", "response", "error" or "init-error"."""

    kind: str
    body: bytes = b""
    error_type: str = ""


class RuntimeApi:
    """Listens on a port of its own for one runtime process."""

    def __init__(self) -> None:
        self.answers: queue.SimpleQueue[Answer] = queue.SimpleQueue()
        self._requests: queue.SimpleQueue[tuple[Request, int] | None] = queue.SimpleQueue()
        self._current: str | None = None
        self._connections: set[socket.socket] = set()
        self._socket = socket.create_server(("127.0.0.1", 0), backlog=8)
        self.address = f"127.0.0.1:{self._socket.getsockname()[1]}"
        self._closed = False
        threading.Thread(target=self._accept, name="runtime-api", daemon=True).start()

    def send(self, request: Request, deadline_ms: int) -> None:
        """Hands an invocation to the runtime, which waits for it in `next`."""
        self._requests.put((request, deadline_ms))

    def close(self) -> None:
        """Stops listening and drops the runtime's connections."""
        self._closed = True
        self._requests.put(None)
        # Closing a listening socket wakes its accept() only on some systems: connect to it.
        with contextlib.suppress(OSError):
            socket.create_connection(self._socket.getsockname(), timeout=1).close()
        self._socket.close()
        for connection in list(self._connections):
            with contextlib.suppress(OSError):
                connection.shutdown(socket.SHUT_RDWR)

    def _accept(self) -> None:
        while not self._closed:
            try:
                connection, peer = self._socket.accept()
            except OSError:
                return
            self._connections.add(connection)
            serve = threading.Thread(target=self._serve, args=(connection, peer), daemon=True)
            serve.start()

    def _serve(self, connection: socket.socket, peer: tuple[str, int]) -> None:
        try:
            connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            _Handler(connection, peer, self)
        except (OSError, ValueError):
            pass  # the runtime is gone: its end is noticed by who waits for the process
        finally:
            self._connections.discard(connection)
            connection.close()

    def next(self) -> tuple[Request, int] | None:
        """Waits for the next invocation; None when the environment closes."""
        self._current = None
        self.answers.put(Answer("ready"))
        item = self._requests.get()
        if item is not None:
            self._current = item[0].request_id
        return item

    def answer(self, request_id: str, answer: Answer) -> bool:
        """Takes the runtime's answer; False if it is for another invocation."""
        if request_id != self._current:
            return False
        self._current = None
        self.answers.put(answer)
        return True


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    wbufsize = -1  # headers and body leave in one write
    server: RuntimeApi  # type: ignore[assignment]

    def do_GET(self) -> None:
        if self.path != f"{PREFIX}/invocation/next" or not self._is_local():
            return self._reply(404, b"{}")
        item = self.server.next()
        if item is None:
            self.close_connection = True
            return None
        request, deadline_ms = item
        headers = {
            "Lambda-Runtime-Aws-Request-Id": request.request_id,
            "Lambda-Runtime-Deadline-Ms": str(deadline_ms),
            "Lambda-Runtime-Invoked-Function-Arn": request.invoked_arn,
            "Lambda-Runtime-Trace-Id": request.trace_id,
        }
        if request.client_context:
            headers["Lambda-Runtime-Client-Context"] = request.client_context
        self._reply(200, request.payload, headers)

    def do_POST(self) -> None:
        length = int(self.headers.get("Content-Length") or 0)
        body = self._read_body(length)
        error_type = self.headers.get("Lambda-Runtime-Function-Error-Type", "")
        if not self._is_local():
            return self._reply(403, b"{}")
        if self.path == f"{PREFIX}/init/error":
            self.server.answers.put(Answer("init-error", body, error_type))
            return self._reply(202, b'{"status":"OK"}')
        found = INVOCATION.fullmatch(self.path)
        if not found:
            return self._reply(404, b"{}")
        kind = found[2]
        if not self.server.answer(found[1], Answer(kind, body, error_type)):
            return self._reply(400, b'{"errorType":"InvalidRequestID"}')
        return self._reply(202, b'{"status":"OK"}')

    def _read_body(self, length: int) -> bytes:
        if "chunked" not in self.headers.get("Transfer-Encoding", ""):
            return self.rfile.read(min(length, LARGEST_BODY))
        body = b""
        while size := int(self.rfile.readline().split(b";")[0], 16):
            body += self.rfile.read(size)
            self.rfile.readline()
            if len(body) > LARGEST_BODY:
                raise ValueError("too large an answer")
        self.rfile.readline()
        return body

    def _is_local(self) -> bool:
        """A web page can reach this port too; it cannot hide that it is one."""
        return self.headers.get("Host") == self.server.address and "Origin" not in self.headers

    def _reply(self, status: int, body: bytes, headers: dict[str, str] | None = None) -> None:
        self.send_response_only(status)
        self.send_header("Content-Type", "application/json")
        for name, value in (headers or {}).items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)
        self.wfile.flush()

    def log_message(self, format: str, *args: object) -> None:
        """The runtime's requests are nobody's business."""
