"""Makes the `aws` beside this Python the workshop's: `workshop/aws_cli.py`.

awscli installs a script that goes where AWS CLI version 1 wants. `make` replaces it after the
installation, and what starts the workshop looks again, as pip may have brought it back.
"""

from __future__ import annotations

import os
import sys
from pathlib import Path

LONGEST = 127  # characters that every system reads of a first line
SCRIPT = "import sys\n\nfrom workshop.aws_cli import run\n\nsys.exit(run())\n"
WINDOWS_SCRIPT = '@"%~dp0python.exe" -m workshop.aws_cli %*\r\n'


def first_lines(python: str) -> bytes:
    """What makes a script start with this Python.

    The system cuts a first line at a blank, or after 127 characters. In a folder such as
    `my courses` a shell starts Python instead.
    """
    line = b"#!" + os.fsencode(python)
    if b" " not in line and len(line) <= LONGEST:
        return line + b"\n"
    # For the shell, line 2 starts Python; for Python, lines 2 and 3 are a string.
    return b"#!/bin/sh\n'''exec' \"" + os.fsencode(python) + b'" "$0" "$@"\n\' \'\'\'\n'


def install(folder: Path, python: str) -> bool:
    """Replaces the `aws` in a folder of commands; True if that was to be done.

    Raises OSError where it may not write.
    """
    scripts = {"aws": first_lines(python) + SCRIPT.encode(), "aws.cmd": WINDOWS_SCRIPT.encode()}
    changed = False
    for name, wanted in scripts.items():
        script = folder / name
        if script.is_file() and script.read_bytes() != wanted:
            script.write_bytes(wanted)
            changed = True
    return changed


def is_installed() -> bool:
    """Whether the `aws` beside this Python is the workshop's, or there is none."""
    script = beside() / "aws"
    return not script.is_file() or script.read_bytes().endswith(SCRIPT.encode())


def beside() -> Path:
    """The folder of this Python's commands."""
    return Path(sys.executable).parent


def main() -> None:
    """Replaces the `aws` beside this Python."""
    try:
        install(beside(), sys.executable)
    except OSError as error:
        print(f"The `aws` command stays AWS's own, which may go to AWS: {error}", file=sys.stderr)


if __name__ == "__main__":
    main()
