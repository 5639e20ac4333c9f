"""The languages of functions that run here: Python, Node.js, and programs that bring their own.

Follows "Lambda runtimes" (https://docs.aws.amazon.com/lambda/latest/dg/lambda-runtimes.html). A
Python function runs on the Python that runs the workshop, a Node.js function on the `node` of this
machine, whatever version its runtime names. AWS's own client for Node.js compiles libcurl when it
is installed, so a small one stands in for it (runtime/nodejs.mjs).
"""

from __future__ import annotations

import functools
import shutil
import sys
from pathlib import Path

PYTHON, NODEJS, PROVIDED = "python", "nodejs", "provided"
PREFIXES = {"python3": PYTHON, "nodejs": NODEJS, "provided.": PROVIDED}


def language(runtime: str) -> str:
    """The language of a runtime identifier: of `nodejs22.x` "nodejs". Empty for another one."""
    return next((name for start, name in PREFIXES.items() if runtime.startswith(start)), "")


def refusal(runtime: str) -> str:
    """Why a function with this runtime cannot run here, and what to do; empty if it can."""
    known = language(runtime)
    if not known:
        return (
            f"The local cloud runs python3, nodejs and provided runtimes, not {runtime}. "
            "Create the function with one of these, or invoke it on AWS."
        )
    if known == NODEJS and node() is None:
        return (
            f"The local cloud runs {runtime} functions with the node command, which this machine "
            "does not have. Install Node.js and start the local cloud again, or invoke the "
            "function on AWS."
        )
    if known == PROVIDED and sys.platform == "win32":
        return (
            f"A function with the runtime {runtime} is a Linux program, which Windows cannot run. "
            "Start the local cloud in WSL, or invoke the function on AWS."
        )
    return ""


@functools.cache
def node() -> Path | None:
    """The `node` command of this machine, without links; None where there is none."""
    found = shutil.which("node")
    return Path(found).resolve() if found else None
