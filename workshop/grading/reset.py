"""Brings a stage's stub back, and keeps what was there."""

from __future__ import annotations

import itertools
import shutil
from pathlib import Path

from ..stages import Stage
from .report import stub_folder


def reset(stage: Stage, exercises: Path) -> list[str]:
    """Copies the stub into the exercises folder; returns what it did, a line a file.

    A file that differs is kept beside it, as `handler.py.kept-1`, `-2` and so on.
    """
    done = []
    target = exercises / stage.name
    target.mkdir(exist_ok=True)
    for stub in sorted(stub_folder(stage).iterdir()):
        file = target / stub.name
        if file.is_file() and file.read_bytes() == stub.read_bytes():
            done.append(f"{stage.name}/{stub.name} is the stub already")
            continue
        if file.exists():
            kept = _free_name(file)
            file.rename(kept)
            done.append(f"your {stub.name} is kept as {stage.name}/{kept.name}")
        shutil.copyfile(stub, file)
        done.append(f"{stage.name}/{stub.name} is the stub again")
    return done


def _free_name(file: Path) -> Path:
    names = (file.with_name(f"{file.name}.kept-{number}") for number in itertools.count(1))
    return next(name for name in names if not name.exists())
