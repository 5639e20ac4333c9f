"""`make lab` serves JupyterLab at the address that it prints, opened at notebook 00."""

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
import threading
import time
import urllib.parse
import urllib.request
from collections.abc import Mapping
from pathlib import Path

import psutil
import pytest
from browser import CHROMIUM, Browser

from workshop.cloud.base.variables import no_account
from workshop.grading.web import ask
from workshop.lab import FIRST_NOTEBOOK, free_port
from workshop.lab_files import ENGINE_ROOM
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


def start_lab(
    environ: Mapping[str, str], port: int | None = None
) -> tuple[subprocess.Popen[str], str]:
    """Starts it in the home folder of an environment; gives its process, and what it printed."""
    environ = {k: v for k, v in environ.items() if k not in ("DISPLAY", "WAYLAND_DISPLAY")}
    home = environ["HOME"]
    environ |= {"JUPYTER_CONFIG_DIR": home, "JUPYTER_DATA_DIR": home}
    environ |= {"JUPYTER_RUNTIME_DIR": str(Path(home) / "runtime")}
    process = subprocess.Popen(
        [sys.executable, "-m", "workshop.lab", "--port", str(port or any_port()), "--no-browser"],
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


def any_port() -> int:
    """A free port below those that the system gives to whoever asks for any, so it stays free."""
    for port in range(20_000 + os.getpid() % 1000 * 10, 32_000):
        with contextlib.suppress(OSError), socket.create_server(("127.0.0.1", port)):
            return port
    raise AssertionError("no port is free")


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
    assert "No browser can be opened here." in said
    assert "Ctrl-C twice ends it" in said
    assert FIRST_NOTEBOOK in ADDRESS.search(said)[0]
    assert (repository() / FIRST_NOTEBOOK).is_file()


def test_the_address_answers_its_owner_only(lab):
    address = ADDRESS.search(lab[0])[0]
    assert urllib.request.urlopen(address).status == 200
    base, _, token = address.partition("?token=")
    api = base.partition("/lab/")[0] + "/api/contents/my_notebooks"
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


@pytest.fixture(scope="module")
def page(lab, tmp_path_factory):
    """What a learner's browser shows at the address, when it is complete."""
    if CHROMIUM is None:
        pytest.skip("chromium is missing")
    browser = Browser(tmp_path_factory.mktemp("profile"))
    try:
        browser.open(ADDRESS.search(lab[0])[0])
        browser.wait_for("document.querySelector('.jp-Notebook').innerText.includes('Start here')")
        yield browser
    finally:
        browser.close()


def listed(browser: Browser) -> list[str]:
    """The names that the file browser shows."""
    return browser.run(
        "[...document.querySelectorAll('.jp-DirListing-itemText')].map(each => each.textContent)"
    )


@pytest.mark.isolation
def test_a_real_browser_shows_the_copies_and_the_first_one_is_open(page):
    page.wait_for("document.querySelectorAll('.jp-DirListing-itemText').length > 0")
    assert "00_start_here.ipynb" in listed(page)
    assert "06_dynamodb_streams.ipynb" in listed(page)
    outputs = "document.querySelectorAll('.jp-OutputArea-child').length"
    assert page.run(outputs) == 0, "the copy shows no answer before its question"


@pytest.mark.isolation
def test_the_file_browser_shows_what_learners_need(page):
    page.wait_for("document.querySelector('.jp-BreadCrumbs-home').click() || true")
    page.wait_for(
        "[...document.querySelectorAll('.jp-DirListing-itemText')]"
        ".some(each => each.textContent == 'Activity.md')"
    )
    assert {"Activity.md", "exercises", "my_notebooks"} <= set(listed(page))
    assert not ENGINE_ROOM & set(listed(page))


@pytest.mark.isolation
def test_nothing_pops_up(lab, page):
    """The question about news comes from an extension, which the page must know to leave out."""
    config = json.loads(page.run("document.getElementById('jupyter-config-data').textContent"))
    assert "@jupyterlab/apputils-extension:announcements" in str(config["disabledExtensions"])
    assert page.run("document.querySelectorAll('.jp-Dialog, .Toastify__toast').length") == 0


def test_everything_in_the_repository_is_for_learners_or_not():
    """A new folder or file is put on one side: the list of what is hidden names it, or this one."""
    shown = {"Activity.md", "README.md", "data", "exercises", "solutions"}
    command = ["git", "ls-tree", "--name-only", "HEAD"]
    tracked = subprocess.run(command, cwd=repository(), capture_output=True, text=True).stdout
    if not tracked:
        pytest.skip("this copy of the workshop is not a git repository")
    assert {name for name in tracked.split() if name[0] != "."} - ENGINE_ROOM == shown


def test_the_port_that_is_printed_is_the_one_that_is_served(tmp_path):
    """Another Jupyter, say, has the port already."""
    with socket.socket() as busy:
        taken = any_port()
        busy.bind(("127.0.0.1", taken))
        busy.listen()
        process, said = start_lab(os.environ | {"HOME": str(tmp_path)}, taken)
        try:
            served = urllib.parse.urlsplit(ADDRESS.search(said)[0]).port
            assert served != taken
            assert f"ssh -L {served}:127.0.0.1:{served} " in said
        finally:
            process.terminate()
            process.wait(timeout=30)


def test_a_port_is_chosen_from_the_first_one_on():
    with socket.socket() as busy:
        busy.bind(("127.0.0.1", 0))
        busy.listen()
        taken = busy.getsockname()[1]
        assert free_port(taken) > taken


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
