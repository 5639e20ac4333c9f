"""Starts a function's process: in namespaces of its own, or as a plain process.

Where `bubblewrap` is present a function sees what it sees on AWS (`/var/task`, `/var/runtime`,
`/opt`, a private `/tmp`) and nothing of the learner's home, of the workshop or of other
processes. Elsewhere it is a plain process with a clean environment.
"""

from __future__ import annotations

import functools
import json
import os
import shutil
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from .environ import function_environ
from .model import FunctionVersion
from .package import link_runtime, runtime_files

PYTHON = os.path.realpath(getattr(sys, "_base_executable", None) or sys.executable)
PYTHON_PREFIX = str(Path(PYTHON).parent.parent)
# Set by the bootstrap, not at the start: they would change how Python itself starts.
LATE = ("LD_LIBRARY_PATH", "PYTHONPATH", "PATH")
SYSTEM_FOLDERS = ("/usr", "/bin", "/sbin", "/lib", "/lib32", "/lib64", "/nix/store")
SYSTEM_FILES = (
    "/etc/ld.so.cache",
    "/etc/ld.so.conf",
    "/etc/ld.so.conf.d",
    "/etc/alternatives",
    "/etc/ssl",
    "/etc/pki",
    "/etc/ca-certificates",
    "/etc/hosts",
    "/etc/resolv.conf",
    "/etc/nsswitch.conf",
    "/etc/services",
    "/etc/localtime",
)


@dataclass(frozen=True)
class Launch:
    """What a process is started with."""

    function: FunctionVersion
    code: Path
    layers: Path | None
    tmp: Path
    environ: dict[str, str]  # credentials, the Runtime API's address, the log stream
    output_fd: int


class Launcher(Protocol):
    """Starts processes; `name` is "bubblewrap" or "process"."""

    name: str

    def start(self, launch: Launch) -> subprocess.Popen[bytes]: ...


class ProcessLauncher:
    """A plain process with a clean environment, for every system."""

    name = "process"

    def __init__(self, folder: Path) -> None:
        self._runtime = link_runtime(folder / "runtime")
        self._no_layers = folder / "opt"
        self._no_layers.mkdir()

    def start(self, launch: Launch) -> subprocess.Popen[bytes]:
        opt = str(launch.layers or self._no_layers)
        task = str(launch.code)
        environ = _environ(launch, task, str(self._runtime), opt)
        environ["TMPDIR"] = str(launch.tmp)
        command = _command(environ, task, str(self._runtime), opt)
        return _popen(launch, command, environ, cwd=task)


class BubblewrapLauncher:
    """A process in namespaces of its own, by Debian's `bubblewrap`."""

    name = "bubblewrap"

    def __init__(self) -> None:
        self._bwrap = shutil.which("bwrap") or "bwrap"
        self._fixed = [*_system_view(), *_runtime_view()]
        # `--die-with-parent` means the thread that starts the process, so these threads stay.
        self._starters = ThreadPoolExecutor(4, "function-starter")

    def start(self, launch: Launch) -> subprocess.Popen[bytes]:
        environ = _environ(launch, "/var/task", "/var/runtime", "/opt")
        layers = ["--ro-bind", str(launch.layers), "/opt"] if launch.layers else ["--dir", "/opt"]
        command = [
            self._bwrap,
            *self._fixed,
            *("--ro-bind", str(launch.code), "/var/task"),
            *layers,
            *("--bind", str(launch.tmp), "/tmp"),
            *("--chdir", "/var/task", "--"),
            *_command(environ, "/var/task", "/var/runtime", "/opt"),
        ]
        return self._starters.submit(_popen, launch, command, environ, "/").result()


def choose_launcher(isolation: str, folder: Path) -> Launcher:
    """The launcher for `isolation`: "auto" takes bubblewrap where it works, or "process"."""
    if isolation == "auto" and bubblewrap_works():
        return BubblewrapLauncher()
    return ProcessLauncher(folder)


@functools.cache
def bubblewrap_works() -> bool:
    """Whether bubblewrap is installed and this system lets it make namespaces."""
    bwrap = shutil.which("bwrap")
    if not sys.platform.startswith("linux") or bwrap is None:
        return False
    command = [bwrap, *_system_view(), "--", PYTHON, "-S", "-c", "pass"]
    try:
        return subprocess.run(command, capture_output=True, timeout=10).returncode == 0
    except (OSError, subprocess.SubprocessError):
        return False


def _system_view() -> list[str]:
    """The arguments that show a process the system's libraries and its Python, read-only."""
    args = [
        *("--unshare-user", "--unshare-pid", "--unshare-ipc", "--unshare-uts"),
        *("--uid", "993", "--gid", "990", "--cap-drop", "ALL"),
        *("--die-with-parent", "--new-session"),
        *("--proc", "/proc", "--dev", "/dev", "--tmpfs", "/tmp"),
    ]
    for folder in map(Path, SYSTEM_FOLDERS):
        if folder.is_symlink():
            args += ["--symlink", str(folder.readlink()), str(folder)]
        elif folder.is_dir():
            args += ["--ro-bind", str(folder), str(folder)]
    for file in SYSTEM_FILES:
        args += ["--ro-bind-try", file, file]
    if not Path(PYTHON_PREFIX).is_relative_to("/usr"):
        args += ["--ro-bind", PYTHON_PREFIX, PYTHON_PREFIX]
    return args


def _runtime_view() -> list[str]:
    args = []
    for name, path in runtime_files().items():
        args += ["--ro-bind", str(path.resolve()), f"/var/runtime/{name}"]
    return args


def _environ(launch: Launch, task: str, runtime: str, opt: str) -> dict[str, str]:
    stream = launch.environ["AWS_LAMBDA_LOG_STREAM_NAME"]
    environ = function_environ(launch.function, task, runtime, opt, stream) | launch.environ
    if sys.platform == "win32":  # sockets do not work without it
        environ["SYSTEMROOT"] = os.environ.get("SYSTEMROOT", r"C:\Windows")
    else:
        environ["_LAMBDA_TELEMETRY_LOG_FD"] = str(launch.output_fd)
    return environ


def _command(environ: dict[str, str], task: str, runtime: str, opt: str) -> list[str]:
    late = json.dumps([{name: environ[name] for name in LATE}, task, runtime, opt])
    return [PYTHON, "-S", "-s", "-B", f"{runtime}/bootstrap.py", late]


def _popen(
    launch: Launch, command: list[str], environ: dict[str, str], cwd: str
) -> subprocess.Popen[bytes]:
    early = {name: value for name, value in environ.items() if name not in LATE}
    more = {} if sys.platform == "win32" else {"pass_fds": (launch.output_fd,)}
    return subprocess.Popen(
        command,
        env=early,
        cwd=cwd,
        stdin=subprocess.DEVNULL,
        stdout=launch.output_fd,
        stderr=launch.output_fd,
        start_new_session=True,
        **more,
    )
