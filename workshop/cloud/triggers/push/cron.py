"""Cron expressions with AWS's six fields: minutes, hours, day of month, month, day of week, year.

Follows "Setting a schedule pattern for scheduled rules in Amazon EventBridge"
(https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-scheduled-rule-pattern.html).
"""

from __future__ import annotations

import calendar
import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime, timedelta

MONTHS = ("JAN", "FEB", "MAR", "APR", "MAY", "JUN", "JUL", "AUG", "SEP", "OCT", "NOV", "DEC")
WEEKDAYS = ("SUN", "MON", "TUE", "WED", "THU", "FRI", "SAT")  # 1 to 7
YEARS = (1970, 2199)


@dataclass(frozen=True)
class Cron:
    """A cron expression; days are kept as they were written, since they depend on the month."""

    minutes: tuple[int, ...]
    hours: tuple[int, ...]
    day_of_month: str
    months: tuple[int, ...]
    day_of_week: str
    years: tuple[int, ...]

    @classmethod
    def parse(cls, text: str) -> Cron:
        """Reads `0 3 * * ? *`. Raises ValueError for what AWS does not take."""
        fields = text.upper().split()
        if len(fields) != 6:
            raise ValueError(f"a cron expression has six fields, not {len(fields)}: {text!r}")
        minutes, hours, day_of_month, months, day_of_week, years = fields
        if (day_of_month == "?") == (day_of_week == "?"):
            raise ValueError("one of day of month and day of week must be '?', and only one")
        _check_day_of_month(day_of_month)
        _check_day_of_week(day_of_week)
        return cls(
            minutes=_values(minutes, 0, 59),
            hours=_values(hours, 0, 23),
            day_of_month=day_of_month,
            months=_values(months, 1, 12, MONTHS),
            day_of_week=day_of_week,
            years=_values(years, *YEARS),
        )

    def after(self, moment: datetime) -> datetime | None:
        """The next time after `moment`, None if there is none. Neither has a time zone."""
        start = moment.replace(second=0, microsecond=0) + timedelta(minutes=1)
        for day in self._days_from(start.date()):
            for hour in self.hours:
                for minute in self.minutes:
                    found = datetime(day.year, day.month, day.day, hour, minute)
                    if found >= start:
                        return found
        return None

    def _days_from(self, first: date) -> Iterator[date]:
        for year in self.years:
            for month in self.months:
                if (year, month) < (first.year, first.month):
                    continue
                for day in self._days(year, month):
                    if date(year, month, day) >= first:
                        yield date(year, month, day)

    def _days(self, year: int, month: int) -> list[int]:
        """The days of a month on which it runs."""
        if self.day_of_week == "?":
            return _days_of_month(self.day_of_month, year, month)
        return _days_of_week(self.day_of_week, year, month)


def _days_of_month(field: str, year: int, month: int) -> list[int]:
    last = calendar.monthrange(year, month)[1]
    if field == "L":
        return [last]
    if field == "LW":
        return [_nearest_weekday(year, month, last)]
    if field.endswith("W"):
        day = int(field[:-1])
        return [_nearest_weekday(year, month, day)] if day <= last else []
    return [day for day in _values(field, 1, 31) if day <= last]


def _nearest_weekday(year: int, month: int, day: int) -> int:
    """The Monday to Friday that is nearest to a day, in the same month."""
    last = calendar.monthrange(year, month)[1]
    weekday = date(year, month, day).weekday()
    if weekday == calendar.SATURDAY:
        return day - 1 if day > 1 else day + 2
    if weekday == calendar.SUNDAY:
        return day + 1 if day < last else day - 2
    return day


def _days_of_week(field: str, year: int, month: int) -> list[int]:
    last = calendar.monthrange(year, month)[1]
    days = [(day, _weekday(year, month, day)) for day in range(1, last + 1)]
    nth = re.fullmatch(r"(\w+)#([1-5])", field)
    if nth:
        wanted = _value(nth[1], 1, 7, WEEKDAYS)
        return [day for day, weekday in days if weekday == wanted][int(nth[2]) - 1 :][:1]
    if field.endswith("L") and field != "L":
        wanted = _value(field[:-1], 1, 7, WEEKDAYS)
        return [day for day, weekday in days if weekday == wanted][-1:]
    chosen = (7,) if field == "L" else _values(field, 1, 7, WEEKDAYS)
    return [day for day, weekday in days if weekday in chosen]


def _weekday(year: int, month: int, day: int) -> int:
    """1 for Sunday to 7 for Saturday."""
    return date(year, month, day).isoweekday() % 7 + 1


def _check_day_of_month(field: str) -> None:
    if field in ("?", "L", "LW"):
        return
    _values(field.removesuffix("W"), 1, 31)
    if field.endswith("W") and not field[:-1].isdigit():
        raise ValueError(f"W stands after one day: {field}")


def _check_day_of_week(field: str) -> None:
    if field in ("?", "L"):
        return
    nth = re.fullmatch(r"(\w+)#([1-5])", field)
    if nth:
        _value(nth[1], 1, 7, WEEKDAYS)
    elif field.endswith("L"):
        _value(field[:-1], 1, 7, WEEKDAYS)
    else:
        _values(field, 1, 7, WEEKDAYS)


def _values(field: str, least: int, most: int, names: tuple[str, ...] = ()) -> tuple[int, ...]:
    """The numbers that a field stands for, in order. Raises ValueError."""
    found: set[int] = set()
    for part in field.split(","):
        span, slash, step = part.partition("/")
        numbers = _span(span, least, most, names, open_ended=bool(slash))
        found.update(numbers[:: _value(step, 1, most)] if slash else numbers)
    return tuple(sorted(found))


def _span(text: str, least: int, most: int, names: tuple[str, ...], open_ended: bool) -> list[int]:
    """The numbers of `*`, `3`, `3-7` or, before a step, from `3` on."""
    if text == "*":
        return list(range(least, most + 1))
    first, dash, last = text.partition("-")
    start = _value(first, least, most, names)
    if not dash:
        return list(range(start, most + 1)) if open_ended else [start]
    end = _value(last, least, most, names)
    if start <= end:
        return list(range(start, end + 1))
    return [*range(start, most + 1), *range(least, end + 1)]  # FRI-MON


def _value(text: str, least: int, most: int, names: tuple[str, ...] = ()) -> int:
    if text in names:
        return names.index(text) + least
    if not (text.isascii() and text.isdigit()) or not least <= int(text) <= most:
        raise ValueError(f"{text!r} is not a number from {least} to {most}")
    return int(text)
