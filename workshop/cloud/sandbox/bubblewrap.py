"""Starts a function's process in namespaces of its own, by Debian's `bubblewrap`.

The function sees what it sees on AWS (`/var/task`, `/var/runtime`, `/opt`, a private `/tmp`) and
nothing of the learner's home, of the workshop or of other processes. On its network there are two
addresses: its Runtime API and the local cloud. The sandbox opens both itself and hands the
listening sockets over, so that the cloud accepts the connections, and knows whose they are.
"""

from __future__ import annotations

import contextlib
import functools
import os
import platform
import re
import shutil
import socket
import stat
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

from .languages import node
from .launch import PYTHON, PYTHON_PREFIX, Launch, Reach, Sandbox, ServeRuntime, launch_text, popen
from .package import runtime_files
from .processes import ProcessTree
from .seccomp import seccomp_filter
from .watch import Watch

SYSTEM_FOLDERS = ("/usr", "/bin", "/sbin", "/lib", "/lib32", "/lib64", "/nix/store")
SYSTEM_FILES = (
    "/etc/ld.so.cache",
    "/etc/ld.so.conf",
    "/etc/ld.so.conf.d",
    "/etc/alternatives",
    "/etc/ssl/certs",
    "/etc/ssl/openssl.cnf",
    "/etc/pki/tls/certs",
    "/etc/pki/tls/openssl.cnf",
    "/etc/pki/ca-trust",
    "/etc/ca-certificates",
    "/etc/hosts",
    "/etc/resolv.conf",
    "/etc/nsswitch.conf",
    "/etc/services",
    "/etc/localtime",
)
MOST_PROCESSES = 1024  # of one user in one sandbox, as on AWS; root's are not counted
RUNTIME_PORT = 9001  # where AWS has the Runtime API, too
REPOSITORY = Path(__file__).resolve().parents[3]


class BubblewrapLauncher:
    """Starts sandboxes. With `internet`, functions share the network of this machine."""

    name = "bubblewrap"

    def __init__(self, watch: Watch, reach: Reach, internet: bool = False) -> None:
        self.watch, self._reach, self._internet = watch, reach, internet
        self._bwrap = shutil.which("bwrap") or "bwrap"
        self._fixed = [*_system_view(), *_node_view(), *_runtime_view()]
        self._filter = seccomp_filter() if supports("--seccomp") else None
        # `--die-with-parent` means the thread that starts the process, so these threads stay.
        self._starters = ThreadPoolExecutor(4, "function-starter")

    def start(self, launch: Launch, output_fd: int, serve_runtime: ServeRuntime) -> Sandbox:
        """Starts one. Raises OSError."""
        if self._internet:
            return self._start_on_host_network(launch, output_fd, serve_runtime)
        port = RUNTIME_PORT if self._reach.port != RUNTIME_PORT else RUNTIME_PORT + 1
        owner = object()  # whom the cloud knows by its connections
        to_cloud = functools.partial(self._reach.serve, owner=owner)
        ports = {port: serve_runtime, self._reach.port: to_cloud}
        ours, theirs = socket.socketpair()
        with theirs:
            ours.sendall(self._text(launch, f"127.0.0.1:{port}", list(ports)))
            process = self._popen(launch, theirs.fileno(), output_fd, ["--unshare-net"])
        sandbox = Sandbox(f"127.0.0.1:{port}", process, ProcessTree(process, "sandbox"))
        handover = _Handover(ours, list(ports.values()), sandbox, self.watch)
        sandbox.at_end(handover.close)
        self.watch.readable(ours, handover.receive)
        return sandbox

    def close(self) -> None:
        """Ends the threads that start processes."""
        self._starters.shutdown(wait=False)

    def _start_on_host_network(
        self, launch: Launch, output_fd: int, serve_runtime: ServeRuntime
    ) -> Sandbox:
        listener = socket.create_server(("127.0.0.1", 0), backlog=8)
        address = "127.0.0.1:{1}".format(*listener.getsockname())
        ours, theirs = socket.socketpair()
        with ours, theirs:
            ours.sendall(self._text(launch, address, []))
            process = self._popen(launch, theirs.fileno(), output_fd, [])
        sandbox = Sandbox(address, process, ProcessTree(process, "sandbox"))
        sandbox.listen(listener, serve_runtime, self.watch)
        return sandbox

    def _text(self, launch: Launch, address: str, listen: list[int]) -> bytes:
        more = {"listen": listen} | ({"processes": MOST_PROCESSES} if _counts_by_sandbox() else {})
        return launch_text(launch, "/var/task", "/var/runtime", "/opt", address, **more)

    def _popen(
        self, launch: Launch, stdin: int, output_fd: int, more: list[str]
    ) -> subprocess.Popen[bytes]:
        layers = ["--ro-bind", str(launch.layers), "/opt"] if launch.layers else ["--dir", "/opt"]
        tmp = ["--size", str(launch.tmp_bytes)] if supports("--size") else []
        early = [part for pair in launch.early.items() for part in ("--setenv", *pair)]
        with contextlib.ExitStack() as stack:
            fds = [stack.enter_context(_readable(self._filter))] if self._filter else []
            command = [
                self._bwrap,
                *self._fixed,
                *more,
                *("--ro-bind", str(launch.code), "/var/task"),
                *layers,
                *("--perms", "1777"),
                *tmp,
                *("--tmpfs", "/tmp"),
                *("--remount-ro", "/dev", "--remount-ro", "/"),
                *(part for fd in fds for part in ("--seccomp", str(fd.fileno()))),
                *(["--cap-add", "CAP_NET_BIND_SERVICE"] if 0 < self._reach.port < 1024 else []),
                *early,
                *("--chdir", "/var/task", "--", PYTHON, "-S", "-s", "-B"),
                "/var/runtime/bootstrap.py",
            ]
            start = self._starters.submit(
                popen, command, {}, "/", stdin, output_fd, [fd.fileno() for fd in fds]
            )
            return start.result()


class _Handover:
    """Takes the listening sockets of a sandbox, and its /tmp, from the sandbox's first moment."""

    def __init__(
        self, control: socket.socket, serve: list[Any], sandbox: Sandbox, watch: Watch
    ) -> None:
        self._control, self._serve = control, serve
        self._sandbox, self._watch = sandbox, watch

    def receive(self) -> None:
        """Called once, when something has come or the process has ended before."""
        fds: list[int] = []
        with contextlib.suppress(OSError):
            _, fds, _, _ = socket.recv_fds(self._control, 16, len(self._serve) + 1)
        self.close()
        if len(fds) != len(self._serve) + 1:
            for fd in fds:
                os.close(fd)
            return
        self._sandbox.hold_tmp(fds.pop())
        for fd, serve in zip(fds, self._serve, strict=True):
            self._sandbox.open(socket.socket(fileno=fd), serve, self._watch)

    def close(self) -> None:
        """Waits no longer; does nothing after it has come."""
        self._watch.forget(self._control, self._control.close)


@functools.cache
def bubblewrap_works() -> bool:
    """Whether bubblewrap is installed and this system lets it make namespaces."""
    bwrap = shutil.which("bwrap")
    if not sys.platform.startswith("linux") or bwrap is None:
        return False
    try:
        view = [*_system_view(), "--unshare-net", "--remount-ro", "/dev", "--remount-ro", "/"]
        command = [bwrap, *view, "--", PYTHON, "-S", "-c", "pass"]
        return subprocess.run(command, capture_output=True, timeout=10).returncode == 0
    except (OSError, subprocess.SubprocessError):
        return False


@functools.cache
def supports(option: str) -> bool:
    """Whether this bubblewrap knows an option: some came in 2022 and later."""
    bwrap = shutil.which("bwrap") or "bwrap"
    told = subprocess.run([bwrap, "--help"], capture_output=True, text=True, timeout=60)
    return option in (told.stdout + told.stderr).split()


def _counts_by_sandbox() -> bool:
    """Whether the limit of processes counts those of a sandbox: before, all of a user's."""
    version = re.match(r"(\d+)\.(\d+)", platform.release())
    return version is not None and (int(version[1]), int(version[2])) >= (5, 14)


def _system_view() -> list[str]:
    """The arguments that show a process the system's libraries and its Python, read-only."""
    args = [
        *("--unshare-user", "--unshare-pid", "--unshare-ipc", "--unshare-uts"),
        *("--uid", "993", "--gid", "990", "--cap-drop", "ALL"),
        *("--die-with-parent", "--new-session"),
        *("--proc", "/proc", "--dev", "/dev"),
    ]
    if supports("--disable-userns"):  # in another user namespace it could mount what it likes
        args.append("--disable-userns")
    args += _proc_view()
    for folder in map(Path, SYSTEM_FOLDERS):
        if folder.is_symlink():
            args += ["--symlink", str(folder.readlink()), str(folder)]
        elif folder.is_dir():
            args += ["--ro-bind", str(folder), str(folder)]
    for file in SYSTEM_FILES:
        args += ["--ro-bind-try", file, file]
    return args + _python_view()


def _proc_view() -> list[str]:
    """What can be written to in /proc outside of processes, read-only.

    The sandbox's user is this one outside of it: if that is root, the kernel lets it write there.
    """
    args = []
    for path in sorted(Path("/proc").iterdir()):
        if path.name.isdigit() or path.is_symlink() or path.name == "sysvipc":
            continue
        if path.is_dir() or stat.S_IMODE(path.stat().st_mode) & 0o222:
            args += ["--ro-bind-try", str(path), str(path)]
    return args


def _python_view() -> list[str]:
    """Python's own folder, and the repository hidden if it lies in one that is shown."""
    prefix = Path(PYTHON_PREFIX)
    shown = [prefix] if not Path.home().is_relative_to(prefix) else [prefix / "bin", prefix / "lib"]
    shown = [folder for folder in shown if not folder.is_relative_to("/usr")]
    show = [part for folder in map(str, shown) for part in ("--ro-bind", folder, folder)]
    hide: list[str] = []
    if any(REPOSITORY.is_relative_to(folder) for folder in [*map(Path, SYSTEM_FOLDERS), *shown]):
        hide = ["--tmpfs", str(REPOSITORY), "--remount-ro", str(REPOSITORY)]
    return [*hide, *show] if prefix.is_relative_to(REPOSITORY) else [*show, *hide]


def _node_view() -> list[str]:
    """The folder of Node.js, if it is installed outside of the system's folders."""
    found = node()
    if found is None or any(found.is_relative_to(folder) for folder in SYSTEM_FOLDERS):
        return []
    return ["--ro-bind", str(found.parent), str(found.parent)]


def _runtime_view() -> list[str]:
    args = []
    for name, path in runtime_files().items():
        args += ["--ro-bind", str(path.resolve()), f"/var/runtime/{name}"]
    return args


def _readable(content: bytes) -> Any:
    """A pipe's end with some bytes to read, fewer than a pipe holds."""
    read, write = os.pipe()
    os.write(write, content)
    os.close(write)
    return os.fdopen(read, "rb", buffering=0)
