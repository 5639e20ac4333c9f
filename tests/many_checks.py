"""Grades many submissions of one stage in one process: what is imported once serves them all.

python many_checks.py CHECK_FILE TARGET FOLDER [FOLDER ...] writes TARGET, a JSON object: for each
folder the outcome of each check. `workshop check` takes a process for each, as a class needs it;
here the submissions are the repository's own.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest

from workshop.cloud.environ import scrubbed
from workshop.grading.outcomes import RESULTS, CheckResult
from workshop.grading.runner import PYTEST_OPTIONS, check_file
from workshop.paths import repository
from workshop.stages import Stage


def grade(stage: Stage, folders: list[Path]) -> dict[str, list[CheckResult]]:
    """The results of each exercises folder, by its path."""
    with tempfile.TemporaryDirectory() as folder:
        target = Path(folder) / "results.json"
        command = [sys.executable, "-s", __file__, str(check_file(stage)), str(target)]
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
    return {name: [CheckResult(**row) for row in rows] for name, rows in found.items()}


def main(check: str, target: str, *folders: str) -> None:
    """Runs pytest once for each folder."""
    found = {}
    os.environ.pop("PYTEST_ADDOPTS", None)
    with tempfile.TemporaryDirectory() as scratch:
        for number, folder in enumerate(folders):
            results = Path(scratch) / f"{number}.json"
            os.environ[RESULTS] = str(results)
            code = pytest.main([check, *PYTEST_OPTIONS, f"--exercises={folder}"])
            if code not in (0, 1):
                raise SystemExit(f"pytest ended with {code} for {folder}")
            found[folder] = json.loads(results.read_text(encoding="utf-8"))
    Path(target).write_text(json.dumps(found), encoding="utf-8")


if __name__ == "__main__":
    main(*sys.argv[1:])
