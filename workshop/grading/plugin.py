"""The pytest plugin of the checks: it decides each check's outcome, and writes it down.

checks/conftest.py registers it, so that plain `pytest checks` speaks as `workshop check` does.
"""

from __future__ import annotations

import os
from collections.abc import Generator
from pathlib import Path
from typing import Any

import pytest
from botocore.exceptions import ReadTimeoutError

from .outcomes import FAILED, PASSED, RESULTS, UNCHECKED, CheckResult, judge, write_results
from .patience import NeverEnds, Patience


class Outcomes:
    """Turns exceptions into outcomes, and stops a stage that waits again and again."""

    def __init__(self) -> None:
        self.results: dict[str, CheckResult] = {}
        self.deployed: set[str] = set()  # stages whose function has been deployed
        self.patience = Patience()

    @pytest.hookimpl(tryfirst=True)
    def pytest_runtest_setup(self, item: Any) -> None:
        """Fails a check before it starts if its stage has waited long enough."""
        why = self.patience.exhausted(_stage(item))
        if why:
            raise AssertionError(why)

    @pytest.hookimpl(hookwrapper=True)
    def pytest_runtest_makereport(self, item: Any, call: Any) -> Generator[None, Any, None]:
        """Decides the outcome of a phase; shows what the check says, and not how it is built."""
        report = (yield).get_result()
        if call.excinfo is None:
            if call.when == "call" and item.nodeid not in self.results:
                self._note(item, PASSED, "")
            return
        error = call.excinfo.value
        if isinstance(error, (NeverEnds, ReadTimeoutError, TimeoutError)):
            self.patience.note_given_up(_stage(item))
        outcome, said = judge(error, _stage(item) in self.deployed)
        self._note(item, outcome, said)
        if outcome == FAILED:
            report.longrepr = said
            report.outcome = "failed"
            report.when = "call"  # a folder that cannot be deployed is a failure, not an error
        else:
            report.longrepr = f"{UNCHECKED}: {said}"

    def pytest_collectreport(self, report: Any) -> None:
        """A check file that does not load is the workshop's fault."""
        if report.failed:
            stage = Path(report.nodeid).parent.name
            result = CheckResult(stage, "collection", "", UNCHECKED, str(report.longrepr))
            self.results[report.nodeid] = result
            self._write()

    def _note(self, item: Any, outcome: str, said: str) -> None:
        means = (item.function.__doc__ or item.name).strip().splitlines()[0]
        extra = item.get_closest_marker("extra") is not None
        result = CheckResult(_stage(item), item.name, means, outcome, said, extra)
        self.results[item.nodeid] = result
        self._write()

    def _write(self) -> None:
        target = os.environ.get(RESULTS)
        if target:
            write_results(Path(target), list(self.results.values()))


def _stage(item: Any) -> str:
    return item.path.parent.name
