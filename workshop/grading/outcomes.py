"""A check's outcome, how it is decided, and the file that brings it to the grader.

passed: the check ran to its end. failed: an assertion of the check, something in the learner's
folder to fix, or something that the learner's function did to its own stage. could not check:
anything else, which is the workshop's own fault.
"""

from __future__ import annotations

import contextlib
import json
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from typing import Any

from . import words

PASSED, FAILED, UNCHECKED = "passed", "failed", "could not check"
RESULTS = "WORKSHOP_RESULTS"  # names the file that `workshop check` reads
LARGEST_RESULTS = 16_000_000  # bytes of it that are read
# Errors of AWS that tell of the grader's own keys and rights, whatever a function did.
OF_THE_GRADER = (
    *("UnrecognizedClientException", "InvalidClientTokenId", "MissingAuthenticationToken"),
    *("InvalidSignatureException", "SignatureDoesNotMatch", "IncompleteSignature"),
    *("ExpiredToken", "ExpiredTokenException", "InvalidAccessKeyId"),
    *("AccessDenied", "AccessDeniedException", "UnauthorizedOperation"),
)


@dataclass(frozen=True)
class CheckResult:
    """One check: its stage, its name, what it means, how it ended, whether it grades an extra."""

    stage: str
    name: str
    means: str
    outcome: str
    message: str = ""
    extra: bool = False


def judge(error: BaseException, deployed: bool) -> tuple[str, str]:
    """The outcome of a check that raised an error, and what to say of it.

    `deployed` tells whether the learner's function was there: before that nothing can be its doing.
    """
    if isinstance(error, AssertionError):
        return FAILED, words.message(plain(error))
    said = words.message(f"{type(error).__name__}: {error}")
    why = _what_the_function_did(error) if deployed else ""
    return (FAILED, f"{why}\n  got:      {said}") if why else (UNCHECKED, said)


def _what_the_function_did(error: BaseException) -> str:
    """How an error in a check comes from the learner's function; empty if it does not."""
    from botocore.exceptions import ClientError, ReadTimeoutError

    if isinstance(error, ClientError):
        status = error.response.get("ResponseMetadata", {}).get("HTTPStatusCode", 0)
        if status >= 500 or error.response.get("Error", {}).get("Code") in OF_THE_GRADER:
            return ""
        return (
            "AWS refused what this check asked for, after your function was deployed. Perhaps "
            "your function deletes or changes itself, or what the check made for it, or its "
            "settings let nobody invoke it."
        )
    if isinstance(error, (ReadTimeoutError, TimeoutError)):
        return "AWS did not answer in time, because your function did not end."
    if isinstance(error, (RecursionError, UnicodeError, json.JSONDecodeError)):
        return "This check could not read what your function returned or wrote."
    return ""


def plain(error: AssertionError) -> str:
    """The message of a check, without what pytest adds to it."""
    return str(error).split("\nassert ", 1)[0].removeprefix("assert ")


def write_results(target: Path, results: list[CheckResult]) -> None:
    """Writes results in one step: whoever reads the file finds all of it."""
    rows = [asdict(result) for result in results]
    partial = target.with_name(target.name + ".partial")
    partial.write_text(json.dumps(rows), encoding="utf-8")
    partial.replace(target)


def read_results(target: Path) -> list[CheckResult]:
    """The results in a file, as far as they are results; what is said in them can be printed.

    Without bubblewrap a function can write to the file: what it holds is not believed blindly.
    """
    with contextlib.suppress(OSError, ValueError, RecursionError):
        with target.open("rb") as file:
            rows = json.loads(file.read(LARGEST_RESULTS))
        return [_result(row) for row in rows if _is_result(row)] if isinstance(rows, list) else []
    return []


def _is_result(row: object) -> bool:
    types = {field.name: bool if field.name == "extra" else str for field in fields(CheckResult)}
    return (
        isinstance(row, dict)
        and set(row) == set(types)
        and all(isinstance(value, types[name]) for name, value in row.items())
        and row["outcome"] in (PASSED, FAILED, UNCHECKED)
    )


def _result(row: dict[str, Any]) -> CheckResult:
    texts = {name: words.message(value) for name, value in row.items() if name != "extra"}
    return CheckResult(**texts, extra=row["extra"])
