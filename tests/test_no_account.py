"""Nothing of the workshop reaches an account, whatever a learner's machine offers it.

helpers/traps.py is such a machine. What goes beyond it, each test watches (tests/conftest.py).
"""

from __future__ import annotations

import os
import re
import socket
import subprocess
import sys

import pytest
from kernels import Kernel
from test_make_lab import ADDRESS, start_lab
from traps import Traps
from warm_aws import warm_aws

from workshop.aws_cli import environ_of
from workshop.aws_script import beside
from workshop.cloud.base.variables import NO_CLOUD, is_loopback, no_account, no_proxy
from workshop.grading.web import NotLocal, ask
from workshop.notebook.page import serve_page
from workshop.paths import repository

# What AWS CLI version 1 sends to an address of its own, and two that it does not.
SERVICES = {
    "sqs": "list-queues",
    "rds": "describe-db-instances",
    "emr": "list-clusters",
    "docdb": "describe-db-clusters",
    "neptune": "describe-db-clusters",
    "health": "describe-events",
    "lambda": "list-functions",
    "sts": "get-caller-identity",
}
CELL = """
import boto3
for service, call in [("sts", "get_caller_identity"), ("lambda", "list_functions")]:
    try:
        print(getattr(boto3.client(service), call)()["ResponseMetadata"]["HTTPStatusCode"])
    except Exception as error:
        print(type(error).__name__, error)
"""
REACHES = "import boto3; boto3.client('lambda').list_functions()"


@pytest.fixture(scope="module")
def machine(tmp_path_factory):
    traps = Traps(tmp_path_factory.mktemp("machine"))
    yield traps
    traps.close()


@pytest.fixture
def traps(machine):
    """The machine; no way to an account may have been taken when the test ends."""
    yield machine
    assert machine.taken() == []


def python(code: str, environ: dict[str, str]) -> str:
    done = subprocess.run(
        [sys.executable, "-c", code], env=environ, capture_output=True, text=True, timeout=120
    )
    return done.stdout + done.stderr


def aws(*arguments: str, environ: dict[str, str]) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "workshop.aws_cli", *arguments]
    return subprocess.run(command, env=environ, capture_output=True, text=True, timeout=120)


WITHOUT = {  # what a machine lacks, and the way that a client takes there
    "AWS_ACCESS_KEY_ID AWS_PROFILE": "CONNECT sts.eu-west-1.amazonaws.com:443",
    "AWS_ACCESS_KEY_ID AWS_PROFILE AWS_WEB_IDENTITY_TOKEN_FILE": "a program ran",
    "AWS_ACCESS_KEY_ID AWS_PROFILE AWS_WEB_IDENTITY_TOKEN_FILE HOME AWS_CONFIG_FILE "
    "AWS_SHARED_CREDENTIALS_FILE BOTO_CONFIG": "GET ",  # the container
    "AWS_ACCESS_KEY_ID AWS_PROFILE AWS_WEB_IDENTITY_TOKEN_FILE HOME AWS_CONFIG_FILE "
    "AWS_SHARED_CREDENTIALS_FILE BOTO_CONFIG AWS_CONTAINER_CREDENTIALS_FULL_URI": (
        "PUT /latest/api/token"  # the metadata service
    ),
}


@pytest.mark.parametrize("lacking", WITHOUT, ids=["role", "program", "container", "metadata"])
def test_a_way_to_an_account_is_noticed(tmp_path, lacking):
    """The traps work: without our care a client takes whatever way there is."""
    traps = Traps(tmp_path)
    environ = {k: v for k, v in traps.environ.items() if k not in lacking.split()}
    environ |= {"AWS_MAX_ATTEMPTS": "1", "AWS_DEFAULT_REGION": "eu-west-1", "NO_PROXY": "127.0.0.1"}
    try:
        python(REACHES, environ)
        assert WITHOUT[lacking] in traps.taken()
    finally:
        traps.close()


def test_a_connection_to_another_machine_is_noticed(tmp_path):
    seen = tmp_path / "seen"
    environ = os.environ | {"WORKSHOP_WATCH": str(seen)}
    code = "import socket; socket.create_connection((%r, 80), 5)"
    assert "ConnectionRefusedError" in python(code % "192.0.2.7", environ)
    assert "ConnectionRefusedError" in python(code % "sqs.us-east-1.amazonaws.com", environ)
    first, second = seen.read_text().splitlines()
    assert first.startswith("socket.getaddrinfo 192.0.2.7 ")
    assert second.startswith("socket.getaddrinfo sqs.us-east-1.amazonaws.com ")
    keys = {
        "AWS_ACCESS_KEY_ID": "a",
        "AWS_SECRET_ACCESS_KEY": "b",
        "AWS_DEFAULT_REGION": "eu-west-1",
    }
    kept = {k: v for k, v in environ.items() if not k.startswith("AWS_")}
    python(REACHES, kept | keys | {"AWS_MAX_ATTEMPTS": "1"})
    assert "lambda.eu-west-1.amazonaws.com" in seen.read_text()


def test_a_kernel_of_make_lab_has_no_account(traps):
    process, said = start_lab(traps.environ)
    try:
        kernel = Kernel(ADDRESS.search(said)[0])
        assert kernel.run(CELL).count(NO_CLOUD) == 2, "before %load_ext"
        assert "The local cloud is running." in kernel.run("%load_ext workshop.notebook")
        assert kernel.run(CELL).split() == ["200", "200"]
        kernel.run("%unload_ext workshop.notebook")
        assert kernel.run(CELL).count(NO_CLOUD) == 2, "after %unload_ext"
        kernel.run("%load_ext workshop.notebook")
        kernel.restart()
        assert kernel.run(CELL).count(NO_CLOUD) == 2, "after a restart"
        assert kernel.run("!aws sqs list-queues").count(NO_CLOUD) == 1
        session = "import boto3; boto3.Session(profile_name='work')"
        assert "ProfileNotFound" in kernel.run(session)
    finally:
        process.terminate()
        process.wait(timeout=30)


def test_a_notebook_in_another_jupyter_uses_its_cloud_only(traps):
    """Notebook 00, from its first cell on, in a kernel that has all of the machine's variables."""
    command = [sys.executable, "-m", "pytest", "-q", "-o", "addopts=", "-p", "no:cacheprovider"]
    command += ["--nbval-lax", "--nbval-current-env"]
    command += [str(repository() / "notebooks" / "00_start_here.ipynb")]
    done = subprocess.run(command, env=traps.environ, capture_output=True, text=True, timeout=240)
    assert done.returncode == 0, done.stdout[-4000:]


@pytest.mark.skipif(sys.platform == "win32", reason="Windows cannot fork")
@pytest.mark.parametrize("service", SERVICES)
def test_aws_asks_the_local_cloud_or_nobody(traps, lab, warm, service):
    """With the lines of `workshop cloud` pasted over what the machine has, and without."""
    command = [str(warm / "aws"), service, SERVICES[service]]
    run = {"capture_output": True, "text": True, "timeout": 120}
    done = subprocess.run(command, env=traps.environ, **run)
    assert done.returncode == 255
    assert NO_CLOUD in done.stderr
    environ = traps.environ | lab.cloud.environ() | {"AWS_MAX_ATTEMPTS": "1"}
    done = subprocess.run(command, env=environ, **run)
    if service == "health":  # no part of moto's; what counts is that nobody else was asked
        assert "DescribeEvents operation" in done.stderr
    else:
        assert done.returncode == 0, done.stderr


@pytest.fixture(scope="module")
def warm():
    with warm_aws() as folder:
        yield folder


def test_aws_as_it_is_started(traps, lab):
    environ = traps.environ | lab.cloud.environ()
    assert NO_CLOUD in aws("sqs", "list-queues", environ=traps.environ).stderr
    assert aws("sqs", "list-queues", environ=environ).returncode == 0
    url = aws("s3", "presign", "s3://bucket/key", environ=environ).stdout
    assert url.startswith(lab.cloud.endpoint_url)
    assert aws("configure", "list", environ=environ).returncode == 0


@pytest.mark.skipif(sys.platform == "win32", reason="the lines are for a POSIX shell")
def test_the_lines_of_workshop_cloud_point_a_terminal_at_it(traps):
    cloud = subprocess.Popen(
        [sys.executable, "-m", "workshop", "cloud", "--port", "0"],
        env=traps.environ,
        stdout=subprocess.PIPE,
        text=True,
    )
    lines = ""
    while "is ready" not in lines:
        line = cloud.stdout.readline()
        assert line, lines
        lines += line
    try:
        script = lines + "env\naws sqs list-queues && aws lambda list-functions && command -v aws\n"
        done = subprocess.run(
            ["sh", "-eu", "-c", script], env=traps.environ, capture_output=True, text=True
        )
    finally:
        cloud.terminate()
        cloud.wait(timeout=30)
    assert done.returncode == 0, done.stderr
    assert done.stdout.splitlines()[-1] == str(beside() / "aws")
    left = re.findall(r"^(AWS_\w*(?:PROFILE|TOKEN|LAMBDA|ROLE_ARN|URI)\w*)=.", done.stdout, re.M)
    assert left == []


def test_checks_reach_nothing(traps):
    command = [sys.executable, "-m", "workshop", "check", "01", "--exercises=solutions"]
    done = subprocess.run(
        command, cwd=repository(), env=traps.environ, capture_output=True, text=True, timeout=240
    )
    assert done.returncode == 0, done.stdout[-3000:] + done.stderr[-3000:]


def test_a_cloud_in_a_program_of_ones_own_asks_no_proxy(traps):
    code = (
        "from workshop.cloud import LocalCloud\n"
        "with LocalCloud() as cloud: print(cloud.client('sqs').list_queues()['ResponseMetadata'])"
    )
    assert "'HTTPStatusCode': 200" in python(code, traps.environ)


def test_requests_go_to_this_machine_only():
    for url in (
        "https://a.execute-api.us-east-1.amazonaws.com/",
        "http://127.0.0.1.evil.com/",
        "/",
    ):
        with pytest.raises(NotLocal, match="is not on this machine"):
            ask(url)
    page = serve_page()
    try:
        with pytest.raises(NotLocal):
            page.show("https://a.execute-api.us-east-1.amazonaws.com")
    finally:
        page.close()


def test_a_topic_sends_nothing_to_another_machine(lab):
    """moto would, with the network of this machine: also for a function that has none."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        server.settimeout(0.5)
        sns = lab.cloud.client("sns")
        topic = sns.create_topic(Name="outwards")["TopicArn"]
        here = f"http://127.0.0.1:{server.getsockname()[1]}/"
        for url in (here, "http://169.254.169.254/latest/", "https://192.0.2.7/"):
            protocol = url.partition(":")[0]
            sns.subscribe(TopicArn=topic, Protocol=protocol, Endpoint=url)
        sns.publish(TopicArn=topic, Message="secret")
        lab.cloud.idle()
        with pytest.raises(TimeoutError):
            server.accept()
    said = [line for line in lab.cloud.problems() if "sends nothing to HTTP" in line]
    assert len(said) == 3


def test_what_is_this_machine():
    for url in (
        "http://127.0.0.1:5000",
        "http://localhost",
        "http://[::1]:1",
        "http://a.localhost",
    ):
        assert is_loopback(url)
    for url in ("", "x", "http://10.0.0.1", "http://localhost.evil.com", "http://[", NO_CLOUD):
        assert not is_loopback(url)


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ({}, "127.0.0.1,localhost"),
        ({"NO_PROXY": "intra.example"}, "intra.example,127.0.0.1,localhost"),
        ({"NO_PROXY": "a", "no_proxy": "b, localhost"}, "b,localhost,127.0.0.1"),
        ({"no_proxy": "*"}, "*"),
    ],
)
def test_what_no_proxy_carries(before, after):
    assert no_proxy(before) == {"NO_PROXY": after, "no_proxy": after}


def test_no_account_keeps_the_rest():
    before = {"PATH": "p", "AWS_PROFILE": "work", "aws_region": "x", "HTTP_PROXY": "http://proxy"}
    after = no_account(before)
    assert after["PATH"] == "p" and after["HTTP_PROXY"] == "http://proxy"
    assert "AWS_PROFILE" not in after and "aws_region" not in after
    assert after["AWS_CONFIG_FILE"] == after["AWS_SHARED_CREDENTIALS_FILE"] == os.devnull


def test_aws_keeps_the_keys_of_a_cloud_on_this_machine():
    keys = {
        "AWS_ACCESS_KEY_ID": "a",
        "AWS_SECRET_ACCESS_KEY": "b",
        "AWS_ENDPOINT_URL_SQS": "http://x",
    }
    here = environ_of(keys | {"AWS_ENDPOINT_URL": "http://127.0.0.1:5000"})
    assert here["AWS_ACCESS_KEY_ID"] == "a" and "AWS_ENDPOINT_URL_SQS" not in here
    there = environ_of(keys | {"AWS_ENDPOINT_URL": "https://sqs.us-east-1.amazonaws.com"})
    assert there["AWS_ENDPOINT_URL"] == NO_CLOUD and "AWS_ACCESS_KEY_ID" not in there
