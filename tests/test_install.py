"""The first `make lab` says how far it is, and what it ended with."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys

import pytest

from workshop.install import packages, watched
from workshop.paths import repository

# Installs two packages, and goes on until somebody has seen them.
INSTALLER = """
import pathlib, sys, time
venv = pathlib.Path(sys.argv[1])
for name in ("one", "two"):
    (venv / f"lib/python3.11/site-packages/{name}-1.0.dist-info").mkdir(parents=True)
while not (venv / "seen").exists():
    time.sleep(0.01)
sys.exit(3)
"""


def test_it_says_how_many_packages_there_are(tmp_path):
    said = []

    def say(line: str) -> None:
        said.append(line)
        if "2 packages are installed" in line:
            (tmp_path / "seen").touch()

    command = [sys.executable, "-c", INSTALLER, str(tmp_path)]
    assert watched(command, tmp_path, say=say, every_s=0.02) == 3, "the installer's exit code"
    assert said[-1].endswith(" s  2 packages are installed")


def test_packages_of_a_venv_on_windows(tmp_path):
    (tmp_path / "Lib" / "site-packages" / "one-1.0.dist-info").mkdir(parents=True)
    assert packages(tmp_path) == 1


@pytest.mark.skipif(os.name == "nt", reason="the stand-in for Python is a shell script")
def test_a_python_without_venv(tmp_path):
    """Debian's Python comes without the package that makes virtual environments."""
    shutil.copytree(
        repository() / "workshop", tmp_path / "workshop", ignore=lambda *_: ["cloud", "grading"]
    )
    (tmp_path / "venv.py").write_text("raise SystemExit(1)\n")
    done = subprocess.run(
        [sys.executable, "-m", "workshop.install"],
        cwd=tmp_path,
        env=os.environ | {"PATH": ""},
        capture_output=True,
        text=True,
    )
    assert done.returncode == 1
    assert "Installing the workshop into .venv, once." in done.stdout
    assert "cannot make a virtual environment. On Debian and Ubuntu" in done.stderr
