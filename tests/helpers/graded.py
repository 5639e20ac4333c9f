"""The record of which mistakes were graded in full: by the checks that must let them pass, too.

What the checks of its stage say about a mistake changes with the checks, the solution or the
mistake. So the record, tests/mistakes/graded.json, keeps for each mistake a fingerprint of these
three, docstrings left out; where it is another than today's, the mistake is graded in full. It
keeps which assertions the mistake trips, as well. From this a test run takes the few mistakes that
together trip each of them, and grades these by the checks that must catch them, changed or not;
with --every-mistake, as CI does, it grades all in this way.

python tests/helpers/graded.py [--all] [STAGE ...] grades in full what the record does not know, or
everything, and writes the record: `make record`.
"""

from __future__ import annotations

import ast
import hashlib
import json
import sys
import tempfile
from pathlib import Path

from assertions import Assertions
from many_checks import Submission, grade
from support import Mistake, mistakes, untripped

from workshop.grading.runner import check_folder
from workshop.grading.stub import EVENT, write_stub
from workshop.paths import repository
from workshop.stages import Stage, exercises, find

STUB = "stub"  # its assertions are in the record, too


def record_file(root: Path) -> Path:
    """Where the record is."""
    return root / "tests" / "mistakes" / "graded.json"


def read_record(root: Path) -> dict[str, dict[str, dict]]:
    """The record: `contents` and `tripped` of each mistake, by stage and name."""
    return json.loads(record_file(root).read_text(encoding="utf-8"))


def fingerprints(root: Path, stage: str) -> dict[str, str]:
    """Hashes of what decides how each mistake of a stage, and its stub, are graded; by name."""
    checks, solution = root / "checks", root / "solutions" / stage
    files = [checks / "conftest.py", *(checks / stage).glob("*.py"), *solution.glob("*.*")]
    texts = [[path.name, _what_runs(path)] for path in sorted(files) if path.name != EVENT]

    def of(mistake: Mistake | None) -> str:
        what = [sorted(mistake.caught_by), mistake.changes] if mistake else []
        return hashlib.sha256(json.dumps([texts, what]).encode()).hexdigest()[:16]

    return {STUB: of(None)} | {name: of(each) for name, each in mistakes(stage, root).items()}


def _what_runs(path: Path) -> str:
    """A file's text; of a Python file without the docstrings, since they are only read."""
    text = path.read_text(encoding="utf-8")
    if path.suffix != ".py":
        return text
    lines = text.splitlines()
    documented = (ast.Module, ast.ClassDef, ast.FunctionDef)
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, documented) and ast.get_docstring(node) is not None:
            docstring = node.body[0]
            for number in range(docstring.lineno - 1, docstring.end_lineno or 0):
                lines[number] = ""
    return "\n".join(line for line in lines if line)


def stale(root: Path, stage: str) -> list[str]:
    """The mistakes of a stage, and its stub, that the record does not know as they are now."""
    known = read_record(root).get(stage, {})
    return [
        name
        for name, contents in fingerprints(root, stage).items()
        if known.get(name, {}).get("contents") != contents
    ]


def enough(root: Path, stage: str) -> set[str]:
    """A few mistakes of a stage that trip each of its assertions, and are caught by each check.

    Those that the record has something of: what is new is graded in full in any case.
    """
    record, caught = read_record(root).get(stage, {}), mistakes(stage, root)
    shows = {n: {*record[n]["tripped"], *caught[n].caught_by} for n in caught if n in record}
    missing, found = set().union(*shows.values()), set()
    while missing:
        # The most that is new for each check that runs; of equals, the first by name.
        best = min(shows, key=lambda n: (-len(missing & shows[n]) / len(caught[n].caught_by), n))
        missing -= shows[best]
        found.add(best)
    return found


def never_tripped(root: Path, stage: str) -> set[str]:
    """The assertions of a stage's checks that the record has no mistake for."""
    found = read_record(root).get(stage, {}).values()
    names = Assertions(root / "checks" / stage).names()
    return names.difference(*(each["tripped"] for each in found))


def unguarded(root: Path, stage: str) -> list[str]:
    """What is wrong with the list of assertions that no mistake trips.

    Only a record of these very files can tell: test_stage_checks.py warns of another one.
    """
    if stale(root, stage):
        return []
    never, listed = never_tripped(root, stage), set(untripped(stage, root))
    where = f"tests/mistakes/{stage}.toml"
    return [
        f"write a mistake in {where} that trips {name}, or list it as `untripped`"
        for name in sorted(never - listed)
    ] + [
        f"{where}: {name} is tripped or gone: take it off the list `untripped`"
        for name in sorted(listed - never)
    ]


def record(stage: Stage, names: list[str]) -> list[str]:
    """Grades these mistakes in full, and writes down those that are graded as they should be.

    Returns what is wrong with the others.
    """
    root, known = repository(), mistakes(stage.name)
    contents = fingerprints(root, stage.name)
    with tempfile.TemporaryDirectory() as scratch:
        folders = {name: Path(scratch) / name for name in names}
        for name, folder in folders.items():
            if name == STUB:
                write_stub(stage, folder)
            else:
                known[name].submission(folder, stage)
        graded = grade(stage, {name: Submission(folder) for name, folder in folders.items()})
    table, wrong = read_record(root), []
    entries = {n: e for n, e in table.get(stage.name, {}).items() if n in (*known, STUB)}
    for name, found in graded.items():
        mistake = known.get(name)
        expected = mistake.caught_by if mistake else {result.name for result in found.results}
        if found.failed != expected:
            wrong.append(f"{name} is caught by {sorted(found.failed)}, not by {sorted(expected)}")
            continue
        entries[name] = {"contents": contents[name], "tripped": sorted(set(found.tripped))}
    table[stage.name] = entries
    text = json.dumps(table, indent=1, sort_keys=True) + "\n"
    record_file(root).write_text(text, encoding="utf-8", newline="\n")
    return wrong


def main(arguments: list[str]) -> int:
    """Records stages; returns the exit code."""
    stages, wrong = [find(text) for text in arguments if text != "--all"], []
    for stage in stages or exercises():
        everything = [*mistakes(stage.name), STUB]
        names = everything if "--all" in arguments else stale(repository(), stage.name)
        print(f"{stage.name}: {len(names)} to grade in full", flush=True)
        for line in record(stage, names) if names else []:
            wrong.append(line)
            print(f"  {line}")
        for name in sorted(never_tripped(repository(), stage.name)):
            listed = " (listed)" if name in untripped(stage.name) else ""
            print(f"  no mistake trips {check_folder(stage).name}/{name}{listed}")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
