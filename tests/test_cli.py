"""The `workshop` command, from a shell: what it prints, its exit codes, and bad input."""

from __future__ import annotations

import contextlib
import json
import os
import re
import shutil
import signal
import socket
import subprocess
import sys
from pathlib import Path

import pytest
from support import STAGES, submission
from waiting import until

from workshop import cli, doctor
from workshop.cli import main
from workshop.cloud import PortTaken
from workshop.grading.report import is_stub
from workshop.grading.stub import EVENT, stub, write_stub
from workshop.paths import repository

STAGE = STAGES[0]
SOLUTION = repository() / "solutions" / STAGE.name / "handler.py"


def workshop(*arguments: str, **environ: str) -> subprocess.CompletedProcess[str]:
    """Runs the command; no AWS variable but those given."""
    clean = {name: value for name, value in os.environ.items() if not name.startswith("AWS_")}
    return subprocess.run(
        [sys.executable, "-m", "workshop", *arguments],
        env=clean | {"PYTHONIOENCODING": "utf-8"} | environ,
        cwd=repository(),
        capture_output=True,
        text=True,
        encoding="utf-8",
        timeout=120,
    )


@pytest.fixture
def folder(tmp_path) -> Path:
    """An exercises folder with the solution in it, at a path with a blank and foreign letters."""
    return submission(tmp_path / "zażółć gęślą" / "my exercises", STAGE, SOLUTION)


@pytest.fixture
def state(tmp_path, monkeypatch):
    """The folder in which the workshop remembers what was done, empty."""
    folder = tmp_path / "state"
    monkeypatch.setenv("WORKSHOP_STATE", str(folder))
    return folder


def refused(done: subprocess.CompletedProcess[str], *words: str) -> None:
    """A wrong call: exit code 2, the words on stderr, no traceback."""
    assert done.returncode == 2, done.stdout + done.stderr
    assert "Traceback" not in done.stderr
    for word in words:
        assert word in done.stderr


@pytest.mark.isolation
def test_check_of_a_solution_at_a_strange_path(folder, tmp_path):
    target = tmp_path / "results.json"
    done = workshop("check", "01", "--exercises", str(folder), "--json", str(target))
    assert done.returncode == 0, done.stdout + done.stderr
    assert "All 12 checks of stage 01 pass. Well done." in done.stdout
    results = json.loads(target.read_text(encoding="utf-8"))
    assert results["summary"] == {"passed": 12, "failed": 0, "could not check": 0}
    assert {check["stage"] for check in results["checks"]} == {STAGE.name}
    assert all(check["means"] for check in results["checks"])


def test_check_of_a_mistake(folder, tmp_path):
    handler = folder / STAGE.name / "handler.py"
    text = handler.read_text(encoding="utf-8")
    handler.write_text(text.replace("-(-seconds // 60)", "seconds // 60"), encoding="utf-8")
    done = workshop("check", "1", "--exercises", str(folder))
    assert done.returncode == 1
    assert "fail  Minutes are rounded up: a minute that has begun counts." in done.stdout
    assert "11 of 12 checks pass. Stuck? `workshop hint 01`" in done.stdout
    for word in ("event:", "expected: ", "got: ", "look at: "):
        assert word in done.stdout


def test_no_such_stage():
    refused(workshop("check", "77"), "There is no stage '77'", "  01  Hello, Lambda")


def test_a_stage_without_exercise():
    refused(workshop("check", "00"), "Stage 00 has no exercise")
    refused(workshop("hint", "00"), "Stage 00 has no exercise")


@pytest.mark.parametrize("command", ["hint", "reset"])
def test_commands_that_need_a_stage(command):
    done = workshop(command)
    refused(done, "the following arguments are required: STAGE")


def test_exercises_folder_missing():
    refused(
        workshop("check", "01", "--exercises", "/no/such folder"),
        "There is no folder /no/such folder",
        "--exercises exercises",
    )


def test_results_that_cannot_be_written(folder):
    done = workshop("check", "01", "--exercises", str(folder), "--json", "/no/such/file.json")
    refused(done, "The results cannot be written to /no/such/file.json")
    assert "All 12 checks" in done.stdout, "nothing is lost: the report is still there"


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ("syntax", ["handler.py has a syntax error in line 3", "    def handler(event", "Fix it"]),
        ("no handler.py", ["There is no handler.py", "workshop reset"]),
        ("no stage", ["is missing", "workshop reset"]),
        ("no text", ["handler.py is not Python source"]),
        ("settings no json", ["function.json is not JSON", "line 1"]),
        ("settings no object", ["function.json must hold an object"]),
        ("settings unknown", ["function.json has a setting that AWS does not know", "Memory"]),
        ("settings wrong type", ["has the wrong type", "write numbers and JSON in quotes"]),
        ("settings refused", ["AWS refuses the settings in function.json", "901"]),
    ],
)
def test_a_folder_that_cannot_be_deployed_fails_with_what_to_mend(folder, change, words):
    stage = folder / STAGE.name
    handler, settings = stage / "handler.py", stage / "function.json"
    if change == "syntax":
        handler.write_text("import json\n\ndef handler(event context):\n    return {}\n")
    elif change == "no handler.py":
        handler.unlink()
    elif change == "no stage":
        shutil.rmtree(stage)
    elif change == "no text":
        handler.write_bytes(b"x = 1\0\n")
    else:
        texts = {"no json": "{Timeout: 3}", "no object": "[3]", "unknown": '{"Memory": 3}'}
        texts["wrong type"] = '{"Environment": {"Variables": {"RESERVE_MS": 2500}}}'
        settings.write_text(texts.get(change.partition(" ")[2], '{"Timeout": 901}'))
    done = workshop("check", "01", "--exercises", str(folder))
    assert done.returncode == 1, done.stdout + done.stderr
    for word in words:
        assert word in done.stdout
    assert "Traceback" not in done.stdout + done.stderr
    assert done.stdout.count("-- ") == 1, "one message, not twelve times the same"
    assert "0 of 12 checks pass" in done.stdout


def test_files_in_an_exercises_folder_never_reach_pytest(folder, tmp_path):
    """A submission that tries to take over the process that grades it."""
    mark = tmp_path / "taken over"
    attack = f"open({str(mark)!r}, 'w').write('x')\nraise SystemExit(0)\n"
    for place in (folder, folder / STAGE.name):
        for name in ("conftest.py", "json.py", "sitecustomize.py", "usercustomize.py", "pytest.py"):
            (place / name).write_text(attack, encoding="utf-8")
        (place / "pytest.ini").write_text("[pytest]\naddopts = --collect-only\n")
        (place / "pyproject.toml").write_text("[tool.pytest.ini_options]\naddopts = '-k nothing'\n")
    done = subprocess.run(
        [str(Path(sys.executable).parent / "workshop"), "check", "01", "--exercises", "."],
        cwd=folder,
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert "All 12 checks" in done.stdout
    assert not mark.exists()


def test_a_handler_that_ends_pytest_would_not_end_it(folder):
    handler = folder / STAGE.name / "handler.py"
    handler.write_text("import os, signal\nos.kill(os.getppid(), signal.SIGTERM)\nos._exit(0)\n")
    done = workshop("check", "01", "--exercises", str(folder))
    assert done.returncode == 1
    assert "12 of 12" not in done.stdout
    assert "Well done" not in done.stdout


def test_stub_says_that_it_is_meant_to_fail(tmp_path):
    write_stub(STAGE, tmp_path)
    done = workshop("check", "01", "--exercises", str(tmp_path))
    assert done.returncode == 1
    assert "This is the untouched stub, so it is meant to fail." in done.stdout


def test_hints_come_one_after_the_other(state):
    said = [workshop("hint", "01").stdout for _ in range(len(STAGE.hints) + 1)]
    for number, hint in enumerate(STAGE.hints, 1):
        assert said[number - 1].startswith(f"Hint {number} of {len(STAGE.hints)}: {hint}")
    assert "The solution is solutions/" in said[-1]
    assert said[-1] == said[-2]


def test_progress_remembers_the_last_check(state, folder):
    assert re.search(r"^01 +50 +20  not yet ", workshop("progress").stdout, re.MULTILINE)
    workshop("check", "01", WORKSHOP_EXERCISES=str(folder))
    table = workshop("progress").stdout
    assert re.search(r"^00 +20 +-  - ", table, re.MULTILINE)
    assert re.search(r"^01 +50 +20  12 of 12 ", table, re.MULTILINE)
    left = sum(stage.core for stage in STAGES[1:])
    assert f"1 of {len(STAGES)} exercises done; about {left} minutes to go." in table


def test_progress_with_a_broken_file(state):
    state.mkdir()
    (state / "progress.json").write_text("{broken")
    assert "not yet" in workshop("progress").stdout


def test_reset_keeps_what_was_there(folder):
    handler = folder / STAGE.name / "handler.py"
    mine = handler.read_bytes()
    for number in (1, 2):
        handler.write_bytes(mine)
        done = workshop("reset", "01", WORKSHOP_EXERCISES=str(folder))
        assert done.returncode == 0
        assert f"your handler.py is kept as {STAGE.name}/handler.py.kept-{number}" in done.stdout
        assert handler.with_name(f"handler.py.kept-{number}").read_bytes() == mine
    assert handler.read_bytes() == stub(STAGE)["handler.py"]
    again = workshop("reset", "01", WORKSHOP_EXERCISES=str(folder))
    assert "is the stub already" in again.stdout


def test_reset_restores_the_example_event(folder):
    event = folder / STAGE.name / EVENT
    event.write_bytes(b'{"mine": 1}')
    (folder / STAGE.name / "handler.py").write_bytes(stub(STAGE)["handler.py"])
    assert is_stub(STAGE, folder), "the event is the learner's to change"
    done = workshop("reset", "01", WORKSHOP_EXERCISES=str(folder))
    assert f"your {EVENT} is kept as {STAGE.name}/{EVENT}.kept-1" in done.stdout
    assert event.read_bytes() == (repository() / "exercises" / STAGE.name / EVENT).read_bytes()


def test_reset_brings_a_missing_folder_back(folder):
    shutil.rmtree(folder / STAGE.name)
    assert workshop("reset", "01", WORKSHOP_EXERCISES=str(folder)).returncode == 0
    assert (folder / STAGE.name / "handler.py").is_file()


def test_a_workshop_that_was_handed_out_without_solutions(folder, tmp_path, monkeypatch, capsys):
    monkeypatch.setenv("WORKSHOP_EXERCISES", str(folder))
    monkeypatch.setattr("workshop.grading.stub.repository", lambda: tmp_path)
    assert not is_stub(STAGE, folder)
    assert main(["reset", "01"]) == 2
    assert f"`git checkout -- solutions/{STAGE.name}` restores it" in capsys.readouterr().err


def test_reset_of_a_notebook_keeps_a_changed_one(tmp_path, monkeypatch, capsys):
    """Stage 00, too, which has a notebook and no exercise."""
    shutil.copytree(repository() / "notebooks", tmp_path / "notebooks")
    monkeypatch.setattr(cli, "repository", lambda: tmp_path)
    assert main(["reset", "00", "--notebook"]) == 0
    assert capsys.readouterr().out == "my_notebooks/00_start_here.ipynb is the original again.\n"
    copy = tmp_path / "my_notebooks" / "00_start_here.ipynb"
    copy.write_text(copy.read_text(encoding="utf-8").replace("rider", "driver"), encoding="utf-8")
    assert main(["reset", "0", "--notebook"]) == 0
    assert "your copy is kept as my_notebooks/00_start_here.kept-1.ipynb" in capsys.readouterr().out
    assert "driver" in (copy.parent / "00_start_here.kept-1.ipynb").read_text(encoding="utf-8")


def test_invoke_shows_the_functions_answer_and_log(folder):
    done = workshop("invoke", "01", WORKSHOP_EXERCISES=str(folder))
    assert done.returncode == 0, done.stdout + done.stderr
    assert '"fare_cents": 165' in done.stdout
    assert "REPORT RequestId: " in done.stdout


def test_invoke_with_an_event_that_the_function_refuses(folder, tmp_path):
    event = tmp_path / "my event.json"
    event.write_text('{"ride_id": "R-2"}')
    done = workshop("invoke", "1", str(event), WORKSHOP_EXERCISES=str(folder))
    assert done.returncode == 1
    assert "The function failed:\n  ValueError: " in done.stdout
    assert "Traceback" not in done.stderr


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["00"], "Stage 00 has no exercise"),
        (["77"], "There is no stage '77'"),
        (["01", "/no/such.json"], "The event in /no/such.json cannot be read: No such file"),
        (["01", "README.md"], "The event in README.md is not JSON"),
    ],
    ids=["no exercise", "no stage", "no file", "no JSON"],
)
def test_invoke_called_wrongly(arguments, words):
    refused(workshop("invoke", *arguments), words)


def test_help_names_every_command():
    said = workshop("--help").stdout
    for command in ("cloud", "check", "invoke", "hint", "reset", "progress", "doctor"):
        assert f"\n    {command} " in said


@pytest.mark.isolation
def test_doctor():
    done = workshop("doctor", AWS_PROFILE="work", PATH=ours_first())
    assert done.returncode == 0, done.stdout
    assert "PROBLEM" not in done.stdout
    assert "AWS variables are set and will be ignored: AWS_PROFILE" in done.stdout
    assert re.search(r"^ok +Python 3\.\d+\.\d+", done.stdout, re.MULTILINE)


def ours_first() -> str:
    """A PATH on which the commands of this Python come first."""
    return str(Path(sys.executable).parent) + os.pathsep + os.environ.get("PATH", "")


@pytest.mark.skipif(sys.platform == "win32", reason="the command is a shell script")
@pytest.mark.parametrize(
    ("version", "ok"),
    [("1.45.11", False), ("2.9.19", False), ("2.13.0", True), ("3.0.1", True), ("", False)],
)
def test_doctor_knows_which_aws_keeps_to_the_local_cloud(tmp_path, monkeypatch, version, ok):
    command = tmp_path / "aws"
    command.write_text(f"#!/bin/sh\necho aws-cli/{version} Python/3.11\n")
    command.chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path) + os.pathsep + os.environ["PATH"])
    finding = doctor.aws_command()
    assert (finding.ok, str(command) in finding.text) == (ok, True)
    monkeypatch.setenv("PATH", ours_first())
    assert "the `aws` command is the workshop's" in doctor.aws_command().text


def test_port_that_is_taken():
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        refused(
            workshop("cloud", "--port", str(port)),
            f"Port {port} is in use by another program",
            f"workshop cloud --port {port + 1}",
        )


def test_port_that_is_none():
    refused(workshop("cloud", "--port", "70000"), "A port is a number from 0 to 65535")
    refused(workshop("cloud", "--port", "http"), "invalid int value: 'http'")


def test_a_python_that_is_too_old_is_told_so():
    code = (
        "import sys; sys.version_info = type('v', (tuple,), {})((3, 9, 1))\n"
        "import runpy; runpy.run_module('workshop', run_name='__main__')"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert done.returncode == 1
    assert done.stderr.strip() == "The workshop needs Python 3.10 or newer, and this is 3.9."


@pytest.mark.skipif(sys.platform == "win32", reason="Windows sends no such signals to a child")
@pytest.mark.parametrize("end", [signal.SIGINT, signal.SIGTERM])
def test_cloud_serves_the_real_cli_until_it_is_told_to_end(end):
    cloud = subprocess.Popen(
        [sys.executable, "-m", "workshop", "cloud", "--port", "0"],
        env=os.environ | {"AWS_PROFILE": "work"},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    lines = []
    while not (lines and "is ready" in lines[-1]):
        line = cloud.stdout.readline()
        assert line, cloud.stderr.read()
        lines.append(line)
    exported = dict(re.findall(r"^export (\w+)='(.*)'$", "".join(lines), re.MULTILINE))
    clean = {name: value for name, value in os.environ.items() if not name.startswith("AWS_")}
    beside = Path(sys.executable).parent
    done = subprocess.run(
        [str(beside / "aws"), "lambda", "list-functions", "--query", "Functions"],
        env=clean | exported,
        capture_output=True,
        text=True,
        timeout=60,
    )
    cloud.send_signal(end)
    assert cloud.wait(timeout=60) == 0
    assert cloud.stderr.read() == ""
    assert (done.returncode, done.stdout.strip()) == (0, "[]"), done.stderr


@pytest.mark.parametrize("switch", [[], ["--internet"]])
def test_functions_reach_the_internet_only_with_the_switch(monkeypatch, switch):
    asked = []

    def start(port, internet):
        asked.append(internet)
        raise PortTaken(port)

    monkeypatch.setattr("workshop.cloud.LocalCloud", start)
    monkeypatch.setattr("workshop.aws_script.main", lambda: None)
    monkeypatch.setattr("signal.signal", lambda *handler: None)
    monkeypatch.setattr(os, "environ", dict(os.environ))
    assert main(["cloud", *switch]) == 2
    assert asked == [bool(switch)]


@pytest.mark.skipif(sys.platform == "win32", reason="Windows sends no such signals to a child")
def test_ctrl_c_ends_checks(folder):
    """Of two stages, which run at one time where there are two CPUs."""
    handler = folder / STAGE.name / "handler.py"
    handler.write_text("import time\ndef handler(event, context): time.sleep(900)\n")
    (folder / STAGE.name / "function.json").write_text('{"Timeout": 900}')
    shutil.copytree(folder / STAGE.name, folder / STAGES[1].name)
    check = subprocess.Popen(
        [sys.executable, "-m", "workshop", "check", "01", "02", "--exercises", str(folder)],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )

    import psutil

    def below():
        return psutil.Process(check.pid).children(recursive=True)

    def runs_a_function():
        with contextlib.suppress(psutil.NoSuchProcess):
            return any("bootstrap.py" in " ".join(child.cmdline()) for child in below())

    until(runs_a_function)
    children = below()
    check.send_signal(signal.SIGINT)
    assert check.wait(timeout=60) == 130
    assert "Stopped." in check.stderr.read()
    _, alive = psutil.wait_procs(children, timeout=60)
    assert alive == []
