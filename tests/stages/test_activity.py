"""Every command of Activity.md is executed, in order, and answers as the chapter says."""

from __future__ import annotations

import contextlib
import io
import os
import re
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import pytest
from support import chapters, stubs
from warm_aws import warm_aws

from workshop.cloud import LocalCloud
from workshop.cloud.base.variables import scrubbed
from workshop.paths import repository

FENCE = re.compile(r"^```(\w*)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
KNOWN = {"bash", "python", "text", "console", ""}


@dataclass(frozen=True)
class Block:
    """A code block: its language, its text, and the output that the next block promises."""

    language: str
    text: str
    expected: str | None


def blocks(chapter: str) -> list[Block]:
    """The blocks of a chapter; a `text` block belongs to the one before it."""
    found = FENCE.findall(chapter)
    after = [*found[1:], ("", "")]
    return [
        Block(language, text, following if next_language == "text" else None)
        for (language, text), (next_language, following) in zip(found, after, strict=True)
    ]


def matches(expected: str, came: str) -> bool:
    """Whether an output is as promised; `...` stands for anything."""
    parts = [re.escape(part) for part in expected.strip().split("...")]
    return re.fullmatch(".*".join(parts), came.strip(), re.DOTALL) is not None


@pytest.fixture(params=chapters(), ids=lambda chapter: chapter.stage.name)
def chapter(request):
    return request.param


def test_blocks_have_a_known_language(chapter):
    wrong = {block.language for block in blocks(chapter.text)} - KNOWN
    assert not wrong, f"Activity.md, {chapter.title}: mark these blocks as one of {KNOWN}: {wrong}"


@pytest.fixture(scope="module")
def aws():
    """A folder with an `aws` command that does not import itself anew for each call."""
    with warm_aws() as folder:
        yield folder


@pytest.mark.skipif(sys.platform == "win32", reason="the chapter's commands are for bash")
def test_chapter_runs(chapter, aws, tmp_path, monkeypatch):
    for command in ("bash", "curl"):
        if command in chapter.text and shutil.which(command) is None:
            pytest.skip(f"{command}, which the chapter uses, is missing")
    monkeypatch.setenv("WORKSHOP_EXERCISES", str(stubs(tmp_path / "exercises")))
    monkeypatch.chdir(tmp_path)
    (tmp_path / "workshop").symlink_to(repository() / "workshop")
    before = dict(os.environ)
    with LocalCloud() as cloud:
        environ = scrubbed(before) | cloud.environ()
        folders = [str(aws), str(Path(sys.executable).parent), environ["PATH"]]
        environ["PATH"] = os.pathsep.join(folders)
        environ["HOME"] = str(tmp_path)  # the folder that a chapter makes is in there
        environ.pop("PYTEST_ADDOPTS", None)
        for name in set(os.environ) - set(environ):
            monkeypatch.delenv(name)
        for name, value in environ.items():
            monkeypatch.setenv(name, value)
        monkeypatch.setattr("boto3.DEFAULT_SESSION", None)  # it keeps the keys it first saw
        names: dict = {}
        ran = [run(block, names) for block in blocks(chapter.text)]
    assert sum(ran) >= 3, f"{chapter.title} has too few commands that run"


def run(block: Block, names: dict) -> bool:
    """Runs a block, if it is one to run, and compares its output."""
    if block.language not in ("bash", "python"):
        return False
    came = run_bash(block.text) if block.language == "bash" else run_python(block.text, names)
    if block.expected is not None:
        assert matches(block.expected, came), (
            f"Activity.md promises another output.\n--- block\n{block.text}"
            f"--- promised\n{block.expected}--- came\n{came}"
        )
    else:
        assert not came.strip(), f"This block prints what the chapter does not show:\n{came}"
    return True


def run_bash(text: str) -> str:
    """Runs commands as a learner would paste them; a command that fails ends the test.

    The next block starts in the folder to which these commands went.
    """
    command = ["bash", "-eu", "-o", "pipefail", "-c", f'{text}\npwd >"$HOME/.folder"']
    done = subprocess.run(command, capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, f"Activity.md: exit code {done.returncode}\n{text}{done.stderr}"
    os.chdir(Path.home().joinpath(".folder").read_text(encoding="utf-8").strip())
    return done.stdout


def run_python(text: str, names: dict) -> str:
    """Runs Python lines in one namespace for the whole chapter."""
    said = io.StringIO()
    with contextlib.redirect_stdout(said):
        exec(compile(text, "Activity.md", "exec"), names)
    return said.getvalue()


def test_no_block_waits_for_ever(chapter):
    waits = re.compile(r"^(?:until|while) .*", re.MULTILINE)
    found = [
        match[0]
        for block in blocks(chapter.text)
        if block.language == "bash" and "#!/bin/sh" not in block.text  # a runtime's own loop
        for match in waits.finditer(block.text)
    ]
    assert not found, "write `for attempt in $(seq 100)`, which gives up when a step was wrong"


@pytest.mark.skipif(sys.platform == "win32", reason="the chapter's scripts are for bash")
@pytest.mark.parametrize("number, name", [("06", "lines.sh"), ("07", "lines.sh"), ("09", "got.sh")])
def test_a_script_that_waits_shows_the_error_of_aws(number, name, tmp_path):
    [text] = [chapter.text for chapter in chapters() if chapter.stage.number == number]
    script = text.partition(f"cat > {name} <<'END'\n")[2].partition("\nEND\n")[0]
    aws = tmp_path / "aws"
    aws.write_text("#!/bin/sh\necho 'Unable to locate credentials' >&2; exit 253\n")
    aws.chmod(0o755)
    environ = {**os.environ, "PATH": os.pathsep.join([str(tmp_path), os.environ["PATH"]])}
    command = ["bash", "-c", script, name, "journal", "record:", "1"]
    done = subprocess.run(
        command, cwd=tmp_path, env=environ, capture_output=True, text=True, timeout=60
    )
    assert done.returncode == 1
    assert done.stderr == "Unable to locate credentials\n"


def test_the_glossary_has_each_word_that_is_linked():
    text = (repository() / "Activity.md").read_text(encoding="utf-8")
    entries = re.findall(
        r"^- \*\*([^*]+)\*\*: ", text.partition("\n## Glossary\n")[2], re.MULTILINE
    )
    known = {word.lower() for entry in entries for word in entry.split(", ")}
    linked = {word.lower() for word in re.findall(r"\[([^\]]+)\]\(#glossary\)", text)} - {
        "glossary"
    }
    assert not {
        word for word in linked if word not in known and word.removesuffix("s") not in known
    }
    assert entries == sorted(entries, key=str.lower)


def test_a_wrong_output_is_seen():
    assert matches("a ... c\n", "a b c")
    assert not matches("a ... c\n", "a b d")
    assert not matches("", "anything")
