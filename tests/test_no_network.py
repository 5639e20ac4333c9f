"""Whatever kind of program it is: nothing that the checks start speaks to another machine."""

from __future__ import annotations

import os
import sys

import pytest
from every_address import run, works
from watching import unwatched

from workshop.paths import repository

CONNECT = "import socket; socket.create_connection((%r, 80), 5)"
LIST = "import boto3; boto3.client('s3', 'eu-west-1').list_buckets()"


@pytest.fixture(scope="module", autouse=True)
def network():
    if not sys.platform.startswith("linux") or not works():
        pytest.skip("`ip` or `unshare` is missing, or this user may make no network namespace")


@pytest.fixture
def environ(tmp_path):
    """The variables of a learner who has not set any of AWS's."""
    aws = ("AWS_", "BOTO_")
    kept = {k: v for k, v in unwatched(os.environ).items() if not k.startswith(aws)}
    return kept | {"HOME": str(tmp_path)}


def test_every_address_is_watched(tmp_path, environ):
    seen = tmp_path / "seen"
    for host in ("169.254.169.254", "192.0.2.7"):
        done = run(seen, sys.executable, "-I", "-c", CONNECT % host, env=environ)
        assert done.returncode == 0, done.stderr
    asked = environ | {"AWS_MAX_ATTEMPTS": "1", "AWS_METADATA_SERVICE_NUM_ATTEMPTS": "1"}
    run(seen, sys.executable, "-I", "-c", LIST, env=asked)
    came = seen.read_text().splitlines()
    assert came[:2] == ["169.254.169.254:80", "192.0.2.7:80"]
    assert "169.254.169.254:80" in came[2:], "boto3 asks the metadata service for an account"


def test_the_checks_speak_to_this_machine_only(tmp_path, environ):
    seen = tmp_path / "seen"
    command = [sys.executable, "-m", "workshop", "check", "01", "--exercises=solutions"]
    done = run(seen, *command, env=environ, cwd=repository())
    assert done.returncode == 0, done.stdout[-3000:] + done.stderr[-3000:]
    assert not seen.exists(), seen.read_text()
