"""Mends the first line of the `aws` command: what `make` runs after the installation.

awscli ships `aws` as a finished script. The installer writes Python's path behind `#!` there, and
the system cuts that line at a blank, or after 127 characters. In a folder such as `my courses` the
command would not start. Other commands get a first line in shell, and so does this one here.
"""

from __future__ import annotations

import os
import sys
from pathlib import Path

LONGEST = 127  # characters that every system reads of a first line


def mend(script: Path, python: str) -> bool:
    """Rewrites the first line of `script` if the system could not read it; True if it did."""
    first, _, rest = script.read_bytes().partition(b"\n")
    if not first.startswith(b"#!/") or (b" " not in first and len(first) <= LONGEST):
        return False
    # For the shell, line 2 starts Python; for Python, lines 2 and 3 are a text.
    start = b"#!/bin/sh\n'''exec' \"" + os.fsencode(python) + b'" "$0" "$@"\n\' \'\'\'\n'
    script.write_bytes(start + rest)
    return True


def main() -> None:
    """Mends the `aws` that lies beside this Python."""
    script = Path(sys.executable).with_name("aws")
    if script.is_file():
        mend(script, sys.executable)


if __name__ == "__main__":
    main()
