"""Runs each stage's checks with pytest in a process of its own, and collects what came of them."""

from __future__ import annotations

import ast
import contextlib
import json
import os
import signal
import subprocess
import sys
import tempfile
import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from ..cloud.environ import scrubbed
from ..paths import repository
from ..stages import Stage
from .outcomes import FAILED, PASSED, RESULTS, UNCHECKED, CheckResult

LIMIT_S = 300  # for all checks of one run; a function's own timeout comes far earlier
ELSEWHERE_LIMIT_S = 3600  # the same on another endpoint: AWS takes minutes to tidy up a VPC
# No cache is left behind, and the end does not wait for five rounds of garbage collection.
PLUGINS_OFF = ("-p", "no:cacheprovider", "-p", "no:unraisableexception")
AWS_KEYS = ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN", "AWS_DEFAULT_REGION")


def run_checks(
    stages: list[Stage],
    exercises: Path,
    endpoint_url: str | None = None,
    limit_s: float | None = None,
) -> list[CheckResult]:
    """Grades stages; one result for each check that their files name, run or not.

    Each stage has a local cloud of its own, and as many run at once as there are CPUs; on another
    endpoint they run one after the other, as they share an account there.
    """
    limit_s = limit_s or (ELSEWHERE_LIMIT_S if endpoint_url else LIMIT_S)
    at_once = 1 if endpoint_url else min(len(stages), os.cpu_count() or 1)
    running = _Running()

    def grade(stage: Stage) -> list[CheckResult]:
        return _run_stage(stage, exercises, endpoint_url, limit_s, running)

    with ThreadPoolExecutor(at_once) as pool:
        graded = [pool.submit(grade, stage) for stage in stages]
        try:
            return [result for each in graded for result in each.result()]
        except BaseException:  # Ctrl-C: the checks end with us
            pool.shutdown(wait=False, cancel_futures=True)
            running.end()
            raise


def check_file(stage: Stage) -> Path:
    """The file that grades a stage."""
    return repository() / "checks" / f"test_{stage.name}.py"


def check_names(stage: Stage) -> dict[str, str]:
    """The checks of a stage, in order: name, and what it means."""
    tree = ast.parse(check_file(stage).read_text(encoding="utf-8"))
    return {
        node.name: (ast.get_docstring(node) or node.name).splitlines()[0]
        for node in tree.body
        if isinstance(node, ast.FunctionDef) and node.name.startswith("test_")
    }


class _Running:
    """The processes that run checks; none outlives `end`, also one that is just being started."""

    def __init__(self) -> None:
        self._processes: set[subprocess.Popen[bytes]] = set()
        self._ended = False
        self._lock = threading.Lock()

    def add(self, process: subprocess.Popen[bytes]) -> None:
        with self._lock:
            self._processes.add(process)
            if self._ended:
                _kill(process)

    def discard(self, process: subprocess.Popen[bytes]) -> None:
        with self._lock:
            self._processes.discard(process)

    def end(self) -> None:
        with self._lock:
            self._ended = True
            for process in self._processes:
                _kill(process)


def _run_stage(
    stage: Stage, exercises: Path, endpoint_url: str | None, limit_s: float, running: _Running
) -> list[CheckResult]:
    with tempfile.TemporaryDirectory(prefix="workshop-check-") as folder:
        target = Path(folder) / "results.json"
        process = _start_pytest(check_file(stage), exercises, endpoint_url, target)
        running.add(process)
        trouble = _wait(process, limit_s)
        running.discard(process)
        rows = json.loads(target.read_text(encoding="utf-8")) if target.is_file() else []
    return _complete(stage, [CheckResult(**row) for row in rows], trouble)


def _start_pytest(
    file: Path, exercises: Path, endpoint_url: str | None, target: Path
) -> subprocess.Popen[bytes]:
    # -I: no file of the current folder and no PYTHONPATH reaches this Python.
    command = [sys.executable, "-I", "-m", "pytest", str(file), "-q", "--color=no"]
    command += [*PLUGINS_OFF, f"--exercises={exercises}"]
    environ = scrubbed(os.environ)
    environ |= {RESULTS: str(target), "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1"}
    environ.pop("PYTEST_ADDOPTS", None)
    if endpoint_url:
        command += [f"--endpoint-url={endpoint_url}"]
        environ |= {key: os.environ[key] for key in AWS_KEYS if key in os.environ}
    return subprocess.Popen(
        command,
        cwd=repository(),
        env=environ,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        start_new_session=True,
    )


def _wait(process: subprocess.Popen[bytes], limit_s: float) -> str:
    """What pytest said if it could not do its work, else an empty text."""
    try:
        said, _ = process.communicate(timeout=limit_s)
    except subprocess.TimeoutExpired:
        _kill(process)
        return f"The checks did not end within {limit_s:.0f} s."
    return "" if process.returncode in (0, 1) else said.decode("utf-8", "replace")


def _complete(stage: Stage, results: list[CheckResult], trouble: str) -> list[CheckResult]:
    """Adds what is missing: a check without a result has not passed."""
    found = {result.name: result for result in results}
    outcome = UNCHECKED if trouble or "collection" in found else FAILED
    why = trouble or "The check ended without a result."
    if "collection" in found:
        why = found["collection"].message
    return [
        found.get(name, CheckResult(stage.name, name, means, outcome, why))
        for name, means in check_names(stage).items()
    ]


def summary(results: list[CheckResult]) -> dict[str, int]:
    """How many checks ended in which way."""
    counted = dict.fromkeys((PASSED, FAILED, UNCHECKED), 0)
    for result in results:
        counted[result.outcome] += 1
    return counted


def _kill(process: subprocess.Popen[bytes]) -> None:
    if sys.platform == "win32":
        process.kill()
    else:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
    process.wait()
