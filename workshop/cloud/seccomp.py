"""System calls that a sandboxed function may not make, as a filter for `bwrap --seccomp`.

They would let it keep memory that no process is charged for, or reach parts of the kernel that no
function needs. They answer ENOSYS, as on a kernel without them. Follows the kernel's "Seccomp BPF"
(https://docs.kernel.org/userspace-api/seccomp_filter.html).
"""

from __future__ import annotations

import errno
import platform
import struct

# By machine: the audit architecture, and the numbers of the calls that are refused.
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
    "io_uring_setup": 425,
    "memfd_secret": 447,
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
    "io_uring_setup": 425,
    "memfd_secret": 447,
}
MACHINES = {"x86_64": (0xC000003E, X86_64), "aarch64": (0xC00000B7, AARCH64)}
X32 = 0x40000000  # x86-64 has each call a second time from this number on

LOAD, EQUAL, AT_LEAST, RETURN = 0x20, 0x15, 0x35, 0x06  # instructions of classic BPF
NUMBER_AT, ARCHITECTURE_AT = 0, 4  # offsets in the kernel's `struct seccomp_data`
ALLOW, REFUSE = 0x7FFF0000, 0x00050000 | errno.ENOSYS


def seccomp_filter() -> bytes | None:
    """The filter's program, or None for a machine that the table does not know."""
    if platform.machine() not in MACHINES:
        return None
    architecture, calls = MACHINES[platform.machine()]
    numbers = sorted(calls.values())
    program = [
        _instruction(LOAD, ARCHITECTURE_AT),
        _instruction(EQUAL, architecture, if_not=len(numbers) + 3),  # another one's calls
        _instruction(LOAD, NUMBER_AT),
        _instruction(AT_LEAST, X32, if_so=len(numbers) + 1),
        *(
            _instruction(EQUAL, number, if_so=len(numbers) - place)
            for place, number in enumerate(numbers)
        ),
        _instruction(RETURN, ALLOW),
        _instruction(RETURN, REFUSE),
    ]
    return b"".join(program)


def _instruction(code: int, value: int, if_so: int = 0, if_not: int = 0) -> bytes:
    """One instruction; a jump skips so many of those behind it."""
    return struct.pack("=HBBI", code, if_so, if_not, value)
