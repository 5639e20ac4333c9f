"""Outlives a killed workshop by a moment: ends its functions and removes its files.

Started by the local cloud as `python guardian.py FOLDER`. It reads the process ids of the
functions' environments from its standard input, as `+PID` and `-PID` lines. When the workshop
ends, however it ends, the pipe closes: what is left is killed, and FOLDER removed.
"""

import contextlib
import os
import shutil
import signal
import subprocess
import sys
from pathlib import Path

ROUNDS = 10  # of looks for processes that others start while they are being stopped
MOST = 4096  # processes that a look finds: a function may start them as fast as one can look


def kill_tree(pid: int) -> None:
    """Kills a process that leads a group of its own, the group, and all below it."""
    if sys.platform == "win32":
        subprocess.run(["taskkill", "/T", "/F", "/PID", str(pid)], capture_output=True, check=False)
        return
    for each in reversed(stopped_below(pid)):
        _send(each, signal.SIGKILL)
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(pid, signal.SIGKILL)


def stopped_below(pid: int) -> list[int]:
    """All processes below one, each stopped so that it starts no other one meanwhile."""
    stopped: list[int] = []
    for _ in range(ROUNDS):
        fresh = [each for each in below(pid) if each not in stopped]
        if not fresh:
            break
        for each in fresh:
            _send(each, signal.SIGSTOP)
        stopped += fresh
    return stopped


def below(pid: int) -> list[int]:
    """The processes below one, from /proc, `MOST` or a few more. Empty where there is none."""
    found: list[int] = []
    todo = [pid]
    while todo and len(found) < MOST:
        fresh = children(todo.pop())
        found += fresh
        todo += fresh
    return found


def children(pid: int) -> list[int]:
    """The processes that one has started itself, from /proc."""
    found: list[int] = []
    with contextlib.suppress(OSError):  # it has ended
        for task in os.scandir(f"/proc/{pid}/task"):
            found += map(int, content(f"{task.path}/children").split())
    return found


def content(path: str) -> bytes:
    """What a file in /proc holds. Raises OSError. A look reads many: `open` takes three times."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        read = os.read(descriptor, 65536)
        while more := os.read(descriptor, 65536):
            read += more
        return read
    finally:
        os.close(descriptor)


def _send(pid: int, number: int) -> None:
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.kill(pid, number)


def remove_tree(folder: str) -> None:
    """Removes a folder, read-only parts too."""
    for root, _, _ in os.walk(folder):
        with contextlib.suppress(OSError):
            Path(root).chmod(0o700)
    shutil.rmtree(folder, ignore_errors=True)


def watch(folder: str) -> None:
    """Follows the list of processes until the pipe closes."""
    running: set[int] = set()
    with contextlib.suppress(KeyboardInterrupt):
        for line in sys.stdin:
            pid = int(line[1:])
            running.add(pid) if line[0] == "+" else running.discard(pid)
    for pid in running:
        kill_tree(pid)
    remove_tree(folder)


if __name__ == "__main__":
    for name in ("SIGINT", "SIGTERM", "SIGHUP"):
        if hasattr(signal, name):  # Ctrl-C reaches the whole group; the guardian stays
            signal.signal(getattr(signal, name), signal.SIG_IGN)
    watch(sys.argv[1])
