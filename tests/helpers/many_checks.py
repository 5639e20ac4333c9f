"""Grades many submissions of one stage in one process: what is imported once serves them all.

python many_checks.py CHECKS TARGET FOLDER [FOLDER ...] writes TARGET, a JSON object: for each
folder the outcome of each check, and what the checks sent. `workshop check` takes a process for
each, as a class needs it; here the submissions are the repository's own.
"""

from __future__ import annotations

import contextlib
import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from botocore.client import BaseClient

from workshop.cloud.base.variables import scrubbed
from workshop.grading import web
from workshop.grading.outcomes import RESULTS, CheckResult
from workshop.grading.runner import PYTEST_OPTIONS, check_folder
from workshop.paths import repository
from workshop.stages import Stage

# What the checks send to a function: the operations of AWS, and their argument that holds it.
QUESTIONS = {"Invoke": "Payload", "PutObject": "Body", "PutItem": "Item"}
LONGEST = 2000  # characters of it that are kept


def grade(
    stage: Stage, folders: list[Path], sent: dict[str, list[str]] | None = None
) -> dict[str, list[CheckResult]]:
    """The results of each exercises folder, by its path.

    `sent` gets what the checks sent to each of them, cut where it is long.
    """
    with tempfile.TemporaryDirectory() as folder:
        target = Path(folder) / "results.json"
        command = [sys.executable, "-s", __file__, str(check_folder(stage)), str(target)]
        done = subprocess.run(
            [*command, *map(str, folders)],
            cwd=repository(),
            env=scrubbed(os.environ) | {"PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1"},
            capture_output=True,
            text=True,
            timeout=600,
        )
        assert done.returncode == 0, done.stdout[-2000:] + done.stderr[-2000:]
        found = json.loads(target.read_text(encoding="utf-8"))
    if sent is not None:
        sent.update({name: graded["sent"] for name, graded in found.items()})
    return {
        name: [CheckResult(**row) for row in graded["results"]] for name, graded in found.items()
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


def main(check: str, target: str, *folders: str) -> None:
    """Runs pytest once for each folder."""
    found = {}
    os.environ.pop("PYTEST_ADDOPTS", None)
    with tempfile.TemporaryDirectory() as scratch:
        for number, folder in enumerate(folders):
            results = Path(scratch) / f"{number}.json"
            os.environ[RESULTS] = str(results)
            with listening() as heard:
                code = pytest.main([check, *PYTEST_OPTIONS, f"--exercises={folder}"])
            if code not in (0, 1):
                raise SystemExit(f"pytest ended with {code} for {folder}")
            graded = json.loads(results.read_text(encoding="utf-8"))
            found[folder] = {"results": graded, "sent": heard}
    Path(target).write_text(json.dumps(found), encoding="utf-8")


if __name__ == "__main__":
    main(*sys.argv[1:])
