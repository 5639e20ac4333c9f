"""A real Chromium for tests, driven over its DevTools protocol.

The package websocket comes with Jupyter.
"""

from __future__ import annotations

import itertools
import json
import shutil
import subprocess
import time
from pathlib import Path
from typing import Any

import websocket

from workshop.grading.web import ask

LONGEST_S = 60
# It finds no name of another machine, so that it shows what works offline.
FLAGS = ["--headless", "--no-sandbox", "--disable-gpu", "--no-first-run", "--no-proxy-server"]
FLAGS += ["--disable-background-networking", "--disable-component-update"]
FLAGS += ["--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE localhost, EXCLUDE 127.0.0.1"]
CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser")


class Browser:
    """One tab. `folder` is an empty one for its profile."""

    def __init__(self, folder: Path) -> None:
        flags = [*FLAGS, "--remote-debugging-port=0", f"--user-data-dir={folder}", "about:blank"]
        self._process = subprocess.Popen(
            [str(CHROMIUM), *flags], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
        )
        self._numbers = itertools.count(1)
        try:
            port = self._wait_for(lambda: (folder / "DevToolsActivePort").read_text().split()[0])
            tabs = ask(f"http://127.0.0.1:{port}/json/list").value
            tab = next(each for each in tabs if each["type"] == "page")
            self._socket = websocket.create_connection(
                tab["webSocketDebuggerUrl"], timeout=LONGEST_S, suppress_origin=True
            )
        except BaseException:
            self._end()
            raise

    def resize(self, width: int, height: int) -> None:
        """Makes the screen that of a phone, in CSS pixels."""
        screen = {"width": width, "height": height, "deviceScaleFactor": 1, "mobile": True}
        self._call("Emulation.setDeviceMetricsOverride", **screen)

    def open(self, url: str) -> None:
        """Goes to a page."""
        self._call("Page.navigate", url=url)

    def run(self, script: str) -> Any:
        """What an expression in the page's JavaScript gives."""
        came = self._call("Runtime.evaluate", expression=script, returnByValue=True)
        if "exceptionDetails" in came:
            raise RuntimeError(f"{script}: {came['exceptionDetails']}")
        return came["result"].get("value")

    def wait_for(self, script: str) -> Any:
        """What an expression gives as soon as that is true. Raises TimeoutError."""
        return self._wait_for(lambda: self.run(script))

    def type(self, text: str) -> None:
        """Types into what has the focus, and presses Enter."""
        self._call("Input.insertText", text=text)
        for kind in ("keyDown", "keyUp"):
            enter = {"key": "Enter", "code": "Enter", "windowsVirtualKeyCode": 13, "text": "\r"}
            self._call("Input.dispatchKeyEvent", type=kind, **enter)

    def close(self) -> None:
        """Ends it."""
        self._socket.close()
        self._end()

    def _end(self) -> None:
        self._process.terminate()
        try:
            self._process.wait(timeout=20)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait(timeout=20)

    def _call(self, method: str, **params: Any) -> dict[str, Any]:
        number = next(self._numbers)
        self._socket.send(json.dumps({"id": number, "method": method, "params": params}))
        while True:
            message = json.loads(self._socket.recv())
            if message.get("id") == number:
                if "error" in message:
                    raise RuntimeError(f"{method}: {message['error']}")
                return message["result"]

    def _wait_for(self, look: Any) -> Any:
        until = time.monotonic() + LONGEST_S
        problem: Exception | None = None
        while time.monotonic() < until:
            try:
                found = look()
                if found:
                    return found
            except (OSError, RuntimeError, IndexError) as error:
                problem = error
            time.sleep(0.05)
        raise TimeoutError(f"the browser did not get there: {problem}")
