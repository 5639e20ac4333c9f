"""Cron, rate and at expressions: when they run, and which of them AWS refuses."""

from __future__ import annotations

from datetime import datetime, timedelta, timezone

import pytest

from workshop.cloud.triggers.push.cron import Cron
from workshop.cloud.triggers.push.expressions import rule_times, schedule_times

UTC = timezone.utc
SUNDAY = datetime(2026, 11, 1)


def times(expression, count, after=SUNDAY):
    """The first times of a cron expression after a moment."""
    found, cron = [], Cron.parse(expression)
    while len(found) < count and (after := cron.after(after)) is not None:
        found.append(after.strftime("%Y-%m-%d %H:%M"))
    return found


# Most are the examples of AWS's page; the dates were read off a calendar of 2026 and 2027.
EXAMPLES = {
    "0 10 * * ? *": ["2026-11-01 10:00", "2026-11-02 10:00"],
    "15 12 * * ? *": ["2026-11-01 12:15", "2026-11-02 12:15"],
    "0 18 ? * MON-FRI *": [
        "2026-11-02 18:00",
        "2026-11-03 18:00",
        "2026-11-04 18:00",
        "2026-11-05 18:00",
        "2026-11-06 18:00",
        "2026-11-09 18:00",
    ],
    "0 8 1 * ? *": ["2026-11-01 08:00", "2026-12-01 08:00", "2027-01-01 08:00"],
    "0/15 * * * ? *": ["2026-11-01 00:15", "2026-11-01 00:30", "2026-11-01 00:45"],
    "0/5 8-17 ? * MON-FRI *": ["2026-11-02 08:00", "2026-11-02 08:05"],
    "0/30 20-2 ? * MON-FRI *": ["2026-11-02 00:00", "2026-11-02 00:30", "2026-11-02 01:00"],
    "5,35 14 * * ? *": ["2026-11-01 14:05", "2026-11-01 14:35", "2026-11-02 14:05"],
    "15 10 ? * 6L 2026-2027": ["2026-11-27 10:15", "2026-12-25 10:15", "2027-01-29 10:15"],
    "0 2 ? * SAT#3 *": ["2026-11-21 02:00", "2026-12-19 02:00", "2027-01-16 02:00"],
    "0 2 ? * 3#5 *": ["2026-12-29 02:00", "2027-03-30 02:00"],  # months with five Tuesdays
    "0 9 L * ? *": ["2026-11-30 09:00", "2026-12-31 09:00", "2027-01-31 09:00"],
    "0 9 LW * ? *": ["2026-11-30 09:00", "2026-12-31 09:00", "2027-01-29 09:00"],
    "0 9 15W * ? *": ["2026-11-16 09:00", "2026-12-15 09:00", "2027-01-15 09:00"],
    "0 9 1W 8,11 ? *": ["2026-11-02 09:00", "2027-08-02 09:00", "2027-11-01 09:00"],
    "0 9 31W * ? *": ["2026-12-31 09:00", "2027-01-29 09:00", "2027-03-31 09:00"],
    "0 9 ? * L *": ["2026-11-07 09:00", "2026-11-14 09:00"],  # the week's last day is Saturday
    "0 9 ? * FRI-MON *": ["2026-11-01 09:00", "2026-11-02 09:00", "2026-11-06 09:00"],
    "0 12 29 2 ? *": ["2028-02-29 12:00", "2032-02-29 12:00"],
    "30 6 ? jan,JUL sun 2027": ["2027-01-03 06:30", "2027-01-10 06:30"],
    "0 0 1 1 ? 2027-2031/2": ["2027-01-01 00:00", "2029-01-01 00:00", "2031-01-01 00:00"],
    "0 0 30 2 ? *": [],  # never
    "0 0 1 1 ? 2020": [],
}


@pytest.mark.parametrize("expression", EXAMPLES)
def test_cron(expression):
    wanted = EXAMPLES[expression]
    assert times(expression, len(wanted) or 1) == wanted


def test_cron_goes_on_after_the_minute_that_was():
    assert times("* * * * ? *", 2, datetime(2026, 12, 31, 23, 59, 30)) == [
        "2027-01-01 00:00",
        "2027-01-01 00:01",
    ]


@pytest.mark.parametrize(
    "fields",
    [
        "0 1 * * * *",  # day of month and day of week at once
        "0 1 ? * ? *",
        "7 20 * * NOT *",
        "INVALID",
        "",
        "0 dummy ? * MON-FRI *",
        "71 8 1 * ? *",
        "0 24 * * ? *",
        "0 8 0 * ? *",
        "0 8 32 * ? *",
        "0 8 * 13 ? *",
        "0 8 ? * 0 *",
        "0 8 ? * 8 *",
        "0 8 ? * MON#6 *",
        "0 8 1-5W * ? *",
        "0 8 W * ? *",
        "0/0 8 * * ? *",
        "0/x 8 * * ? *",
        "1,,2 8 * * ? *",
        "0 8 * * ?",  # five fields, as everywhere but on AWS
        "0 8 * * ? * *",
        "0 8 * * ? 1969",
        "-5 8 * * ? *",
        "0 8 L-3 * ? *",
        "٣ 8 * * ? *",
    ],
)
def test_cron_that_aws_refuses(fields):
    with pytest.raises(ValueError):
        Cron.parse(fields)


NOW = datetime(2026, 11, 2, 3, 4, 5, 678_000, tzinfo=UTC)


@pytest.mark.parametrize(
    ("expression", "period"),
    [
        ("rate(1 minute)", timedelta(minutes=1)),
        ("rate(5 minutes)", timedelta(minutes=5)),
        ("rate(1 hour)", timedelta(hours=1)),
        ("rate(12 hours)", timedelta(hours=12)),
        ("rate(7 days)", timedelta(days=7)),
    ],
)
def test_rate_of_a_rule(expression, period):
    when = rule_times(expression, NOW)
    first = when.first(NOW)
    assert first == NOW.replace(microsecond=0) + period
    assert when.after(first) == first + period
    assert when.after(first + period / 2) == first + period


@pytest.mark.parametrize(
    "expression",
    [
        "rate(10 seconds)",
        "rate(10 years)",
        "rate(1 minutes)",
        "rate(1 hours)",
        "rate(1 days)",
        "rate(10 minute)",
        "rate(10 hour)",
        "rate(10 day)",
        "rate()",
        "rate(10)",
        "rate(10 minutess)",
        "rate(foo minutes)",
        "rate(0 minutes)",
        "rate(-10 minutes)",
        "rate(10 MINUTES)",
        "rate( 10 minutes )",
        " rate(10 minutes)",
        "rate(99999999999999 days)",
        "at(2026-11-02T03:04:05)",
        "every 5 minutes",
        "cron(0 1 * * * *)",
    ],
)
def test_expressions_that_rules_refuse(expression):
    with pytest.raises(ValueError):
        rule_times(expression, NOW)


def schedule(expression, zone="UTC", start=None, end=None, now=NOW):
    return schedule_times(expression, zone, start, end, now)


def instants(when, now, count):
    found, due = [], when.first(now)
    while due is not None and len(found) < count:
        found.append(due.strftime("%Y-%m-%dT%H:%MZ"))
        due = when.after(due)
    return found


def test_at_in_a_time_zone():
    when = schedule("at(2026-11-02T09:30:00)", "Europe/Rome")
    assert when.first(NOW) == datetime(2026, 11, 2, 8, 30, tzinfo=UTC)
    assert when.after(when.first(NOW)) is None


def test_at_in_the_past_never_runs():
    assert schedule("at(2020-01-01T00:00:00)").first(NOW) is None


def test_rate_without_a_start_begins_at_once_and_keeps_its_step():
    when = schedule("rate(2 hours)")
    assert instants(when, NOW, 3) == ["2026-11-02T03:04Z", "2026-11-02T05:04Z", "2026-11-02T07:04Z"]


def test_rate_between_two_dates():
    start, end = NOW + timedelta(days=1), NOW + timedelta(days=1, hours=5)
    when = schedule("rate(2 hours)", start=start, end=end)
    assert instants(when, NOW, 9) == ["2026-11-03T03:04Z", "2026-11-03T05:04Z", "2026-11-03T07:04Z"]


def test_cron_between_two_dates():
    start, end = NOW + timedelta(days=3), NOW + timedelta(days=5)
    when = schedule("cron(0 3 * * ? *)", start=start, end=end)
    assert instants(when, NOW, 9) == ["2026-11-06T03:00Z", "2026-11-07T03:00Z"]


def test_cron_at_the_minute_of_its_start_date_runs():
    start = datetime(2026, 11, 6, 3, 0, tzinfo=UTC)
    assert instants(schedule("cron(0 3 * * ? *)", start=start), NOW, 1) == ["2026-11-06T03:00Z"]


def test_cron_follows_summer_time():
    before = datetime(2026, 10, 23, 12, tzinfo=UTC)  # clocks go back on the 25th in Rome
    assert instants(schedule("cron(0 3 * * ? *)", "Europe/Rome", now=before), before, 3) == [
        "2026-10-24T01:00Z",
        "2026-10-25T02:00Z",
        "2026-10-26T02:00Z",
    ]


def test_a_time_that_the_clocks_skip_is_skipped():
    before = datetime(2027, 3, 27, 0, tzinfo=UTC)  # 02:00 to 03:00 is missing on the 28th
    assert instants(schedule("cron(30 2 * * ? *)", "Europe/Rome", now=before), before, 2) == [
        "2027-03-27T01:30Z",
        "2027-03-29T00:30Z",
    ]


def test_a_time_that_comes_twice_runs_once():
    before = datetime(2026, 10, 24, 12, tzinfo=UTC)  # 02:30 comes twice on the 25th
    assert instants(schedule("cron(30 2 * * ? *)", "Europe/Rome", now=before), before, 2) == [
        "2026-10-25T00:30Z",
        "2026-10-26T01:30Z",
    ]


@pytest.mark.parametrize(
    "expression",
    [
        "rate(10 seconds)",
        "rate(10 years)",
        "rate()",
        "rate(10)",
        "rate(10 minutess)",
        "rate(foo minutes)",
        "rate(-10 minutes)",
        "rate( 10 minutes )",
        " rate(10 minutes)",
        "at(2021-12-31T23:59:59Z)",
        "at(2021-12-31)",
        "at(2026-13-01T00:00:00)",
        "cron(0 1 * * * *)",
        "cron()",
    ],
)
def test_expressions_that_scheduler_refuses(expression):
    with pytest.raises(ValueError):
        schedule(expression)


def test_a_time_zone_that_does_not_exist():
    for zone in ("Europe/Atlantis", "../etc/passwd", ""):
        with pytest.raises(ValueError):
            schedule("rate(1 minute)", zone)


def test_the_hour_that_comes_twice_brings_no_time_that_was():
    during = datetime(2026, 10, 25, 1, 10, tzinfo=UTC)  # 02:10, for the second time
    when = schedule("cron(0/15 * * * ? *)", "Europe/Rome", now=during)
    assert instants(when, during, 2) == ["2026-10-25T02:00Z", "2026-10-25T02:15Z"]
