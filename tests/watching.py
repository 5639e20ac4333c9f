"""Watches the connections of this process and of the Python processes below it.

A process that Python isolates (`-I`), and one that is no Python, is not watched.
"""

from __future__ import annotations

import importlib.util
import os
from pathlib import Path

FOLDER = Path(__file__).parent / "watch"
FILE = FOLDER / "sitecustomize.py"


def watch_all(seen: Path) -> None:
    """What is tried to reach from now on stands in the file `seen`, a line for each."""
    os.environ["WORKSHOP_WATCH"] = str(seen)
    before = os.environ.get("PYTHONPATH")
    os.environ["PYTHONPATH"] = str(FOLDER) + (os.pathsep + before if before else "")
    spec = importlib.util.spec_from_file_location("workshop_watch", FILE)
    assert spec and spec.loader
    module = importlib.util.module_from_spec(spec)
    seen.touch()
    spec.loader.exec_module(module)


def attempts(seen: Path) -> list[str]:
    """What was tried; empty if nothing left this machine."""
    return seen.read_text(encoding="utf-8").splitlines() if seen.is_file() else []
