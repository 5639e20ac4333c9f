"""The HTTP server: listens on 127.0.0.1, and serves the application in threads."""

from __future__ import annotations

import contextlib
import io
import socket
import threading
from typing import Any

from werkzeug.serving import ThreadedWSGIServer

from .api import Api
from .gateway.request import HEADERS_KEY
from .model import PortTaken
from .seam import MotoRequestHandler


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

    def adopt(self, connection: socket.socket, address: tuple[str, int]) -> None:
        """Serves a connection that came another way than to its port, in a thread of its own."""
        self._server.process_request(connection, address)

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


def _check_free(port: int) -> None:
    with socket.socket() as probe:
        probe.settimeout(0.2)
        if probe.connect_ex(("127.0.0.1", port)) == 0:
            raise PortTaken(port)
