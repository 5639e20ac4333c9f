"""Where things are in the repository."""

from __future__ import annotations

import os
from pathlib import Path


class MissingFolder(Exception):
    """A folder that was named is not there; the message says what to do."""


def repository() -> Path:
    """The repository's top folder."""
    return Path(__file__).resolve().parent.parent


def exercises_folder(given: str | Path | None = None) -> Path:
    """The learner's folder: `given`, else $WORKSHOP_EXERCISES, else `exercises/`.

    Raises MissingFolder if it is not there.
    """
    chosen = given or os.environ.get("WORKSHOP_EXERCISES")
    folder = Path(chosen).expanduser() if chosen else repository() / "exercises"
    if not folder.is_absolute() and not folder.is_dir():
        folder = repository() / folder
    if not folder.is_dir():
        raise MissingFolder(
            f"There is no folder {chosen or folder}. Name the folder that holds your "
            "stage_NN folders, for example: workshop check 01 --exercises exercises"
        )
    return folder.resolve()
