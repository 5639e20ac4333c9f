"""`make lab` serves JupyterLab at the address that it prints, opened at notebook 00."""

from __future__ import annotations

import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import threading
import time
import urllib.parse
import urllib.request
from collections.abc import Mapping
from pathlib import Path

import psutil
import pytest
from browser import CHROMIUM, FLAGS

from workshop.cloud.base.variables import no_account
from workshop.grading.web import ask
from workshop.lab import FIRST_NOTEBOOK
from workshop.paths import repository

ADDRESS = re.compile(r"http://127\.0\.0\.1:\d+/\S*token=[\w-]+")


@pytest.fixture(scope="module")
def lab(tmp_path_factory):
    """JupyterLab as `make lab` starts it; gives what it printed, and its process."""
    home = tmp_path_factory.mktemp("home")
    process, said = start_lab(os.environ | {"HOME": str(home), "AWS_PROFILE": "work"})
    yield said, process
    process.terminate()
    process.wait(timeout=30)


def start_lab(environ: Mapping[str, str]) -> tuple[subprocess.Popen[str], str]:
    """Starts it in the home folder of an environment; gives its process, and what it printed."""
    environ = {k: v for k, v in environ.items() if k not in ("DISPLAY", "WAYLAND_DISPLAY")}
    home = environ["HOME"]
    environ |= {"JUPYTER_CONFIG_DIR": home, "JUPYTER_DATA_DIR": home}
    environ |= {"JUPYTER_RUNTIME_DIR": str(Path(home) / "runtime")}
    process = subprocess.Popen(
        [sys.executable, "-m", "workshop.lab", "--port", str(free_port()), "--no-browser"],
        env=environ,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    said = ""
    for line in process.stdout:
        said += line
        if ADDRESS.search(line):
            break
    threading.Thread(target=process.stdout.read, daemon=True).start()  # the pipe must not fill
    wait_for_connection(urllib.parse.urlsplit(ADDRESS.search(said)[0]))
    return process, said


def free_port() -> int:
    """A port that no other run of these tests uses."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def wait_for_connection(address: urllib.parse.SplitResult) -> None:
    """Returns when the address takes connections: Jupyter prints it a moment earlier."""
    deadline = time.monotonic() + 60
    while True:
        try:
            socket.create_connection((address.hostname, address.port), timeout=5).close()
            return
        except OSError:
            if time.monotonic() > deadline:
                raise
            time.sleep(0.05)


def test_it_prints_where_to_go_without_a_browser(lab):
    said, _ = lab
    assert "There is no browser to open here." in said
    assert "Ctrl-C twice ends it" in said
    assert FIRST_NOTEBOOK in ADDRESS.search(said)[0]
    assert (repository() / FIRST_NOTEBOOK).is_file()


def test_the_address_answers_its_owner_only(lab):
    address = ADDRESS.search(lab[0])[0]
    assert urllib.request.urlopen(address).status == 200
    base, _, token = address.partition("?token=")
    api = base.partition("/lab/")[0] + "/api/contents/notebooks"
    with pytest.raises(urllib.error.HTTPError, match="403"):
        urllib.request.urlopen(api)
    with urllib.request.urlopen(f"{api}?token={token}") as answer:
        assert b"01_hello_lambda.ipynb" in answer.read()


def test_no_aws_profile_reaches_the_kernels(lab):
    if not hasattr(psutil.Process, "environ"):
        pytest.skip("this system does not show a process's variables")
    environ = psutil.Process(lab[1].pid).environ()
    aws = {name: value for name, value in environ.items() if name.startswith("AWS_")}
    assert aws == {name: v for name, v in no_account({}).items() if name.startswith("AWS_")}
    assert environ["PATH"].startswith(str(Path(sys.executable).parent) + os.pathsep)


@pytest.mark.parametrize("question", ["news", "update", "extensions"])
def test_it_asks_no_server_in_the_internet(lab, question):
    """What the page asks at its start, and the extension manager; each test is watched."""
    base, _, token = ADDRESS.search(lab[0])[0].partition("?token=")
    url = base.partition("/lab/")[0] + f"/lab/api/{question}?token={token}"
    assert ask(url).status == 200


def test_a_real_browser_shows_the_notebook(lab, tmp_path):
    if CHROMIUM is None:
        pytest.skip("chromium is missing")
    command = [CHROMIUM, *FLAGS]
    command += [f"--user-data-dir={tmp_path}", "--virtual-time-budget=60000", "--dump-dom"]
    done = subprocess.run(
        [*command, ADDRESS.search(lab[0])[0]], capture_output=True, text=True, timeout=120
    )
    assert "<title>00_start_her" in done.stdout
    assert "No server to manage" in done.stdout
    assert "jp-Notebook-cell" in done.stdout


def test_nothing_is_left_when_it_ends(lab):
    _, process = lab
    children = psutil.Process(process.pid).children(recursive=True)
    process.send_signal(signal.SIGTERM)
    process.wait(timeout=30)
    _, alive = psutil.wait_procs(children, timeout=30)
    assert alive == []


def make(folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    """Runs make in a folder, as from a shell: the tests may run under make themselves."""
    environ = {name: value for name, value in os.environ.items() if not name.startswith("MAKE")}
    return subprocess.run(
        ["make", *arguments], cwd=folder, env=environ, capture_output=True, text=True
    )


@pytest.mark.skipif(shutil.which("make") is None, reason="make is missing")
def test_makefile_starts_it(tmp_path):
    """`make lab` calls it, from the virtual environment, after making what it needs."""
    for name in ("Makefile", "requirements.txt", "pyproject.toml"):
        shutil.copy(repository() / name, tmp_path)
    (tmp_path / ".venv").mkdir()
    (tmp_path / ".venv" / ".made").touch()
    said = make(tmp_path, "-n", "lab", "LAB_FLAGS=--no-browser")
    assert said.stdout.strip() == ".venv/bin/python -m workshop.lab --no-browser"


@pytest.mark.skipif(shutil.which("make") is None, reason="make is missing")
@pytest.mark.parametrize(
    ("script", "words"),
    [
        (None, "there is no no-such-python here. Install Python 3.10 or newer"),
        ("#!/bin/sh\nexit 1\n", "is older than Python 3.10. Name a newer one"),
    ],
    ids=["missing", "too old"],
)
def test_make_says_what_is_wrong_with_python(tmp_path, script, words):
    for name in ("Makefile", "requirements.txt", "pyproject.toml"):
        shutil.copy(repository() / name, tmp_path)
    python = "no-such-python"
    if script:
        python = str(tmp_path / "old python")
        Path(python).write_text(script)
        Path(python).chmod(0o755)
    done = make(tmp_path, "lab", f"PYTHON={python}")
    assert done.returncode == 2
    assert words in done.stderr
    assert not (tmp_path / ".venv" / ".made").exists()
