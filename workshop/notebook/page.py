"""The web pages of stages 05 and 09: served on this machine, from an origin of their own.

page = serve_page()  or serve_page("find")
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

PAGES = Path(__file__).resolve().parent.parent / "web"
TYPES = {".html": "text/html", ".css": "text/css", ".js": "text/javascript"}
# What a page is called, and the size of its frame: 360 is the width of a phone
FRAMES = {
    "stations": ("The page of the stations", "100%", 460),
    "find": ("The page for phones", "360", 640),
}


class Page:
    """A page that is served until close(), or until this process ends; `name` is its folder."""

    def __init__(self, name: str) -> None:
        page = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                page._answer(self)

            def log_message(self, format: str, *arguments: Any) -> None:
                """Says nothing: a notebook would show it."""

        self._name, self._folder = name, PAGES / name
        self._config: dict[str, str | None] = {"api": None}
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        self.origin = f"http://127.0.0.1:{self._server.server_address[1]}"
        self._thread = threading.Thread(
            target=self._server.serve_forever, args=(0.05,), name="page", daemon=True
        )
        self._thread.start()

    def show(self, api_url: str, **more: str) -> Shown:
        """The page as a notebook shows it, with the API at `api_url` behind it.

        `more` is what the page reads beside that, such as a token.
        Raises NotLocal for an API that is not on this machine.
        """
        if not is_loopback(api_url):
            raise NotLocal(api_url)
        self._config = {"api": api_url, **more}
        return Shown(self.origin, self._name)

    def close(self) -> None:
        """Stops serving it."""
        self._server.shutdown()
        self._thread.join(timeout=5)
        self._server.server_close()

    def _answer(self, request: BaseHTTPRequestHandler) -> None:
        name = request.path.partition("?")[0].strip("/") or "index.html"
        if name == "config.json":
            body, kind = json.dumps(self._config).encode(), "application/json"
        elif name in {path.name for path in self._folder.iterdir()}:
            body, kind = (self._folder / name).read_bytes(), TYPES[Path(name).suffix]
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

    def __init__(self, url: str, name: str) -> None:
        self.url, self.name = url, name

    def __repr__(self) -> str:
        return f"{FRAMES[self.name][0]}: run this cell to see it."

    def _repr_html_(self) -> str:
        link = f'<a href="{self.url}/" target="_blank" rel="noopener">Open it in a tab</a>'
        _, width, height = FRAMES[self.name]
        title = f'title="{self.name.title()}" width="{width}" height="{height}"'
        frame = f'<iframe src="{self.url}/" {title}>'
        return f"{frame}</iframe><p>{link}</p>"


def serve_page(name: str = "stations") -> Page:
    """Serves a page on 127.0.0.1, on a port that is free."""
    return Page(name)
