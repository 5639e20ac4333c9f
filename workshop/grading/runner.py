"""Runs each stage's checks with pytest in a process of its own, and collects what came of them."""

from __future__ import annotations

import ast
import os
import sys
import tempfile
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

from ..paths import repository
from ..stages import Stage
from .outcomes import FAILED, PASSED, UNCHECKED, CheckResult, read_results
from .words import message
from .worker import Workers

LIMIT_S = 300  # for all checks of one run; a function's own timeout comes far earlier
ELSEWHERE_LIMIT_S = 3600  # the same on another endpoint: AWS takes minutes to tidy up a VPC
# No cache is left behind, and the end does not wait for five rounds of garbage collection. Nor does
# pytest compare values to explain an assertion: a check says it itself, and an answer may be huge.
PYTEST_OPTIONS = (
    *("-q", "--color=no", "--assert=plain"),
    *("-p", "no:cacheprovider", "-p", "no:unraisableexception"),
)


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
    workers = Workers()

    def grade(stage: Stage) -> list[CheckResult]:
        return _run_stage(stage, exercises, endpoint_url, limit_s, workers)

    with ThreadPoolExecutor(at_once) as pool:
        graded = [pool.submit(grade, stage) for stage in stages]
        try:
            return [result for each in graded for result in each.result()]
        except BaseException:  # Ctrl-C: the checks end with us
            pool.shutdown(wait=False, cancel_futures=True)
            workers.end()
            raise


def check_folder(stage: Stage) -> Path:
    """The folder with the files that grade a stage."""
    return repository() / "checks" / stage.name


def checks(stage: Stage) -> list[CheckResult]:
    """The checks of a stage, in order, each without a result yet."""
    return [
        CheckResult(stage.name, node.name, _means(node), UNCHECKED, extra=_is_extra(node))
        for file in sorted(check_folder(stage).glob("test_*.py"))
        for node in ast.parse(file.read_text(encoding="utf-8")).body
        if isinstance(node, ast.FunctionDef) and node.name.startswith("test_")
    ]


def _means(check: ast.FunctionDef) -> str:
    return (ast.get_docstring(check) or check.name).splitlines()[0]


def _is_extra(check: ast.FunctionDef) -> bool:
    return any(ast.unparse(each) == "pytest.mark.extra" for each in check.decorator_list)


def core(results: list[CheckResult]) -> list[CheckResult]:
    """The results that decide whether a stage is done."""
    return [result for result in results if not result.extra]


def passes(results: list[CheckResult]) -> bool:
    """Whether a stage is done: each check of its core passed."""
    return all(result.outcome == PASSED for result in core(results))


def _run_stage(
    stage: Stage, exercises: Path, endpoint_url: str | None, limit_s: float, workers: Workers
) -> list[CheckResult]:
    # -I: no file of the current folder and no PYTHONPATH reaches this Python.
    command = [sys.executable, "-I", "-m", "pytest", str(check_folder(stage)), *PYTEST_OPTIONS]
    command += [f"--exercises={exercises}"]
    if endpoint_url:
        command += [f"--endpoint-url={endpoint_url}"]
    with tempfile.TemporaryDirectory(prefix="workshop-check-") as folder:
        target = Path(folder) / "results.json"
        trouble = workers.run(command, repository(), target, bool(endpoint_url), limit_s)
        results = read_results(target)
    return _complete(stage, results, message(trouble))


def _complete(stage: Stage, results: list[CheckResult], trouble: str) -> list[CheckResult]:
    """One result for each check of the file: one without a result has not passed."""
    found = {result.name: result for result in results}
    outcome = UNCHECKED if trouble or "collection" in found else FAILED
    why = trouble or "The check ended without a result."
    if "collection" in found:
        why = found["collection"].message
    known = checks(stage)
    without = {check.name: replace(check, outcome=outcome, message=why) for check in known}
    return [
        replace(found.get(check.name, without[check.name]), extra=check.extra) for check in known
    ]


def summary(results: list[CheckResult]) -> dict[str, int]:
    """How many checks ended in which way."""
    counted = dict.fromkeys((PASSED, FAILED, UNCHECKED), 0)
    for result in results:
        counted[result.outcome] += 1
    return counted
