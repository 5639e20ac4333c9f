"""Grades stage 08, from outside: log files in a bucket, messages in a queue, a report."""

from __future__ import annotations

import json
import re

import pytest

from workshop.grading import fresh
from workshop.grading.settings import read_more
from workshop.grading.submission import NotReady
from workshop.grading.words import failure, show

from .around import fill_two_pages, made, refusing_queue, short_pages, text_of
from .logs import SUMMER, WINTER, again, among_others, hour, hours, packed, report, some_day
from .night import City, Night, event_of, expect_report, failed_ids

NAMES = ("planner", "worker", "reducer")
LONGEST_VISIBILITY = 43_200  # seconds
DLQ = "arn:aws:sqs:us-east-1:123456789012:dead-letters"  # stands in for one that is never made
EVERY_NIGHT = re.compile(r"cron\(0?30 0?3 (\*|\?|1/1|\*/1) (\*|\*/1) (\*|\?|\*/1|1-7|SUN-SAT) ?\*?\)")
PLAN = "S3 has {} log files for the night. The messages in the queue differ."


@pytest.fixture(scope="module")
def city(account, deploy):
    """The bucket, the queue and the learner's three functions."""
    queue_url, _ = account.queue()
    made = City(account, account.bucket(), queue_url)
    variables = {"BUCKET": made.bucket, "QUEUE_URL": queue_url}
    for name in NAMES:
        made.functions[name] = deploy({"Handler": f"handler.{name}"}, **variables)
    return made


@pytest.fixture
def night(city):
    """A night that no other check knows."""
    return city.night()


@pytest.fixture(scope="module")
def settings(folder, account):
    """night.json, with a dead-letter queue for its placeholder."""
    url, arn = account.queue()
    found = read_more(folder, "night.json", {"DLQ_ARN": arn})
    for part in ("queue", "mapping", "schedule"):
        if not isinstance(found.get(part), dict):
            raise NotReady(f"night.json needs an object under the name `{part}`: {{...}}")
    return found | {"dlq_url": url, "dlq_arn": arn}


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
    """S3 lists up to 1,000 keys a page, and the planner reads them all."""
    look = "how you list: get_paginator, or ContinuationToken until IsTruncated is false"
    with short_pages():
        keys = fill_two_pages(night)
        came = night.plan(look)
    expect_plan(night, came, keys, look, "A list of S3 has two pages and {} log files.")


def test_the_planner_sends_again_what_the_queue_refused(night, account, deploy, tmp_path):
    """SQS answers with 200 and names in `Failed` what it did not take: that is sent again."""
    look = 'answer["Failed"] of send_message_batch: send the entries with these Ids again'
    keys = [night.put(f"{number:03}", hour(some_day())) for number in range(fresh.whole(23, 29))]
    city = night.city
    planner = deploy(
        {"Handler": "handler.planner"},
        BUCKET=city.bucket,
        QUEUE_URL=city.queue_url,
        AWS_ENDPOINT_URL_SQS=refusing_queue(account, tmp_path, city.queue_url, "last"),
    )
    came = night.plan(look, planner)
    what = "There are {} log files. Of each batch the queue refused the last entry, once."
    expect_plan(night, came, keys, look, what)


def test_the_planner_fails_when_the_queue_refuses_for_good(night, account, deploy, tmp_path):
    """A message that the queue never takes is an error: nobody else would notice that it lacks."""
    look = "what comes after the last attempt: raise an error, so that Lambda tries once more"
    night.put("only", hour(some_day()))
    city = night.city
    planner = deploy(
        {"Handler": "handler.planner"},
        BUCKET=city.bucket,
        QUEUE_URL=city.queue_url,
        AWS_ENDPOINT_URL_SQS=refusing_queue(account, tmp_path, city.queue_url, "all"),
    )
    result = planner.invoke(night.event)
    night.sent()
    endless = (result.error or {}).get("errorType") == "Sandbox.Timedout"
    assert result.error is not None and not endless, failure(
        "The queue refuses the entry each time.",
        night.event,
        "an error after 5 attempts",
        result.error or result.value,
        look,
    )


def test_the_worker_reports_nothing_for_good_messages(night):
    """For messages that went well the answer is an empty list of failures."""
    look = "the worker's `return`"
    jobs = night.jobs(*[night.put(fresh.word(), *hours(some_day())) for _ in range(2)])
    came = failed_ids(night.work(jobs, look), event_of(jobs), look)
    assert came == [], failure(
        "Both files are right, and the worker reports failures.", jobs, [], came, look, "messages"
    )


def test_the_worker_reports_just_what_failed(night):
    """A message that fails is reported by its messageId, and holds up no other."""
    look = "the `try` around the work on one message, and what you put into itemIdentifier"
    first, last = hours(some_day()), hours(some_day())
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
        "The first and the last message are right, those between them are not.",
        [f"{each['messageId'][:13]}... {each['body']}" for each in event["Records"]],
        sorted(wanted),
        sorted(came),
        look,
        "messages",
    )
    for each in bad:
        if isinstance(each, dict) and "key" in each:
            night.city.s3.delete_object(Bucket=night.city.bucket, Key=each["key"])
    night.plan(look)
    what = "The damaged files were taken away and the night was planned again. The report differs."
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
    """When the clocks change, an hour is missing or comes twice; a day is that of its line."""
    look = "what a day is: the date as it stands in the line, not in UTC; and each line counts"
    year = fresh.whole(2008, 2030)
    spring = [hour(f"{year}-03-11", at, WINTER if at < 2 else SUMMER) for at in (0, 1, *range(3, 24))]
    autumn = [hour(f"{year}-11-04", at, SUMMER if at < 2 else WINTER) for at in range(24)]
    autumn.insert(2, again(autumn[1], WINTER))
    night.put("spring", *spring)
    night.put("autumn", *autumn)
    what = "The clocks go forward on one day and back on the other. The report differs."
    expect_report(night, night.run(look), report([*spring, *autumn]), what, look)


def test_no_report_while_results_are_missing(night):
    """The reducer raises while a result is missing; that of another night is none."""
    look = "the plan: compare it with the results of this night before you write anything"
    found = [hours(some_day()) for _ in range(3)]
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
    found = [hours(some_day()) for _ in range(3)]
    for place, each in enumerate(found):
        night.put(str(place), *each)
    expect_report(night, night.run(look), report(sum(found, [])), "The report differs.", look)
    city = night.city
    first, keys = city.read(night.csv), city.keys("reports/")
    renew(city)
    jobs = night.plan(look)
    night.work([jobs[0], *jobs, jobs[0]], look)
    night.work(jobs[:1], look)
    night.reduce(look)
    night.run(look)
    came = city.read(night.csv)
    assert came == first, failure(
        "All three ran again for the same night, one message several times, and in new "
        "environments. The report is another one.",
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
        "the report's key: it is made of the night, and of nothing else",
    )


def renew(city):
    """Has Lambda start new execution environments."""
    client = city.account.client("lambda")
    for function in city.functions.values():
        client.update_function_configuration(FunctionName=function.name, Description=fresh.word())
        client.get_waiter("function_updated_v2").wait(FunctionName=function.name)


def test_a_night_that_ran_half_is_made_good(night):
    """A night whose planner or worker ended halfway is run again from the start."""
    look = "what a second run finds of the first: it must overwrite, not add or skip"
    old, new = hours(some_day()), hours(some_day())
    keys = [night.put("a", *old), night.put("b", *hours(some_day()))]
    night.work(night.plan(look)[:1], look)
    corrected = [*old, hour(some_day())]
    night.put("a", *corrected)
    night.put("c", *new)
    night.city.s3.delete_object(Bucket=night.city.bucket, Key=keys[1])
    what = (
        "The first run added up one of two files. Then one file was corrected, one deleted and one"
        " added, and the night was run again. The report differs."
    )
    expect_report(night, night.run(look), report([*corrected, *new]), what, look)


def test_messages_stay_invisible_long_enough(settings, city, account):
    """The visibility timeout is six times the function's timeout plus the batching window."""
    queue, mapping = deploy_queue(settings, city, account)
    function = city.account.client("lambda").get_function_configuration(
        FunctionName=city.functions["worker"].name
    )
    window = mapping.get("MaximumBatchingWindowInSeconds") or 0
    least, came = 6 * function["Timeout"] + window, int(queue["VisibilityTimeout"])
    assert least <= came <= LONGEST_VISIBILITY, failure(
        "A message may become visible while the worker still has it, and is then handled twice.",
        {"Timeout": function["Timeout"], "MaximumBatchingWindowInSeconds": window},
        f"VisibilityTimeout of {least} s or more",
        f"{came} s",
        "night.json, `queue`",
        "settings",
    )
    types = mapping.get("FunctionResponseTypes")
    assert types == ["ReportBatchItemFailures"], failure(
        "Lambda does not read which messages failed, so it deletes them.",
        settings["mapping"],
        {"FunctionResponseTypes": ["ReportBatchItemFailures"]},
        {"FunctionResponseTypes": types},
        "night.json, `mapping`",
        "settings",
    )


def deploy_queue(settings, city, account):
    """Makes queue and mapping of night.json: what AWS says of both. The mapping reads nothing."""
    sqs, client = account.client("sqs"), account.client("lambda")
    attributes = {name: text_of(value) for name, value in settings["queue"].items()}
    url = made("queue", sqs.create_queue, QueueName=account.name("queue"), Attributes=attributes)
    url = url["QueueUrl"]
    account.later(sqs.delete_queue, QueueUrl=url)
    queue = sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["All"])["Attributes"]
    mapping = made(
        "mapping",
        client.create_event_source_mapping,
        **{
            "Enabled": True,
            **settings["mapping"],
            "FunctionName": city.functions["worker"].name,
            "EventSourceArn": queue["QueueArn"],
        },
    )
    account.later(client.delete_event_source_mapping, UUID=mapping["UUID"])
    return queue | {"QueueUrl": url}, mapping


def test_what_fails_again_and_again_goes_to_the_dead_letter_queue(settings, city, account, night):
    """A message that fails again and again leaves the queue for the dead-letter queue."""
    queue, _ = deploy_queue(settings, city, account)
    redrive = json.loads(queue.get("RedrivePolicy", "{}"))
    target, count = redrive.get("deadLetterTargetArn"), int(redrive.get("maxReceiveCount", 0))
    assert target == settings["dlq_arn"] and 5 <= count <= 10, failure(
        "The queue has no RedrivePolicy that leads to the dead-letter queue in time.",
        {"DLQ_ARN": settings["dlq_arn"]},
        {"deadLetterTargetArn": settings["dlq_arn"], "maxReceiveCount": "5 to 10"},
        redrive,
        "night.json, `queue`; a DeadLetterConfig of the function is for asynchronous events",
        "settings",
    )
    found = hours(some_day())
    jobs = night.jobs(night.put("good", *found), night.put("bad", body=b"no gzip"))
    look = "the worker's answer, with the mapping of night.json"
    night.plan(look)
    sqs = account.client("sqs")
    entries = [{"Id": str(n), "MessageBody": json.dumps(job)} for n, job in enumerate(jobs)]
    sqs.send_message_batch(QueueUrl=queue["QueueUrl"], Entries=entries)
    urls = (queue["QueueUrl"], settings["dlq_url"])
    came = account.eventually(lambda: left_in(sqs, urls) == 1 and 1) or left_in(sqs, urls)
    assert came == 1, failure(
        "Of two messages one is good and one fails each time. Left in both queues should be one.",
        jobs,
        1,
        came,
        look,
        "messages",
    )


def left_in(sqs, urls):
    """How many messages some queues hold, visible or not."""
    names = ["", "NotVisible", "Delayed"]
    names = [f"ApproximateNumberOfMessages{name}" for name in names]
    found = [sqs.get_queue_attributes(QueueUrl=url, AttributeNames=names) for url in urls]
    return sum(int(value) for each in found for value in each["Attributes"].values())


def test_the_schedule_fires_each_night(settings, city, account, night):
    """The schedule fires at 03:30 in New York, also when the clocks change, and says for when."""
    schedule = make_schedule(settings, city, account)
    expression, zone = schedule["ScheduleExpression"], schedule["ScheduleExpressionTimezone"]
    mode = schedule["FlexibleTimeWindow"]["Mode"]
    right = bool(EVERY_NIGHT.fullmatch(expression)) and "? *" in expression or "* ?" in expression
    wanted = {"cron": "cron(30 3 * * ? *)", "time zone": "America/New_York", "window": "OFF"}
    came = {"cron": wanted["cron"] if right else expression, "time zone": zone, "window": mode}
    assert came == wanted, failure(
        "The schedule does not fire at half past three in New York, all year.",
        settings["schedule"],
        wanted,
        came,
        "night.json, `schedule`: fields of a cron expression, ScheduleExpressionTimezone",
        "settings",
    )
    sent = parsed_input(schedule["Target"].get("Input", "")).replace(
        "<aws.scheduler.scheduled-time>", night.time
    )
    wanted = {"time": night.time, "prefix": "logs/2011/"}
    came = json.loads(sent) if sent.startswith("{") else sent
    assert came == wanted, failure(
        "The schedule sends another event than the planner reads.",
        settings["schedule"],
        wanted,
        came,
        "night.json, the Input of `schedule`",
        "settings",
    )


def parsed_input(text):
    """An Input, as the Scheduler sends it."""
    return text


def make_schedule(settings, city, account):
    """Makes the schedule of night.json, which never fires: what AWS says of it."""
    iam, scheduler = account.client("iam"), account.client("scheduler")
    name = account.name("schedule")
    statement = {
        "Effect": "Allow",
        "Principal": {"Service": "scheduler.amazonaws.com"},
        "Action": "sts:AssumeRole",
    }
    trust = json.dumps({"Version": "2012-10-17", "Statement": [statement]})
    role = iam.create_role(RoleName=name, AssumeRolePolicyDocument=trust)["Role"]["Arn"]
    account.later(iam.delete_role, RoleName=name)
    arguments = dict(settings["schedule"])
    text = text_of(arguments.pop("Input", ""))
    function = city.account.client("lambda").get_function_configuration(
        FunctionName=city.functions["planner"].name
    )
    target = {"Arn": function["FunctionArn"], "RoleArn": role, **({"Input": text} if text else {})}
    arguments |= {"Name": name, "State": "DISABLED", "Target": target}
    made("schedule", scheduler.create_schedule, **arguments)
    account.later(scheduler.delete_schedule, Name=name)
    return scheduler.get_schedule(Name=name)
