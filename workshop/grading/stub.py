"""The stub of a stage's exercise: its solution, cut at the marks."""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from pathlib import Path

from ..paths import MissingFolder, repository
from ..stages import Stage

EVENT = "event.json"  # the example for `workshop invoke`
MARKED = re.compile(  # indent, the first mark, and the second
    r"^( *)(# --- your [^\n]*: start ---\n).*?^( *# --- your [^\n]*: end ---)$",
    re.MULTILINE | re.DOTALL,
)


def stub(stage: Stage) -> dict[str, bytes]:
    """The files of a stage's stub, by name. Raises MissingFolder if there is no solution."""
    solution = repository() / "solutions" / stage.name
    if not solution.is_dir():
        raise MissingFolder(
            f"The stub is cut from the solution, and solutions/{stage.name} is missing. "
            f"In a clone, `git checkout -- solutions/{stage.name}` restores it."
        )
    return cut(solution, stage.given)


def write_stub(stage: Stage, exercises: Path) -> None:
    """Writes a stage's stub into a folder of exercises that has no such stage yet."""
    folder = exercises / stage.name
    folder.mkdir(parents=True)
    for name, content in stub(stage).items():
        (folder / name).write_bytes(content)


def cut(solution: Path, given: Sequence[str]) -> dict[str, bytes]:
    """The files of a solution's folder, without what the learner writes.

    Python files lose what stands between the marks: in a function `return {}` is left, elsewhere
    nothing. function.json keeps the settings that are `given`; another JSON file keeps its names,
    each with an empty object or string. event.json stays as it is.
    """
    return {path.name: _cut(path, given).encode("utf-8") for path in sorted(solution.iterdir())}


def _cut(path: Path, given: Sequence[str]) -> str:
    text = path.read_text(encoding="utf-8")
    if path.name == EVENT:
        return text
    if path.name == "function.json":
        settings = {key: value for key, value in json.loads(text).items() if key in given}
        return json.dumps(settings, indent=2) + "\n"
    if path.suffix == ".json":
        names = {name: type(value)() for name, value in json.loads(text).items()}
        return json.dumps(names, indent=2) + "\n"
    return MARKED.sub(_unsolved, text)


def _unsolved(marked: re.Match[str]) -> str:
    indent, start, end = marked.groups()
    return indent + start + (f"{indent}return {{}}\n" if indent else "\n") + end
