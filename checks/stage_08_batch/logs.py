"""Log files of stage 08: lines of hours, and what a report says of them."""

from __future__ import annotations

import gzip
from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import date, timedelta

from workshop.grading import fresh

EVENING = 19  # from here on it is the next day in UTC, which is the matter of one check only
WINTER, SUMMER = "-05:00", "-04:00"
OTHERS = ("docks faulty=2", "battery rides=5", "note rides casual=7 registered=9", "rides? no")


@dataclass(frozen=True)
class Hour:
    """One line that counts."""

    day: str
    hour: int
    casual: int
    registered: int
    offset: str = WINTER

    def __str__(self) -> str:
        time = f"{self.day}T{self.hour:02}:00:00{self.offset}"
        return f"{time} rides casual={self.casual} registered={self.registered}"


def some_day() -> str:
    """A day of a year that no report of another check is about."""
    return str(date(fresh.whole(1990, 2020), 1, 15) + timedelta(days=fresh.whole(0, 40)))


def hour(day: str, at: int | None = None, offset: str = WINTER) -> Hour:
    """An hour of a day with any numbers of rides."""
    at = fresh.whole(0, EVENING - 1) if at is None else at
    return Hour(day, at, fresh.whole(0, 90), fresh.whole(1, 400), offset)


def hours(day: str, count: int = 3) -> list[Hour]:
    """Some hours of a day, in order."""
    return [hour(day, at) for at in sorted(fresh.some_of(range(EVENING), count))]


def again(found: Hour, offset: str) -> Hour:
    """The same hour of the clock at another offset, with other rides."""
    return replace(hour(found.day, found.hour), offset=offset)


def packed(lines: Iterable[object]) -> bytes:
    """A log file; among the lines that count stand others."""
    text = "".join(f"{line}\n" for line in lines)
    return gzip.compress(text.encode(), mtime=0)


def among_others(found: list[Hour]) -> list[object]:
    """Lines that count, with others before, between and after them."""
    some = fresh.some_of(OTHERS, len(OTHERS))
    lines: list[object] = [""]
    for number, each in enumerate(found):
        lines += [each, f"{each.day}T{each.hour:02}:05:12{each.offset} {some[number % len(some)]}"]
    return lines


def report(found: Iterable[Hour]) -> list[str]:
    """The lines of the report on some hours."""
    days: dict[str, list[int]] = {}
    for each in found:
        total = days.setdefault(each.day, [0, 0, 0])
        for place, more in enumerate((1, each.casual, each.registered)):
            total[place] += more
    rows = [",".join(map(str, (day, *total))) for day, total in sorted(days.items())]
    return ["day,hours,casual,registered", *rows]
