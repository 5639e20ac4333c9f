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

    Raises MissingFolder if it is not there, or no folder, or not to be read.
    """
    chosen = given or os.environ.get("WORKSHOP_EXERCISES")
    try:
        folder = Path(chosen).expanduser() if chosen else repository() / "exercises"
        if not folder.is_absolute() and not folder.is_dir():
            folder = repository() / folder
        if folder.is_dir():
            return folder.resolve()
        what = f"There is no folder {chosen or folder}"
        if folder.exists():
            what = f"{folder} is a file"
    except (OSError, RuntimeError, ValueError) as error:  # no right to look, no such home, a NUL
        what = f"The folder {chosen} cannot be read ({error})"
    raise MissingFolder(
        f"{what}. Name the folder that holds your stage_NN folders, for example: "
        "workshop check 01 --exercises exercises"
    )
