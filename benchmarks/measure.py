"""What the benchmarks share: functions in one line, and what this process uses."""

from __future__ import annotations

import gc
import io
import os
import time
import zipfile
from typing import Any

import psutil

from workshop.cloud.functions.runtime_names import NEWEST_RUNTIME

ROLE = "arn:aws:iam::123456789012:role/lambda-role"
MB = 1024 * 1024


def package(source: str) -> bytes:
    """A deployment package of one file."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        archive.writestr("handler.py", source)
    return buffer.getvalue()


def create(client: Any, name: str, source: str, **spec: Any) -> None:
    """Creates a function."""
    client.create_function(
        FunctionName=name,
        Runtime=NEWEST_RUNTIME,
        Handler="handler.handler",
        Role=ROLE,
        Code={"ZipFile": package(source)},
        **spec,
    )


def processes() -> int:
    """How many processes this one has started that still run."""
    return len(psutil.Process().children(recursive=True))


def settled_processes(wanted: int) -> int:
    """The number of processes once those that end have ended."""
    until = time.monotonic() + 15
    while processes() > wanted and time.monotonic() < until:
        time.sleep(0.05)
    return processes()


def memory() -> int:
    """This process's memory, in MB."""
    gc.collect()
    return psutil.Process(os.getpid()).memory_info().rss // MB
