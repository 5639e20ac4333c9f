"""Brings a stage's stub back, and keeps what was there."""

from __future__ import annotations

import itertools
import os
from pathlib import Path

from ..stages import Stage
from .stub import stub
from .submission import LARGEST_FILE, NotReady, read_file


def reset(stage: Stage, exercises: Path) -> list[str]:
    """Writes the stub into the exercises folder; returns what it did, a line a file.

    A file that differs is kept beside it, as `handler.py.kept-1`, `-2` and so on. So is what is
    no file, such as a link, and a stage's folder that is no folder.
    """
    done = []
    target = exercises / stage.name
    if os.path.lexists(target) and (target.is_symlink() or not target.is_dir()):
        done.append(_keep(target))
    target.mkdir(exist_ok=True)
    for name, content in stub(stage).items():
        file = target / name
        if _is_there(file, content):
            done.append(f"{stage.name}/{name} is the stub already")
            continue
        if os.path.lexists(file):
            done.append(_keep(file))
        file.write_bytes(content)
        done.append(f"{stage.name}/{name} is the stub again")
    return done


def _is_there(file: Path, content: bytes) -> bool:
    try:
        return read_file(file.parent, file.name, LARGEST_FILE) == content
    except NotReady:
        return False


def _keep(file: Path) -> str:
    """Gives it a name that is free; says so."""
    names = (file.with_name(f"{file.name}.kept-{number}") for number in itertools.count(1))
    kept = next(name for name in names if not os.path.lexists(name))
    file.rename(kept)
    return f"your {file.name} is kept as {file.parent.name}/{kept.name}"
