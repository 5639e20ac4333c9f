"""What several test files use."""

from __future__ import annotations

import io
import re
import shutil
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


def submission(folder: Path, stage: Stage, handler: Path) -> Path:
    """An exercises folder with one handler in it."""
    target = folder / stage.name
    target.mkdir(parents=True)
    shutil.copyfile(handler, target / "handler.py")
    return folder


def mistakes(stage: Stage) -> dict[str, tuple[Path, set[str]]]:
    """A stage's wrong solutions: name, file, and the checks that must catch it."""
    found = {}
    for path in sorted((repository() / "tests" / "mistakes" / stage.name).glob("*.py")):
        text = path.read_text(encoding="utf-8")
        found[path.stem] = path, set(re.findall(r"^# caught by: (\w+)$", text, re.MULTILINE))
    return found


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
