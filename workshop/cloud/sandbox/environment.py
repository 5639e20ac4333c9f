"""One execution environment: a process under AWS's runtime client, used again and again.

Follows "Understanding the Lambda execution environment lifecycle"
(https://docs.aws.amazon.com/lambda/latest/dg/lambda-runtime-environment.html): INIT, then one
INVOKE after another. A timeout, an exit or too much memory ends it.
"""

from __future__ import annotations

import contextlib
import json
import queue
import sys
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from ..base.model import ApiError, LogEvent, Request
from .cpu import CpuShare, share
from .guardian import remove_tree
from .guardian_process import Guardian
from .launch import PYTHON_PREFIX, Launch, Launcher, Sandbox
from .output import OutputReader
from .processes import MB, exit_code, when_ended
from .runtime_api import Answer, RuntimeApi

INIT_LIMIT_S = 10.0
LOOK_EVERY_S = 0.02  # how often memory is measured while a function runs
LAST_ANSWER_S = 0.005  # an answer that was sent just before an exit counts first
MOST_PROCESSES = 1024  # and threads, of one environment, as on AWS
MOST_FILES_IN_TMP = 100_000  # each takes memory that its size does not show


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


@dataclass(frozen=True)
class Host:
    """Where environments live: a folder, and what starts processes and cleans up after them.

    `limits_cpu()` says whether a new one gets only the CPU share of its memory.
    """

    folder: Path
    launcher: Launcher
    guardian: Guardian
    limits_cpu: Callable[[], bool]


class Environment:
    """Starts a process and speaks with it through a Runtime API of its own.

    Between invocations its processes are frozen, as on AWS.
    """

    def __init__(self, launch: Launch, host: Host) -> None:
        self.function = launch.function
        self.id = launch.folder.name
        self.log_stream = launch.environ["AWS_LAMBDA_LOG_STREAM_NAME"]
        self._launch = launch
        self._launcher, self._guardian = host.launcher, host.guardian
        self._limits_cpu = host.limits_cpu()
        self._output = OutputReader(host.launcher.watch)
        self._sandbox: Sandbox | None = None
        self._api = RuntimeApi()
        self._peak = 0
        self._closed = False
        self._lock = threading.RLock()  # the cloud may close it while an invocation runs
        # A plain process has its code elsewhere, and Python is where it was installed.
        self._renamed = [(str(launch.code), "/var/task"), (PYTHON_PREFIX, "/var/lang")]
        self._renamed.append((str(launch.folder / "tmp"), "/tmp"))
        if launch.layers:
            self._renamed.append((str(launch.layers), "/opt"))

    @property
    def max_memory_mb(self) -> int:
        """The most memory that its processes used so far, in MB, rounded up."""
        sandbox = self._sandbox  # it was looked at when it answered
        peak = max(self._peak, sandbox.tree.peak if sandbox else 0)
        return min(-(-peak // MB), self.function.memory_mb)

    def init(self, limit_s: float | None = None) -> Ended:
        """Starts the process and waits until the runtime asks for work (the INIT phase).

        Raises ApiError, 500, if the process cannot be started.
        """
        deadline = time.monotonic() + (INIT_LIMIT_S if limit_s is None else limit_s)
        with self._lock:
            if self._closed:
                return CLOSED
            self._stop_process()
            self._start_process()
        return self._wait(deadline)

    def _start_process(self) -> None:
        api = self._api = RuntimeApi()
        try:
            sandbox = self._launcher.start(self._launch, self._output.write_fd, api.serve)
        except (OSError, RuntimeError, ValueError) as error:  # no process or thread is to be had
            raise ApiError(
                500,
                "ServiceException",
                f"The local cloud could not start a process for {self.function.name}: {error}",
            ) from None
        api.address = sandbox.address
        self._sandbox = sandbox
        self._guardian.add(sandbox.process.pid)

        def report_exit() -> None:
            api.answers.put(Answer("exit", error_type=exit_reason(exit_code(sandbox.process))))

        when_ended(sandbox.process, self._launcher.watch, report_exit)

    def invoke(self, request: Request, limit_s: float) -> Ended:
        """Hands over one request and waits for its end, `limit_s` seconds at most."""
        sandbox = self._sandbox
        if sandbox is None:
            return CLOSED
        deadline_ms = int((time.time() + limit_s) * 1000)
        deadline = time.monotonic() + limit_s
        sandbox.tree.thaw()
        with self._cpu_share(sandbox):
            self._api.send(request, deadline_ms)
            ended = self._wait(deadline)
            while ended.kind == "ready":  # the runtime came back for more work from before
                ended = self._wait(deadline)
        if ended.kind in ("response", "error") and (too_much := self._over_its_share()):
            self._stop_process()
            ended = too_much
        return ended

    def freeze(self) -> bool:
        """Stops its processes until the next invocation; False if it can serve none.

        A moment after the answer the runtime asks for more work: then it is ready for that.
        """
        sandbox = self._sandbox
        if sandbox is None:
            return False
        if not sandbox.tree.freeze():
            self._stop_process()
            return False
        return True

    def _cpu_share(self, sandbox: Sandbox) -> contextlib.AbstractContextManager[object]:
        part = share(self.function.memory_mb)
        if not self._limits_cpu or part >= 1:
            return contextlib.nullcontext()
        return CpuShare(sandbox.tree.look, part)

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
            remove_tree(str(self._launch.folder))

    def _over_its_share(self) -> Ended | None:
        """How an environment ends that takes more than its share; None while it does not."""
        sandbox = self._sandbox
        if sandbox is None:
            return None
        if sandbox.tree.measure() > self.function.memory_mb * MB:
            return Ended("memory")
        if sandbox.tree.count > MOST_PROCESSES or sandbox.files_in_tmp() > MOST_FILES_IN_TMP:
            return Ended("exit", reason=exit_reason(-9))
        return None

    def _wait(self, deadline: float) -> Ended:
        """Waits for the runtime, looking at what it takes while it runs."""
        first = True
        while True:
            left = deadline - time.monotonic()
            if left <= 0:
                self._stop_process()
                return Ended("timeout")
            with contextlib.suppress(queue.Empty):
                return self._answer(min(left, LOOK_EVERY_S))
            if not first and (too_much := self._over_its_share()):
                self._stop_process()
                return too_much
            first = False

    def _answer(self, timeout: float) -> Ended:
        """What the runtime sent. Raises queue.Empty after `timeout` seconds."""
        answer = self._api.answers.get(timeout=timeout)
        if answer.kind == "exit":
            with contextlib.suppress(queue.Empty):
                answer = self._api.answers.get(timeout=LAST_ANSWER_S)
        return Ended(answer.kind, answer.body, answer.error_type, answer.error_type)

    def _stop_process(self) -> None:
        with self._lock:
            sandbox, self._sandbox = self._sandbox, None
            if sandbox is None:
                return
            self._peak = max(self._peak, sandbox.tree.measure())
            sandbox.end()
            self._guardian.discard(sandbox.process.pid)
            self._api.close()


def exit_reason(code: int) -> str:
    """The words of Lambda for a process that ended: exit status, signal, or nothing."""
    signals = {9: "killed", 11: "segmentation fault", 6: "aborted", 15: "terminated"}
    number = -code if code < 0 else code - 128 if sys.platform != "win32" and code > 128 else 0
    if number:
        return f"Runtime exited with error: signal: {signals.get(number, number)}"
    if code:
        return f"Runtime exited with error: exit status {code}"
    return "Runtime exited without providing a reason"
