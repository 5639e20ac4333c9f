"""Times written after a pattern of Joda-Time, as `parse_time` takes it.

Follows "parse_time(String, Long[, String])"
(https://docs.aws.amazon.com/iot/latest/developerguide/iot-sql-functions.html).
"""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import datetime, timedelta, timezone
from typing import Any
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

PART = re.compile(r"'((?:[^']|'')*)'|([A-Za-z])\2*|[^A-Za-z']+")
EPOCH = datetime(1970, 1, 1, tzinfo=timezone.utc)
MONTHS = [
    "January",
    "February",
    "March",
    "April",
    "May",
    "June",
    "July",
    "August",
    "September",
    "October",
    "November",
    "December",
]
DAYS = ["Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday"]


def format_time(pattern: str, timestamp_ms: int, zone: str) -> str:
    """The time as text. Raises ValueError for an unknown zone or an unknown letter."""
    try:
        place: Any = timezone.utc if zone in ("UTC", "Z", "GMT") else ZoneInfo(zone)
    except (ZoneInfoNotFoundError, OSError):
        raise ValueError(f"unknown time zone {zone}") from None
    moment = (EPOCH + timedelta(milliseconds=timestamp_ms)).astimezone(place)
    return "".join(_part(found, moment) for found in PART.finditer(pattern))


def _part(found: re.Match[str], moment: datetime) -> str:
    if found[1] is not None:
        return found[1].replace("''", "'") or "'"
    if found[2] is None:
        return found[0]
    letter, length = found[2], len(found[0])
    if letter not in LETTERS:
        raise ValueError(f"unknown letter {letter} in a time pattern")
    return LETTERS[letter](moment, length)


def _digits(value: Callable[[datetime], int]) -> Callable[[datetime, int], str]:
    return lambda moment, length: str(value(moment)).zfill(length)


def _year(moment: datetime, length: int) -> str:
    return f"{moment.year % 100:02d}" if length == 2 else str(moment.year).zfill(length)


def _month(moment: datetime, length: int) -> str:
    name = MONTHS[moment.month - 1]
    if length < 3:
        return str(moment.month).zfill(length)
    return name if length > 3 else name[:3]


def _day(moment: datetime, length: int) -> str:
    name = DAYS[moment.weekday()]
    return name if length > 3 else name[:3]


def _zone(moment: datetime, length: int) -> str:
    return moment.tzname() or ""


def _offset(moment: datetime, length: int) -> str:
    text = moment.strftime("%z")
    return text if length == 1 else f"{text[:3]}:{text[3:5]}"


LETTERS: dict[str, Callable[[datetime, int], str]] = {
    "G": lambda moment, length: "AD",
    "y": _year,
    "Y": _year,
    "M": _month,
    "d": _digits(lambda moment: moment.day),
    "D": _digits(lambda moment: moment.timetuple().tm_yday),
    "e": _digits(lambda moment: moment.isoweekday()),
    "w": _digits(lambda moment: moment.isocalendar()[1]),
    "E": _day,
    "a": lambda moment, length: "AM" if moment.hour < 12 else "PM",
    "H": _digits(lambda moment: moment.hour),
    "k": _digits(lambda moment: moment.hour or 24),
    "h": _digits(lambda moment: moment.hour % 12 or 12),
    "K": _digits(lambda moment: moment.hour % 12),
    "m": _digits(lambda moment: moment.minute),
    "s": _digits(lambda moment: moment.second),
    "S": lambda moment, length: f"{moment.microsecond // 1000:03d}".ljust(length, "0")[:length],
    "z": _zone,
    "Z": _offset,
}
