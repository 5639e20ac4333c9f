"""`%check 01`, `%hint 01` and `%progress`: the commands of the same names, in a cell."""

from __future__ import annotations

import contextlib
import io
import shlex
import sys
from typing import Any

from ..cli import main, parser

EXAMPLES = {"check": "%check 01", "hint": "%hint 01", "progress": "%progress"}


def register(ipython: Any) -> None:
    """Gives a notebook the magics."""
    for command in EXAMPLES:
        ipython.register_magic_function(_magic(command), "line", command)


def _magic(command: str) -> Any:
    def magic(line: str) -> None:
        words = _words(command, line)
        if words is None:
            print(f"Write it like this, for example: {EXAMPLES[command]}", file=sys.stderr)
        else:
            main(words)

    magic.__doc__ = f"`%{command}` does what `workshop {command}` does in a terminal."
    return magic


def _words(command: str, line: str) -> list[str] | None:
    """The command line that a magic stands for; None if the command does not take it."""
    try:
        words = [command, *shlex.split(line.partition("#")[0])]
        with contextlib.redirect_stderr(io.StringIO()):  # usage, as for a terminal
            parser().parse_args(words)
    except (SystemExit, ValueError):
        return None
    return words
