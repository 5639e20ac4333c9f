"""Nothing outlives the cloud: no process, no port, no file, however it ends."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from urllib.parse import urlsplit

import psutil
import pytest
from lab import NO_BUBBLEWRAP, Lab

from workshop.cloud import LocalCloud, PortTaken
from workshop.cloud.sandbox.launcher import bubblewrap_works
from workshop.paths import repository

# A cloud in a process of its own, with functions that still run when it ends.
PROGRAM = """
import sys, threading, time
sys.path.insert(0, {tests!r})
from lab import Lab
from workshop.cloud import LocalCloud

cloud = LocalCloud(isolation={isolation!r}).start()
lab = Lab(cloud)
source = '''
import subprocess, sys, time
def handler(event, context):
    subprocess.Popen([sys.executable, "-S", "-c", "import time; time.sleep(600)", "{mark}"])
    time.sleep(600)
'''
name = lab.create(source, Timeout=900)
for _ in range(3):
    lab.invoke(name, {{}}, InvocationType="Event")
while sum("{mark}" in " ".join(map(str, p.info["cmdline"] or []))
          for p in __import__("psutil").process_iter(["cmdline"])) < 3:
    time.sleep(0.05)
print(cloud._folder, cloud.endpoint_url, flush=True)
time.sleep(600)
"""


def processes_of(mark: str) -> list[int]:
    """The processes that have `mark` in their command line."""
    found = []
    for process in psutil.process_iter(["cmdline"]):
        if any(mark in part for part in process.info["cmdline"] or []):
            found.append(process.pid)
    return found


def listens(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


def children() -> int:
    """How many processes this one has."""
    return len(psutil.Process().children(recursive=True))


def gone_within(seconds: float, *conditions) -> bool:
    """Waits until no condition holds any more."""
    until = time.monotonic() + seconds
    while any(condition() for condition in conditions):
        if time.monotonic() > until:
            return False
        time.sleep(0.05)
    return True


@pytest.mark.parametrize("isolation", ["auto", "process"])
@pytest.mark.parametrize("end", ["SIGINT", "SIGTERM", "SIGKILL"])
def test_nothing_is_left_of_a_parent_that_ends(end, isolation):
    if isolation == "auto" and not bubblewrap_works():
        pytest.skip(NO_BUBBLEWRAP)
    if not hasattr(signal, end):
        pytest.skip(f"there is no {end} here")
    mark = f"mark-{os.getpid()}-{end}-{isolation}"
    tests = str(repository() / "tests" / "helpers")
    program = PROGRAM.format(tests=tests, isolation=isolation, mark=mark)
    parent = subprocess.Popen(
        [sys.executable, "-c", program],
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    )
    folder, url = parent.stdout.readline().split()
    port = urlsplit(url).port
    assert Path(folder).is_dir()
    assert len(processes_of(mark)) >= 3
    parent.send_signal(getattr(signal, end))
    parent.wait(timeout=60)
    # The rule is 2 s after a kill -9; a busy machine may need longer, and nothing may stay.
    assert gone_within(
        20, lambda: processes_of(mark), lambda: Path(folder).exists(), lambda: listens(port)
    ), (processes_of(mark), Path(folder).exists(), listens(port))


def test_close_while_functions_run(tmp_path, monkeypatch):
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))  # other tests have clouds as well
    with LocalCloud() as cloud:
        lab = Lab(cloud)
        name = lab.create("import time\ndef handler(event, context): time.sleep(600)", Timeout=900)
        for _ in range(3):
            lab.invoke(name, {}, InvocationType="Event")
        port = urlsplit(cloud.endpoint_url).port
        assert list(tmp_path.glob("local-cloud-*"))
    assert not listens(port)
    assert list(tmp_path.iterdir()) == []
    assert [p for p in psutil.Process().children(recursive=True) if "bwrap" in p.name()] == []


@pytest.mark.parametrize("isolation", ["auto", "process"])
def test_close_at_any_moment_of_an_invocation(isolation, monkeypatch):
    failed = []
    monkeypatch.setattr("threading.excepthook", lambda args: failed.append(args.exc_value))
    for moment in range(6):  # before, during and after INIT
        with LocalCloud(isolation=isolation) as cloud:
            lab = Lab(cloud)
            name = lab.create()
            for _ in range(8):
                lab.invoke(name, {}, InvocationType="Event")
            time.sleep(moment * 0.03)
    assert failed == []
    left = [p.name() for p in psutil.Process().children(recursive=True)]
    assert [name for name in left if "bwrap" in name] == []


def test_closing_twice_and_starting_again_with_nothing_left():
    cloud = LocalCloud().start()
    Lab(cloud).create(FunctionName="before")
    cloud.client("s3").create_bucket(Bucket="before")
    cloud.close()
    cloud.close()
    with LocalCloud() as again:
        assert Lab(again).client.list_functions()["Functions"] == []
        assert again.client("s3").list_buckets()["Buckets"] == []
        assert again.environ()["AWS_ACCESS_KEY_ID"] != cloud.environ()["AWS_ACCESS_KEY_ID"]


def test_one_cloud_in_a_process():
    with LocalCloud(), pytest.raises(RuntimeError, match="already runs in this Python process"):
        LocalCloud().start()
    with LocalCloud():
        pass


def test_port_that_is_taken():
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        with pytest.raises(PortTaken, match=f"Port {port} is in use"):
            LocalCloud(port).start()
    with LocalCloud(port) as cloud:  # and nothing is left of the attempt
        assert cloud.endpoint_url == f"http://127.0.0.1:{port}"


def test_isolation_is_one_of_two():
    with pytest.raises(ValueError, match="'auto' or 'process', not 'docker'"):
        LocalCloud(isolation="docker")


def test_importing_the_cloud_does_not_load_moto():
    code = "import sys, workshop.cloud; print('moto' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "False"


def test_idle_environments_end_by_themselves():
    with LocalCloud(idle_environment_timeout=0.2) as cloud:
        lab = Lab(cloud)
        before = children()
        name = lab.create()
        lab.invoke(name)
        assert gone_within(30, lambda: cloud._parts._pools._unpacked)
        assert gone_within(30, lambda: children() > before)
        assert list(cloud._folder.glob("environments/*")) == []
        assert "Init Duration" in lab.invoke(name).log
        assert cloud.problems() == []


def test_connections_of_the_cloud_itself_end_with_it():
    with LocalCloud() as cloud:
        lab = Lab(cloud)
        name = lab.create()
        cloud.client("sqs").create_queue(QueueName="bikes")
        arn = "arn:aws:sqs:us-east-1:123456789012:bikes"
        lab.client.create_event_source_mapping(EventSourceArn=arn, FunctionName=name)
        assert cloud._clients._kept
    assert not cloud._clients._kept
