"""The HTTP server: listens on 127.0.0.1, and serves the application in threads.

A connection carries one request. It ends when its client is silent for too long, or sends its
headers or its body too slowly; where there are too many, the one that has waited longest goes.
"""

from __future__ import annotations

import contextlib
import io
import socket
import threading
import time
from typing import Any

from werkzeug.serving import ThreadedWSGIServer

from ..base.model import PortTaken
from ..base.reading import DEADLINE
from ..base.request_line import HEADERS_KEY
from ..seam import MotoRequestHandler
from .api import Api

SILENT_S = 75  # seconds without a byte from a client that should send
HEADERS_S = 60  # seconds for all headers
ANSWER_S = 300  # seconds in which a client must have taken its answer
REFUSED_S = 10  # the same of a refusal: until then what the client still sends is read past
LARGEST_HEADERS = 64 * 1024  # bytes, all together
MOST_CONNECTIONS = 1000
MOST_OF_ONE = 128  # of these, that come from one sandbox


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

    def adopt(self, connection: socket.socket, address: tuple[str, int], owner: object) -> None:
        """Serves a connection that came from a sandbox, its `owner`, unless that has too many."""
        self._server.adopt(connection, address, owner)

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
        # What each connection waits for its client until (time.monotonic()); None: it is served
        self._connections: dict[socket.socket, float | None] = {}
        self._silent: set[socket.socket] = set()  # of which no request has come yet
        self._owners: dict[socket.socket, object] = {}  # whose they are, of those from sandboxes
        self._lock = threading.Lock()
        self._looked_at = 0.0
        super().__init__(*args, **kwargs)

    def process_request(self, request: Any, client_address: Any) -> None:
        """Serves a connection in a thread of its own, unless there are too many."""
        with self._lock:
            is_full = len(self._connections) >= MOST_CONNECTIONS
            oldest = next((c for c in list(self._connections) if c in self._silent), None)
            if is_full and oldest is not None:
                self._forget(oldest)
                _drop(oldest)
            elif is_full:
                self.shutdown_request(request)
                return
            self._silent.add(request)
        request.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.expect(request, HEADERS_S)
        super().process_request(request, client_address)

    def adopt(self, connection: socket.socket, address: tuple[str, int], owner: object) -> None:
        """The same for a connection of a sandbox, which may have some of its own only."""
        if list(self._owners.values()).count(owner) >= MOST_OF_ONE:
            connection.close()
            return
        self._owners[connection] = owner
        self.process_request(connection, address)

    def expect(self, connection: socket.socket, seconds: float | None) -> None:
        """Drops a connection after `seconds` unless it is told otherwise; None: waits."""
        self._connections[connection] = None if seconds is None else time.monotonic() + seconds

    def headers_came(self, connection: socket.socket) -> None:
        """A request has come, and is served."""
        self._silent.discard(connection)
        self.expect(connection, None)

    def service_actions(self) -> None:
        """Drops the connections whose clients are late; called between two requests."""
        now = time.monotonic()
        if now - self._looked_at < 1:
            return
        self._looked_at = now
        for connection, deadline in list(self._connections.items()):
            if deadline is not None and deadline < now:
                _drop(connection)

    def shutdown_request(self, request: Any) -> None:
        self._forget(request)
        super().shutdown_request(request)

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A client that went away is no news."""

    def drop_connections(self) -> None:
        for connection in list(self._connections):
            _drop(connection)

    def _forget(self, connection: socket.socket) -> None:
        self._connections.pop(connection, None)
        self._silent.discard(connection)
        self._owners.pop(connection, None)


class _Handler(MotoRequestHandler):
    protocol_version = "HTTP/1.1"  # clients keep their connection
    wbufsize = -1  # headers and body leave in one write
    timeout = SILENT_S
    server: _HttpServer
    rfile: Any

    def parse_request(self) -> bool:
        """Reads the request line and the headers; False if they are refused."""
        if not super().parse_request():
            return False
        size = len(self.requestline) + sum(len(k) + len(v) for k, v in self.headers.items())
        if size > LARGEST_HEADERS:
            self.send_error(431, "Request Header Fields Too Large")
            return False
        self.server.headers_came(self.connection)
        return True

    def make_environ(self) -> dict[str, Any]:
        """WSGI's, and the headers as the client wrote them, for events and signatures."""
        return {
            **super().make_environ(),
            HEADERS_KEY: list(self.headers.items()),
            DEADLINE: lambda seconds: self.server.expect(self.connection, seconds),
        }

    def send_response(self, code: int, message: str | None = None) -> None:
        """The answer begins: from now on the client has some time to take it."""
        self.server.expect(self.connection, ANSWER_S if code < 400 else REFUSED_S)
        if not isinstance(self.rfile, _Rest):
            self.rfile = _Rest(self.rfile)
        super().send_response(code, message)

    def handle_expect_100(self) -> bool:
        """Asks for the body at once: what is written waits in a buffer, and so would clients."""
        super().handle_expect_100()
        self.wfile.flush()
        del self.headers["Expect"]  # or werkzeug would ask again
        return True

    def log(self, type: str, message: str, *args: Any) -> None:
        """The learner's terminal is not an access log."""


class _Rest:
    """What a client still sends when its answer begins: werkzeug reads past it, 10 MB at once.

    Here it comes in small parts, so that a crowd of such clients does not fill the memory.
    """

    def __init__(self, stream: Any) -> None:
        self._stream = stream

    def read(self, count: int) -> bytes:
        return self._stream.read1(min(count, 64 * 1024))

    def close(self) -> None:
        self._stream.close()


def _drop(connection: socket.socket) -> None:
    """Ends a connection: the thread that serves it finds it closed."""
    with contextlib.suppress(OSError):
        connection.shutdown(socket.SHUT_RDWR)


def _check_free(port: int) -> None:
    with socket.socket() as probe:
        probe.settimeout(0.2)
        if probe.connect_ex(("127.0.0.1", port)) == 0:
            raise PortTaken(port)
