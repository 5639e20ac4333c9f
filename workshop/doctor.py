"""What is wrong with this machine: a line for each thing that the workshop needs."""

from __future__ import annotations

import os
import re
import shutil
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, version
from importlib.util import find_spec

from .cloud.launcher import bubblewrap_works
from .paths import repository

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
    yield _disk()


def _python() -> Finding:
    # An older Python does not come this far: __main__.py says so first.
    name = ".".join(map(str, sys.version_info[:3]))
    return Finding(True, f"Python {name}; every function runs on it")


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
        yield Finding(False, f"packages: {', '.join(wrong)}. `make clean` and `make lab` mend it.")
    else:
        yield Finding(True, "the packages are those of requirements.txt")


def _runtime_client() -> Finding:
    if find_spec("runtime_client"):
        return Finding(True, "AWS's runtime client has its native part")
    return Finding(True, "AWS's runtime client has no native part here: the workshop brings one")


def _isolation() -> Finding:
    if bubblewrap_works():
        return Finding(True, "bubblewrap: functions run in namespaces of their own")
    found = shutil.which("bwrap")
    why = "bubblewrap may make no namespaces here" if found else "there is no bubblewrap here"
    return Finding(True, f"{why}: functions run as plain processes; run only code that you trust")


def _aws_variables() -> Finding:
    names = sorted(name for name in os.environ if name.startswith("AWS_"))
    if not names:
        return Finding(True, "no AWS variables are set")
    return Finding(True, f"AWS variables are set and will be ignored: {', '.join(names)}")


def _disk() -> Finding:
    free_mb = shutil.disk_usage(repository()).free // 1_000_000
    if free_mb > 500:
        return Finding(True, f"{free_mb:,} MB of disk are free")
    return Finding(False, f"only {free_mb} MB of disk are free: the workshop wants 500 MB")
