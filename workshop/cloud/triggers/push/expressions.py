"""When schedules run: rate, cron and at expressions, in a time zone, between two dates.

Follows "Schedule types in EventBridge Scheduler"
(https://docs.aws.amazon.com/scheduler/latest/UserGuide/schedule-types.html) and "Setting a
schedule pattern for scheduled rules in Amazon EventBridge"
(https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-scheduled-rule-pattern.html).
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import datetime, timedelta, timezone, tzinfo
from zoneinfo import ZoneInfo

from .cron import Cron

RULE_RATE = re.compile(r"rate\((\d+) (minute|hour|day)(s?)\)")
SCHEDULE_RATE = re.compile(r"rate\((\d+) (minute|hour|day)s?\)", re.IGNORECASE)
CRON = re.compile(r"cron\((.*)\)")
AT = re.compile(r"at\((\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d)\)")
UTC = timezone.utc


@dataclass(frozen=True)
class Rate:
    """Every so often."""

    period: timedelta

    def after(self, moment: datetime, anchor: datetime) -> datetime | None:
        """The next of the times anchor, anchor + period, ... that is after `moment`."""
        if moment < anchor:
            return anchor
        try:
            return anchor + ((moment - anchor) // self.period + 1) * self.period
        except OverflowError:
            return None


@dataclass(frozen=True)
class CronTimes:
    """At the times of a cron expression, on the clocks of a time zone."""

    cron: Cron
    zone: tzinfo = UTC

    def after(self, moment: datetime, anchor: datetime) -> datetime | None:
        """The next time after `moment`.

        A time that the clocks skip in spring is skipped; one that they show twice in autumn
        counts once.
        """
        local: datetime | None = moment.astimezone(self.zone).replace(tzinfo=None)
        while local is not None and (local := self.cron.after(local)) is not None:
            found = _instant(local, self.zone)
            if found is not None and found > moment:
                return found
        return None


@dataclass(frozen=True)
class Once:
    """One time."""

    time: datetime

    def after(self, moment: datetime, anchor: datetime) -> datetime | None:
        """That time, if it is after `moment`."""
        return self.time if self.time > moment else None


@dataclass(frozen=True)
class Times:
    """When something runs from now on: an expression between two dates."""

    expression: Rate | CronTimes | Once
    anchor: datetime  # from which a rate counts
    end: datetime | None = None
    begin: datetime | None = None  # nothing before it
    at_once: bool = False

    def first(self, now: datetime) -> datetime | None:
        """When it runs first, made or changed now."""
        return self.anchor if self.at_once else self.after(now)

    def after(self, moment: datetime) -> datetime | None:
        """The next time after `moment`, None if there is none."""
        if self.begin is not None and moment < self.begin:
            moment = self.begin - timedelta(microseconds=1)
        found = self.expression.after(moment, self.anchor)
        if found is None or (self.end is not None and found > self.end):
            return None
        return found


def rule_times(expression: str, now: datetime) -> Times:
    """The times of a rule's ScheduleExpression. Raises ValueError."""
    now = now.replace(microsecond=0)
    rate = RULE_RATE.fullmatch(expression)
    if rate:
        if (int(rate[1]) == 1) == bool(rate[3]):
            raise ValueError("one minute, but two minutes")
        period = _period(rate[1], rate[2])
        return Times(Rate(period), _later(now, period))
    return Times(CronTimes(_cron(expression)), now)


def schedule_times(
    expression: str, zone: str, start: datetime | None, end: datetime | None, now: datetime
) -> Times:
    """The times of a schedule of EventBridge Scheduler. Raises ValueError.

    A rate without a StartDate begins at once. StartDate and EndDate are ignored for `at`.
    """
    where = time_zone(zone)
    at = AT.fullmatch(expression)
    if at:
        local = datetime.strptime(at[1], "%Y-%m-%dT%H:%M:%S")
        return Times(Once(_instant(local, where) or local.replace(tzinfo=where)), now)
    rate = SCHEDULE_RATE.fullmatch(expression)
    if rate:
        anchor = start or now.replace(microsecond=0)
        period = _period(rate[1], rate[2].lower())
        return Times(Rate(period), anchor, end, at_once=start is None)
    return Times(CronTimes(_cron(expression), where), now, end, start)


def is_recurring(expression: str) -> bool:
    """Whether it runs more than once."""
    return not expression.startswith("at(")


def time_zone(name: str) -> tzinfo:
    """A time zone by its name, such as Europe/Rome. Raises ValueError."""
    try:
        return ZoneInfo(name) if name != "UTC" else UTC
    except (KeyError, OSError) as error:  # ZoneInfoNotFoundError is a KeyError
        raise ValueError(f"there is no time zone {name!r}") from error


def _instant(local: datetime, zone: tzinfo) -> datetime | None:
    """A local time in UTC, None for one that the clocks skip."""
    found = local.replace(tzinfo=zone).astimezone(UTC)
    return found if found.astimezone(zone).replace(tzinfo=None) == local else None


def _cron(expression: str) -> Cron:
    found = CRON.fullmatch(expression)
    if not found:
        raise ValueError(f"neither rate nor cron: {expression}")
    return Cron.parse(found[1])


def _period(value: str, unit: str) -> timedelta:
    if int(value) == 0:
        raise ValueError("the value of a rate is positive")
    try:
        return timedelta(**{f"{unit}s": int(value)})
    except OverflowError as error:
        raise ValueError("the value of a rate is too large") from error


def _later(moment: datetime, period: timedelta) -> datetime:
    try:
        return moment + period
    except OverflowError as error:
        raise ValueError("the value of a rate is too large") from error
