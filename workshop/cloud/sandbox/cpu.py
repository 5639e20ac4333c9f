"""The part of a CPU that a function's memory buys.

Below 1,769 MB Lambda gives a function less than one vCPU, in proportion to its memory
("Configure Lambda function memory",
https://docs.aws.amazon.com/lambda/latest/dg/configuration-memory.html). Here its processes are
suspended whenever they have used more CPU time than their part, and resumed when it is due again.
A function that waits, for a service or for a sleep, uses no CPU time and is not held up.
"""

from __future__ import annotations

import contextlib
import threading
import time
from collections.abc import Callable
from pathlib import Path

import psutil

FULL_CPU_MB = 1769  # memory that comes with one vCPU
PERIOD_S = 0.02  # what a function may use at once: its part of so much time
LOOK_EVERY_S = 0.002
LIST_EVERY_S = 0.1  # how often new child processes are looked for, where that is slow


def share(memory_mb: int) -> float:
    """The part of one vCPU that a function with so much memory gets, 1.0 at most."""
    return min(1.0, memory_mb / FULL_CPU_MB)


class CpuShare:
    """A context in which processes get `part` of one CPU; `pids()` names them."""

    def __init__(self, pids: Callable[[], list[int]], part: float) -> None:
        self._pids, self._part = pids, part
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._govern, name="cpu-share", daemon=True)
        self._processes: dict[int, psutil.Process] = {}
        self._used: dict[int, float] = {}  # CPU seconds, by process
        self._listed_at = 0.0

    def __enter__(self) -> CpuShare:
        self._measure()  # what INIT and earlier invocations used does not count
        self._thread.start()
        return self

    def __exit__(self, *error: object) -> None:
        self._over.set()
        self._thread.join()

    def _govern(self) -> None:
        credit, before = self._part * PERIOD_S, time.monotonic()
        while not self._over.wait(LOOK_EVERY_S):
            now = time.monotonic()
            earned = (now - before) * self._part
            before = now
            credit = min(self._part * PERIOD_S, credit + earned) - self._measure()
            if credit < 0:
                self._suspend_for(-credit / self._part)

    def _suspend_for(self, seconds: float) -> None:
        processes = list(self._processes.values())
        for process in processes:
            with contextlib.suppress(psutil.Error):
                process.suspend()
        self._over.wait(seconds)
        for process in processes:
            with contextlib.suppress(psutil.Error):
                process.resume()

    def _measure(self) -> float:
        """CPU seconds that the processes used since the last call."""
        self._list()
        spent = 0.0
        for pid, process in list(self._processes.items()):
            try:
                used = _cpu_seconds(process)
            except (psutil.Error, OSError, ValueError):
                del self._processes[pid]
                continue
            spent += used - self._used.get(pid, used)
            self._used[pid] = used
        return spent

    def _list(self) -> None:
        if self._processes and time.monotonic() < self._listed_at + LIST_EVERY_S:
            return
        for pid in self._pids():
            if pid not in self._processes:
                with contextlib.suppress(psutil.Error):
                    self._processes[pid] = psutil.Process(pid)
        self._listed_at = time.monotonic()


def _cpu_seconds(process: psutil.Process) -> float:
    """To the nanosecond where the kernel says it; psutil's clock ticks 100 times a second."""
    schedstat = Path(f"/proc/{process.pid}/schedstat")
    if schedstat.exists():
        return (
            sum(
                int((task / "schedstat").read_bytes().split()[0])
                for task in Path(f"/proc/{process.pid}/task").iterdir()
            )
            / 1e9
        )
    times = process.cpu_times()
    return times.user + times.system
