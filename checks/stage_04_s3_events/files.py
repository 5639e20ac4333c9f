"""The files of stage 04: counts that nobody has seen before, and the report's figures of them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from workshop.grading import fresh
from workshop.paths import repository

DATA = repository() / "data" / "bikeshare-hourly-2011.csv"
HEADER = "day,hr,bikers,notes"
TOO_WIDE = 131_073  # characters in a field: the csv module takes one less


@dataclass(frozen=True)
class Row:
    """A row that is right."""

    day: int
    hour: int
    bikers: int
    notes: str = ""

    def __str__(self) -> str:
        return f"{self.day},{self.hour},{self.bikers},{self.notes}"


def row(**changes: Any) -> Row:
    """Some bikers in some hour of some day, far from the ends of what is allowed."""
    some = {"day": fresh.whole(2, 364), "hour": fresh.whole(1, 22), "bikers": fresh.whole(5, 900)}
    return Row(**{**some, **changes})


def table_of(*rows: Row | str, header: str = HEADER, end: str = "\n") -> str:
    """A CSV file of rows, without a newline at the end."""
    return end.join([header, *map(str, rows)])


def figures(rows: Sequence[Row], damaged: int = 0) -> dict[str, Any]:
    """What the report says of rows that are right and of so many that are not."""
    found: dict[str, Any] = {"rows": len(rows), "damaged_rows": damaged, "bikers": 0}
    found |= {"by_day": {}, "by_hour": {}}
    for each in rows:
        found["bikers"] += each.bikers
        for name, key in (("by_day", each.day), ("by_hour", each.hour)):
            found[name][str(key)] = found[name].get(str(key), 0) + each.bikers
    return found


def damaged() -> str:
    """A file without a row that is right."""
    return table_of(f"{row().day},{row().hour},{fresh.word()},")


def month() -> tuple[str, dict[str, Any]]:
    """Real counts of a month, as they are in data/ but for some hours, and their figures."""
    header, *lines = DATA.read_text(encoding="utf-8").splitlines(keepends=True)
    name = fresh.one_of(sorted({line.split(",")[1] for line in lines}))
    lines = [line for line in lines if line.split(",")[1] == name]
    left_out = set(fresh.some_of(range(len(lines)), fresh.whole(20, 60)))
    lines = [line for number, line in enumerate(lines) if number not in left_out]
    fields = [line.split(",") for line in lines]
    rows = [Row(int(each[2]), int(each[3].strip('"')), int(each[-1])) for each in fields]
    return header + "".join(lines).rstrip("\n"), figures(rows)
