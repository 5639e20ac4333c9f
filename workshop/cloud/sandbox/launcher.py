"""Chooses how functions are started."""

from __future__ import annotations

from pathlib import Path

from .bubblewrap import BubblewrapLauncher, bubblewrap_works
from .launch import PYTHON_PREFIX, Launcher, Reach
from .plain_process import ProcessLauncher
from .watch import Watch

__all__ = ["PYTHON_PREFIX", "Launcher", "Reach", "bubblewrap_works", "choose_launcher"]


def choose_launcher(
    isolation: str, folder: Path, watch: Watch, reach: Reach, internet: bool = False
) -> Launcher:
    """The launcher for `isolation`: "auto" takes bubblewrap where it works, or "process"."""
    if isolation == "auto" and bubblewrap_works():
        return BubblewrapLauncher(watch, reach, internet)
    return ProcessLauncher(folder, watch)
