"""The seam holds for more than one release of moto: the contract is run with an older one, too.

That installs a package and repeats all tests of the seam, so CI does it, and `pytest -m releases`.
"""

from __future__ import annotations

import os
import subprocess
import sys
from importlib.metadata import version
from pathlib import Path

import pytest
from test_cloud_seam import NEWEST, OLDEST
from watching import unwatched

from workshop.paths import repository


@pytest.fixture(scope="module")
def older_moto(tmp_path_factory) -> Path:
    """A folder with the oldest moto that works, and nothing else."""
    folder = tmp_path_factory.mktemp("moto")
    command = [sys.executable, "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
    command += ["--no-deps", "--target", str(folder), f"moto=={OLDEST}"]
    try:
        done = subprocess.run(
            command, capture_output=True, text=True, timeout=120, env=unwatched(os.environ)
        )
        why = done.stderr.strip()[-200:] if done.returncode else ""
    except subprocess.TimeoutExpired:
        why = "no answer within 120 s"
    if why:
        pytest.skip(f"moto {OLDEST} cannot be installed here: {why}")
    return folder


def test_the_newest_is_the_one_that_is_pinned():
    assert version("moto") == NEWEST


@pytest.mark.releases
def test_the_contract_holds_with_the_oldest(older_moto):
    files = sorted(str(path) for path in Path(__file__).parent.glob("test_cloud_seam*.py"))
    files.remove(str(Path(__file__)))
    environ = os.environ | {"PYTHONPATH": str(older_moto)}
    for name in ("PYTEST_ADDOPTS", "PYTEST_XDIST_WORKER", "PYTEST_XDIST_WORKER_COUNT"):
        environ.pop(name, None)
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", *files]
    done = subprocess.run(
        command, capture_output=True, text=True, env=environ, cwd=repository(), timeout=300
    )
    assert done.returncode == 0, f"with moto {OLDEST}:\n{done.stdout[-4000:]}"
