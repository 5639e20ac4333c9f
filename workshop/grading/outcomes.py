"""A check's outcome, and the pytest hooks that decide it.

passed: the check ran to its end. failed: an assertion of the check, or something in the
learner's folder to mend. could not check: anything else, which is the workshop's own fault. The
hooks are used by checks/conftest.py, so that plain `pytest checks` speaks as `workshop check`.
"""

from __future__ import annotations

import json
import os
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

PASSED, FAILED, UNCHECKED = "passed", "failed", "could not check"
RESULTS = "WORKSHOP_RESULTS"  # names the file that `workshop check` reads


@dataclass(frozen=True)
class CheckResult:
    """One check: its stage, its name, what it means, how it ended."""

    stage: str
    name: str
    means: str
    outcome: str
    message: str = ""


class Outcomes:
    """A pytest plugin: turns exceptions into outcomes, and writes them down as they come."""

    def __init__(self) -> None:
        self.results: dict[str, CheckResult] = {}

    def pytest_runtest_makereport(self, item: Any, call: Any) -> None:
        """Decides the outcome of a phase (a hook wrapper would do more than is needed)."""
        name = item.nodeid
        if call.excinfo is None:
            if call.when == "call" and name not in self.results:
                self._note(item, PASSED, "")
            return
        error = call.excinfo.value
        if isinstance(error, AssertionError):
            self._note(item, FAILED, plain(error))
        else:
            message = f"{type(error).__name__}: {error}"
            self._note(item, UNCHECKED, message)

    def pytest_collectreport(self, report: Any) -> None:
        """A check file that does not load is the workshop's fault."""
        if report.failed:
            stage = Path(report.nodeid).stem.removeprefix("test_")
            result = CheckResult(stage, "collection", "", UNCHECKED, str(report.longrepr))
            self.results[report.nodeid] = result
            self._write()

    def _note(self, item: Any, outcome: str, message: str) -> None:
        stage = item.path.stem.removeprefix("test_")
        means = (item.function.__doc__ or item.name).strip().splitlines()[0]
        self.results[item.nodeid] = CheckResult(stage, item.name, means, outcome, message)
        self._write()

    def _write(self) -> None:
        target = os.environ.get(RESULTS)
        if target:
            rows = [asdict(result) for result in self.results.values()]
            Path(target).write_text(json.dumps(rows), encoding="utf-8")


def plain(error: AssertionError) -> str:
    """The message of a check, without what pytest adds to it."""
    return str(error).split("\nassert ", 1)[0].removeprefix("assert ")
