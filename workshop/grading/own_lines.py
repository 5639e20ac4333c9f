"""What a function itself wrote and where it failed, taken out of its log and its error."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator
from typing import Any

SHOWN = 8  # lines of a log, the last ones
WIDEST = 200  # characters of a line
TAIL = 4_000  # a tail of a log that is longer may begin within a line: LogResult is cut at 4 KB
# Lambda's own lines, and how it logs what the handler raised: "[ERROR] KeyError: 'x'". A record
# of `logging` has a tab there.
OF_LAMBDA = re.compile(
    r"(INIT_START|START RequestId:|END RequestId:|REPORT RequestId:|XRAY TraceId:)"
)
RAISED = re.compile(r"\[ERROR\] [\w.]+(:|$)")
IN_LIBRARY = re.compile(r'\s\sFile "(/var/runtime/|/var/lang/|[^"]*[/\\](lib|Lib)[/\\]|<frozen)')
FRAME = re.compile(r'File "/var/task/(?P<file>[^"]+)", line (?P<line>\d+), in (?P<name>\S+)')


def own_lines(log: str) -> list[str]:
    """The last whole lines that a function printed or logged, of one invocation's log.

    START, END and REPORT are left out, and so is the traceback that Lambda adds for what the
    handler raised: the invocation's error has it.
    """
    lines = log.splitlines()
    if len(log.encode()) >= TAIL and not _is_of_lambda(lines[0]):
        del lines[0]
    found: list[str] = []
    in_traceback = False
    for line in lines:
        of_lambda = _is_of_lambda(line)
        in_traceback = (in_traceback and not of_lambda) or bool(RAISED.match(line))
        if line.strip() and not of_lambda and not in_traceback:
            found.append(line.rstrip())
    return [line if len(line) <= WIDEST else line[:WIDEST] + "..." for line in found[-SHOWN:]]


def last_error(messages: Iterable[str]) -> str:
    """The last error in messages of a function's log, in whole lines; empty if there is none.

    Messages are those of CloudWatch Logs: one has the traceback of its error in it. Its frames in
    libraries are left out.
    """
    return "\n".join(_own_frames(_last_error(messages).splitlines()))


def _own_frames(lines: list[str]) -> Iterator[str]:
    """The lines of a traceback without the frames in libraries."""
    of_library = False
    for line in lines:
        if line[2:].startswith("File ") or not line[:1].isspace():
            of_library = bool(IN_LIBRARY.match(line))
        if not of_library:
            yield line


def _last_error(messages: Iterable[str]) -> str:
    for message in reversed(list(messages)):
        record = _record(message)
        if message.startswith("[ERROR]") or record.get("level") in ("ERROR", "CRITICAL"):
            if record:
                trace = record.get("stackTrace") or record.get("exception") or []
                said = [record.get("message") or _raised(record), *trace]
                return "\n".join(line.rstrip() for each in said for line in str(each).splitlines())
            return message.rstrip()
        if "Task timed out after" in message or "Runtime exited with error" in message:
            return message.rstrip()
    return ""


def place_of(error: dict[str, Any]) -> str:
    """Where in the learner's own code an error came from: file, line, function and the line's text.

    Empty where the error does not tell.
    """
    for frame in reversed(error.get("stackTrace") or []):
        found = FRAME.search(str(frame))
        if found:
            code = str(frame).strip().partition("\n")[2].strip()
            place = f"{found['file']}, line {found['line']}, in {found['name']}"
            return f"{place}: {code}" if code else place
    return ""


def _raised(record: dict[str, Any]) -> str:
    return f"{record.get('errorType')}: {record.get('errorMessage')}"


def _is_of_lambda(line: str) -> bool:
    """Whether the function did not write the line itself, but Lambda did, or boto3's logger."""
    record = _record(line)
    of_platform = str(record.get("type", "")).startswith("platform.")
    of_boto3 = str(record.get("logger", "")).startswith(("botocore", "boto3"))
    raised = "errorType" in record and "stackTrace" in record and "message" not in record
    return bool(OF_LAMBDA.match(line)) or of_platform or of_boto3 or raised


def _record(line: str) -> dict[str, Any]:
    """A line as a record, if it is a JSON object."""
    try:
        found = json.loads(line) if line.startswith("{") else {}
    except (ValueError, RecursionError):
        return {}
    return found if isinstance(found, dict) else {}
