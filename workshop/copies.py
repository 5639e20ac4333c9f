"""The learner's copies of the notebooks, in `my_notebooks/`, which git ignores.

A copy has no outputs, so that no answer is below its question. It remembers in its metadata which
notebook it was made from. So `make lab` knows which notebooks are new after an update, and which
copies the learner changed. A changed copy is never lost: it is renamed, and the new one takes its
place, since only that one fits the workshop that is installed.
"""

from __future__ import annotations

import hashlib
import itertools
import json
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from .stages import Stage

FOLDER = "my_notebooks"
MADE_FROM = "workshop_made_from"  # in the metadata of a copy: the fingerprint of its original


def bring(repository: Path) -> list[str]:
    """Makes the copies that are missing, and those whose original is another one by now.

    Returns what it did, in sentences for the learner. A copy that was run, and not changed, loses
    its outputs to a newer one.
    """
    made, updated, kept = [], [], []
    for original in originals(repository):
        copy = repository / FOLDER / original.name
        if not os.path.lexists(copy):
            made.append(original.name)
        elif _made_from(copy) == fingerprint(_read(original)):
            continue
        else:
            updated.append(original.name)
            if _is_changed(copy):
                kept.append(_keep(copy))
        _write(original, copy)
    return list(_told(made, updated, kept))


def bring_back(stage: Stage, repository: Path) -> list[str]:
    """Makes the copy of one stage's notebook anew; returns what it did, in sentences."""
    original = original_of(stage, repository)
    copy = repository / FOLDER / original.name
    kept = [_keep(copy)] if os.path.lexists(copy) and _is_changed(copy) else []
    _write(original, copy)
    return [*kept, f"{FOLDER}/{copy.name} is the original again."]


def originals(repository: Path) -> list[Path]:
    """The notebooks of the repository, in the order of the stages."""
    return sorted((repository / "notebooks").glob("*.ipynb"))


def original_of(stage: Stage, repository: Path) -> Path:
    """The repository's notebook of a stage."""
    return repository / "notebooks" / f"{stage.name.removeprefix('stage_')}.ipynb"


def fingerprint(notebook: dict[str, Any]) -> str:
    """What tells two notebooks apart: their cells, whatever their outputs are."""
    cells = [(cell["cell_type"], _source(cell)) for cell in notebook["cells"]]
    return hashlib.sha256(json.dumps(cells).encode()).hexdigest()


def _source(cell: dict[str, Any]) -> str:
    """A cell's text, which a notebook's file holds as one string or as a list of lines."""
    source = cell["source"]
    return source if isinstance(source, str) else "".join(source)


def _read(file: Path) -> dict[str, Any]:
    return json.loads(file.read_text(encoding="utf-8"))


def _made_from(copy: Path) -> str | None:
    """The fingerprint of the notebook that a copy was made from; None if that is not known."""
    try:
        return _read(copy)["metadata"].get(MADE_FROM)
    except (OSError, ValueError, LookupError, TypeError, AttributeError):  # not a notebook
        return None


def _is_changed(copy: Path) -> bool:
    """Whether the learner wrote something into it, or it is not a copy of ours at all."""
    try:
        return fingerprint(_read(copy)) != _made_from(copy)
    except (OSError, ValueError, LookupError, TypeError):
        return True


def _write(original: Path, copy: Path) -> None:
    """Writes the notebook without its outputs."""
    notebook = _read(original)
    for cell in notebook["cells"]:
        if cell["cell_type"] == "code":
            cell["outputs"], cell["execution_count"] = [], None
    notebook["metadata"][MADE_FROM] = fingerprint(notebook)
    copy.parent.mkdir(exist_ok=True)
    unfinished = copy.with_name(f".{copy.name}.{os.getpid()}")  # nobody reads half a notebook
    text = json.dumps(notebook, indent=1, ensure_ascii=False) + "\n"
    unfinished.write_text(text, encoding="utf-8")
    unfinished.replace(copy)


def _keep(copy: Path) -> str:
    """Gives the learner's copy a name that is free, and says so."""
    names = (copy.with_name(f"{copy.stem}.kept-{n}{copy.suffix}") for n in itertools.count(1))
    kept = next(name for name in names if not os.path.lexists(name))
    copy.rename(kept)
    return f"You changed {copy.name}: your copy is kept as {FOLDER}/{kept.name}."


def _told(made: list[str], updated: list[str], kept: list[str]) -> Iterator[str]:
    if made:
        yield f"Made your notebooks in {FOLDER}/: {', '.join(made)}."
    if updated:
        yield f"An update brought new notebooks to {FOLDER}/: {', '.join(updated)}."
    yield from kept
    if not made and not updated:
        yield f"Your notebooks are in {FOLDER}/, as you left them."
