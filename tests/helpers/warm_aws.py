"""The real `aws` command, which imports its code once: each call is a fork of one process.

A command of the AWS CLI takes half a second, and nearly all of it are imports and descriptions of
services. Activity.md has more than 300 of them. `python warm_aws.py SOCKET` is the process that
waits; `aws`, as warm_aws() writes it, hands it the arguments, the environment and the open files.
"""

from __future__ import annotations

import contextlib
import gc
import json
import os
import signal
import socket
import subprocess
import sys
import tempfile
import traceback
from collections.abc import Iterator
from pathlib import Path

# Those that Activity.md asks most; what is read of them once serves every call.
SERVICES = ("lambda", "logs", "dynamodb", "iam", "s3", "sqs", "lexv2-models", "kinesis")
DESCRIPTIONS = ("service-2", "paginators-1", "waiters-2", "endpoint-rule-set-1")
COMMAND = """#!/bin/sh
exec '{python}' -S -E '{file}' '{socket}' call "$@"
"""


@contextlib.contextmanager
def warm_aws() -> Iterator[Path]:
    """A folder for the PATH, in which `aws` is."""
    with tempfile.TemporaryDirectory(prefix="aws-") as name:  # short, as a socket's must be
        yield from _serving(Path(name))


def _serving(folder: Path) -> Iterator[Path]:
    address = folder / "socket"
    command = folder / "aws"
    command.write_text(
        COMMAND.format(python=sys.executable, file=__file__, socket=address), encoding="utf-8"
    )
    command.chmod(0o755)
    waiting = subprocess.Popen(
        [sys.executable, __file__, str(address), "wait"], stdout=subprocess.PIPE
    )
    assert waiting.stdout.readline() == b"ready\n"
    try:
        yield folder
    finally:
        waiting.kill()
        waiting.wait()


def wait(address: str) -> None:
    """Serves calls until it is killed."""
    from workshop.aws_cli import prepare

    prepare()
    import awscli.clidriver
    import botocore.session
    from botocore.exceptions import UnknownServiceError

    driver = awscli.clidriver.create_clidriver()  # imports what the CLI is extended with
    loader = driver.session.get_component("data_loader")
    for service in SERVICES:
        for description in DESCRIPTIONS:
            with contextlib.suppress(UnknownServiceError):  # not every one has paginators
                loader.load_service_model(service, description)
    # Each fork makes a session of its own, and finds here what this process has read.
    botocore.session.create_loader = lambda search_path_string=None: loader
    gc.disable()  # no fork lives long
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)  # nobody waits for the forks
    with socket.socket(socket.AF_UNIX) as server:
        server.bind(address)
        server.listen()
        print("ready", flush=True)
        while True:
            caller, _ = server.accept()
            if os.fork() == 0:
                answer(caller)
            caller.close()


def answer(caller: socket.socket) -> None:
    """Runs one command in this process, which ends with it."""
    import awscli.clidriver

    from workshop.aws_cli import environ_of

    code = 255
    try:
        text, files, _, _ = socket.recv_fds(caller, 65_536, 3)
        while more := caller.recv(65_536):
            text += more
        for number, file in enumerate(files):
            os.dup2(file, number)
        arguments, environ, folder = json.loads(text)
        data = os.environ["AWS_DATA_PATH"]  # awscli sets it when it is imported
        os.environ.clear()
        os.environ.update(environ_of(environ), AWS_DATA_PATH=data)
        os.chdir(folder)
        signal.signal(signal.SIGCHLD, signal.SIG_DFL)
        sys.argv = ["aws", *arguments]
        code = awscli.clidriver.main()
    except SystemExit as end:
        code = end.code or 0
    except BaseException:
        traceback.print_exc()
    finally:
        sys.stdout.flush()
        sys.stderr.flush()
        caller.sendall(str(code).encode())
        os._exit(code)


def call(address: str, arguments: list[str]) -> int:
    """Has a command run, and waits for its exit code."""
    request = json.dumps([arguments, dict(os.environ), os.getcwd()]).encode()  # noqa: PTH109
    with socket.socket(socket.AF_UNIX) as waiting:
        waiting.connect(address)
        sent = socket.send_fds(waiting, [request], [0, 1, 2])
        waiting.sendall(request[sent:])
        waiting.shutdown(socket.SHUT_WR)
        return int(waiting.recv(10))


if __name__ == "__main__":
    if sys.argv[2] == "wait":
        wait(sys.argv[1])
    sys.exit(call(sys.argv[1], sys.argv[3:]))
