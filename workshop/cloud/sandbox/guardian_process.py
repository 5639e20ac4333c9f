"""Watches over this process: starts the guardian, and tells it which processes run."""

from __future__ import annotations

import contextlib
import os
import subprocess
import sys
import threading
from pathlib import Path
from typing import IO

from ..base.variables import scrubbed


class Guardian:
    """The small process that cleans up if this one is killed; another one follows a dead one."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._running: set[int] = set()
        self._lock = threading.Lock()
        self._process = self._start()

    def add(self, pid: int) -> None:
        """Names a process to end with this one."""
        with self._lock:
            self._running.add(pid)
            self._tell(f"+{pid}\n")

    def discard(self, pid: int) -> None:
        """Takes a process off the list: it has ended."""
        with self._lock:
            self._running.discard(pid)
            self._tell(f"-{pid}\n")

    def close(self) -> None:
        """Lets it end, and waits: it removes the folder."""
        with self._lock:
            if self._stdin.closed:
                return
            with contextlib.suppress(OSError):  # it is dead
                self._stdin.close()
        try:
            self._process.wait(timeout=10)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()

    def _start(self) -> subprocess.Popen[bytes]:
        script = Path(__file__).with_name("guardian.py")
        return subprocess.Popen(
            [sys.executable, "-S", "-E", "-s", str(script), str(self._folder)],
            stdin=subprocess.PIPE,
            env=scrubbed(os.environ),
            start_new_session=True,
        )

    def _tell(self, line: str) -> None:
        if self._stdin.closed:
            return
        try:
            self._write(line)
        except OSError:  # somebody ended it
            with contextlib.suppress(OSError):
                self._stdin.close()
            self._process.kill()
            self._process.wait()
            self._process = self._start()
            self._write("".join(f"+{pid}\n" for pid in self._running))

    def _write(self, lines: str) -> None:
        self._stdin.write(lines.encode())
        self._stdin.flush()

    @property
    def _stdin(self) -> IO[bytes]:
        assert self._process.stdin is not None
        return self._process.stdin
