"""The Runtime API of one execution environment: AWS's documented HTTP contract.

Follows "Using the Lambda runtime API for custom runtimes"
(https://docs.aws.amazon.com/lambda/latest/dg/runtimes-api.html).
"""

from __future__ import annotations

import contextlib
import json
import queue
import re
import socket
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler

from ..base.model import LARGEST_RESPONSE, Request

PREFIX = "/2018-06-01/runtime"
INVOCATION = re.compile(PREFIX + r"/invocation/([^/]+)/(response|error)")
MOST_CONNECTIONS = 16  # of one runtime at a time: each keeps a thread
READ_BYTES = 65_536

Address = tuple[str, int]


@dataclass(frozen=True)
class Answer:
    """What the runtime sent: kind is "ready", "response", "error" or "init-error"."""

    kind: str
    body: bytes = b""
    error_type: str = ""


class RuntimeApi:
    """Serves the connections of one runtime process; `address` is where that finds it."""

    def __init__(self) -> None:
        self.address = ""
        self.answers: queue.SimpleQueue[Answer] = queue.SimpleQueue()
        self._requests: queue.SimpleQueue[tuple[Request, int] | None] = queue.SimpleQueue()
        self._current: str | None = None
        self._initialised = False
        self._connections: set[socket.socket] = set()
        self._closed = False
        self._lock = threading.Lock()

    def serve(
        self,
        connection: socket.socket,
        peer: Address,
        admits: Callable[[Address], bool] = lambda peer: True,
    ) -> None:
        """Serves a connection in a thread of its own, if `admits(peer)` says that it may come."""
        with self._lock:
            refused = self._closed or len(self._connections) >= MOST_CONNECTIONS
            if not refused:
                self._connections.add(connection)
        if refused:
            connection.close()
            return
        work = (connection, peer, admits)
        try:
            threading.Thread(target=self._serve, args=work, name="runtime-api", daemon=True).start()
        except RuntimeError:  # no thread is to be had
            with self._lock:
                self._connections.discard(connection)
            connection.close()

    def send(self, request: Request, deadline_ms: int) -> None:
        """Hands an invocation to the runtime, which waits for it in `next`."""
        self._requests.put((request, deadline_ms))

    def close(self) -> None:
        """Drops the runtime's connections, and takes no more."""
        with self._lock:
            self._closed = True
            connections = list(self._connections)
        for connection in connections:
            self._requests.put(None)
            with contextlib.suppress(OSError):
                connection.shutdown(socket.SHUT_RDWR)

    def _serve(
        self, connection: socket.socket, peer: Address, admits: Callable[[Address], bool]
    ) -> None:
        try:
            connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            if admits(peer):
                _Handler(connection, peer, self)  # type: ignore[arg-type]
        except (OSError, ValueError):
            pass  # the runtime is gone: its end is noticed by who waits for the process
        finally:
            with self._lock:
                self._connections.discard(connection)
            connection.close()

    def next(self) -> tuple[Request, int] | None:
        """Waits for the next invocation; None when the environment closes."""
        self._current = None
        self._initialised = True
        self.answers.put(Answer("ready"))
        item = None if self._closed else self._requests.get()
        if item is not None:
            self._current = item[0].request_id
        return item

    def answer(self, request_id: str, answer: Answer) -> bool:
        """Takes the runtime's answer; False if it is for another invocation."""
        with self._lock:
            if request_id != self._current:
                return False
            self._current = None
        self.answers.put(answer)
        return True

    def fail_init(self, answer: Answer) -> bool:
        """Takes an error of INIT; False if INIT is over."""
        with self._lock:
            if self._initialised:
                return False
            self._initialised = True
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
        body = self._read_body()
        error_type = self.headers.get("Lambda-Runtime-Function-Error-Type", "")
        if not self._is_local():
            return self._reply(403, b"{}")
        if self.path == f"{PREFIX}/init/error":
            if self.server.fail_init(Answer("init-error", body, error_type)):
                return self._reply(202, b'{"status":"OK"}')
            return self._reply(403, b'{"errorType":"InvalidStateTransition"}')
        found = INVOCATION.fullmatch(self.path)
        if not found:
            return self._reply(404, b"{}")
        kind = found[2]
        if not self.server.answer(found[1], Answer(kind, body, error_type)):
            return self._reply(400, b'{"errorType":"InvalidRequestID"}')
        return self._reply(202, b'{"status":"OK"}')

    def _read_body(self) -> bytes:
        """The body; of one that is too large the beginning, and the rest is read and dropped.

        Raises ValueError for a length that is none, which ends the connection.
        """
        chunked = "chunked" in self.headers.get("Transfer-Encoding", "")
        kept = bytearray()
        for size in self._chunks() if chunked else self._length():
            left = size
            while left:
                data = self.rfile.read(min(left, READ_BYTES))
                if not data:
                    raise ValueError("the connection ended inside a body")
                left -= len(data)
                kept += data[: LARGEST_RESPONSE + 1 - len(kept)]
            if chunked:
                self.rfile.readline(8)
        return bytes(kept)

    def _length(self) -> list[int]:
        return [_natural(self.headers.get("Content-Length") or "0", 10)]

    def _chunks(self) -> Iterator[int]:
        while size := _natural(self.rfile.readline(256).split(b";")[0].decode("latin-1"), 16):
            yield size
        self.rfile.readline(256)

    def _is_local(self) -> bool:
        """A web page can reach this port too; it cannot hide that it is one."""
        return self.headers.get("Host") == self.server.address and "Origin" not in self.headers

    def _reply(self, status: int, body: bytes, headers: dict[str, str] | None = None) -> None:
        self.send_response_only(status)
        self.send_header("Content-Type", "application/json")
        for name, value in (headers or {}).items():
            self.send_header(name, _printable(value))
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)
        self.wfile.flush()

    def log_message(self, format: str, *args: object) -> None:
        """The runtime's requests are nobody's business."""


def _natural(text: str, base: int) -> int:
    """A length as a number. Raises ValueError for any other text, a sign included."""
    number = int(text.strip(), base)
    if number < 0 or not text.strip().isalnum():
        raise ValueError(f"{text!r} is no length")
    return number


def _printable(value: str) -> str:
    """A header's value in ASCII, without the line ends that would begin another header.

    A client context is JSON, and says the same with its characters escaped.
    """
    return "".join(char if " " <= char <= "~" else json.dumps(char)[1:-1] for char in value)
