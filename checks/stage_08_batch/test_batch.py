"""Grades stage 08, from outside: log files in a bucket, messages in a queue, a report."""

from __future__ import annotations

import pytest

from workshop.grading import fresh
from workshop.grading.words import failure

from .around import FOR_GOOD, fill_two_pages, refusing_queue, short_pages
from .logs import SUMMER, WINTER, again, among_others, hour, hours, packed, report, some_day
from .night import City, Night, brief, event_of, expect_report, failed_ids
from .page import CLOSE, Page, rides_by_month

PLAN = "S3 has {} log files for the night. The messages in the queue differ."


@pytest.fixture(scope="module")
def city(account, deploy):
    """The bucket, the queue and the learner's three functions."""
    return City.made(account, deploy)


@pytest.fixture
def night(city):
    """A night that no other check knows."""
    return city.night()


@pytest.fixture(scope="module")
def refused_planner(city, account, deploy, tmp_path_factory):
    """The learner's planner, with an SQS that refuses some messages."""
    endpoint = refusing_queue(account, tmp_path_factory.mktemp("sqs"), city.queue_url)
    return city.deployed(deploy, "planner", AWS_ENDPOINT_URL_SQS=endpoint)


def expect_plan(night, came, keys, look, what=PLAN):
    """Fails unless the messages are those of these files, each once."""
    wanted = night.jobs(*sorted(keys))
    known = [each for each in came if isinstance(each, dict)]
    ordered = sorted(known, key=lambda each: str(each.get("key"))) if known == came else came
    if ordered != wanted and len(came) != len(wanted):
        shown = {"messages": len(came)}, {"messages": len(wanted)}
        ordered, wanted = shown if came else ({"messages": 0}, shown[1])
    assert ordered == wanted, failure(what.format(len(keys)), night.event, wanted, ordered, look)


def test_the_planner_sends_a_message_for_each_log_file(night):
    """The planner sends one message for each log file below the prefix, and counts them."""
    look = "which keys you send, and what json.dumps makes of a message"
    keys = [night.put(f"{month:02}/{fresh.word()}", hour(some_day())) for month in (1, 2, 11)]
    s3, bucket = night.city.s3, night.city.bucket
    for key in (f"{night.prefix}readme.txt", f"{night.prefix}a.log.gz.part", f"x-{keys[0]}"):
        s3.put_object(Bucket=bucket, Key=key, Body=b"")
    answer = night.answer("planner", night.event, look)
    expect_plan(night, night.sent(), keys, look)
    wanted = {"night": night.name, "files": len(keys)}
    assert answer == wanted, failure(
        "The planner's answer differs.", night.event, wanted, answer, "the planner's `return`"
    )


def test_the_planner_reads_every_page(night):
    """S3 lists up to 1,000 keys per page, and the planner reads all pages."""
    look = "how you list: get_paginator, or ContinuationToken until IsTruncated is false"
    with short_pages():
        keys = fill_two_pages(night)
        came = night.plan(look)
    expect_plan(night, came, keys, look, "S3's list has two pages and {} log files.")


def test_the_planner_sends_again_what_the_queue_refused(night, refused_planner):
    """SQS responds with 200 and names refused entries in `Failed`: the planner sends them again."""
    look = 'answer["Failed"] of send_message_batch: send the entries with these Ids again'
    keys = [night.put(f"{number:03}", hour(some_day())) for number in range(fresh.whole(23, 29))]
    came = night.plan(look, refused_planner)
    what = "The night has {} log files. Of several entries, the queue refused the last, every time."
    expect_plan(night, came, keys, look, what)


def test_the_planner_fails_when_the_queue_refuses_for_good(night, refused_planner):
    """A message that the queue never accepts is an error, or nobody notices that it is missing."""
    look = "what comes after the last attempt: raise an error, so that Lambda tries once more"
    night.put(FOR_GOOD, hour(some_day()))
    result = refused_planner.invoke(night.event)
    night.sent()
    endless = (result.error or {}).get("errorType") == "Sandbox.Timedout"
    assert result.error is not None and not endless, failure(
        "The queue refuses the entry every time.",
        night.event,
        "an error after 5 attempts",
        result.error or result.value,
        look,
    )


def test_the_worker_reports_nothing_for_good_messages(night):
    """If all messages succeed, the answer is an empty list of failures."""
    look = "the worker's `return`"
    jobs = night.jobs(*[night.put(fresh.word(), *hours(some_day())) for _ in range(2)])
    came = failed_ids(night.work(jobs, look), event_of(jobs), look)
    assert came == [], failure(
        "Both files are valid, but the worker reports failures.", jobs, [], came, look, "messages"
    )


def test_the_worker_reports_just_what_failed(night):
    """A message that fails is reported by its messageId, and holds up no other."""
    look = "the `try` around the work on one message, and what you put into itemIdentifier"
    day = some_day()
    first, last = hours(day), hours(day)
    good = [night.put(f"{fresh.word()}/a", *first), night.put(f"{fresh.word()}/a", *last)]
    content = packed(hours(some_day()))
    bad = [
        *night.jobs(
            night.put("cut", body=content[:-9]),
            night.put("plain", body=str(hour(some_day())).encode()),
            night.put("wrong", f"{some_day()}T05:00:00-05:00 rides casual=many registered=1"),
            night.put("lacks", f"{some_day()}T05:00:00-05:00 rides casual=1"),
            f"{night.prefix}missing.log.gz",
        ),
        {"night": night.name},
        "Hello from SQS!",
    ]
    jobs = [*night.jobs(good[0]), *fresh.some_of(bad, len(bad)), *night.jobs(good[1])]
    night.plan(look)
    event = event_of(jobs)
    wanted = [each["messageId"] for each in event["Records"][1:-1]]
    came = failed_ids(night.answer("worker", event, look), event, look)
    assert sorted(came) == sorted(wanted), failure(
        "The first and last messages are valid, those between them are not.",
        brief(event),
        sorted(wanted),
        sorted(came),
        look,
        "messages",
    )
    for each in bad:
        if isinstance(each, dict) and "key" in each:
            night.city.s3.delete_object(Bucket=night.city.bucket, Key=each["key"])
    night.plan(look)
    what = "The damaged files were removed, and the night was planned again. The report differs."
    expect_report(night, night.reduce(look), report([*first, *last]), what, look)


def test_the_report_adds_up_each_day(night):
    """The report has one line for each day, in order, whatever files its hours come from."""
    look = "how you add up the results: one day may be in several files, and a file may hold two"
    days = sorted({some_day() for _ in range(6)})
    found = [each for day in days for each in hours(day, 4)]
    mixed = fresh.some_of(found, len(found))
    for place in range(3):
        # The same name in several folders, as real logs have it.
        night.put(f"{place}/01", *among_others(mixed[place::3]))
    came, what = night.run(look), "Three files hold the hours of several days. The report differs."
    expect_report(night, came, report(found), what, look)


def test_a_day_may_have_23_or_25_hours(night):
    """When the clocks change, an hour is missing or comes twice; the day is the one in the line."""
    look = "what a day is: the date as written in the line, not in UTC; and every line counts"
    year = fresh.whole(2008, 2030)
    spring = [
        hour(f"{year}-03-11", at, WINTER if at < 2 else SUMMER) for at in (0, 1, *range(3, 24))
    ]
    autumn = [hour(f"{year}-11-04", at, SUMMER if at < 2 else WINTER) for at in range(24)]
    autumn.insert(2, again(autumn[1], WINTER))
    night.put("spring", *spring)
    night.put("autumn", *autumn)
    what = "The clocks go forward on one day and back on the other. The report differs."
    expect_report(night, night.run(look), report([*spring, *autumn]), what, look)


def test_no_report_while_results_are_missing(night):
    """The reducer raises while a result is missing; a result of another night does not count."""
    look = "the plan: compare it with the results of this night before you write anything"
    day = some_day()
    found = [hours(day) for _ in range(3)]
    keys = [night.put(f"{fresh.word()}/log", *each) for each in found]
    before = Night(night.city, night.city.night().time, night.prefix)
    before.run(look)
    night.work(night.plan(look)[:2], look)
    result = night.city.functions["reducer"].invoke(night.event)
    there = night.report()
    assert result.error is not None and there is None, failure(
        "One of three files has no result for this night, though it has one for another night.",
        night.event,
        "an error, and no report",
        result.error or there or result.value,
        look,
    )
    night.work(night.jobs(*keys), look)
    what = "The missing file was added up, too, and the reducer ran again. The report differs."
    expect_report(night, night.reduce(look), report(sum(found, [])), what, look)


def test_a_night_that_runs_twice_gives_the_same_report(night):
    """Whatever runs again for a night, the report stays as it is, byte for byte."""
    look = "what adds up or depends on when it runs: counters, append, uuid4, now"
    day = some_day()
    found = [hours(day) for _ in range(3)]
    for place, each in enumerate(found):
        night.put(str(place), *each)
    expect_report(night, night.run(look), report(sum(found, [])), "The report differs.", look)
    city = night.city
    first, keys = city.read(night.csv), city.keys("reports/")
    night.again_elsewhere()
    jobs = night.plan(look)
    night.work([jobs[0], *jobs, jobs[0]], look)
    night.work(jobs[:1], look)
    night.reduce(look)
    night.run(look)
    came = city.read(night.csv)
    assert came == first, failure(
        "All three ran again for the same night, one message several times, and in new "
        "environments. The report changed.",
        night.event,
        first,
        came,
        look,
    )
    there = city.keys("reports/")
    assert there == keys, failure(
        "All three ran again for the same night, and there are more reports.",
        night.event,
        keys,
        there,
        "the report's key: it depends on the night, and on nothing else",
    )


def test_a_night_that_ran_half_is_made_good(night):
    """A night whose planner or worker ended halfway can run again from the start."""
    look = "what a second run finds from the first: it must overwrite, not add or skip"
    day = some_day()
    corrected, new = hours(day, 4), hours(day)
    keys = [night.put(name, *hours(day)) for name in ("a", "b")]
    night.work(night.plan(look)[:1], look)
    night.put("a", *corrected)
    night.put("c", *new)
    night.city.s3.delete_object(Bucket=night.city.bucket, Key=keys[1])
    what = (
        "The first run added up one of two files. Then one file was corrected, one deleted and one"
        " added, and the night was run again. The report differs."
    )
    expect_report(night, night.run(look), report([*corrected, *new]), what, look)


@pytest.mark.extra
def test_the_page_has_a_bar_for_each_month(night):
    """The page has a bar for each month with rides, in proportion, and names night and total."""
    look = "the <svg> of the page: one <rect> a month, its height rides * scale"
    year = fresh.whole(1990, 2030)
    months = fresh.some_of(range(1, 13), 4)
    found = [hour(f"{year}-{month:02}-{day:02}") for month in months for day in (3, 10, 17, 24)]
    found.append(hour(f"{year + 1}-{months[0]:02}-05"))
    night.put("a", *found)
    night.run(look)
    page = Page.of(night.city.read(f"reports/{night.name}.html") or "")
    rides = rides_by_month(found)
    wanted = [round(each / max(rides), 2) for each in rides]
    came = page.shares()
    close = len(came) == len(wanted) and all(
        abs(one - other) <= CLOSE for one, other in zip(came, wanted, strict=True)
    )
    assert page.charts == 1 and close, failure(
        "The bars are not in proportion to the rides of the months.",
        {"rides by month": rides},
        {"svg": 1, "heights, as a share of the tallest": wanted},
        {"svg": page.charts, "heights, as a share of the tallest": came},
        look,
        "rides",
    )
    missing = [each for each in (night.name, str(sum(rides))) if each not in page.text]
    assert not missing, failure(
        "The page does not name the night, or not the total of rides.",
        night.event,
        [night.name, str(sum(rides))],
        page.text[:300],
        "the page's text outside of tags",
    )


@pytest.mark.extra
def test_the_page_stays_the_same(night):
    """A night that runs twice gives the same page, byte for byte."""
    look = "what in the page depends on when it is made"
    night.put("a", *hours(some_day()))
    night.run(look)
    key = f"reports/{night.name}.html"
    first = night.city.read(key)
    night.run(look)
    came = night.city.read(key)
    assert first and came == first, failure(
        "The night ran twice, and the pages differ.", night.event, first or key, came, look
    )
