"""Makes the virtual environment and says how far it is: what `make lab` runs first.

python3 -m workshop.install        where there is no make, such as on Windows

It runs on the Python that is there before anything is installed, so it imports nothing else.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path

VENV = Path(".venv")
EVERY_S = 10
NO_VENV = (
    f"{sys.executable} cannot make a virtual environment. "
    "On Debian and Ubuntu: apt-get install python3-venv"
)


def main() -> int:
    """Makes `.venv` in the current folder from requirements.txt; returns the exit code."""
    print(f"Installing the workshop into {VENV}, once. This takes one to five minutes.", flush=True)
    shutil.rmtree(VENV, ignore_errors=True)
    if shutil.which("uv") and _with_uv() == 0:
        return 0
    return _with_pip()


def _with_uv() -> int:
    make = ["uv", "venv", "--quiet", "--seed", "--python", sys.executable, str(VENV)]
    install = ["uv", "pip", "install", "--quiet", "--compile-bytecode", "-r", "requirements.txt"]
    code = subprocess.run(make).returncode
    return code or watched(install, VENV, os.environ | {"VIRTUAL_ENV": str(VENV.resolve())})


def _with_pip() -> int:
    shutil.rmtree(VENV, ignore_errors=True)
    if subprocess.run([sys.executable, "-m", "venv", str(VENV)]).returncode:
        print(NO_VENV, file=sys.stderr)
        return 1
    python = VENV / ("Scripts/python.exe" if os.name == "nt" else "bin/python")
    quiet = ["--quiet", "--disable-pip-version-check"]
    return watched([str(python), "-m", "pip", "install", *quiet, "-r", "requirements.txt"], VENV)


def watched(
    command: Sequence[str],
    venv: Path,
    environ: dict[str, str] | None = None,
    say: Callable[[str], object] = lambda line: print(line, flush=True),
    every_s: float = EVERY_S,
) -> int:
    """Runs an installer; while it runs, says now and then what is in `venv`. The exit code."""
    started = time.monotonic()
    with subprocess.Popen(command, env=environ) as process:
        while True:
            try:
                return process.wait(every_s)
            except subprocess.TimeoutExpired:
                count = packages(venv)
                what = f"{count} packages are installed" if count > 1 else "downloading packages"
                say(f"{time.monotonic() - started:5.0f} s  {what}")


def packages(venv: Path) -> int:
    """How many packages are in a virtual environment."""
    libraries = [venv / "Lib" / "site-packages", *venv.glob("lib/python*/site-packages")]
    return sum(1 for folder in set(libraries) for _ in folder.glob("*.dist-info"))


if __name__ == "__main__":
    sys.exit(main())
