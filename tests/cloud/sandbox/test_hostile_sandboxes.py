"""What holds around a function: its network, its folder, its descendants."""

from __future__ import annotations

import os
import socket
import sys
import tempfile
from pathlib import Path

import psutil
import pytest
from lab import NO_BUBBLEWRAP, Lab
from support import REACH
from waiting import until

from workshop.cloud import LocalCloud
from workshop.cloud.sandbox import bubblewrap
from workshop.cloud.sandbox.launcher import bubblewrap_works


def test_the_switch_opens_this_machines_network():
    if not bubblewrap_works():
        pytest.skip(NO_BUBBLEWRAP)
    with LocalCloud(internet=True) as cloud, socket.create_server(("127.0.0.1", 0)) as other:
        lab = Lab(cloud)
        name = lab.create(REACH, Timeout=20)
        where = {"host": "127.0.0.1", "port": other.getsockname()[1]}
        assert lab.invoke(name, where).value == 0
        assert lab.invoke(lab.create(), {"a": 1}).value == {"a": 1}


def test_another_process_of_this_machine_is_not_served():
    with LocalCloud(isolation="process") as cloud:
        lab = Lab(cloud)
        name = lab.create(
            "import os\ndef handler(e, c): return os.environ['AWS_LAMBDA_RUNTIME_API']"
        )
        host, _, port = lab.invoke(name, {}).value.partition(":")
        with socket.create_connection((host, int(port)), timeout=30) as thief:
            request = (
                f"GET /2018-06-01/runtime/invocation/next HTTP/1.1\r\nHost: {host}:{port}\r\n\r\n"
            )
            try:
                thief.sendall(request.encode())
                assert thief.recv(100) == b""
            except ConnectionError:
                pass
        assert lab.invoke(name, {}).value == f"{host}:{port}"


def test_the_repository_is_hidden_wherever_it_lies(monkeypatch):
    where = Path("/usr/local/src/lambda-workshop")
    monkeypatch.setattr(bubblewrap, "REPOSITORY", where)
    view = bubblewrap._python_view()
    assert view[view.index("--tmpfs") + 1] == str(where)
    assert view[view.index("--remount-ro") + 1] == str(where)


@pytest.fixture
def shown():
    """A folder that is none of /tmp, which a function has of its own."""
    with tempfile.TemporaryDirectory(dir="/var/tmp") as folder:
        yield Path(folder)


def test_the_repository_is_hidden_in_a_folder_that_is_shown(monkeypatch, shown):
    if not bubblewrap_works():
        pytest.skip(NO_BUBBLEWRAP)
    clone = shown / "clone"
    clone.mkdir()
    (clone / "answer.txt").write_text("42")
    monkeypatch.setattr(bubblewrap, "REPOSITORY", clone)
    monkeypatch.setattr(bubblewrap, "SYSTEM_FOLDERS", (*bubblewrap.SYSTEM_FOLDERS, str(shown)))
    with LocalCloud() as cloud:
        seen = Lab(cloud).run(
            f"import os\ndef handler(event, context): return os.listdir({str(clone)!r})"
        )
    assert seen == []


DAEMON = """
import os, sys, subprocess
def handler(event, context):
    read, write = os.pipe()  # closed where another program begins
    if os.fork() == 0:
        os.setsid()
        if os.fork() == 0:
            os.execve(sys.executable, [sys.executable, "-S", "-c",
                      "import time; time.sleep(600)", event["mark"]], {})
        os._exit(0)
    os.wait()
    os.close(write)
    os.read(read, 1)
"""


@pytest.mark.parametrize("end", ["delete", "exit", "close"])
@pytest.mark.parametrize("isolation", ["auto", "process"])
def test_a_daemon_does_not_outlive_its_function(isolation, end):
    if isolation == "auto" and not bubblewrap_works():
        pytest.skip(NO_BUBBLEWRAP)
    if not sys.platform.startswith("linux"):
        pytest.skip("only Linux keeps orphans together: the README says so")
    mark = f"daemon-{os.getpid()}-{isolation}-{end}"
    with LocalCloud(isolation=isolation) as cloud:
        lab = Lab(cloud)
        name = lab.create(DAEMON)
        lab.invoke(name, {"mark": mark})
        assert _running(mark)
        if end == "delete":
            lab.client.delete_function(FunctionName=name)
        if end == "exit":
            lab.invoke(lab.create("import os\ndef handler(event, context): os._exit(3)"), {})
            os.kill(_function_process(mark), 9)
        if end != "close":
            _gone(mark)
    _gone(mark)


def _running(mark: str) -> list[psutil.Process]:
    found = []
    for process in psutil.process_iter(["cmdline"]):
        if mark in (process.info["cmdline"] or []):
            found.append(process)
    return found


def _function_process(mark: str) -> int:
    """The process that the daemon's function runs in: below the one that took the daemon in."""
    keeper = _running(mark)[0].parent()
    return next(child.pid for child in keeper.children() if mark not in child.cmdline())


def _gone(mark: str) -> None:
    until(lambda: not _running(mark), "the daemon still runs")
