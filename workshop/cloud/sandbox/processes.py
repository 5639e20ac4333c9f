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

from .guardian import below, children, content, kill_tree
from .watch import Watch

MB = 1024 * 1024
ROUNDS = 16  # of looks for processes that were started while others were being frozen
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
        self._held: dict[
            int, Held | HeldByTime
        ] = {}  # each process that was frozen before, by its number
        self._lock = threading.Lock()

    @property
    def pid(self) -> int:
        """The first process's."""
        return self._process.pid

    def measure(self) -> int:
        """The most memory so far, in bytes, after one more look."""
        self.look()
        return self.peak

    def freeze(self) -> bool:
        """Stops every process until `thaw`, and measures.

        False if they start others faster than they can be stopped: then some go on.
        """
        with self._lock:
            for _ in range(ROUNDS):
                for pid, held in list(self._held.items()):
                    if not held.suspend():
                        self._let_go(pid)  # its number may be another process's by now
                found = set(self.look())
                for pid in set(self._held) - found:
                    self._let_go(pid)
                fresh = found - set(self._held)
                if not fresh:
                    return True
                self._hold(fresh)
            return False

    def thaw(self) -> None:
        """Lets every process go on."""
        with self._lock:
            for held in self._held.values():
                held.resume()

    def _hold(self, pids: set[int]) -> None:
        """Holds new processes that still are the function's: then their numbers cannot be reused.

        A number is looked for once more when its process is held: a process that ended between
        the first look and the hold may have left its number to one that is nobody's here.
        """
        held = [(pid, process) for pid in pids if (process := hold(pid))]
        still = self.look()
        for pid, process in held:
            if pid in still:
                self._held[pid] = process
            else:
                process.close()

    def _let_go(self, pid: int) -> None:
        self._held.pop(pid).close()

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
        with self._lock:
            for pid in list(self._held):
                self._let_go(pid)

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
                read.append((pid, content(f"/proc/{pid}/status")))
        # The peaks of several processes need not have been at the same time.
        field = b"VmHWM:" if len(read) == 1 else b"VmRSS:"
        return [
            (pid, _number(status, field) * 1024, _number(status, b"Threads:"))
            for pid, status in read
        ]

    def _own(self) -> list[int]:
        """The function's own processes: a name would not do, since a function may choose its."""
        if self._outer == "function":
            return [self.pid, *below(self.pid)]
        if self._outer == "keeper":
            return below(self.pid)
        # bubblewrap, and its first process in the namespace
        return [pid for first in children(self.pid) for pid in below(first)]

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


class Held:
    """One process, by a descriptor: no other one can come to be meant."""

    def __init__(self, descriptor: int) -> None:
        self._descriptor = descriptor

    def suspend(self) -> bool:
        """Stops it; False if it has ended."""
        return self._send(signal.SIGSTOP)

    def resume(self) -> bool:
        """Lets it go on; False if it has ended."""
        return self._send(signal.SIGCONT)

    def close(self) -> None:
        """Gives the descriptor back."""
        os.close(self._descriptor)

    def _send(self, number: int) -> bool:
        with contextlib.suppress(OSError):
            signal.pidfd_send_signal(self._descriptor, number)
            return True
        return False


class HeldByTime:
    """The same where no descriptor stands for a process: psutil knows it by when it began."""

    def __init__(self, process: psutil.Process) -> None:
        self._process = process

    def suspend(self) -> bool:
        """Stops it; False if it has ended."""
        return self._call(self._process.suspend)

    def resume(self) -> bool:
        """Lets it go on; False if it has ended."""
        return self._call(self._process.resume)

    def close(self) -> None:
        """There is nothing to give back."""

    def _call(self, call: Callable[[], None]) -> bool:
        with contextlib.suppress(psutil.Error, OSError):
            call()
            return True
        return False


def hold(pid: int) -> Held | HeldByTime | None:
    """Holds the process that has a number now; None if there is none."""
    try:
        return Held(os.pidfd_open(pid))
    except ProcessLookupError:
        return None
    except (AttributeError, OSError):  # not Linux, one of before 2019, or no file is to be had
        with contextlib.suppress(psutil.Error):
            return HeldByTime(psutil.Process(pid))
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
