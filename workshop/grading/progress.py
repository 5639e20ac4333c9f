"""What the workshop remembers of a learner: the last results, and the hints that were shown.

It is kept in `.workshop/` in the repository, or in the folder that $WORKSHOP_STATE names, and
losing it loses nothing else.
"""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

from ..paths import repository
from ..stages import Stage, stages
from .outcomes import PASSED, CheckResult


def remember(stage: Stage, results: list[CheckResult]) -> None:
    """Keeps the last result of a stage in exercises/."""
    state = _read()
    passed = sum(result.outcome == PASSED for result in results)
    state.setdefault("results", {})[stage.name] = [passed, len(results)]
    _write(state)


def next_hint(stage: Stage) -> tuple[int, str]:
    """The next hint's number and text; after the last one, the last again."""
    state = _read()
    shown = state.setdefault("hints", {}).get(stage.name, 0)
    number = min(shown + 1, len(stage.hints))
    state["hints"][stage.name] = number
    _write(state)
    return number, stage.hints[number - 1]


def table() -> str:
    """Where the learner stands: a row a stage."""
    results = _read().get("results", {})
    lines = ["stage  minutes  checks   title"]
    for stage in stages():
        lines.append(
            f"{stage.number:<5}{stage.minutes:>9}  {_state(stage, results):<8} {stage.title}"
        )
    done = [s for s in stages() if s.exercise and _is_done(results.get(s.name))]
    left = sum(s.minutes for s in stages() if s.exercise and s not in done)
    wanted = sum(s.exercise for s in stages())
    lines += ["", f"{len(done)} of {wanted} exercises done; about {left} minutes to go."]
    return "\n".join(lines)


def _state(stage: Stage, results: dict[str, Any]) -> str:
    if not stage.exercise:
        return "-"
    passed, total = results.get(stage.name, (None, None))
    return "not yet" if total is None else f"{passed} of {total}"


def _is_done(result: Any) -> bool:
    return bool(result) and result[0] == result[1]


def _read() -> dict[str, Any]:
    try:
        state = json.loads(_file().read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return state if isinstance(state, dict) else {}


def _write(state: dict[str, Any]) -> None:
    _file().parent.mkdir(parents=True, exist_ok=True)
    _file().write_text(json.dumps(state, indent=2) + "\n", encoding="utf-8")


def _file() -> Path:
    folder = os.environ.get("WORKSHOP_STATE") or repository() / ".workshop"
    return Path(folder) / "progress.json"
