"""Kernels of a JupyterLab that runs, as its page uses them: started, restarted, made to run code.

The package websocket comes with Jupyter.
"""

from __future__ import annotations

import json
import time
import urllib.parse
import urllib.request
import uuid

import websocket

LONGEST_S = 120
PATIENCE_S = 5  # for what a kernel answers at once
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
        # A kernel that has just begun may lose what it answers, until the server hears it.
        for _ in range(LONGEST_S // PATIENCE_S):
            if _answered(socket, _send(socket, "kernel_info_request", {}), PATIENCE_S) is not None:
                break
        content = {"code": code, "silent": False, "store_history": True, "allow_stdin": False}
        content |= {"user_expressions": {}, "stop_on_error": True}
        said = _answered(socket, _send(socket, "execute_request", content), LONGEST_S)
        assert said is not None, f"the kernel did not answer within {LONGEST_S} s:\n{code}"
        return said

    def _post(self, path: str, body: dict) -> dict:
        url = f"http://{self._base}{path}?token={self._token}"
        request = urllib.request.Request(url, json.dumps(body).encode(), method="POST")
        return json.load(HERE.open(request, timeout=LONGEST_S))


def _send(socket: websocket.WebSocket, kind: str, content: dict) -> str:
    """Sends a message to a kernel; returns its id."""
    header = {"msg_id": uuid.uuid4().hex, "msg_type": kind, "version": "5.3"}
    header |= {"username": "", "session": uuid.uuid4().hex, "date": ""}
    message = {"header": header, "parent_header": {}, "metadata": {}, "content": content}
    socket.send(json.dumps(message | {"channel": "shell", "buffers": []}))
    return header["msg_id"]


def _answered(socket: websocket.WebSocket, message: str, seconds: float) -> str | None:
    """What a kernel prints for a message until it is done with it; None if that takes too long."""
    said, until = "", time.monotonic() + seconds
    while time.monotonic() < until:
        socket.settimeout(max(0.1, until - time.monotonic()))
        try:
            # With the frames that ask whether anybody is there, or one would wait for ever.
            opcode, frame = socket.recv_data_frame(control_frame=True)
        except websocket.WebSocketTimeoutException:
            return None
        if opcode != websocket.ABNF.OPCODE_TEXT:
            continue
        came = json.loads(frame.data)
        if came["parent_header"].get("msg_id") != message:
            continue
        kind, content = came["msg_type"], came["content"]
        if kind == "stream":
            said += content["text"]
        elif kind == "error":
            said += f"{content['ename']}: {content['evalue']}\n"
        elif kind == "status" and content["execution_state"] == "idle":
            return said
    return None
