"""What the workshop remembers of a learner: the last results, and the hints that were shown.

It is kept in `.workshop/` in the repository, or in the folder that $WORKSHOP_STATE names, and
losing it loses nothing else.
"""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path
from typing import Any

from ..paths import repository
from ..stages import Stage, stages
from .outcomes import PASSED, CheckResult
from .runner import core

PARTS = ("results", "hints")  # of the file: [passed, all] and a number, by a stage's name


def remember(stage: Stage, results: list[CheckResult]) -> None:
    """Keeps the last result of a stage's core in exercises/."""
    state = _read()
    graded = core(results)
    passed = sum(result.outcome == PASSED for result in graded)
    state["results"][stage.name] = [passed, len(graded)]
    _write(state)


def next_hint(stage: Stage) -> tuple[int, str]:
    """The next hint's number and text; after the last one, the last again."""
    state = _read()
    shown = state["hints"].get(stage.name)
    shown = max(0, shown) if isinstance(shown, int) else 0
    number = min(shown + 1, len(stage.hints))
    state["hints"][stage.name] = number
    _write(state)
    return number, stage.hints[number - 1]


def table() -> str:
    """Where the learner stands: a row a stage."""
    results = _read()["results"]
    lines = ["stage  minutes  extra  checks   title"]
    for stage in stages():
        lines.append(
            f"{stage.number:<5}{stage.core:>9}{stage.extra or '-':>7}  "
            f"{_state(stage, results):<8} {stage.title}"
        )
    done = [s for s in stages() if s.exercise and _is_done(results.get(s.name))]
    left = sum(s.core for s in stages() if s.exercise and s not in done)
    wanted = sum(s.exercise for s in stages())
    lines += ["", f"{len(done)} of {wanted} exercises done; about {left} minutes to go."]
    return "\n".join(lines)


def _state(stage: Stage, results: dict[str, Any]) -> str:
    if not stage.exercise:
        return "-"
    result = _counts(results.get(stage.name))
    return f"{result[0]} of {result[1]}" if result else "not yet"


def _is_done(result: Any) -> bool:
    counts = _counts(result)
    return counts is not None and counts[0] == counts[1]


def _counts(result: Any) -> tuple[int, int] | None:
    """How many checks passed, of how many; None if that is not what was kept."""
    match result:
        case [int(passed), int(total)]:
            return passed, total
    return None


def _read() -> dict[str, dict[str, Any]]:
    """What was kept; nothing where the file is missing or broken."""
    try:
        kept = json.loads(_file().read_text(encoding="utf-8"))
    except (OSError, ValueError, RecursionError):
        kept = {}
    parts = {name: kept.get(name) if isinstance(kept, dict) else None for name in PARTS}
    return {name: part if isinstance(part, dict) else {} for name, part in parts.items()}


def _write(state: dict[str, dict[str, Any]]) -> None:
    """Keeps it. A folder that is read-only ends no command, and is told of."""
    try:
        _file().parent.mkdir(parents=True, exist_ok=True)
        _file().write_text(json.dumps(state, indent=2) + "\n", encoding="utf-8")
    except OSError as error:
        print(
            f"Your progress cannot be saved in {_file()}: {error.strerror}. "
            "Set WORKSHOP_STATE to another folder.",
            file=sys.stderr,
        )


def _file() -> Path:
    folder = os.environ.get("WORKSHOP_STATE") or repository() / ".workshop"
    return Path(folder) / "progress.json"
