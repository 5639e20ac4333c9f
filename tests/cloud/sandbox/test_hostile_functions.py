"""Functions that attack the machine, their neighbours, or who waits for them."""

from __future__ import annotations

import os
import socket
import sys
import threading
import time
from pathlib import Path

import psutil
import pytest
from support import REACH, package

from workshop.cloud.sandbox import bubblewrap, environment
from workshop.cloud.seam import services

MB = 1024 * 1024
PLAIN = "a plain process is no wall: the README says so"


@pytest.fixture
def walled_lab(isolated_lab):
    """A cloud under bubblewrap."""
    if isolated_lab.cloud.isolation == "process":
        pytest.skip(PLAIN)
    return isolated_lab


def in_time(lab, name: str, limit_s: float = 60):
    """An invocation's answer; fails if it does not come, so that the tests go on."""
    found = []
    thread = threading.Thread(target=lambda: found.append(lab.invoke(name, {})), daemon=True)
    thread.start()
    thread.join(limit_s)
    assert found, f"no answer within {limit_s} s"
    return found[0]


# ---------------------------------------------------------------- nobody waits for its output

UNFINISHED = "import os\ndef handler(event, context):\n    os.write(1, {!r})\n    return 'answered'"


@pytest.mark.parametrize("length", [3, 983_040, 2**32 - 1])
def test_an_unfinished_log_frame_keeps_nobody_waiting(isolated_lab, length):
    frame = b"\xa5\x5a\x00\x03" + length.to_bytes(4, "big") + bytes(8)
    name = isolated_lab.create(UNFINISHED.format(frame))
    assert in_time(isolated_lab, name).value == "answered"
    assert in_time(isolated_lab, name).value == "answered"
    isolated_lab.cloud.idle(30)


def test_endless_logging_ends_with_the_timeout(isolated_lab):
    source = (
        "import logging\ndef handler(event, context):\n    while True: logging.warning('x' * 5000)"
    )
    answer = in_time(isolated_lab, isolated_lab.create(source, Timeout=1))
    assert answer.value["errorType"] == "Sandbox.Timedout"


def test_stealing_its_own_log_keeps_nobody_waiting(isolated_lab):
    source = (
        "import os, threading\n"
        "def handler(event, context):\n"
        "    thief = os.open('/proc/self/fd/1', os.O_RDONLY)\n"
        "    threading.Thread(target=os.read, args=(thief, 65536), daemon=True).start()\n"
        "    print('mine')\n"
        "    return 'answered'"
    )
    if not sys.platform.startswith("linux"):
        pytest.skip("there is no /proc here")
    name = isolated_lab.create(source)
    assert in_time(isolated_lab, name).value == "answered"
    assert in_time(isolated_lab, name).value == "answered"


def test_a_flood_of_tiny_lines_does_not_fill_the_clouds_memory(isolated_lab):
    source = (
        "import os\n"
        "def handler(event, context):\n"
        "    for _ in range(300): os.write(1, b'a\\n' * 16384)"
    )
    name = isolated_lab.create(source, Timeout=60)
    before = psutil.Process().memory_info().rss
    assert in_time(isolated_lab, name, 120).error is None
    assert psutil.Process().memory_info().rss - before < 300 * MB


ENDLESS = """
import os, socket
def handler(event, context):
    api = os.environ["AWS_LAMBDA_RUNTIME_API"]
    path = f"/2018-06-01/runtime/invocation/{context.aws_request_id}/response"
    part = b"x" * 1048576
    if "chunked" in event["head"]:
        part = b"100000\\r\\n" + part + b"\\r\\n"
    with socket.create_connection(("127.0.0.1", int(api.rpartition(":")[2]))) as connection:
        head = f"POST {path} HTTP/1.1\\r\\nHost: {api}\\r\\n{event['head']}\\r\\n\\r\\n"
        connection.sendall(head.encode())
        try:
            for _ in range(400):
                connection.sendall(part)
        except OSError:
            pass
    return "answered"
"""


@pytest.mark.parametrize(
    "head", ["Content-Length: -1", "Content-Length: 999999999999", "Transfer-Encoding: chunked"]
)
def test_an_endless_body_does_not_fill_the_clouds_memory(isolated_lab, head):
    name = isolated_lab.create(ENDLESS, Timeout=60)
    before = psutil.Process().memory_info().rss
    assert isolated_lab.invoke(name, {"head": head}).value == "answered"
    assert psutil.Process().memory_info().rss - before < 100 * MB


def test_logs_of_many_invocations_have_an_end(isolated_lab, monkeypatch):
    monkeypatch.setattr(services, "MOST_LOG_EVENTS", 1000)
    source = "def handler(event, context):\n    for n in range(400): print(event, n)"
    name = isolated_lab.create(source)
    for number in range(6):
        isolated_lab.invoke(name, number)
    kept = isolated_lab.log_events(f"/aws/lambda/{name}")
    assert len(kept) <= 1000
    assert "5 399\n" in kept and "0 0\n" not in kept


def test_silent_connections_do_not_take_the_clouds_threads(walled_lab):
    source = """
import os, socket
kept = []
def handler(event, context):
    for name in ("AWS_ENDPOINT_URL", "AWS_LAMBDA_RUNTIME_API"):
        port = int(os.environ[name].rpartition(":")[2])
        for _ in range(400):
            kept.append(socket.create_connection(("127.0.0.1", port)))
"""
    before = threading.active_count()
    name = walled_lab.create(source, Timeout=30)
    assert walled_lab.invoke(name, {}).error is None
    assert threading.active_count() < before + 200
    assert walled_lab.invoke(walled_lab.create(), 1).value == 1


# ---------------------------------------------------------------- no way to anybody else


def test_it_reaches_no_port_of_the_machine_and_nothing_beyond(walled_lab):
    name = walled_lab.create(REACH, Timeout=20)
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = other.getsockname()[1]
        assert walled_lab.invoke(name, {"host": "127.0.0.1", "port": port}).value != 0
    for host in ("169.254.169.254", "169.254.170.2", "8.8.8.8"):
        assert walled_lab.invoke(name, {"host": host, "port": 80}).value != 0, host


def test_it_sees_no_socket_of_others(walled_lab):
    source = "def handler(event, context): return open('/proc/net/tcp').read().splitlines()[1:]"
    ports = {int(line.split()[1].split(":")[1], 16) for line in walled_lab.run(source)}
    own = int(walled_lab.cloud.endpoint_url.rpartition(":")[2])
    assert {9001, own} <= ports
    with socket.create_server(("127.0.0.1", 0)) as other:
        found = {int(line.split()[1].split(":")[1], 16) for line in walled_lab.run(source)}
        assert other.getsockname()[1] not in found


ADDRESS = "import os\ndef handler(event, context): return os.environ['AWS_LAMBDA_RUNTIME_API']"
NEIGHBOUR = """
import http.client, os
def ask(address, method, path):
    try:
        connection = http.client.HTTPConnection(address, timeout=2)
        connection.request(method, path, b"{}")
        return connection.getresponse().status
    except (OSError, http.client.HTTPException):
        return 0
def handler(event, context):
    if event["address"] == os.environ["AWS_LAMBDA_RUNTIME_API"]:
        return []  # on a network of its own, this is its own one
    paths = [("GET", "/2018-06-01/runtime/invocation/next"),
             ("POST", "/2018-06-01/runtime/init/error")]
    return [path for method, path in paths if ask(event["address"], method, path)]
"""


def test_a_neighbours_requests_cannot_be_stolen_or_answered(isolated_lab):
    victim = isolated_lab.create(ADDRESS)
    address = isolated_lab.invoke(victim, {}).value
    thief = isolated_lab.create(NEIGHBOUR, Timeout=60)
    assert isolated_lab.invoke(thief, {"address": address}).value == []
    assert isolated_lab.invoke(victim, {}).value == address


def test_an_error_of_init_counts_only_during_init(isolated_lab):
    source = (
        "import http.client, os\n"
        "def handler(event, context):\n"
        "    c = http.client.HTTPConnection(os.environ['AWS_LAMBDA_RUNTIME_API'])\n"
        "    c.request('POST', '/2018-06-01/runtime/init/error', b'{}')\n"
        "    return c.getresponse().status"
    )
    name = isolated_lab.create(source)
    assert isolated_lab.invoke(name, {}).value == 403
    assert isolated_lab.invoke(name, {}).value == 403


# ---------------------------------------------------------------- no way to the host


@pytest.mark.parametrize("name", ["LD_PRELOAD", "LD_DEBUG_OUTPUT", "LD_AUDIT", "PYTHONHOME"])
def test_a_loaders_variable_reaches_only_what_the_function_starts(isolated_lab, name, tmp_path):
    value = str(tmp_path / "made-by-the-loader")
    more = {"LD_DEBUG": "all"} if name == "LD_DEBUG_OUTPUT" else {}
    found = isolated_lab.run(
        f"import os\ndef handler(event, context): return os.environ[{name!r}]",
        Environment={"Variables": {name: value, **more}},
    )
    assert found == value
    assert list(tmp_path.iterdir()) == []


def test_nothing_of_the_function_runs_before_its_limits_hold(isolated_lab):
    """Python imports what PYTHONWARNINGS names; `unittest.__main__` then runs test_early.py."""
    early = "import os, resource\nprint('limit', resource.getrlimit(resource.RLIMIT_CORE)[1])\n"
    name = isolated_lab.create(
        Code={"ZipFile": package("def handler(event, context): return 1", test_early__py=early)},
        Environment={"Variables": {"PYTHONWARNINGS": "error::unittest.__main__.x"}},
    )
    answer = isolated_lab.invoke(name, {})
    assert "limit -1" not in answer.log
    assert isolated_lab.invoke(isolated_lab.create(), 1).value == 1


def test_warnings_are_shown_as_a_variable_says(isolated_lab):
    source = (
        "import warnings\ndef handler(event, context): warnings.warn('old', DeprecationWarning)"
    )
    name = isolated_lab.create(
        source, Environment={"Variables": {"PYTHONWARNINGS": "error::DeprecationWarning"}}
    )
    assert isolated_lab.invoke(name, {}).value["errorType"] == "DeprecationWarning"


@pytest.mark.parametrize("name", ["TZ", "LANG", "PYTHONUTF8"])
def test_an_early_variable_that_no_process_can_have(isolated_lab, name):
    function = isolated_lab.create(Environment={"Variables": {name: "a\0b"}})
    assert in_time(isolated_lab, function).value["errorType"] == "Runtime.ExitError"


def test_nothing_of_the_kernels_can_be_written(walled_lab):
    source = """
import os
def handler(event, context):
    found = []
    for folder, _, files in os.walk("/proc"):
        first = folder.split("/")[2] if folder != "/proc" else ""
        if first.isdigit() or first in ("self", "thread-self"):
            continue
        for file in files:
            path = os.path.join(folder, file)
            try:
                os.close(os.open(path, os.O_WRONLY))
                found.append(path)
            except OSError:
                pass
    return found
"""
    assert walled_lab.run(source, Timeout=60) == []


# ---------------------------------------------------------------- no more than its share


def test_nothing_but_tmp_can_be_filled(walled_lab):
    source = """
import ctypes, os
def handler(event, context):
    found = []
    folders = {line.split()[1] for line in open("/proc/self/mounts")} - {"/tmp"}
    for folder in sorted(folders | {"/dev/shm", "/home", "/opt", "/run", "/var", "/var/runtime"}):
        try:
            os.close(os.open(folder + "/x", os.O_WRONLY | os.O_CREAT))
            found.append(folder)
        except OSError:
            pass
    libc = ctypes.CDLL(None, use_errno=True)
    found += [name for name, answer in [
        ("memfd", libc.memfd_create(b"x", 0)), ("shm", libc.shmget(0, 1 << 20, 0o1600)),
        ("namespace", libc.unshare(0x10000000)),
        ("vsock", libc.socket(40, 1, 0))] if answer >= 0]
    return found
"""
    assert walled_lab.run(source, Timeout=60, MemorySize=512) == []


def test_tmp_holds_512_mb(walled_lab):
    if not bubblewrap.supports("--size"):
        pytest.skip("this bubblewrap cannot limit a file system")
    source = """
import os
def handler(event, context):
    written = 0
    try:
        for number in range(600):
            with open(f"/tmp/{number}", "wb") as file:
                written += file.write(bytes(1 << 20))
    except OSError as error:
        return [error.strerror, written >> 20]
    return [None, written >> 20]
"""
    assert walled_lab.run(source, Timeout=60) == ["No space left on device", 512]
    larger = walled_lab.run(source, Timeout=60, EphemeralStorage={"Size": 550})
    assert larger == ["No space left on device", 550]


def test_one_file_is_limited_everywhere(isolated_lab):
    source = """
import os
def handler(event, context):
    with open("/tmp/hole", "wb") as file:
        try:
            file.truncate(100 << 30)
        except OSError as error:
            return type(error).__name__
    return os.path.getsize("/tmp/hole")
"""
    if sys.platform == "win32":
        pytest.skip("Windows has no such limit")
    assert isolated_lab.run(source) == "OSError"


def test_what_goes_on_after_the_answer_is_frozen(isolated_lab):
    source = """
import threading, time
state = {"ticks": 0, "hoard": []}
def tick():
    while True:
        time.sleep(0.01)
        state["ticks"] += 1
        state["hoard"].append(bytes(1 << 18))
threading.Thread(target=tick, daemon=True).start()
def handler(event, context):
    state["hoard"].clear()
    return state["ticks"]
"""
    name = isolated_lab.create(source, MemorySize=256)
    first = isolated_lab.invoke(name, {})
    time.sleep(1.5)
    second = isolated_lab.invoke(name, {})
    assert (first.error, second.error) == (None, None)
    assert second.value - first.value < 50  # 150 ticks, had it gone on


def test_a_fork_bomb_ends(isolated_lab, monkeypatch):
    source = """
import os, time
def handler(event, context):
    for _ in range(2_000):
        if os.fork() == 0:
            time.sleep(60)
            os._exit(0)
"""
    if not hasattr(os, "fork"):
        pytest.skip("there is no fork here")
    monkeypatch.setattr(environment, "MOST_PROCESSES", 100)
    answer = in_time(isolated_lab, isolated_lab.create(source, MemorySize=10_240, Timeout=20))
    assert answer.error == "Unhandled"
    assert isolated_lab.invoke(isolated_lab.create(), 1).value == 1


COMETS = """
import os, time
def comet(until):
    while time.time() < until:
        if os.fork():
            os._exit(0)
def handler(event, context):
    for _ in range(event["comets"]):
        if os.fork() == 0:
            comet(time.time() + 20)
            os._exit(0)
    time.sleep(event["sleep"])
    return "answered"
"""


@pytest.mark.parametrize("sleep", [0.1, 30])
def test_processes_that_follow_each_other_keep_nobody_waiting(walled_lab, sleep):
    """Each starts the next one and ends, faster than one can look for them."""
    name = walled_lab.create(COMETS, Timeout=2, MemorySize=512)
    event = {"comets": 6, "sleep": sleep}
    found = []
    ask = threading.Thread(target=lambda: found.append(walled_lab.invoke(name, event)))
    ask.start()
    ask.join(15)
    assert found, "no answer"
    walled_lab.client.delete_function(FunctionName=name)
    walled_lab.cloud.idle(15)


def test_a_flood_of_files_ends(walled_lab, monkeypatch):
    monkeypatch.setattr(environment, "MOST_FILES_IN_TMP", 1000)
    source = (
        "def handler(event, context):\n"
        "    for number in range(1_000_000): open(f'/tmp/{number}', 'w').close()"
    )
    answer = in_time(walled_lab, walled_lab.create(source, Timeout=60))
    assert answer.value["errorType"] == "Runtime.ExitError"


# ---------------------------------------------------------------- clear ends


def test_a_guardian_that_was_killed_is_replaced(isolated_lab):
    guardian = isolated_lab.cloud._guardian
    guardian._process.kill()
    guardian._process.wait()
    assert isolated_lab.run("def handler(event, context): return 'still works'") == "still works"
    assert guardian._process.poll() is None


def test_a_variable_that_no_process_can_have(isolated_lab):
    name = isolated_lab.create(Environment={"Variables": {"ODD": "a\0b"}})
    before = threading.active_count()
    for _ in range(3):
        answer = in_time(isolated_lab, name)
        assert answer.value["errorType"] == "Runtime.ExitError"
    assert threading.active_count() <= before + 3


def test_a_process_that_does_not_start_is_said(isolated_lab, monkeypatch):
    name = isolated_lab.create()

    def fail(*arguments, **more):
        raise OSError(11, "Resource temporarily unavailable")

    with monkeypatch.context() as patch:
        patch.setattr("workshop.cloud.sandbox.launch.subprocess.Popen", fail)
        with pytest.raises(
            isolated_lab.client.exceptions.ServiceException, match="could not start"
        ):
            isolated_lab.invoke(name, {})
    assert isolated_lab.invoke(name, 1).value == 1
    isolated_lab.cloud.idle(30)


@pytest.mark.parametrize(
    "write", ["open('/tmp/made', 'w').close()", "__import__('pathlib').Path('/tmp/made').touch()"]
)
def test_the_path_tmp_is_private(isolated_lab, write):
    source = f"import os\ndef handler(event, context):\n    {write}\n    return os.listdir('/tmp')"
    assert isolated_lab.run(source) == ["made"]
    assert not Path("/tmp/made").exists()
