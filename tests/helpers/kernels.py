"""Kernels of a JupyterLab that runs, as its page uses them: started, restarted, made to run code.

The package websocket comes with Jupyter.
"""

from __future__ import annotations

import json
import urllib.parse
import urllib.request
import uuid

import websocket

LONGEST_S = 120
HERE = urllib.request.build_opener(urllib.request.ProxyHandler({}))


class Kernel:
    """A new Python kernel of the server at an address that has `?token=` in it."""

    def __init__(self, address: str) -> None:
        parts = urllib.parse.urlsplit(address)
        self._token = urllib.parse.parse_qs(parts.query)["token"][0]
        self._base = f"{parts.netloc}/api/kernels"
        self._id = self._post("", {"name": "python3"})["id"]

    def restart(self) -> None:
        """As the menu does it."""
        self._post(f"/{self._id}/restart", {})

    def run(self, code: str) -> str:
        """What a cell prints, with the name and the words of an error."""
        url = f"ws://{self._base}/{self._id}/channels?token={self._token}"
        socket = websocket.create_connection(url, timeout=LONGEST_S, suppress_origin=True)
        try:
            return self._run(socket, code)
        finally:
            socket.close()

    def _run(self, socket: websocket.WebSocket, code: str) -> str:
        header = {"msg_id": uuid.uuid4().hex, "msg_type": "execute_request", "version": "5.3"}
        header |= {"username": "", "session": uuid.uuid4().hex, "date": ""}
        content = {"code": code, "silent": False, "store_history": True, "allow_stdin": False}
        content |= {"user_expressions": {}, "stop_on_error": True}
        message = {"header": header, "parent_header": {}, "metadata": {}, "content": content}
        socket.send(json.dumps(message | {"channel": "shell", "buffers": []}))
        said = ""
        while True:
            came = json.loads(socket.recv())
            if came["parent_header"].get("msg_id") != header["msg_id"]:
                continue
            kind, content = came["msg_type"], came["content"]
            if kind == "stream":
                said += content["text"]
            elif kind == "error":
                said += f"{content['ename']}: {content['evalue']}\n"
            elif kind == "status" and content["execution_state"] == "idle":
                return said

    def _post(self, path: str, body: dict) -> dict:
        url = f"http://{self._base}{path}?token={self._token}"
        request = urllib.request.Request(url, json.dumps(body).encode(), method="POST")
        return json.load(HERE.open(request, timeout=LONGEST_S))
