"""The stages, from the one table stages.toml."""

from __future__ import annotations

import functools
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib


@dataclass(frozen=True)
class Stage:
    """One stage of the workshop; `core` and `extra` are the minutes that a learner should plan.

    The core, its exercise included, is what makes a stage done. The extras go further. `given` are
    the settings in function.json that the stub has already.
    """

    number: str
    name: str
    title: str
    core: int
    extra: int
    exercise: bool
    teaches: str
    hints: tuple[str, ...]
    given: tuple[str, ...] = ()


class UnknownStage(Exception):
    """No stage has this name; the message lists those there are."""


@functools.cache
def stages() -> tuple[Stage, ...]:
    """Every stage, in order."""
    text = Path(__file__).with_name("stages.toml").read_text(encoding="utf-8")
    tables = tomllib.loads(text)["stage"]
    return tuple(Stage(**{key: _frozen(value) for key, value in t.items()}) for t in tables)


def _frozen(value: Any) -> Any:
    return tuple(value) if isinstance(value, list) else value


def exercises() -> tuple[Stage, ...]:
    """The stages that have an exercise."""
    return tuple(stage for stage in stages() if stage.exercise)


def find(text: str) -> Stage:
    """The stage called `1`, `01`, `stage_01` or by its full name. Raises UnknownStage."""
    wanted = text.strip().lower().removeprefix("stage_")
    for stage in stages():
        number, rest = stage.number, stage.name.removeprefix("stage_")
        if wanted in (number, rest, str(int(number))):
            return stage
    known = "\n".join(f"  {stage.number}  {stage.title}" for stage in stages())
    raise UnknownStage(f"There is no stage {text!r}. The stages are:\n{known}")
