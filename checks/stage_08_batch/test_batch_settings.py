"""Grades night.json of stage 08: the queue, the mapping and the schedule around the functions."""

from __future__ import annotations

import json

import pytest

from workshop.grading.words import failure

from .logs import hours, some_day
from .night import City, parsed
from .settings import Settings, fires_each_night, messages_in

LONGEST_VISIBILITY = 43_200  # seconds


@pytest.fixture(scope="module")
def city(account, deploy):
    return City.made(account, deploy)


@pytest.fixture
def night(city):
    return city.night()


@pytest.fixture(scope="module")
def settings(city, folder):
    """The learner's night.json."""
    return Settings.read(city, folder)


def test_messages_stay_invisible_long_enough(settings, city, account):
    """The visibility timeout is six times the function's timeout plus the batching window."""
    function = account.client("lambda").get_function_configuration(
        FunctionName=city.functions["worker"].name
    )
    window = settings.parts["mapping"].get("MaximumBatchingWindowInSeconds", 0)
    least, came = 6 * function["Timeout"] + window, int(settings.queue()["VisibilityTimeout"])
    assert least <= came <= LONGEST_VISIBILITY, failure(
        "A message may become visible while the worker still has it, and is then handled twice.",
        {"Timeout": function["Timeout"], "MaximumBatchingWindowInSeconds": window},
        f"VisibilityTimeout of {least} s or more",
        f"{came} s",
        "night.json, `queue`",
        "settings",
    )


def test_what_fails_again_and_again_goes_to_the_dead_letter_queue(settings, account, night):
    """A message that fails every time leaves the queue for the dead-letter queue."""
    queue, bad = settings.queue(), "bad"
    redrive = json.loads(queue.get("RedrivePolicy", "{}"))
    target, count = redrive.get("deadLetterTargetArn"), int(redrive.get("maxReceiveCount", 0))
    assert target == settings.dlq_arn and 5 <= count <= 10, failure(
        "The queue has no RedrivePolicy that leads to the dead-letter queue in time.",
        settings.parts["queue"],
        {"deadLetterTargetArn": settings.dlq_arn, "maxReceiveCount": "5 to 10"},
        redrive,
        "night.json, `queue`. A DeadLetterConfig of the function is for asynchronous events",
        "queue",
    )
    mapping = settings.mapping(queue["QueueArn"])
    types = mapping.get("FunctionResponseTypes")
    assert types == ["ReportBatchItemFailures"], failure(
        "Lambda does not read which messages failed, and deletes them.",
        settings.parts["mapping"],
        ["ReportBatchItemFailures"],
        types,
        "night.json, `mapping`: FunctionResponseTypes",
        "mapping",
    )
    jobs = night.jobs(night.put("good", *hours(some_day())), night.put(bad, body=b"no gzip"))
    sqs, urls = account.client("sqs"), (queue["QueueUrl"], settings.dlq_url)
    entries = [{"Id": str(n), "MessageBody": json.dumps(job)} for n, job in enumerate(jobs)]
    sqs.send_message_batch(QueueUrl=queue["QueueUrl"], Entries=entries)
    account.eventually(lambda: messages_in(sqs, urls) == 1)
    came = messages_in(sqs, urls)
    assert came == 1, failure(
        "One of two files is damaged. Both messages went to the worker; one should be left.",
        jobs,
        {"in the queue and the dead-letter queue": 1},
        {"in the queue and the dead-letter queue": came},
        "what the worker returns for a message that failed",
        "messages",
    )


def test_the_schedule_fires_each_night(settings, night):
    """The schedule fires at 03:30 in New York, summer and winter, and sends the scheduled time."""
    schedule = settings.schedule()
    expression, zone = schedule["ScheduleExpression"], schedule.get("ScheduleExpressionTimezone")
    right = {"cron": "cron(30 3 * * ? *)", "zone": "America/New_York", "window": "OFF"}
    came = {
        "cron": right["cron"] if fires_each_night(expression) else expression,
        "zone": zone,
        "window": schedule["FlexibleTimeWindow"]["Mode"],
    }
    assert came == right, failure(
        "The schedule does not fire at half past three in New York, all year.",
        settings.parts["schedule"],
        right,
        came,
        "night.json, `schedule`: the fields of a cron expression, ScheduleExpressionTimezone",
        "schedule",
    )
    wanted, came = {"time": night.time, "prefix": "logs/2011/"}, schedule["Target"].get("Input", "")
    came = parsed(came.replace("<aws.scheduler.scheduled-time>", night.time))
    assert came == wanted, failure(
        "The schedule does not send the event that the planner reads.",
        settings.parts["schedule"],
        wanted,
        came,
        "night.json, the Input of `schedule`",
        "schedule",
    )
