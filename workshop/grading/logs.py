"""What a check shows of a function's log: the error that the function itself ran into."""

from __future__ import annotations

import re

LAMBDAS = re.compile(r"(INIT_START|START|END|REPORT|INIT_REPORT) |\{.*\"type\": ?\"platform\.")
MOST_LINES = 12


def own_lines(log: str) -> list[str]:
    """The lines of a log that the function wrote, without Lambda's."""
    return [line.rstrip() for line in log.splitlines() if line.strip() and not LAMBDAS.match(line)]


def last_error(log: str) -> str:
    """The last error in a log, in whole lines and without the middle of a long traceback.

    An empty string if the function logged none.
    """
    lines = own_lines(log)
    begins = [number for number, line in enumerate(lines) if line.startswith("[ERROR]")]
    if not begins:
        return ""
    found = lines[begins[-1] :]
    return "\n".join(found[:1] + found[1:][-(MOST_LINES - 1) :])


def ending(log: str) -> str:
    """What tells most of a log: the last error, or else the function's last lines."""
    return last_error(log) or "\n".join(own_lines(log)[-MOST_LINES:])
