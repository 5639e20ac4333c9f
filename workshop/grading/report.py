"""The report of a check run, as a learner reads it, and as a program does."""

from __future__ import annotations

import json
from dataclasses import asdict
from pathlib import Path

from ..paths import MissingFolder
from ..stages import Stage
from .outcomes import FAILED, PASSED, UNCHECKED, CheckResult
from .runner import core, passes, summary
from .stub import EVENT, stub
from .submission import LARGEST_FILE, NotReady, read_file

SIGNS = {PASSED: "ok  ", FAILED: "fail", UNCHECKED: "??  "}
SHOWN = 3  # failures told in full: the first ones help most


def is_stub(stage: Stage, exercises: Path) -> bool:
    """Whether the folder's files are still those of the stub as it came; the event does not count.

    A teacher may hand the workshop out without its solutions: then nobody can tell.
    """
    try:
        return all(
            _lines(read_file(exercises / stage.name, name, LARGEST_FILE)) == _lines(content)
            for name, content in stub(stage).items()
            if name != EVENT
        )
    except (NotReady, MissingFolder):
        return False


def _lines(content: bytes | None) -> list[bytes]:
    """The lines of a file, whichever way its editor ends them."""
    return content.splitlines() if content is not None else []


def text(stage: Stage, results: list[CheckResult], exercises: Path) -> str:
    """One stage's report: its core first, then its extras."""
    of_core, extra = core(results), [result for result in results if result.extra]
    lines = [f"Stage {stage.number}  {stage.title}", "", *_titles(of_core)]
    if extra:
        lines += ["", "Extra", "", *_titles(extra)]
    if is_stub(stage, exercises):
        lines += ["", *_stub_text(stage)]
    failures = _distinct([result for result in of_core + extra if result.outcome == FAILED])
    for result in failures[:SHOWN]:
        lines += ["", f"-- {result.means}  ({result.name})", _indent(result.message)]
        alike = sum(other.message == result.message for other in results) - 1
        if alike:
            checks = "1 more check fails" if alike == 1 else f"{alike} more checks fail"
            lines += [f"   {checks} for the same reason."]
    told = {result.message for result in failures[:SHOWN]}
    left = sum(each.outcome == FAILED and each.message not in told for each in results)
    if left:
        lines += ["", f"and {left} more: fix these first, then check again."]
    for result in _distinct([r for r in results if r.outcome == UNCHECKED])[:1]:
        lines += ["", "-- The workshop could not check; this is its fault, not yours:"]
        lines += [_indent(result.message), "   `workshop doctor` looks for the cause."]
    lines += ["", _closing(stage, of_core, extra)]
    return "\n".join(lines)


def as_json(results: list[CheckResult]) -> str:
    """Every result, for a program: outcome is "passed", "failed" or "could not check".

    A stage passes when its core does, whatever became of its extras.
    """
    stages = sorted({result.stage for result in results})
    of_stage = {name: [r for r in results if r.stage == name] for name in stages}
    body = {
        "passes": {name: passes(own) for name, own in of_stage.items()},
        "summary": summary(results),
        "checks": [asdict(result) for result in results],
    }
    return json.dumps(body, indent=2, ensure_ascii=False) + "\n"


def _stub_text(stage: Stage) -> list[str]:
    return [
        "This is the untouched stub, so it is meant to fail. What follows tells you what the",
        f"function should do. Write it in exercises/{stage.name}/handler.py between the marks,",
        "save, and check again.",
    ]


def _titles(results: list[CheckResult]) -> list[str]:
    return [f"  {SIGNS[result.outcome]}  {result.means}" for result in results]


def _closing(stage: Stage, of_core: list[CheckResult], extra: list[CheckResult]) -> str:
    counted, more = summary(of_core), summary(extra)
    of_extra = f" Extras: {more[PASSED]} of {len(extra)} checks pass." if extra else ""
    if passes(of_core):
        name = "core checks" if extra else "checks"
        return f"All {len(of_core)} {name} of stage {stage.number} pass. Well done.{of_extra}"
    text = f"{counted[PASSED]} of {len(of_core)} checks pass.{of_extra}"
    if counted[UNCHECKED]:
        return f"{text} {counted[UNCHECKED]} could not be checked."
    return f"{text} Stuck? `workshop hint {stage.number}` gives the next hint."


def _distinct(results: list[CheckResult]) -> list[CheckResult]:
    """One result for each message: a syntax error fails every check in the same way."""
    return list({result.message: result for result in reversed(results)}.values())[::-1]


def _indent(message: str) -> str:
    return "\n".join("   " + line for line in message.splitlines())
