"""One execution environment: a process under AWS's runtime client, used again and again.

Follows "Understanding the Lambda execution environment lifecycle"
(https://docs.aws.amazon.com/lambda/latest/dg/lambda-runtime-environment.html): INIT, then one
INVOKE after another. A timeout, an exit or too much memory ends it.
"""

from __future__ import annotations

import contextlib
import json
import queue
import subprocess
import sys
import threading
import time
from dataclasses import dataclass
from pathlib import Path

import psutil

from .cpu import CpuShare, share
from .guardian import kill_tree, remove_tree
from .launcher import PYTHON_PREFIX, Launch, Launcher
from .memory import MB, MemoryGauge
from .model import FunctionVersion, LogEvent, Request
from .output import OutputReader
from .runtime_api import Answer, RuntimeApi

INIT_LIMIT_S = 10.0
LOOK_EVERY_S = 0.02  # how often memory is measured while a function runs


@dataclass(frozen=True)
class Ended:
    """How a wait for the runtime ended.

    kind: "ready", "response", "error", "init-error", "exit", "memory" or "timeout".
    """

    kind: str
    body: bytes = b""
    error_type: str = ""
    reason: str = ""  # of an exit, as Lambda words it


CLOSED = Ended("exit", reason="Runtime exited without providing a reason")


class Environment:
    """Starts a process and speaks with it through a Runtime API of its own.

    `environ` holds what differs between environments: credentials and the log stream;
    `limits_cpu` says whether the function gets only the CPU share of its memory.
    """

    def __init__(
        self,
        function: FunctionVersion,
        launcher: Launcher,
        code: Path,
        layers: Path | None,
        folder: Path,
        environ: dict[str, str],
        guardian,
        limits_cpu: bool = False,
    ) -> None:
        self.function = function
        self._limits_cpu = limits_cpu
        self.id = folder.name
        self.log_stream = environ["AWS_LAMBDA_LOG_STREAM_NAME"]
        self._launcher, self._code, self._layers = launcher, code, layers
        self._folder, self._environ, self._guardian = folder, environ, guardian
        self._tmp = folder / "tmp"
        self._tmp.mkdir(parents=True)
        self._output = OutputReader()
        self._process: subprocess.Popen[bytes] | None = None
        self._api: RuntimeApi | None = None
        self._gauge: MemoryGauge | None = None
        self._peak = 0
        self._closed = False
        self._lock = threading.RLock()  # the cloud may close it while an invocation runs
        # A plain process has its code elsewhere, and Python is where it was installed.
        self._renamed = [(str(code), "/var/task"), (PYTHON_PREFIX, "/var/lang")]
        if layers:
            self._renamed.append((str(layers), "/opt"))

    @property
    def max_memory_mb(self) -> int:
        """The most memory that its processes used so far, in MB, rounded up."""
        gauge = self._gauge
        peak = max(self._peak, gauge.measure() if gauge else 0)
        return min(-(-peak // MB), self.function.memory_mb)

    def init(self, limit_s: float | None = None) -> Ended:
        """Starts the process and waits until the runtime asks for work (the INIT phase)."""
        limit_s = INIT_LIMIT_S if limit_s is None else limit_s
        with self._lock:
            if self._closed:
                return CLOSED
            self._stop_process()
            self._start_process()
        return self._wait(time.monotonic() + limit_s)

    def _start_process(self) -> None:
        self._api = RuntimeApi()
        environ = self._environ | {"AWS_LAMBDA_RUNTIME_API": self._api.address}
        self._process = self._launcher.start(
            Launch(
                self.function,
                self._code,
                self._layers,
                self._tmp,
                environ,
                self._output.write_fd,
            )
        )
        self._guardian.add(self._process.pid)
        self._gauge = MemoryGauge(self._process.pid)
        watch = (self._process, self._api)
        threading.Thread(target=self._report_exit, args=watch, daemon=True).start()

    def invoke(self, request: Request, limit_s: float) -> Ended:
        """Hands over one request and waits for its end, `limit_s` seconds at most."""
        assert self._api is not None, "init() comes before invoke()"
        deadline_ms = int((time.time() + limit_s) * 1000)
        deadline = time.monotonic() + limit_s
        with self._cpu_share():
            self._api.send(request, deadline_ms)
            ended = self._wait(deadline)
            while ended.kind == "ready":  # the runtime came back for more work from before
                ended = self._wait(deadline)
        if ended.kind in ("response", "error") and self._over_memory():
            self._stop_process()
            ended = Ended("memory")
        return ended

    def _cpu_share(self) -> contextlib.AbstractContextManager[object]:
        part = share(self.function.memory_mb)
        process = self._process
        if not self._limits_cpu or part >= 1 or process is None:
            return contextlib.nullcontext()
        return CpuShare(process.pid, part)

    def take_output(self) -> list[LogEvent]:
        """What the function printed since the last call."""
        return [
            LogEvent(event.timestamp_ms, self._text_as_on_aws(event.message))
            for event in self._output.take()
        ]

    def as_on_aws(self, payload: bytes) -> bytes:
        """An error object with the paths that a function has on AWS."""
        text = payload.decode("utf-8", "replace")
        for real, on_aws in self._renamed:
            text = text.replace(json.dumps(real)[1:-1], on_aws)
        return text.encode()

    def _text_as_on_aws(self, text: str) -> str:
        for real, on_aws in self._renamed:
            text = text.replace(real, on_aws)
        return text

    def close(self) -> None:
        """Ends the process and removes its files; does nothing the second time."""
        with self._lock:
            if self._closed:
                return
            self._closed = True
            self._stop_process()
            self._output.close()
            remove_tree(str(self._folder))

    def _over_memory(self) -> bool:
        gauge = self._gauge
        return gauge is not None and gauge.measure() > self.function.memory_mb * MB

    def _wait(self, deadline: float) -> Ended:
        """Waits for the runtime, looking at the memory while it runs."""
        assert self._api is not None
        first = True
        while True:
            left = deadline - time.monotonic()
            if left <= 0:
                self._stop_process()
                return Ended("timeout")
            with contextlib.suppress(queue.Empty):
                answer = self._api.answers.get(timeout=min(left, LOOK_EVERY_S))
                return Ended(answer.kind, answer.body, answer.error_type, answer.error_type)
            if not first and self._over_memory():
                self._stop_process()
                return Ended("memory")
            first = False

    def _report_exit(self, process: subprocess.Popen[bytes], api: RuntimeApi) -> None:
        code = process.wait()
        # An answer that was sent just before the exit counts first.
        time.sleep(0.005)
        api.answers.put(Answer("exit", error_type=exit_reason(code)))

    def _stop_process(self) -> None:
        with self._lock:
            if self._process is None:
                return
            self._peak = max(self._peak, self._gauge.measure() if self._gauge else 0)
            self._gauge = None
            pid = self._process.pid
            strays = [] if self._launcher.name == "bubblewrap" else _descendants(pid)
            kill_tree(pid)
            for stray in strays:  # a child that made a group of its own
                with contextlib.suppress(psutil.Error):
                    stray.kill()
            with contextlib.suppress(subprocess.TimeoutExpired):
                self._process.wait(timeout=5)
            self._guardian.discard(pid)
            if self._api:
                self._api.close()
            self._process = None


def _descendants(pid: int) -> list[psutil.Process]:
    try:
        return psutil.Process(pid).children(recursive=True)
    except psutil.Error:
        return []


def exit_reason(code: int) -> str:
    """The words of Lambda for a process that ended: exit status, signal, or nothing."""
    signals = {9: "killed", 11: "segmentation fault", 6: "aborted", 15: "terminated"}
    number = -code if code < 0 else code - 128 if sys.platform != "win32" and code > 128 else 0
    if number:
        return f"Runtime exited with error: signal: {signals.get(number, number)}"
    if code:
        return f"Runtime exited with error: exit status {code}"
    return "Runtime exited without providing a reason"
