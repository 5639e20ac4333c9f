"""The year in data/ as the log files that stage 08 is about."""

from __future__ import annotations

import csv
import gzip
from collections.abc import Iterator
from datetime import date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from ..paths import repository

CITY = ZoneInfo("America/New_York")  # Washington, DC, has the time of New York
NEW_YEAR = date(2011, 1, 1)
HOURS_A_FILE = 8


def log_files() -> dict[str, bytes]:
    """The log files of 2011 by key, 1,092 of them: three a day where there were rides."""
    files: dict[str, list[str]] = {}
    for moment, row in _hours():
        number = moment.hour // HOURS_A_FILE
        lines = files.setdefault(f"logs/2011/{moment:%m/%d}-{number}.log.gz", [])
        lines.append(f"{moment.isoformat()} weather sky={row['weathersit'].replace(' ', '_')}")
        lines.append(
            f"{moment.isoformat()} rides casual={row['casual']} registered={row['registered']}"
        )
    return {
        key: gzip.compress("\n".join([*lines, ""]).encode(), mtime=0)
        for key, lines in files.items()
    }


def _hours() -> Iterator[tuple[datetime, dict[str, str]]]:
    """Each hour of the year, in the city's time, and its row."""
    file = repository() / "data" / "bikeshare-hourly-2011.csv"
    with file.open(encoding="utf-8", newline="") as lines:
        for row in csv.DictReader(lines):
            day = NEW_YEAR + timedelta(days=int(row["day"]) - 1)
            yield datetime.combine(day, time(int(row["hr"])), CITY), row
