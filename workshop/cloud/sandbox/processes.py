"""The processes of one function: how many there are, what memory they use; frozen, thawed, ended.

Between invocations Lambda freezes an execution environment: "Lambda execution environment
lifecycle" (https://docs.aws.amazon.com/lambda/latest/dg/lambda-runtime-environment.html).
"""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import psutil

from .guardian import below, children, kill_tree
from .watch import Watch

MB = 1024 * 1024
ROUNDS = 10  # of looks for processes that were started while others were being frozen
BY_PROC = Path("/proc/self/task").is_dir()


class ProcessTree:
    """A process, which leads a group of its own, and all below it.

    `outer` says how the first process relates to the function: it is the "sandbox" around it,
    a "keeper" that started it, or the "function" itself. Only the function's own count.
    """

    def __init__(self, process: subprocess.Popen[bytes], outer: str = "function") -> None:
        self._process, self._outer = process, outer
        self.peak = 0  # bytes of memory
        self.count = 0  # of processes and threads
        self._frozen: list[Callable[[], None]] = []  # what resumes each process

    @property
    def pid(self) -> int:
        """The first process's."""
        return self._process.pid

    def measure(self) -> int:
        """The most memory so far, in bytes, after one more look."""
        if not self._frozen:
            self.look()
        return self.peak

    def freeze(self) -> bool:
        """Stops every process until `thaw`, and measures.

        False if they start others faster than they can be stopped: then some go on.
        """
        found: set[int] = set()
        for _ in range(ROUNDS):
            fresh = set(self.look()) - found
            if not fresh:
                return True
            found |= fresh
            stopped = [_stopped(pid) for pid in fresh if self._is_ours(pid)]
            self._frozen += [resume for resume in stopped if resume]
        return False

    def thaw(self) -> None:
        """Lets every process go on."""
        frozen, self._frozen = self._frozen, []
        for resume in frozen:
            with contextlib.suppress(OSError, psutil.Error):
                resume()

    def has_connection(self, address: tuple[str, int]) -> bool:
        """Whether a connection from `address` on this machine is one of these processes'."""
        for pid in self.look():
            try:
                connections = psutil.Process(pid).net_connections("tcp4")
            except psutil.AccessDenied:
                return not BY_PROC  # a system that does not tell us
            except psutil.Error:
                continue
            if any(each.laddr and tuple(each.laddr) == address for each in connections):
                return True
        return False

    def kill(self) -> None:
        """Ends every process and waits for the first one; then its number is free again."""
        if self._outer == "sandbox":  # with bubblewrap the kernel ends all in its namespace
            if self._process.returncode is None:
                _send_group(self.pid)
        elif self._process.returncode is None or not psutil.pid_exists(self.pid):
            strays = [] if BY_PROC else _children(self.pid)
            kill_tree(self.pid)
            for stray in strays:  # a child that made a group of its own
                with contextlib.suppress(psutil.Error):
                    stray.kill()
        with contextlib.suppress(subprocess.TimeoutExpired):
            self._process.wait(timeout=5)
        self.thaw()  # gives the descriptors back

    def look(self) -> list[int]:
        """The function's processes. Notes what they use."""
        try:
            found = self._by_proc() if BY_PROC else self._by_psutil()
        except (OSError, psutil.Error, ValueError):
            return []  # the process is gone: what was seen before stands
        self.peak = max(self.peak, sum(used for _, used, _ in found))
        self.count = sum(threads for _, _, threads in found)
        return [pid for pid, _, _ in found]

    def _by_proc(self) -> list[tuple[int, int, int]]:
        """Each process with its bytes and threads, from /proc.

        The kernel keeps each process's own peak there. Much faster than a walk over all
        processes, which is what psutil does for children.
        """
        read: list[tuple[int, bytes]] = []
        for pid in self._own():
            with contextlib.suppress(OSError):
                read.append((pid, Path(f"/proc/{pid}/status").read_bytes()))
        # The peaks of several processes need not have been at the same time.
        field = b"VmHWM:" if len(read) == 1 else b"VmRSS:"
        return [
            (pid, _number(status, field) * 1024, _number(status, b"Threads:"))
            for pid, status in read
        ]

    def _own(self) -> list[int]:
        """The function's own processes: a name would not do, since a function may choose its."""
        found = [self.pid, *below(self.pid)]
        if self._outer == "function":
            return found
        outer = {self.pid}
        if self._outer == "sandbox":  # bubblewrap, and its first process in the namespace
            outer.update(children(self.pid))
        return [pid for pid in found if pid not in outer]

    def _is_ours(self, pid: int) -> bool:
        """Whether a number still is one of the sandbox's, which no other process can join."""
        if self._outer != "sandbox":
            return True
        first = children(self.pid)
        return bool(first) and _namespace(pid) == _namespace(first[0])

    def _by_psutil(self) -> list[tuple[int, int, int]]:
        top = psutil.Process(self.pid)
        return [
            (each.pid, each.memory_info().rss, each.num_threads())
            for each in [top, *_children(self.pid)]
        ]


def when_ended(process: subprocess.Popen[bytes], watch: Watch, call: Callable[[], None]) -> None:
    """Calls `call()` when a process has ended. It is not waited for: its number stays taken."""
    try:
        descriptor = os.pidfd_open(process.pid)
    except (AttributeError, OSError):  # not Linux, or one of before 2019
        work = (process, call)
        threading.Thread(target=_wait_then, args=work, name="process-end", daemon=True).start()
        return

    def ended() -> None:
        watch.forget(descriptor, lambda: os.close(descriptor))
        call()

    watch.readable(descriptor, ended)


def exit_code(process: subprocess.Popen[bytes]) -> int:
    """How a process that has ended did so, as Popen.returncode has it."""
    if process.returncode is None and hasattr(os, "waitid"):
        with contextlib.suppress(ChildProcessError):
            info: Any = os.waitid(os.P_PID, process.pid, os.WEXITED | os.WNOWAIT)
            return info.si_status if info.si_code == os.CLD_EXITED else -info.si_status
    return process.wait()


def _wait_then(process: subprocess.Popen[bytes], call: Callable[[], None]) -> None:
    exit_code(process)
    call()


def _namespace(pid: int) -> str:
    with contextlib.suppress(OSError):
        return str(Path(f"/proc/{pid}/ns/pid").readlink())
    return ""


def _stopped(pid: int) -> Callable[[], None] | None:
    """Suspends one process; what resumes it, or None if it has ended.

    By a descriptor where the system has them: a number may be another process's by then.
    """
    try:
        descriptor = os.pidfd_open(pid)
    except ProcessLookupError:
        return None
    except (AttributeError, OSError):
        return _suspended(pid)
    try:
        signal.pidfd_send_signal(descriptor, signal.SIGSTOP)
    except OSError:
        os.close(descriptor)
        return None

    def resume() -> None:
        with contextlib.suppress(OSError):
            signal.pidfd_send_signal(descriptor, signal.SIGCONT)
        os.close(descriptor)

    return resume


def _suspended(pid: int) -> Callable[[], None] | None:
    """The same where no descriptor stands for a process."""
    with contextlib.suppress(psutil.Error):
        process = psutil.Process(pid)
        process.suspend()
        return process.resume
    return None


def _send_group(pid: int) -> None:
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(pid, signal.SIGKILL)


def _children(pid: int) -> list[psutil.Process]:
    try:
        return psutil.Process(pid).children(recursive=True)
    except psutil.Error:
        return []


def _number(status: bytes, field: bytes) -> int:
    start = status.find(field)
    return int(status[start + len(field) :].split(None, 1)[0]) if start >= 0 else 0
