"""What is wrong with this machine: a line for each thing that the workshop needs."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, version
from importlib.util import find_spec
from pathlib import Path

from . import aws_script
from .cloud.base.variables import client_environ, no_account
from .cloud.sandbox.launcher import bubblewrap_works
from .paths import repository

# Version 1 knows AWS_ENDPOINT_URL from 1.29 on, and ignores it for sqs, rds and others.
FIRST_WITH_ENDPOINT = (2, 13)
PIN = re.compile(r"^([\w.-]+)(?:\[[^]]*])?==([\w.]+)[^;\n]*$", re.MULTILINE)


@dataclass(frozen=True)
class Finding:
    """One line: is it well, and if not, what to do."""

    ok: bool
    text: str


def findings() -> Iterator[Finding]:
    """Looks at everything, one after the other."""
    yield _python()
    yield from _packages()
    yield _runtime_client()
    yield _isolation()
    yield _aws_variables()
    yield aws_command()
    yield _disk()


def _python() -> Finding:
    # An older Python does not come this far: __main__.py says so first.
    name = ".".join(map(str, sys.version_info[:3]))
    return Finding(True, f"Python {name}, which runs every Python function")


def _packages() -> Iterator[Finding]:
    wrong = []
    text = (repository() / "requirements.txt").read_text(encoding="utf-8")
    for name, pinned in PIN.findall(text):
        try:
            installed = version(name)
        except PackageNotFoundError:
            installed = "missing"
        if installed != pinned:
            wrong.append(f"{name} {installed} instead of {pinned}")
    if wrong:
        yield Finding(False, f"packages: {', '.join(wrong)}. `make clean` and `make lab` fix it.")
    else:
        yield Finding(True, "the packages are those of requirements.txt")


def _runtime_client() -> Finding:
    if find_spec("runtime_client"):
        return Finding(True, "AWS's runtime client has its native part")
    return Finding(True, "AWS's runtime client has no native part here: the workshop brings one")


def _isolation() -> Finding:
    if bubblewrap_works():
        return Finding(True, "bubblewrap: functions run in their own namespaces")
    found = shutil.which("bwrap")
    why = "bubblewrap cannot create namespaces here" if found else "bubblewrap is not installed"
    return Finding(True, f"{why}: functions run as plain processes; run only code that you trust")


def _aws_variables() -> Finding:
    ours = set(no_account({}).items()) | set(client_environ("", "", "").items())
    names = sorted(
        name
        for name, value in os.environ.items()
        if name.startswith("AWS_")
        if (name, value) not in ours
    )
    if not names:
        return Finding(True, "no AWS variables are set")
    return Finding(True, f"AWS variables are set and will be ignored: {', '.join(names)}")


def aws_command() -> Finding:
    """Whether the `aws` of this terminal keeps to the local cloud."""
    first, ours = shutil.which("aws"), aws_script.beside() / "aws"
    if not aws_script.is_installed():
        return Finding(False, f"{ours} may go to AWS: `python -m workshop.aws_script` replaces it")
    if first is None or Path(first).parent == ours.parent:
        return Finding(True, "the `aws` command is the workshop's, and keeps to the local cloud")
    found = _version_of(first)
    if found >= FIRST_WITH_ENDPOINT:
        return Finding(True, f"{first} keeps to the local cloud, given the `export` lines")
    name = ".".join(map(str, found)) or "of an unknown version"
    return Finding(
        False,
        f"{first} {name} sends requests to AWS even with AWS_ENDPOINT_URL set. "
        "Activate the workshop's virtual environment: its `aws` does not.",
    )


def _version_of(command: str) -> tuple[int, ...]:
    """The version of an AWS CLI, such as (2, 13, 0); empty if it does not tell."""
    try:
        done = subprocess.run(
            [command, "--version"],
            env=no_account(os.environ),
            capture_output=True,
            text=True,
            timeout=30,
        )
    except (OSError, subprocess.SubprocessError):
        return ()
    found = re.search(r"aws-cli/(\d+)\.(\d+)\.(\d+)", done.stdout + done.stderr)
    return tuple(map(int, found.groups())) if found else ()


def _disk() -> Finding:
    free_mb = shutil.disk_usage(repository()).free // 1_000_000
    if free_mb > 500:
        return Finding(True, f"{free_mb:,} MB of disk space are free")
    return Finding(False, f"only {free_mb} MB of disk space are free: the workshop needs 500 MB")
