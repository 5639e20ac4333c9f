"""Keeps a plain process's children together, on Linux.

A process that starts another one and ends leaves it to the system's first process, where nobody
finds it. Here the runtime runs in a child of this process, which takes such orphans in instead
(`PR_SET_CHILD_SUBREAPER`, prctl(2)), ends them with the runtime, and then ends as that did.
"""

import ctypes
import os
import signal
from pathlib import Path

PR_SET_CHILD_SUBREAPER = 36


def start():
    """Returns in a new process; the present one keeps it, and does not return."""
    ctypes.CDLL(None).prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)
    runtime = os.fork()
    if runtime:
        keep(runtime)


def keep(runtime):
    status = None
    while status is None:
        pid, ended = os.wait()
        if pid == runtime:
            status = ended
    end_children()
    if os.WIFSIGNALED(status):
        number = os.WTERMSIG(status)
        signal.signal(number, signal.SIG_DFL) if number != signal.SIGKILL else None
        os.kill(os.getpid(), number)
    os._exit(os.waitstatus_to_exitcode(status))


def end_children():
    """Ends what the runtime has left, and what that leaves in turn."""
    while True:
        try:
            for pid in Path(f"/proc/self/task/{os.getpid()}/children").read_bytes().split():
                os.kill(int(pid), signal.SIGKILL)
            os.wait()
        except ChildProcessError:
            return
        except ProcessLookupError:
            pass
