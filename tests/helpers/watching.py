"""Watches the connections of this process and of the Python processes below it.

A process that Python isolates (`-I`), and one that is no Python, is not watched.
"""

from __future__ import annotations

import importlib.util
import os
from collections.abc import Mapping
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


def unwatched(environ: Mapping[str, str]) -> dict[str, str]:
    """The variables for a process that has to reach another machine: a package is installed."""
    kept = {name: value for name, value in environ.items() if name != "WORKSHOP_WATCH"}
    places = kept.pop("PYTHONPATH", "").split(os.pathsep)
    others = os.pathsep.join(place for place in places if place and place != str(FOLDER))
    return kept | ({"PYTHONPATH": others} if others else {})
