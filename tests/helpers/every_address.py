"""A network in which this process is every machine, and notes who is spoken to. Linux only.

python every_address.py SEEN COMMAND... runs a command there. Whatever program it is, Python or not:
a connection to port 80 or 443 of another address, and a question for a name, stand in the file
SEEN, a line for each. `run` makes the network, without a right to do anything outside of it.
"""

from __future__ import annotations

import shlex
import socket
import subprocess
import sys
import threading
from collections.abc import Mapping
from pathlib import Path

PORTS = (80, 443)
MAKE = "ip link set lo up && ip route add local 0.0.0.0/0 dev lo && exec "


def run(seen: Path, *command: str, **options) -> subprocess.CompletedProcess[str]:
    """Runs a command in such a network; `options` are those of subprocess.run."""
    inner = MAKE + shlex.join([sys.executable, __file__, str(seen), *command])
    outer = ["unshare", "--map-root-user", "--net", "sh", "-c", inner]
    return subprocess.run(outer, capture_output=True, text=True, timeout=240, **options)


def works(environ: Mapping[str, str] | None = None) -> bool:
    """Whether this system has what it takes, and lets this user do it."""
    try:
        return run(Path("/dev/null"), "true", env=environ).returncode == 0
    except OSError:
        return False


def main(seen: str, *command: str) -> int:
    """Listens, then runs the command; returns its exit code."""
    here = ("127.0.0.1", "::1")

    def note(what: str) -> None:
        with Path(seen).open("a", encoding="utf-8") as file:
            file.write(what + "\n")

    def accept(server: socket.socket) -> None:
        while True:
            connection, _ = server.accept()
            host, port = connection.getsockname()[:2]
            if host not in here:
                note(f"{host}:{port}")
            connection.close()

    def answer(names: socket.socket) -> None:
        while True:
            asked = names.recv(512)
            note(f"name {asked[12:].split(bytes(1))[0]!r}")

    servers = [socket.create_server(("0.0.0.0", port)) for port in PORTS]
    names = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    names.bind(("0.0.0.0", 53))
    for server in servers:
        threading.Thread(target=accept, args=(server,), daemon=True).start()
    threading.Thread(target=answer, args=(names,), daemon=True).start()
    return subprocess.run(command).returncode


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
