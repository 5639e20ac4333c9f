"""Starts a function as a plain process, on every system.

It has a clean environment, a folder of its own in place of /tmp, and the limits that the system
knows. It is no wall: it sees this machine's files, processes and network.
"""

from __future__ import annotations

import contextlib
import os
import socket
import subprocess
import sys
from pathlib import Path

from .launch import PYTHON, Launch, Sandbox, ServeRuntime, launch_text, popen
from .package import link_runtime
from .processes import ProcessTree
from .watch import Watch


class ProcessLauncher:
    """A plain process with a clean environment, for every system."""

    name = "process"

    def __init__(self, folder: Path, watch: Watch) -> None:
        self.watch = watch
        self._runtime = link_runtime(folder / "runtime")
        self._no_layers = folder / "opt"
        self._no_layers.mkdir()

    def start(self, launch: Launch, output_fd: int, serve_runtime: ServeRuntime) -> Sandbox:
        """Starts one. Raises OSError."""
        tmp = launch.folder / "tmp"
        tmp.mkdir(parents=True, exist_ok=True)
        listener = socket.create_server(("127.0.0.1", 0), backlog=8)
        address = "127.0.0.1:{1}".format(*listener.getsockname())
        task, opt = str(launch.code), str(launch.layers or self._no_layers)
        on_linux = sys.platform.startswith("linux")
        text = launch_text(launch, task, str(self._runtime), opt, address, tmp=tmp, keep=on_linux)
        early = launch.early | _needed_by_system()
        command = [PYTHON, "-S", "-s", "-B", str(self._runtime / "bootstrap.py")]
        try:
            process = popen(command, early, task, subprocess.PIPE, output_fd, [])
        except BaseException:
            listener.close()
            raise
        assert process.stdin is not None
        with contextlib.suppress(OSError), process.stdin:  # it may have ended already
            process.stdin.write(text)
        tree = ProcessTree(process, "keeper" if on_linux else "function")
        sandbox = Sandbox(address, process, tree)
        sandbox.listen(listener, serve_runtime, self.watch)
        return sandbox

    def close(self) -> None:
        """There is nothing to end."""


def _needed_by_system() -> dict[str, str]:
    if sys.platform != "win32":
        return {}
    return {"SYSTEMROOT": os.environ.get("SYSTEMROOT", r"C:\Windows")}  # or sockets do not work
