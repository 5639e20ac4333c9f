"""Python loads this at its start where this folder is on PYTHONPATH: it watches what is sent.

Each connection, and each name that is looked up, that is not of this machine is written to the
file WORKSHOP_WATCH, and refused. helpers/watching.py sets it up; `watch` is for a running process.
"""

from __future__ import annotations

import os
import socket
import sys
from ipaddress import ip_address

CONNECTS = {"socket.connect", "socket.sendto", "socket.sendmsg"}
LOOKS_UP = {"socket.getaddrinfo", "socket.gethostbyname", "socket.gethostbyaddr"}


def watch(file: str) -> None:
    """Watches this process until it ends: such a hook cannot be taken away."""
    here = {"", "localhost", socket.gethostname().lower()}

    def is_here(host: object) -> bool:
        name = host.decode("ascii", "replace") if isinstance(host, bytes) else str(host or "")
        name = name.lower().rstrip(".")
        try:
            address = ip_address(name.partition("%")[0])
        except ValueError:
            return name in here or name.endswith(".localhost")
        return address.is_loopback or address.is_unspecified

    def hook(event: str, arguments: tuple) -> None:
        if event in CONNECTS:
            to = arguments[1]  # of an internet socket a tuple, of a local one a path
            host = to[0] if isinstance(to, tuple) and isinstance(to[0], str) else ""
        elif event in LOOKS_UP:
            host = arguments[0]
        else:
            return
        if not is_here(host):
            line = f"{event} {host} by {' '.join(sys.orig_argv)[:300]!r}\n"
            with open(file, "a", encoding="utf-8") as target:  # noqa: PTH123
                target.write(line)
            raise ConnectionRefusedError(f"the tests reach this machine only: {line}")

    sys.addaudithook(hook)


if "WORKSHOP_WATCH" in os.environ:
    watch(os.environ["WORKSHOP_WATCH"])
