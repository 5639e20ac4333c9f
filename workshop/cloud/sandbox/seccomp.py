"""System calls that a sandboxed function may not make, as a filter for `bwrap --seccomp`.

They would let it keep memory that no process is charged for, or reach parts of the kernel that no
function needs. They answer ENOSYS, as on a kernel without them. Follows the kernel's "Seccomp BPF"
(https://docs.kernel.org/userspace-api/seccomp_filter.html).
"""

from __future__ import annotations

import errno
import platform
import struct

# The calls that are refused. Their numbers differ by machine; those of newer ones do not.
NEWER = {
    "io_uring_setup": 425,
    "open_tree": 428,
    "move_mount": 429,
    "fsopen": 430,
    "fsconfig": 431,
    "fsmount": 432,
    "memfd_secret": 447,
}
X86_64 = {
    "shmget": 29,
    "shmat": 30,
    "msgget": 68,
    "semget": 64,
    "ptrace": 101,
    "mount": 165,
    "add_key": 248,
    "request_key": 249,
    "keyctl": 250,
    "unshare": 272,
    "perf_event_open": 298,
    "setns": 308,
    "memfd_create": 319,
    "bpf": 321,
    "userfaultfd": 323,
}
AARCH64 = {
    "mount": 40,
    "unshare": 97,
    "ptrace": 117,
    "msgget": 186,
    "semget": 190,
    "shmget": 194,
    "shmat": 196,
    "add_key": 217,
    "request_key": 218,
    "keyctl": 219,
    "perf_event_open": 241,
    "setns": 268,
    "memfd_create": 279,
    "bpf": 280,
    "userfaultfd": 282,
}
SOCKET = {"x86_64": 41, "aarch64": 198}
# By machine: the kernel's name of the architecture, and the calls.
MACHINES = {"x86_64": (0xC000003E, X86_64 | NEWER), "aarch64": (0xC00000B7, AARCH64 | NEWER)}
FAMILIES = (1, 2, 10, 16)  # of sockets that are allowed: Unix, IPv4, IPv6, netlink; no vsock
X32 = 0x40000000  # x86-64 has each call a second time from this number on

LOAD, EQUAL, AT_LEAST, RETURN = 0x20, 0x15, 0x35, 0x06  # instructions of classic BPF
NUMBER_AT, ARCHITECTURE_AT, FIRST_ARGUMENT_AT = 0, 4, 16  # in `struct seccomp_data`
ALLOW, REFUSE = 0x7FFF0000, 0x00050000 | errno.ENOSYS


def seccomp_filter() -> bytes | None:
    """The filter's program, or None for a machine that the table does not know."""
    if platform.machine() not in MACHINES:
        return None
    machine = platform.machine()
    architecture, calls = MACHINES[machine]
    numbers = sorted(calls.values())
    refuse = len(numbers) + len(FAMILIES) + 8  # where the last instruction is
    body = [
        (LOAD, ARCHITECTURE_AT, None, None),
        (EQUAL, architecture, None, refuse),  # another one's calls have other numbers
        (LOAD, NUMBER_AT, None, None),
        (AT_LEAST, X32, refuse, None),
        *((EQUAL, number, refuse, None) for number in numbers),
        (EQUAL, SOCKET[machine], None, refuse - 1),
        (LOAD, FIRST_ARGUMENT_AT, None, None),
        *((EQUAL, family, refuse - 1, None) for family in FAMILIES),
        (EQUAL, 0, refuse, refuse),
        (RETURN, ALLOW, None, None),
        (RETURN, REFUSE, None, None),
    ]
    return b"".join(_instruction(place, *each) for place, each in enumerate(body))


def _instruction(place: int, code: int, value: int, if_so: int | None, if_not: int | None) -> bytes:
    """One instruction. A jump names the place to go on at; None is the next one."""
    jumps = [0 if to is None else to - place - 1 for to in (if_so, if_not)]
    return struct.pack("=HBBI", code, *jumps, value)
