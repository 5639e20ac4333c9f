"""How much memory a function's processes use, measured on the process tree."""

from __future__ import annotations

from pathlib import Path

import psutil

MB = 1024 * 1024


class MemoryGauge:
    """Measures the process tree below one process; remembers the peak, in bytes."""

    def __init__(self, pid: int) -> None:
        self._pid = pid
        self._by_proc = Path(f"/proc/{pid}/task").is_dir()
        self.peak = 0

    def measure(self) -> int:
        """The peak so far, after one more look."""
        try:
            used = _tree_by_proc(self._pid) if self._by_proc else _tree_by_psutil(self._pid)
        except (OSError, psutil.Error, ValueError):
            used = 0  # the process is gone: what was seen before stands
        self.peak = max(self.peak, used)
        return self.peak


def _tree_by_proc(pid: int) -> int:
    """Sums the tree from /proc, where the kernel also keeps each process's own peak.

    Much faster than a walk over all processes, which is what psutil does for children.
    """
    total, todo = 0, [(pid, True)]
    while todo:
        pid, is_top = todo.pop()
        try:
            status = Path(f"/proc/{pid}/status").read_bytes()
            children = _children(pid)
        except OSError:
            if is_top:
                raise
            continue
        todo += [(child, False) for child in children]
        if not status.startswith(b"Name:\tbwrap\n"):  # the sandbox is not the function's
            total += _kilobytes(status, b"VmHWM:" if not children else b"VmRSS:") * 1024
    return total


def _children(pid: int) -> list[int]:
    found = []
    for task in Path(f"/proc/{pid}/task").iterdir():
        found += [int(child) for child in (task / "children").read_bytes().split()]
    return found


def _kilobytes(status: bytes, field: bytes) -> int:
    start = status.find(field)
    return int(status[start + len(field) : status.index(b"kB", start)]) if start >= 0 else 0


def _tree_by_psutil(pid: int) -> int:
    process = psutil.Process(pid)
    return sum(each.memory_info().rss for each in [process, *process.children(recursive=True)])
