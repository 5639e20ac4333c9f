"""Watches over this process: starts the guardian, and tells it which processes run."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
from pathlib import Path

from .environ import scrubbed


class Guardian:
    """The small process that cleans up if this one is killed."""

    def __init__(self, folder: Path) -> None:
        script = Path(__file__).with_name("guardian.py")
        self._process = subprocess.Popen(
            [sys.executable, "-S", "-E", "-s", str(script), str(folder)],
            stdin=subprocess.PIPE,
            env=scrubbed(os.environ),
            start_new_session=True,
        )
        self._lock = threading.Lock()

    def add(self, pid: int) -> None:
        """Names a process to end with this one."""
        self._tell(f"+{pid}\n")

    def discard(self, pid: int) -> None:
        """Takes a process off the list: it has ended."""
        self._tell(f"-{pid}\n")

    def close(self) -> None:
        """Lets it end, and waits: it removes the folder."""
        with self._lock:
            self._process.stdin.close()
        self._process.wait(timeout=10)

    def _tell(self, line: str) -> None:
        with self._lock:
            if not self._process.stdin.closed:
                self._process.stdin.write(line.encode())
                self._process.stdin.flush()
