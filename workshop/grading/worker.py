"""The process that runs one stage's checks: started, watched, ended with all that it started."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
import threading
from pathlib import Path

from .outcomes import RESULTS

KEPT_OUTPUT = 16_384  # bytes of what it prints: the end tells why it could not do its work
# What Python and the cloud need of the grader's environment. Whatever else is there, such as the
# tokens of a CI, is none of the checks' business.
PASSED_ON = (
    *("PATH", "HOME", "USER", "LANG", "LANGUAGE", "LC_ALL", "LC_CTYPE", "TZ"),
    *("TMPDIR", "TEMP", "TMP", "VIRTUAL_ENV", "WORKSHOP_ROLE_ARN", "WORKSHOP_SEED"),
    *("SYSTEMROOT", "SYSTEMDRIVE", "WINDIR", "COMSPEC", "PATHEXT", "USERPROFILE", "USERNAME"),
    *("APPDATA", "LOCALAPPDATA", "PROGRAMDATA", "PROGRAMFILES", "NUMBER_OF_PROCESSORS"),
)
ELSEWHERE = (  # what it takes to reach another endpoint
    *("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN", "AWS_DEFAULT_REGION"),
    *("AWS_CA_BUNDLE", "REQUESTS_CA_BUNDLE", "SSL_CERT_FILE", "SSL_CERT_DIR"),
    *("HTTP_PROXY", "HTTPS_PROXY", "NO_PROXY", "http_proxy", "https_proxy", "no_proxy"),
)


class Workers:
    """The processes that run checks; none outlives `end`, also one that is just being started."""

    def __init__(self) -> None:
        self._processes: set[subprocess.Popen[bytes]] = set()
        self._ended = False
        self._lock = threading.Lock()

    def run(
        self, command: list[str], folder: Path, results: Path, elsewhere: bool, limit_s: float
    ) -> str:
        """Runs pytest in `folder`; says what hindered it, or gives an empty string.

        pytest finds the path of `results` in its environment; with `elsewhere` it gets the keys
        of another endpoint, too.
        """
        process = subprocess.Popen(
            command,
            cwd=folder,
            env=_environ(results, elsewhere),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
        self._add(process)
        try:
            return _watch(process, limit_s)
        finally:
            kill(process)
            with self._lock:
                self._processes.discard(process)

    def end(self) -> None:
        """Ends every process that runs, and every one that is started from now on."""
        with self._lock:
            self._ended = True
            for process in self._processes:
                kill(process)

    def _add(self, process: subprocess.Popen[bytes]) -> None:
        with self._lock:
            self._processes.add(process)
            if self._ended:
                kill(process)


def _environ(results: Path, elsewhere: bool) -> dict[str, str]:
    names = PASSED_ON + ELSEWHERE if elsewhere else PASSED_ON
    kept = {name: os.environ[name] for name in names if name in os.environ}
    return kept | {RESULTS: str(results), "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1"}


def _watch(process: subprocess.Popen[bytes], limit_s: float) -> str:
    """Waits for pytest; says what hindered it, or gives an empty string."""
    tail = _Tail(process)
    try:
        code = process.wait(limit_s)
    except subprocess.TimeoutExpired:
        return f"The checks did not end within {limit_s:.0f} s."
    if code in (0, 1):  # all passed, or not all
        return ""
    ended = f"signal {-code}" if code < 0 else f"exit code {code}"
    return f"The process that runs the checks ended with {ended}.\n{tail.text()}".rstrip()


class _Tail:
    """Reads all that a process prints, so that it never waits for a reader, and keeps the end."""

    def __init__(self, process: subprocess.Popen[bytes]) -> None:
        self._process = process
        self._kept = b""
        self._thread = threading.Thread(target=self._read, daemon=True)
        self._thread.start()

    def text(self) -> str:
        """What is kept; the process has ended."""
        self._thread.join(2)  # whatever it left behind may hold the pipe for ever
        return self._kept.decode("utf-8", "replace")

    def _read(self) -> None:
        assert self._process.stdout is not None
        with self._process.stdout as pipe, contextlib.suppress(OSError, ValueError):
            while piece := os.read(pipe.fileno(), 65_536):
                self._kept = (self._kept + piece)[-KEPT_OUTPUT:]


def kill(process: subprocess.Popen[bytes]) -> None:
    """Ends a process and what it started, if it has not ended by itself; waits for its end."""
    if process.poll() is not None:
        return
    if sys.platform == "win32":
        _kill_below(process.pid)
        process.kill()
    else:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
    process.wait()


def _kill_below(pid: int) -> None:
    """Windows has no groups of processes to end."""
    import psutil

    with contextlib.suppress(psutil.Error):
        for child in psutil.Process(pid).children(recursive=True):
            with contextlib.suppress(psutil.Error):
                child.kill()
