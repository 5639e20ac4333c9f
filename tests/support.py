"""What several test files use."""

from __future__ import annotations

import io
import json
import re
import shutil
import time
import zipfile
from dataclasses import dataclass
from pathlib import Path

from workshop.paths import repository
from workshop.stages import Stage, exercises, stages

ROLE = "arn:aws:iam::123456789012:role/lambda-role"
STAGES = exercises()


def package(source: str = "", **files: str) -> bytes:
    """A deployment package: handler.py, and more files by name (`__` stands for a dot)."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("handler.py", source)
        for name, text in files.items():
            archive.writestr(name.replace("__", "."), text)
    return buffer.getvalue()


def submission(folder: Path, stage: Stage, changed: Path | None = None) -> Path:
    """An exercises folder with the stage's solution in it, but for one file.

    `changed` is a handler (.py), or the function.json of a mistake (.json, see mistakes).
    """
    target = folder / stage.name
    shutil.copytree(repository() / "solutions" / stage.name, target)
    if changed is not None and changed.suffix == ".json":
        settings = json.loads(changed.read_text(encoding="utf-8"))["function.json"]
        (target / "function.json").write_text(json.dumps(settings), encoding="utf-8")
    elif changed is not None:
        shutil.copyfile(changed, target / "handler.py")
    return folder


def mistakes(stage: Stage) -> dict[str, tuple[Path, set[str]]]:
    """A stage's wrong solutions: name, file, and the checks that must catch it.

    NAME.py is a handler with `# caught by: test_...` lines; NAME.json holds "what", "caught by"
    (a list) and "function.json" (the settings). The stage's other files are the solution's.
    """
    found = {}
    folder = repository() / "tests" / "mistakes" / stage.name
    for path in sorted([*folder.glob("*.py"), *folder.glob("*.json")]):
        found[path.stem] = path, caught_by(path)
    return found


def caught_by(mistake: Path) -> set[str]:
    """The checks that a mistake names."""
    text = mistake.read_text(encoding="utf-8")
    if mistake.suffix == ".json":
        return set(json.loads(text)["caught by"])
    return set(re.findall(r"^# caught by: (\w+)$", text, re.MULTILINE))


@dataclass(frozen=True)
class Chapter:
    """One chapter of Activity.md."""

    stage: Stage
    title: str
    text: str

    @property
    def headings(self) -> list[str]:
        """The headings below the title, in order."""
        return re.findall(r"^### (.+)$", self.text, re.MULTILINE)


def chapters() -> list[Chapter]:
    """The chapters of Activity.md, in order."""
    whole = (repository() / "Activity.md").read_text(encoding="utf-8")
    found = []
    for part in re.split(r"^(?=## )", whole, flags=re.MULTILINE)[1:]:
        title = part.splitlines()[0].removeprefix("## ")
        number = re.match(r"Stage (\d\d): ", title)
        stage = next(s for s in stages() if number and s.number == number[1])
        found.append(Chapter(stage, title, part))
    return found


def metric_sum(lab, metric: str, function: str) -> float:
    """The sum of a metric of a function, 0 if there is no data."""
    now = time.time()
    found = lab.cloud.client("cloudwatch").get_metric_statistics(
        Namespace="AWS/Lambda",
        MetricName=metric,
        Dimensions=[{"Name": "FunctionName", "Value": function}],
        StartTime=now - 3600,
        EndTime=now + 3600,
        Period=7200,
        Statistics=["Sum"],
    )
    return sum(point["Sum"] for point in found["Datapoints"])
