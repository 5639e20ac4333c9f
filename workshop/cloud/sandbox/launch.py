"""What a function's process is started with, and what belongs to it while it runs.

bubblewrap.py and plain_process.py start it, each in its way.
"""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
import threading
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

import psutil

from ..base.model import FunctionVersion
from ..base.variables import function_environ
from .languages import language, node
from .processes import ProcessTree
from .watch import Serve, Watch

PYTHON = os.path.realpath(getattr(sys, "_base_executable", None) or sys.executable)
PYTHON_PREFIX = str(Path(PYTHON).parent.parent)
# What Python, and the C library, read before the bootstrap can set it. Nothing here makes Python
# import a module that the function brings: the limits must hold first.
EARLY = ("LANG", "LC_ALL", "LC_CTYPE", "TZ")
EARLY_OF_PYTHON = (
    "PYTHONDEVMODE",
    "PYTHONFAULTHANDLER",
    "PYTHONHASHSEED",
    "PYTHONIOENCODING",
    "PYTHONMALLOC",
    "PYTHONOPTIMIZE",
    "PYTHONTRACEMALLOC",
    "PYTHONUNBUFFERED",
    "PYTHONUTF8",
)
MOST_FILES = 1024  # that an execution environment has open, as on AWS
MB = 1024 * 1024

ServeRuntime = Callable[..., None]  # RuntimeApi.serve


@dataclass
class Reach:
    """How a sandbox reaches the local cloud: its port, and what serves a connection to it.

    `serve(connection, address, owner)`: the owner is one object for one sandbox.
    """

    port: int = 0
    serve: Callable[..., None] = lambda connection, address, owner: connection.close()


@dataclass(frozen=True)
class Launch:
    """What a process is started with."""

    function: FunctionVersion
    code: Path
    layers: Path | None
    folder: Path  # for what it needs on disk; not there yet
    environ: dict[str, str]  # what differs between environments: credentials, the log stream

    @property
    def tmp_bytes(self) -> int:
        """The size of /tmp. It is memory: of more than 512 MB, an eighth of this machine's."""
        most = max(512 * MB, psutil.virtual_memory().total // 8)
        return min(self.function.tmp_mb * MB, most)

    @property
    def early(self) -> dict[str, str]:
        """The variables that a process starts with; it gets all others when it runs."""
        every = function_environ(self.function, "", "", "", "")
        names = [name for name in (*EARLY, *EARLY_OF_PYTHON) if "\0" not in every.get(name, "\0")]
        return {name: every[name] for name in names}


class Sandbox:
    """A process that was started, and what belongs to it outside."""

    def __init__(self, address: str, process: subprocess.Popen[bytes], tree: ProcessTree) -> None:
        self.address, self.process, self.tree = address, process, tree
        self._tmp_fd: int | None = None
        self._at_end: list[Callable[[], None]] = []
        self._ended = False
        self._lock = threading.Lock()

    def at_end(self, close: Callable[[], None]) -> None:
        """Names what to do, once, when it ends."""
        with self._lock:
            if not self._ended:
                self._at_end.append(close)
                return
        close()

    def open(self, listener: socket.socket, serve: Serve, watch: Watch) -> None:
        """Serves the connections to a listening socket until it ends."""
        watch.accept(listener, serve)
        self.at_end(lambda: watch.forget(listener, listener.close))

    def listen(self, listener: socket.socket, serve: ServeRuntime, watch: Watch) -> None:
        """The same on this machine's network, where others may come: only its own may."""
        admits = self.tree.has_connection
        self.open(listener, lambda connection, peer: serve(connection, peer, admits), watch)

    def hold_tmp(self, descriptor: int) -> None:
        """Keeps its /tmp, where that is a file system of its own, to look at."""
        self._tmp_fd = descriptor
        self.at_end(lambda: os.close(descriptor))

    def files_in_tmp(self) -> int:
        """How many files its /tmp holds, where that can be told."""
        with self._lock:
            if self._tmp_fd is None or self._ended:
                return 0
            told = os.fstatvfs(self._tmp_fd)
        return told.f_files - told.f_ffree

    def end(self) -> None:
        """Ends its processes, and what belongs to them; does nothing the second time."""
        with self._lock:
            if self._ended:
                return
            self._ended = True
        self.tree.kill()
        for close in self._at_end:
            close()


class Launcher(Protocol):
    """Starts processes; `name` is "bubblewrap" or "process"."""

    name: str
    watch: Watch

    def start(self, launch: Launch, output_fd: int, serve_runtime: ServeRuntime) -> Sandbox: ...

    def close(self) -> None: ...


def launch_text(
    launch: Launch, task: str, runtime: str, opt: str, address: str, **more: Any
) -> bytes:
    """What the bootstrap reads first: the function's variables, paths and limits, as a line."""
    stream = launch.environ["AWS_LAMBDA_LOG_STREAM_NAME"]
    environ = function_environ(launch.function, task, runtime, opt, stream) | launch.environ
    environ["AWS_LAMBDA_RUNTIME_API"] = address
    if tmp := more.get("tmp"):
        environ["TMPDIR"] = more["tmp"] = str(tmp)
    told = {
        "environ": environ,
        "paths": [task, runtime, opt],
        "language": language(launch.function.runtime),
        "node": str(node() or ""),
        "files": MOST_FILES,
        "file_bytes": launch.tmp_bytes,
        **more,
    }
    return json.dumps(told).encode() + b"\n"


def popen(
    command: list[str],
    environ: dict[str, str],
    cwd: str,
    stdin: int,
    output_fd: int,
    more_fds: list[int],
) -> subprocess.Popen[bytes]:
    """Starts a command that leads a process group of its own. Raises OSError."""
    more: dict[str, Any] = {} if sys.platform == "win32" else {"pass_fds": more_fds}
    return subprocess.Popen(
        command,
        env=environ,
        cwd=cwd,
        stdin=stdin,
        stdout=output_fd,
        stderr=output_fd,
        start_new_session=True,
        **more,
    )
