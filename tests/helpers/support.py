"""What several test files use."""

from __future__ import annotations

import io
import re
import shutil
import sys
import time
import zipfile
from dataclasses import dataclass
from pathlib import Path

from workshop.grading.stub import write_stub
from workshop.paths import repository
from workshop.stages import Stage, exercises, stages

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

ROLE = "arn:aws:iam::123456789012:role/lambda-role"
STAGES = exercises()
# A function that tries a connection: 0 if there is one, else the system's number of the error.
REACH = (
    "import socket\n"
    "def handler(event, context):\n"
    "    with socket.socket() as s:\n"
    "        s.settimeout(3)\n"
    "        return s.connect_ex((event['host'], event['port']))"
)


def package(source: str = "", **files: str) -> bytes:
    """A deployment package: handler.py, and more files by name (`__` stands for a dot)."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("handler.py", source)
        for name, text in files.items():
            archive.writestr(name.replace("__", "."), text)
    return buffer.getvalue()


def submission(folder: Path, stage: Stage, handler: Path | None = None) -> Path:
    """An exercises folder with the stage's solution in it, or with another handler."""
    target = folder / stage.name
    shutil.copytree(repository() / "solutions" / stage.name, target)
    if handler is not None:
        shutil.copyfile(handler, target / "handler.py")
    return folder


def stubs(folder: Path) -> Path:
    """An exercises folder as it comes: nothing is solved."""
    for stage in STAGES:
        write_stub(stage, folder)
    return folder


@dataclass(frozen=True)
class Mistake:
    """A wrong solution: what is wrong, the checks that must fail, and what differs.

    `changes` are tables with `old` and `new` lines, of handler.py or of another `file`; `says` is
    in the message of one of the checks.
    """

    what: str
    caught_by: set[str]
    changes: list[dict[str, str]]
    says: str = ""

    def submission(self, folder: Path, stage: Stage) -> Path:
        """An exercises folder with the stage's solution in it, but for this mistake."""
        submission(folder, stage)
        for change in self.changes:
            path = folder / stage.name / change.get("file", "handler.py")
            text = path.read_text(encoding="utf-8")
            assert text.count(change["old"]) == 1, (
                f"{self.what} Its `old` lines must stand in the solution once:\n{change['old']}"
            )
            path.write_text(text.replace(change["old"], change["new"]), encoding="utf-8")
        return folder


def mistakes(stage: str, root: Path | None = None) -> dict[str, Mistake]:
    """A stage's wrong solutions, by name, as tests/mistakes/ has them."""
    tables = _corpus(stage, root)["mistake"]
    found = {
        table["name"]: Mistake(
            table["what"], set(table["caught_by"]), table["change"], table.get("says", "")
        )
        for table in tables
    }
    assert len(found) == len(tables), f"{stage}: two mistakes have one name"
    return found


def untripped(stage: str, root: Path | None = None) -> list[str]:
    """The assertions of a stage's checks that are known to have no mistake."""
    return _corpus(stage, root).get("untripped", [])


def _corpus(stage: str, root: Path | None) -> dict:
    path = (root or repository()) / "tests" / "mistakes" / f"{stage}.toml"
    return tomllib.loads(path.read_text(encoding="utf-8"))


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
        if part.startswith("## Glossary\n"):
            continue
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
