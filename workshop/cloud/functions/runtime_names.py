"""The Python runtimes of AWS Lambda, in one dated table (sandbox/languages.py: what runs here).

Read in November 2026 from "Lambda runtimes"
(https://docs.aws.amazon.com/lambda/latest/dg/lambda-runtimes.html).
The local cloud runs every one of them on the Python that runs the workshop.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

from ..base.model import ApiError, FunctionVersion
from ..sandbox.languages import refusal


@dataclass(frozen=True)
class Runtime:
    """A runtime identifier with the dates from which AWS limits it."""

    name: str
    operating_system: str
    deprecated: date
    create_blocked: date
    update_blocked: date

    def can_create(self, on: date | None = None) -> bool:
        """Whether AWS lets you create a function with it (today, unless told otherwise)."""
        return (on or date.today()) < self.create_blocked


READ_ON = date(2026, 11, 1)

_TABLE = (
    Runtime(
        "python3.14",
        "Amazon Linux 2023",
        date(2029, 6, 30),
        date(2029, 7, 31),
        date(2029, 8, 31),
    ),
    Runtime(
        "python3.13",
        "Amazon Linux 2023",
        date(2029, 6, 30),
        date(2029, 7, 31),
        date(2029, 8, 31),
    ),
    Runtime(
        "python3.12",
        "Amazon Linux 2023",
        date(2028, 10, 31),
        date(2028, 11, 30),
        date(2029, 1, 10),
    ),
    Runtime(
        "python3.11",
        "Amazon Linux 2",
        date(2027, 6, 30),
        date(2027, 7, 31),
        date(2027, 8, 31),
    ),
    Runtime(
        "python3.10",
        "Amazon Linux 2",
        date(2026, 10, 31),
        date(2027, 2, 1),
        date(2027, 3, 3),
    ),
)

RUNTIMES: dict[str, Runtime] = {runtime.name: runtime for runtime in _TABLE}
NEWEST_RUNTIME = "python3.14"


def check_runs_here(function: FunctionVersion) -> None:
    """Raises ApiError, 502, for a function in a language that cannot run here."""
    if why := refusal(function.runtime):
        raise ApiError(502, "InvalidRuntimeException", why)
