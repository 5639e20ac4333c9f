"""Starts JupyterLab at notebook 00: what `make lab` runs.

python -m workshop.lab [--port 8888] [--no-browser]
"""

from __future__ import annotations

import argparse
import os
import sys
import webbrowser
from collections.abc import Mapping
from pathlib import Path

from . import aws_script
from .cloud.base.variables import no_account

FIRST_NOTEBOOK = "notebooks/00_start_here.ipynb"


def main() -> None:
    """Says where the workshop will be, then becomes JupyterLab."""
    parser = argparse.ArgumentParser(description="Starts the workshop in JupyterLab.")
    parser.add_argument("--port", type=int, default=8888)
    parser.add_argument("--no-browser", action="store_true")
    args = parser.parse_args()
    root = Path(__file__).resolve().parent.parent
    command = [
        *(sys.executable, "-m", "jupyterlab"),
        f"--ServerApp.root_dir={root}",
        f"--LabApp.default_url=/lab/tree/{FIRST_NOTEBOOK}",
        *("--ServerApp.ip=127.0.0.1", f"--ServerApp.port={args.port}"),
        # JupyterLab asks servers in the internet for news, a newer release and extensions.
        "--LabApp.news_url=None",
        "--LabApp.check_for_updates_class=jupyterlab.NeverCheckForUpdate",
        "--LabApp.extension_manager=readonly",
        "--ServerApp.log_level=ERROR",  # what is left tells the address
    ]
    if hasattr(os, "geteuid") and os.geteuid() == 0:  # in a container
        command.append("--ServerApp.allow_root=True")
    if args.no_browser or not has_browser():
        command.append("--ServerApp.open_browser=False")
        print("There is no browser to open here. Open the address with `token=` that follows.")
        print("From another machine, forward the port first, for example:")
        print(f"    ssh -L {args.port}:127.0.0.1:{args.port} this-machine")
    print("The workshop starts at notebook 00. Ctrl-C twice ends it.", flush=True)
    aws_script.main()
    environ = kernel_environ(os.environ)
    os.chdir(root)
    if sys.platform == "win32":  # there exec would return to the prompt at once
        import subprocess

        raise SystemExit(subprocess.run(command, env=environ).returncode)
    os.execve(command[0], command, environ)


def kernel_environ(environ: Mapping[str, str]) -> dict[str, str]:
    """What JupyterLab, its kernels and its terminals start with: no account, and our commands.

    A kernel has no cloud before `%load_ext workshop.notebook`, and none after a restart.
    """
    started = no_account(environ)
    started.setdefault("JUPYTER_PLATFORM_DIRS", "1")
    started["PATH"] = str(aws_script.beside()) + os.pathsep + started.get("PATH", os.defpath)
    return started


def has_browser() -> bool:
    """Whether this machine can show a web page to who sits before it."""
    if sys.platform.startswith("linux") and not (
        os.environ.get("DISPLAY") or os.environ.get("WAYLAND_DISPLAY")
    ):
        return False
    try:
        webbrowser.get()
    except webbrowser.Error:
        return False
    return True


if __name__ == "__main__":
    main()
