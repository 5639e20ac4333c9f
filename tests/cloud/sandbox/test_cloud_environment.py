"""What a function finds: its variables, its files, its packages; and nothing of the host's."""

from __future__ import annotations

import os
import re
import sys
from pathlib import Path

import pytest
import six  # so that it is compiled before a cloud starts, unless its folder is read-only

from workshop.cloud.base.variables import scrubbed
from workshop.cloud.sandbox.launcher import PYTHON_PREFIX
from workshop.paths import repository

NAMES = "def handler(event, context):\n    import os\n    return dict(os.environ)"
UNDER_BUBBLEWRAP = {
    "LAMBDA_TASK_ROOT": "/var/task",
    "LAMBDA_RUNTIME_DIR": "/var/runtime",
    "PATH": "/var/lang/bin:/usr/local/bin:/usr/bin/:/bin:/opt/bin",
    "LD_LIBRARY_PATH": (
        "/var/lang/lib:/lib64:/usr/lib64:/var/runtime:/var/runtime/lib:/var/task:/var/task/lib:"
        "/opt/lib"
    ),
    "PWD": "/var/task",
    "PYTHONPATH": "/var/runtime",
}
ON_AWS = {
    "_HANDLER": "handler.handler",
    "AWS_DEFAULT_REGION": "us-east-1",
    "AWS_REGION": "us-east-1",
    "AWS_EXECUTION_ENV": "AWS_Lambda_python3.13",
    "AWS_LAMBDA_FUNCTION_MEMORY_SIZE": "512",
    "AWS_LAMBDA_FUNCTION_NAME": "looks-around",
    "AWS_LAMBDA_FUNCTION_VERSION": "$LATEST",
    "AWS_LAMBDA_INITIALIZATION_TYPE": "on-demand",
    "AWS_LAMBDA_LOG_GROUP_NAME": "/aws/lambda/looks-around",
    "AWS_XRAY_CONTEXT_MISSING": "LOG_ERROR",
    "AWS_XRAY_DAEMON_ADDRESS": "127.0.0.1:2000",
    "_AWS_XRAY_DAEMON_ADDRESS": "127.0.0.1",
    "_AWS_XRAY_DAEMON_PORT": "2000",
    "LANG": "en_US.UTF-8",
    "LC_CTYPE": "C.UTF-8",
    "SHLVL": "0",
    "TZ": ":UTC",
    "CITY": "Washington",
}
PATTERNS = {
    "AWS_ACCESS_KEY_ID": r"\w{16,}",
    "AWS_SECRET_ACCESS_KEY": r"\S{30,}",
    "AWS_SESSION_TOKEN": r"\S+",
    "AWS_LAMBDA_LOG_STREAM_NAME": r"\d{4}/\d\d/\d\d/\[\$LATEST\][0-9a-f]{32}",
    "AWS_LAMBDA_RUNTIME_API": r"127\.0\.0\.1:\d+",
    "_X_AMZN_TRACE_ID": r"Root=1-[0-9a-f]{8}-[0-9a-f]{24};Parent=[0-9a-f]{16};Sampled=0;Lineage=.+",
}
OURS = {"AWS_ENDPOINT_URL", "_LAMBDA_TELEMETRY_LOG_FD"}  # how a function finds this cloud; logs


@pytest.fixture(scope="module")
def variables(isolated_lab):
    settings = {
        "FunctionName": "looks-around",
        "Runtime": "python3.13",
        "MemorySize": 512,
        "Environment": {"Variables": {"CITY": "Washington"}},
    }
    return isolated_lab.run(NAMES, **settings)


@pytest.mark.parametrize("name", ON_AWS)
def test_variable_is_as_on_aws(variables, name):
    assert variables[name] == ON_AWS[name]


@pytest.mark.parametrize("name", PATTERNS)
def test_variable_has_the_form_of_aws(variables, name):
    assert re.fullmatch(PATTERNS[name], variables[name])


@pytest.mark.parametrize("name", UNDER_BUBBLEWRAP)
def test_paths_are_those_of_aws_under_bubblewrap(isolated_lab, variables, name):
    if isolated_lab.cloud.isolation == "process":
        assert variables[name], "a plain process has folders of its own"
    else:
        assert variables[name] == UNDER_BUBBLEWRAP[name]


def test_nothing_of_the_hosts_is_there(isolated_lab, variables):
    known = {*ON_AWS, *PATTERNS, *UNDER_BUBBLEWRAP, *OURS}
    if isolated_lab.cloud.isolation == "process":
        known.add("TMPDIR")  # its private /tmp lies elsewhere
    if sys.platform == "win32":
        known.add("SYSTEMROOT")
    assert set(variables) - known == set()


def test_the_functions_own_variables_win_where_aws_lets_them(isolated_lab):
    value = isolated_lab.run(
        "import os, time\ndef handler(event, context): return [os.environ['TZ'], time.tzname[0]]",
        Environment={"Variables": {"TZ": "Europe/Warsaw"}},
    )
    assert value[0] == "Europe/Warsaw"


def test_scrubbed_takes_every_aws_variable_away():
    before = {"AWS_PROFILE": "work", "aws_session_token": "t", "AWS_CA_BUNDLE": "c", "PATH": "p"}
    assert {"PATH": "p"}.items() <= scrubbed(before).items()
    assert not [name for name in scrubbed(before) if name.upper().startswith("AWS_")]
    assert scrubbed(before)["NO_PROXY"] == "127.0.0.1,localhost"


def test_code_is_read_only_and_tmp_is_private(isolated_lab):
    source = (
        "import os, tempfile\n"
        "def handler(event, context):\n"
        "    tmp = tempfile.gettempdir()\n"
        "    before = sorted(os.listdir(tmp))\n"
        "    open(os.path.join(tmp, 'kept.txt'), 'w').write('x')\n"
        "    try:\n"
        "        open(os.path.join(os.environ['LAMBDA_TASK_ROOT'], 'new.txt'), 'w')\n"
        "    except OSError as error:\n"
        "        return [before, type(error).__name__]\n"
        "    return [before, 'written']"
    )
    if isolated_lab.cloud.isolation == "process" and os.geteuid() == 0:
        pytest.skip("a plain process of root's may write everywhere")
    first, second = isolated_lab.create(source), isolated_lab.create(source)
    before, error = isolated_lab.invoke(first).value
    assert before == []
    assert error in ("OSError", "PermissionError")
    assert isolated_lab.invoke(first).value[0] == ["kept.txt"]
    assert isolated_lab.invoke(second).value[0] == []


def test_tmp_is_private_to_each_function(isolated_lab):
    source = (
        "import os, tempfile\n"
        "def handler(event, context):\n"
        "    found = sorted(os.listdir(tempfile.gettempdir()))\n"
        "    open(os.path.join(tempfile.gettempdir(), 'kept.txt'), 'w').write('x')\n"
        "    return found"
    )
    first, second = isolated_lab.create(source), isolated_lab.create(source)
    assert isolated_lab.invoke(first).value == []
    assert isolated_lab.invoke(first).value == ["kept.txt"]
    assert isolated_lab.invoke(second).value == []


@pytest.mark.parametrize("name", ["moto", "pytest", "workshop", "flask", "IPython"])
def test_packages_of_the_workshop_cannot_be_imported(isolated_lab, name):
    value = isolated_lab.run(
        "import importlib.util\n"
        f"def handler(event, context): return importlib.util.find_spec({name!r}) is None"
    )
    assert value is True


def test_boto3_is_there_and_reaches_this_cloud(isolated_lab):
    isolated_lab.cloud.client("s3").create_bucket(Bucket="from-outside")
    value = isolated_lab.run(
        "import boto3\n"
        "def handler(event, context):\n"
        "    s3 = boto3.client('s3')\n"
        "    s3.put_object(Bucket='from-outside', Key='k', Body=b'from inside')\n"
        "    return [b['Name'] for b in s3.list_buckets()['Buckets']]",
        Timeout=30,
    )
    assert value == ["from-outside"]
    body = isolated_lab.cloud.client("s3").get_object(Bucket="from-outside", Key="k")["Body"]
    assert body.read() == b"from inside"


def test_what_is_compiled_is_not_compiled_at_each_start(isolated_lab):
    source = """
import importlib.util, os, six

def handler(event, context):
    return os.path.exists(importlib.util.cache_from_source(six.__file__))
"""
    assert isolated_lab.run(source) is Path(six.__spec__.cached).exists()


def test_bubblewrap_hides_the_host(isolated_lab):
    if isolated_lab.cloud.isolation == "process":
        pytest.skip("a plain process sees the host's files: the README says so")
    home = Path.home()
    value = isolated_lab.run(
        "import os\n"
        "def handler(event, context):\n"
        "    processes = [p for p in os.listdir('/proc') if p.isdigit()]\n"
        f"    home = os.listdir({str(home)!r}) if os.path.exists({str(home)!r}) else []\n"
        f"    return [len(processes), home, os.path.exists({str(repository() / 'solutions')!r}),\n"
        "            os.listdir('/tmp'), os.getuid()]"
    )
    processes, seen, solutions, tmp, user = value
    assert processes <= 3
    assert (solutions, tmp, user) == (False, [], 993)
    # Of the home folder there is the way to Python, if it is installed there, and nothing else.
    python = Path(PYTHON_PREFIX)
    assert seen == ([python.relative_to(home).parts[0]] if python.is_relative_to(home) else [])


def test_open_files_are_limited_as_on_aws(isolated_lab):
    if sys.platform == "win32":
        pytest.skip("Windows has no such limit")
    value = isolated_lab.run(
        "import resource\n"
        "def handler(event, context): return resource.getrlimit(resource.RLIMIT_NOFILE)"
    )
    assert value == [1024, 1024]
