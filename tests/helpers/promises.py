"""What the repository promises of itself. Each promise returns what breaks it, and what fixes it.

A promise takes the repository's top folder, so that tests/test_promises.py can also show, on a
broken copy, that it does not look away.
"""

from __future__ import annotations

import ast
import graphlib
import json
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

from support import mistakes

from workshop.cloud.functions.runtime_names import READ_ON, RUNTIMES
from workshop.grading.stub import cut

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

LINK = re.compile(r"(?<!!)\[[^\]]*\]\(([^)\s]+)\)")
CODE_BLOCK = re.compile(r"```.*?```", re.DOTALL)
CODE = re.compile(CODE_BLOCK.pattern + r"|`[^`]*`", re.DOTALL)
LONG_SENTENCE = 8  # words
QUANTITY = re.compile(
    r"\$\d[\d,.]*\d|(?<![\w.,])\d[\d,.]*\s(?:KB|MB|GB-seconds?|GB|TB|ms|s|minutes?|hours?|days?|vCPUs?"
    r"|environments|requests|invocations|retries|layers|characters|rounds)\b|\b\d[\d,.]*\s?%"
)
SENTENCE = re.compile(r"\n\s*\n|(?<=[.!?])\s+(?=[A-Z*`_])")
PLAN = re.compile(r"^Plan \d+ minutes[^.]*\.", re.MULTILINE)
AWS_PAGE = re.compile(r"\]\(https://(?:docs\.)?aws\.amazon\.com/")
TESTS_OF_CI = "make test TEST_FLAGS=\"-m 'isolation or releases'\""
PRICE_LISTS = {  # the sources in facts.toml whose amounts stand in prices.toml, too
    "AWS Lambda pricing",
    "AWS Lambda pricing, provisioned concurrency",
    "AWS Fargate pricing",
    "Amazon VPC pricing",
}
MONTHS = "January|February|March|April|May|June|July|August|September|October|November|December"
MACHINE_PATHS = re.compile(r"(?:/(?:home|root|Users)/|[A-Z]:\\Users\\)\w")
REGISTRY = re.compile(r"index-url|extra-index|find-links", re.IGNORECASE)
NEEDED_HEADINGS = ["What you will learn", "Checkpoint", "Where people get stuck", "Cleanup"]
HEADINGS_WITH_EXERCISE = ["Your turn", "Cost", "Going further"]
# A package may import those that stand after it, never before.
LAYERS = ("cli", "notebook", "grading", "cloud")
# Inside of it a layer may import those that stand before it.
CLOUD_LAYERS = (
    *("base", "access", "sandbox", "functions", "triggers", "seam", "http"),
    *("parts", "local"),
)
OWN_FOLDERS = {
    *(".git", ".venv", ".workshop", ".mypy_cache", ".ruff_cache", ".pytest_cache"),
    *("__pycache__", "build", ".ipynb_checkpoints"),
}


def files(root: Path, *endings: str) -> Iterator[Path]:
    """The project's own files with these endings."""
    for folder, inner, names in os.walk(root):
        inner[:] = sorted(set(inner) - OWN_FOLDERS)
        for path in sorted(Path(folder, name) for name in names):
            if path.suffix in endings and path.is_file():
                yield path


def stages(root: Path) -> list[dict]:
    return tomllib.loads((root / "workshop" / "stages.toml").read_text(encoding="utf-8"))["stage"]


def exercises(root: Path) -> list[str]:
    return [stage["name"] for stage in stages(root) if stage["exercise"]]


def markdown(root: Path) -> Iterator[tuple[Path, str]]:
    """Every text for people: Markdown files, and the Markdown cells of notebooks."""
    for path in files(root, ".md"):
        yield path, path.read_text(encoding="utf-8")
    for path in files(root, ".ipynb"):
        cells = json.loads(path.read_text(encoding="utf-8"))["cells"]
        text = ["".join(cell["source"]) for cell in cells if cell["cell_type"] == "markdown"]
        yield path, "\n\n".join(text)


def every_stage_is_complete_under_one_name(root: Path) -> Iterator[str]:
    for stage in stages(root):
        name = stage["name"]
        needed = [f"notebooks/{name.removeprefix('stage_')}.ipynb"]
        if not name.startswith(f"stage_{stage['number']}_"):
            yield f"stages.toml: {name} does not begin with stage_{stage['number']}_"
        if stage["exercise"]:
            needed += [f"{top}/{name}/handler.py" for top in ("exercises", "solutions")]
            needed += [f"checks/{name}/test_{name[9:]}.py"]
            needed += [f"tests/mistakes/{name}.toml", f"tests/alternatives/{name}"]
        for path in needed:
            if not (root / path).exists():
                yield f"{name} is not complete: make {path}"
    known = {stage["name"] for stage in stages(root)}
    for top in ("exercises", "solutions", "checks", "tests/mistakes", "tests/alternatives"):
        for path in (root / top).glob("stage_*"):
            if path.stem not in known:
                yield f"{top}/{path.name} has no table in workshop/stages.toml"


def every_chapter_has_its_parts(root: Path) -> Iterator[str]:
    text = (root / "Activity.md").read_text(encoding="utf-8")
    for stage in stages(root):
        title = f"## Stage {stage['number']}: {stage['title']}"
        if f"\n{title}\n" not in text:
            yield f"Activity.md has no chapter {title!r}"
            continue
        chapter = text.split(f"\n{title}\n")[1].split("\n## ")[0]
        needed = NEEDED_HEADINGS + (HEADINGS_WITH_EXERCISE if stage["exercise"] else [])
        for heading in needed:
            if f"\n### {heading}\n" not in chapter:
                yield f"Activity.md, stage {stage['number']}: write the section '### {heading}'"
        if chapter.count("> **Predict.**") < 3:
            yield f"Activity.md, stage {stage['number']}: ask for a prediction before the steps"
        if _plan(stage) not in chapter:
            yield f"Activity.md, stage {stage['number']}: say '{_plan(stage)}'"


def _plan(stage: dict) -> str:
    more = f", and {stage['extra']} more for the extra sections" if stage["extra"] else ""
    return f"Plan {stage['core']} minutes{more}."


def chapters_and_notebooks_share_no_prose(root: Path) -> Iterator[str]:
    """The notebook teaches, the chapter leads through; predictions may be the same in both."""
    for stage in stages(root):
        chapter = long_sentences(chapter_of(root, stage))
        notebook = long_sentences(notebook_of(root, stage))
        for sentence in sorted(chapter.keys() & notebook.keys()):
            yield (
                f"stage {stage['number']}: chapter and notebook both say {notebook[sentence]!r}: "
                "leave it out of one, or say there what only that one is for"
            )


def long_sentences(text: str) -> dict[str, str]:
    """The sentences of eight words or more, by their words alone.

    Code blocks, headings and predictions are left out. A list's items and a table's cells end a
    sentence, as a full stop does.
    """
    text = re.sub(r"^(?:#|> \*\*Predict\.\*\*).*$", "", text, flags=re.MULTILINE)
    text = re.sub(r"\[([^\]]*)\]\([^)]*\)", r"\1", re.sub(CODE_BLOCK, "", text))
    found = {}
    for part in re.split(r"(?<=[.!?:])\W*\s|\n\s*(?:\n|[-|>]|\d+\.)|\|", text):
        words = re.findall(r"[^\W\d_]\w*", part.lower())
        if len(words) >= LONG_SENTENCE:
            found[" ".join(words)] = " ".join(part.split())
    return found


def the_learners_stub_is_cut_from_the_solution(root: Path) -> Iterator[str]:
    for stage in stages(root):
        name = stage["name"]
        if not stage["exercise"]:
            continue
        for file, content in cut(root / "solutions" / name, stage.get("given", ())).items():
            if committed(root, f"exercises/{name}/{file}") != content:
                number = stage["number"]
                yield (
                    f"exercises/{name}/{file} is not the solution without what is between its "
                    f"marks: `workshop reset {number}` cuts it anew"
                )


def committed(root: Path, path: str) -> bytes | None:
    """A file as it is committed: the one in the folder may be a learner's solution by now."""
    if (root / ".git").exists() and shutil.which("git"):
        # The clone may belong to another user than the one who runs the tests.
        command = ["git", "-c", "safe.directory=*", "show", f"HEAD:{path}"]
        show = subprocess.run(command, cwd=root, capture_output=True)
        return show.stdout if show.returncode == 0 else None
    return (root / path).read_bytes() if (root / path).is_file() else None


def every_stage_with_an_exercise_has_hints(root: Path) -> Iterator[str]:
    for stage in stages(root):
        if stage["exercise"] and len(set(stage["hints"])) < 3:
            yield f"stages.toml: write three hints or more for {stage['name']}"
        if any(len(hint.strip()) < 20 for hint in stage["hints"]):
            yield f"stages.toml: a hint of {stage['name']} says nothing"


def every_assertion_of_a_check_has_a_message(root: Path) -> Iterator[str]:
    for path in files(root / "checks", ".py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Assert) and node.msg is None:
                where = f"{path.relative_to(root)}:{node.lineno}"
                yield f"{where}: give the assertion its message, failure()"


def every_check_says_what_it_means(root: Path) -> Iterator[str]:
    for folder in sorted((root / "checks").glob("stage_*")):
        for check in checks_of(folder):
            if not ast.get_docstring(check):
                yield f"checks/{folder.name}: {check.name} needs a docstring: learners read it"


def checks_of(folder: Path) -> list[ast.FunctionDef]:
    """The checks in a stage's folder."""
    trees = [ast.parse(path.read_text("utf-8")) for path in sorted(folder.glob("test_*.py"))]
    named = [node for tree in trees for node in tree.body if isinstance(node, ast.FunctionDef)]
    return [node for node in named if node.name.startswith("test_")]


def every_check_is_tripped_by_a_mistake(root: Path) -> Iterator[str]:
    for name in exercises(root):
        known = {check.name for check in checks_of(root / "checks" / name)}
        caught = set()
        where = f"tests/mistakes/{name}.toml"
        for title, mistake in mistakes(name, root).items():
            if not mistake.caught_by:
                yield f"{where}: say which checks {title} is `caught_by`"
            for check in sorted(mistake.caught_by - known):
                yield f"{where}: {title} names {check}, which is no check of {name}"
            caught |= mistake.caught_by
        for check in sorted(known - caught):
            yield f"write a mistake in {where} that {check} catches"


def internal_links_resolve(root: Path) -> Iterator[str]:
    for path, text in markdown(root):
        for target in LINK.findall(CODE.sub("", text)):
            if re.match(r"[a-z]+:", target):
                continue
            file, _, anchor = target.partition("#")
            there = (path.parent / file).resolve() if file else path
            if not there.exists():
                yield f"{path.relative_to(root)} links to {target}, which is not there"
            elif anchor and there.suffix == ".md" and anchor not in anchors(there):
                yield f"{path.relative_to(root)} links to {target}, and no heading has that anchor"


def anchors(path: Path) -> set[str]:
    """The anchors that GitHub makes of a file's headings."""
    headings = re.findall(r"^#+ (.+)$", path.read_text(encoding="utf-8"), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


def every_runtime_named_can_be_created(root: Path) -> Iterator[str]:
    folders = ("exercises", "solutions", "checks", "notebooks", "workshop")
    paths = [root / "Activity.md", root / "README.md"]
    for folder in folders:
        paths += [p for p in files(root / folder, ".py", ".ipynb", ".json", ".toml")]
    for path in paths:
        for name in sorted(set(re.findall(r"\bpython3\.\d+\b", path.read_text(encoding="utf-8")))):
            if name not in RUNTIMES or not RUNTIMES[name].can_create():
                yield (
                    f"{path.relative_to(root)} names {name}, which AWS lets nobody create a "
                    f"function with (workshop/cloud/functions/runtime_names.py, read on {READ_ON})"
                )


def every_quantity_from_aws_is_known(root: Path) -> Iterator[str]:
    """A sentence that links to AWS's pages says facts that the table has, each with its source.

    The numbers of a story need no table: the code blocks and checks that compute them are run.
    """
    table = tomllib.loads((root / "workshop" / "facts.toml").read_text(encoding="utf-8"))
    facts = {said for fact in table["fact"] for said in fact["says"]}
    used = set()
    for stage in stages(root):
        prose = prose_of(root, stage)
        used |= quantities(prose)
        cited = " ".join(each for each in SENTENCE.split(prose) if AWS_PAGE.search(each))
        for quantity in sorted(quantities(cited) - facts):
            yield (
                f"stage {stage['number']} says {quantity!r} and links to AWS: add it to "
                "workshop/facts.toml with its source, or link in a sentence of its own"
            )
    for quantity in sorted(facts - used):
        yield f"workshop/facts.toml: no stage says {quantity!r}"
    for fact in table["fact"]:
        for field in ("what", "source", "url", "read"):
            if not fact.get(field):
                yield f"workshop/facts.toml: {fact['says']} has no {field}"


def prose_of(root: Path, stage: dict) -> str:
    """A stage's chapter and its notebook's Markdown, without code."""
    return CODE.sub("", f"{chapter_of(root, stage)}\n\n{notebook_of(root, stage)}")


def chapter_of(root: Path, stage: dict) -> str:
    """The chapter of a stage in Activity.md, without the minutes to plan."""
    text = (root / "Activity.md").read_text(encoding="utf-8")
    return PLAN.sub("", text.partition(f"\n## Stage {stage['number']}: ")[2].split("\n## ")[0])


def notebook_of(root: Path, stage: dict) -> str:
    """The Markdown of a stage's notebook, without the minutes to plan."""
    path = root / "notebooks" / f"{stage['name'].removeprefix('stage_')}.ipynb"
    return PLAN.sub("", "\n\n".join(text for file, text in markdown(root) if file == path))


def quantities(prose: str) -> set[str]:
    """Amounts of money, and numbers with a unit, as they are written."""
    return {" ".join(found.split()) for found in QUANTITY.findall(prose)}


def every_price_is_the_one_that_bills_use(root: Path) -> Iterator[str]:
    table = tomllib.loads((root / "workshop" / "facts.toml").read_text(encoding="utf-8"))
    prices = (root / "workshop" / "prices.toml").read_text(encoding="utf-8")
    for fact in table["fact"]:
        if fact["source"] not in PRICE_LISTS:
            continue
        for said in fact["says"]:
            if said.startswith("$") and f'"{said[1:]}"' not in prices:
                yield f"workshop/facts.toml says {said}, which workshop/prices.toml does not have"


def every_chapter_ends_with_its_sources(root: Path) -> Iterator[str]:
    text = (root / "Activity.md").read_text(encoding="utf-8")
    for stage in stages(root):
        chapter = text.partition(f"\n## Stage {stage['number']}: ")[2].split("\n## ")[0]
        sources = chapter.partition("\n### Sources\n")[2].partition("\n### ")[0]
        titles = re.findall(r"\[[^\]]+\]\(https://[^)]+\)", sources)
        if len(titles) < 2 or not re.search(rf"(?:{MONTHS}) 20\d\d", sources):
            yield (
                f"Activity.md, stage {stage['number']}: end with '### Sources': AWS's pages, and "
                "the month in which they were read"
            )


def requirements_are_pinned_and_explained(root: Path) -> Iterator[str]:
    text = (root / "requirements.txt").read_text(encoding="utf-8")
    lines = [line for line in text.splitlines() if line and not line.startswith("#")]
    names = []
    for line in lines[:-1]:
        found = re.match(r"([\w.-]+)(?:\[[\w,-]+\])?==[\w.]+(?: ; .+)?$", line)
        if found:
            names.append(found[1])
        else:
            yield f"requirements.txt: pin it exactly: {line}"
    if lines[-1] != "-e .":
        yield "requirements.txt ends with `-e .`"
    contributing = (root / "CONTRIBUTING.md").read_text(encoding="utf-8")
    table = contributing.split("## What is installed")[1].split("\n## ")[0]
    explained = re.findall(r"^\| ([\w.-]+) \| .{10,} \| \d+ \|$", table, re.MULTILINE)
    for name in names:
        if name not in explained:
            yield f"CONTRIBUTING.md, What is installed: say why {name} is there"
    for name in explained:
        if name not in names:
            yield f"CONTRIBUTING.md explains {name}, which requirements.txt does not have"


def every_table_of_stages_says_the_minutes(root: Path) -> Iterator[str]:
    for name in ("README.md", "Activity.md"):
        text = (root / name).read_text(encoding="utf-8")
        for stage in stages(root):
            row = rf"^\| {stage['number']}\b.* \| {stage['core']} \| {stage['extra'] or '-'} \|$"
            if not re.search(row, text, re.MULTILINE):
                yield f"{name}: the row of stage {stage['number']} says other minutes"
    hours, more = (round(sum(s[kind] for s in stages(root)) / 60) for kind in ("core", "extra"))
    total = f"about {hours} hours, exercises included, and {more} more with all extra sections"
    if total not in (root / "README.md").read_text(encoding="utf-8"):
        yield f"README.md: say that the stages take {total!r}"


def imports_point_one_way(root: Path) -> Iterator[str]:
    package = root / "workshop"
    for path in files(package, ".py"):
        layer = path.relative_to(package).parts[0].removesuffix(".py")
        if layer not in LAYERS:
            continue
        forbidden = LAYERS[: LAYERS.index(layer)]
        for name in imported(path, package):
            # the magic %check is the command, so that both speak the same
            if name in forbidden and (layer, name) != ("notebook", "cli"):
                yield f"{path.relative_to(root)} imports {name}: {layer} must not know of it"
        if layer == "cloud" and "stages" in imported(path, package):
            yield f"{path.relative_to(root)} imports stages: the cloud knows nothing of stages"


def the_clouds_layers_import_downwards(root: Path) -> Iterator[str]:
    cloud = root / "workshop" / "cloud"
    for path in files(cloud, ".py"):
        layer = path.relative_to(cloud).parts[0].removesuffix(".py")
        if layer == "__init__":
            continue
        if layer not in CLOUD_LAYERS:
            yield f"{path.relative_to(root)} lies in no layer of the local cloud"
            continue
        above = CLOUD_LAYERS[CLOUD_LAYERS.index(layer) + 1 :]
        for name in sorted(imported(path, cloud, "workshop.cloud") & set(above)):
            yield f"{path.relative_to(root)} imports {name}: {layer} must not know of it"
    circle = circle_of_imports(cloud, "workshop.cloud")
    if circle:
        yield f"modules import each other in a circle: {', '.join(circle)}"


def circle_of_imports(package: Path, name: str) -> list[str]:
    """Modules of a package that import each other in a circle, for types too; mostly none."""
    modules = {
        path.relative_to(package).with_suffix("").parts: path for path in files(package, ".py")
    }
    modules = {names[:-1] if names[-1] == "__init__" else names: p for names, p in modules.items()}
    graph = {
        module: {
            found
            for names in imports(path, package, name)
            if (found := names if names in modules else names[:-1]) in modules and found != module
        }
        for module, path in modules.items()
    }
    try:
        graphlib.TopologicalSorter(graph).prepare()
    except graphlib.CycleError as error:
        return [".".join((name, *module)) for module in error.args[1]]
    return []


def imported(path: Path, package: Path, name: str = "workshop") -> set[str]:
    """The modules and packages of a package, by name and folder, that a file in it imports."""
    return {names[0] for names in imports(path, package, name)}


def imports(path: Path, package: Path, name: str) -> Iterator[tuple[str, ...]]:
    """What a file takes from its package, as names from the package on: folder, module, name."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if not isinstance(node, ast.ImportFrom):
            continue
        base = list(path.relative_to(package).parts[:-1])
        if node.level > len(base) + 1:  # something above this package
            continue
        if node.level:
            base = base[: len(base) - node.level + 1]
            parts = [*base, *(node.module or "").split(".")]
        elif f"{node.module}.".startswith(f"{name}."):
            parts = (node.module or "").removeprefix(name).split(".")
        else:
            continue
        for alias in node.names:
            yield (*(part for part in parts if part), alias.name)


def nothing_names_one_machine(root: Path) -> Iterator[str]:
    for path in files(root, ".py", ".md", ".ipynb", ".toml", ".txt", ".cfg"):
        if path.name in ("promises.py", "test_promises.py"):
            continue
        text = path.read_text(encoding="utf-8")
        for pattern in (MACHINE_PATHS, REGISTRY):
            for found in pattern.findall(text):
                yield f"{path.relative_to(root)} names one machine or registry: {found}"


def prose_is_calm(root: Path) -> Iterator[str]:
    texts = list(markdown(root))
    hints = [hint for stage in stages(root) for hint in stage["hints"]]
    texts.append((root / "workshop" / "stages.toml", "\n".join(hints)))
    for path, text in texts:
        prose = CODE.sub("", text)
        for found in re.findall(r".*\w!(?:\s|$)|.*[\U0001F300-\U0001FAFF\u2705\u274c].*", prose):
            yield f"{path.relative_to(root)}: no exclamation marks, no emoji: {found.strip()[:60]}"


def every_notebook_starts_the_cloud_first(root: Path) -> Iterator[str]:
    """A cell that runs before the first one, as after a restart, finds no boto3 and no account."""
    for path in files(root / "notebooks", ".ipynb"):
        cells = json.loads(path.read_text(encoding="utf-8"))["cells"]
        first, *others = ["".join(c["source"]) for c in cells if c["cell_type"] == "code"]
        if first.splitlines() != ["%load_ext workshop.notebook", "import boto3"]:
            yield f"{path.name}: the first cell loads workshop.notebook, then imports boto3"
        for source in others:
            lines = source.splitlines()
            if any(line.startswith(("!", "%%")) for line in lines):
                yield f"{path.name}: a shell would find another `aws`; use boto3:\n{source}"
                continue
            tree = ast.parse("\n".join(line for line in lines if not line.startswith("%")))
            if any("boto3" in names_imported(node) for node in ast.walk(tree)):
                yield f"{path.name}: only the first cell imports boto3:\n{source}"


def names_imported(node: ast.AST) -> set[str]:
    """The modules that an import makes usable: `boto3.dynamodb` with its parent by `import`."""
    if isinstance(node, ast.Import):
        return {alias.name.partition(".")[0] for alias in node.names}
    return {node.module or ""} if isinstance(node, ast.ImportFrom) else set()


def ci_runs_make_test(root: Path) -> Iterator[str]:
    lines = (root / ".ci" / "run").read_text(encoding="utf-8").splitlines()
    if "make test TEST_FLAGS=--every-mistake" not in lines:
        yield ".ci/run runs `make test`, and grades every mistake"
    if not lines[-1].endswith(TESTS_OF_CI):
        yield ".ci/run ends with the tests that differ without bubblewrap, and those of releases"


PROMISES = [
    every_stage_is_complete_under_one_name,
    every_chapter_has_its_parts,
    chapters_and_notebooks_share_no_prose,
    the_learners_stub_is_cut_from_the_solution,
    every_stage_with_an_exercise_has_hints,
    every_assertion_of_a_check_has_a_message,
    every_check_says_what_it_means,
    every_check_is_tripped_by_a_mistake,
    internal_links_resolve,
    every_runtime_named_can_be_created,
    every_quantity_from_aws_is_known,
    every_price_is_the_one_that_bills_use,
    every_chapter_ends_with_its_sources,
    requirements_are_pinned_and_explained,
    every_table_of_stages_says_the_minutes,
    imports_point_one_way,
    the_clouds_layers_import_downwards,
    nothing_names_one_machine,
    prose_is_calm,
    every_notebook_starts_the_cloud_first,
    ci_runs_make_test,
]
