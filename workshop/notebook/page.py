"""The web page of stage 05: served on this machine, from an origin of its own.

page = serve_page()
page.origin          "http://127.0.0.1:PORT", which the API has to allow
page.show(api_url)   the page in the notebook, with the API behind it
"""

from __future__ import annotations

import json
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

from ..cloud.base.variables import is_loopback
from ..grading.web import NotLocal

FOLDER = Path(__file__).resolve().parent.parent / "web" / "stations"
TYPES = {".html": "text/html", ".css": "text/css", ".js": "text/javascript"}
HEIGHT = 460


class Page:
    """A page that is served until close(), or until this process ends."""

    def __init__(self) -> None:
        page = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                page._answer(self)

            def log_message(self, format: str, *arguments: Any) -> None:
                """Says nothing: a notebook would show it."""

        self.api: str | None = None
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        self.origin = f"http://127.0.0.1:{self._server.server_address[1]}"
        self._thread = threading.Thread(
            target=self._server.serve_forever, args=(0.05,), name="page", daemon=True
        )
        self._thread.start()

    def show(self, api_url: str) -> Shown:
        """The page as a notebook shows it, with the API at `api_url` behind it.

        Raises NotLocal for an API that is not on this machine.
        """
        if not is_loopback(api_url):
            raise NotLocal(api_url)
        self.api = api_url
        return Shown(self.origin)

    def close(self) -> None:
        """Stops serving it."""
        self._server.shutdown()
        self._thread.join(timeout=5)
        self._server.server_close()

    def _answer(self, request: BaseHTTPRequestHandler) -> None:
        name = request.path.partition("?")[0].strip("/") or "index.html"
        if name == "config.json":
            body, kind = json.dumps({"api": self.api}).encode(), "application/json"
        elif name in {path.name for path in FOLDER.iterdir()}:
            body, kind = (FOLDER / name).read_bytes(), TYPES[Path(name).suffix]
        else:
            request.send_error(404)
            return
        request.send_response(200)
        request.send_header("Content-Type", f"{kind}; charset=utf-8")
        request.send_header("Content-Length", str(len(body)))
        request.send_header("Cache-Control", "no-store")
        request.end_headers()
        request.wfile.write(body)


class Shown:
    """The page as the output of a cell: a frame, and a link to the page itself."""

    def __init__(self, url: str) -> None:
        self.url = url

    def __repr__(self) -> str:
        return "The page of the stations: run this cell to see it."

    def _repr_html_(self) -> str:
        link = f'<a href="{self.url}/" target="_blank" rel="noopener">Open it in a tab</a>'
        frame = f'<iframe src="{self.url}/" title="Stations" width="100%" height="{HEIGHT}">'
        return f"{frame}</iframe><p>{link}</p>"


def serve_page() -> Page:
    """Serves the page on 127.0.0.1, on a port that is free."""
    return Page()
