"""Grades many submissions of one stage in one process: what is imported once serves them all.

`workshop check` takes a process for each, as a class needs it; here the submissions are the
repository's own.
"""

from __future__ import annotations

import contextlib
import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from assertions import Assertions
from botocore.client import BaseClient

from workshop.cloud import LocalCloud
from workshop.cloud.base.variables import scrubbed
from workshop.grading import web
from workshop.grading.outcomes import RESULTS, CheckResult
from workshop.grading.runner import PYTEST_OPTIONS, check_folder
from workshop.grading.worker import ELSEWHERE
from workshop.paths import repository
from workshop.stages import Stage

# What the checks send to a function: the operations of AWS, and their argument that holds it.
QUESTIONS = {"Invoke": "Payload", "PutObject": "Body", "PutItem": "Item"}
LONGEST = 2000  # characters of it that are kept


@dataclass(frozen=True)
class Submission:
    """An exercises folder to grade: by the checks in `only`, or by all of its stage.

    `elsewhere`: as on AWS, at an endpoint that the checks know nothing of but its URL.
    """

    folder: Path
    only: frozenset[str] | None = None
    elsewhere: bool = False


@dataclass(frozen=True)
class Graded:
    """What came of a submission, and the assertions that stopped its checks, by their names.

    `sent` is what the checks sent to the function, cut where it is long.
    """

    results: list[CheckResult]
    sent: list[str]
    tripped: list[str]

    @property
    def failed(self) -> set[str]:
        """The names of the checks that failed."""
        return {each.name for each in self.results if each.outcome == "failed"}


def grade(stage: Stage, submissions: dict[str, Submission]) -> dict[str, Graded]:
    """Grades each submission, by its name."""
    jobs = [
        [str(each.folder), None if each.only is None else sorted(each.only), each.elsewhere]
        for each in submissions.values()
    ]
    with tempfile.TemporaryDirectory() as scratch:
        target = Path(scratch) / "results.json"
        done = subprocess.run(
            [sys.executable, "-s", __file__, str(check_folder(stage)), str(target)],
            cwd=repository(),
            env=scrubbed(os.environ) | {"PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1"},
            input=json.dumps(jobs),
            capture_output=True,
            text=True,
            timeout=300 + 60 * len(jobs),
        )
        assert done.returncode == 0, done.stdout[-2000:] + done.stderr[-2000:]
        found = json.loads(target.read_text(encoding="utf-8"))
    return {
        name: Graded([CheckResult(**row) for row in rows], sent, tripped)
        for name, (rows, sent, tripped) in zip(submissions, found, strict=True)
    }


@contextlib.contextmanager
def listening() -> Iterator[list[str]]:
    """Gives a list that gets what this process sends to functions."""
    heard: list[str] = []
    call, ask = BaseClient._make_api_call, web.ask

    def heard_call(self, operation, arguments):
        if operation in QUESTIONS:
            said = arguments[QUESTIONS[operation]]
            heard.append(str(said[:LONGEST] if isinstance(said, (bytes, str)) else said)[:LONGEST])
        return call(self, operation, arguments)

    def heard_ask(url, method="GET", body=None, *more, **named):
        heard.append(str(body)[:LONGEST])
        return ask(url, method, body, *more, **named)

    BaseClient._make_api_call, web.ask = heard_call, heard_ask
    try:
        yield heard
    finally:
        BaseClient._make_api_call, web.ask = call, ask


class Chosen:
    """A pytest plugin: runs the checks that are wanted, and notes which assertions stopped them."""

    def __init__(self, only: list[str] | None, assertions: Assertions) -> None:
        self._only = only
        self._assertions = assertions
        self.tripped: list[str] = []

    def pytest_collection_modifyitems(self, items: list[pytest.Item]) -> None:
        """Leaves out what is not wanted."""
        if self._only is not None:
            items[:] = [item for item in items if item.name in self._only]

    @pytest.hookimpl(tryfirst=True)
    def pytest_runtest_makereport(self, call: Any) -> None:
        """Notes the assertion; the report is another plugin's."""
        name = self._assertions.of(call.excinfo.traceback) if call.excinfo else None
        if name:
            self.tripped.append(name)


@contextlib.contextmanager
def endpoint() -> Iterator[list[str]]:
    """Gives the option that sends the checks to a local cloud as to any other endpoint."""
    with LocalCloud() as cloud, pytest.MonkeyPatch.context() as patch:
        for name in set(ELSEWHERE) & set(cloud.environ()):
            patch.setenv(name, cloud.environ()[name])
        yield [f"--endpoint-url={cloud.endpoint_url}"]


def main(folder: str, target: str) -> None:
    """Runs pytest once for each submission that the standard input names."""
    found = []
    os.environ.pop("PYTEST_ADDOPTS", None)
    assertions = Assertions(Path(folder))
    with tempfile.TemporaryDirectory() as scratch:
        for number, (exercises, only, elsewhere) in enumerate(json.load(sys.stdin)):
            results = Path(scratch) / f"{number}.json"
            os.environ[RESULTS] = str(results)
            chosen = Chosen(only, assertions)
            options = [*PYTEST_OPTIONS, f"--exercises={exercises}"]
            where = endpoint() if elsewhere else contextlib.nullcontext([])
            with where as more, listening() as heard:
                code = pytest.main([folder, *options, *more], plugins=[chosen])
            if code not in (0, 1):
                raise SystemExit(f"pytest ended with {code} for {exercises}")
            rows = json.loads(results.read_text(encoding="utf-8"))
            found.append((rows, heard, chosen.tripped))
    Path(target).write_text(json.dumps(found), encoding="utf-8")


if __name__ == "__main__":
    main(*sys.argv[1:])
