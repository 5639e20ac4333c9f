"""Starts JupyterLab at the learner's copy of notebook 00: what `make lab` runs.

python -m workshop.lab [--port 8888] [--no-browser]
"""

from __future__ import annotations

import argparse
import os
import socket
import sys
import webbrowser
from collections.abc import Mapping
from pathlib import Path

from . import aws_script, copies
from .cloud.base.variables import no_account
from .paths import repository

FIRST_NOTEBOOK = f"{copies.FOLDER}/00_start_here.ipynb"
PORTS_TRIED = 50
# In its folder `labconfig`: no question about news at the start.
SETTINGS = Path(__file__).resolve().parent / "jupyter"


def main() -> None:
    """Makes the learner's notebooks, says where the workshop will be, then becomes JupyterLab."""
    parser = argparse.ArgumentParser(description="Starts the workshop in JupyterLab.")
    parser.add_argument("--port", type=int, default=8888, help="first port to try (default: 8888)")
    parser.add_argument("--no-browser", action="store_true")
    args = parser.parse_args()
    root, port = repository(), free_port(args.port)
    for line in copies.bring(root):
        print(line)
    with_browser = has_browser() and not args.no_browser
    if not with_browser:
        print("No browser can be opened here. Open the address below that has `token=` in it.")
        print("From another machine, forward the port first, for example:")
        print(f"    ssh -L {port}:127.0.0.1:{port} this-machine")
    print("The workshop starts at notebook 00. Ctrl-C twice ends it.", flush=True)
    aws_script.main()
    environ, command = kernel_environ(os.environ), server_command(root, port, with_browser)
    os.chdir(root)
    if sys.platform == "win32":  # there exec would return to the prompt at once
        import subprocess

        raise SystemExit(subprocess.run(command, env=environ).returncode)
    os.execve(command[0], command, environ)


def server_command(root: Path, port: int, with_browser: bool) -> list[str]:
    """What starts JupyterLab for the workshop in a folder, at this port and no other."""
    command = [
        *(sys.executable, "-m", "jupyterlab"),
        f"--ServerApp.root_dir={root}",
        "--ServerApp.contents_manager_class=workshop.lab_files.LearnersFiles",
        f"--LabApp.default_url=/lab/tree/{FIRST_NOTEBOOK}",
        *("--ServerApp.ip=127.0.0.1", f"--ServerApp.port={port}", "--ServerApp.port_retries=0"),
        # JupyterLab asks servers in the internet for news, a newer release and extensions.
        "--LabApp.news_url=None",
        "--LabApp.check_for_updates_class=jupyterlab.NeverCheckForUpdate",
        "--LabApp.extension_manager=readonly",
        "--ServerApp.log_level=ERROR",  # what is left tells the address
    ]
    if hasattr(os, "geteuid") and os.geteuid() == 0:  # in a container
        command.append("--ServerApp.allow_root=True")
    if not with_browser:
        command.append("--ServerApp.open_browser=False")
    return command


def free_port(first: int) -> int:
    """The first port from here on that nobody uses; Jupyter would choose it unsaid."""
    for port in range(first, min(first + PORTS_TRIED, 65536)):
        with socket.socket() as probe:
            if os.name == "posix":  # a port whose server has just ended is free
                probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind(("127.0.0.1", port))
            except OSError:
                continue
            return port
    return first


def kernel_environ(environ: Mapping[str, str]) -> dict[str, str]:
    """What JupyterLab, its kernels and its terminals start with: no account, and our commands.

    A kernel has no cloud before `%load_ext workshop.notebook`, and none after a restart.
    """
    started = no_account(environ)
    started.setdefault("JUPYTER_PLATFORM_DIRS", "1")
    settings = [str(SETTINGS), *filter(None, [started.get("JUPYTER_CONFIG_PATH")])]
    started["JUPYTER_CONFIG_PATH"] = os.pathsep.join(settings)
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
