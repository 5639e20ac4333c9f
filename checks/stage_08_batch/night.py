"""A night of stage 08: a bucket with log files, a queue, and the three functions."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import Any

from workshop.grading import fresh
from workshop.grading.words import ended_in_error, failure, show

from .logs import packed


@dataclass
class City:
    """The bucket and the queue of the checks, and the functions by name."""

    account: Any
    bucket: str
    queue_url: str
    functions: dict[str, Any] = field(default_factory=dict)
    nights: set[str] = field(default_factory=set)

    @classmethod
    def made(cls, account: Any, deploy: Any) -> City:
        """Makes bucket and queue, and deploys the learner's three functions."""
        queue_url, _ = account.queue()
        city = cls(account, account.bucket(), queue_url)
        for name in ("planner", "worker", "reducer"):
            city.functions[name] = city.deployed(deploy, name)
        return city

    def deployed(self, deploy: Any, name: str, **more: str) -> Any:
        """One of the learner's functions, with what the contract promises and more variables."""
        changes = {"Handler": f"handler.{name}"}
        return deploy(changes, BUCKET=self.bucket, QUEUE_URL=self.queue_url, **more)

    @property
    def s3(self):
        return self.account.client("s3")

    def night(self) -> Night:
        """A night that no other check knows, with log files below a prefix of its own."""
        while True:
            night = Night(self, fresh.moment().strftime("%Y-%m-%dT%H:%M:%SZ"), f"{fresh.word()}/")
            if night.name not in self.nights:
                self.nights.add(night.name)
                return night

    def read(self, key: str) -> str | None:
        """The text of an object, None if there is none."""
        try:
            body = self.s3.get_object(Bucket=self.bucket, Key=key)["Body"].read()
        except self.s3.exceptions.NoSuchKey:
            return None
        return body.decode("utf-8", "backslashreplace")

    def keys(self, prefix: str) -> list[str]:
        """The keys in the bucket that begin with a prefix."""
        pages = self.s3.get_paginator("list_objects_v2").paginate(Bucket=self.bucket, Prefix=prefix)
        return [found["Key"] for page in pages for found in page.get("Contents", [])]


@dataclass(frozen=True)
class Night:
    """One night: the event of the schedule, and what the functions do with it."""

    city: City
    time: str
    prefix: str

    @property
    def name(self) -> str:
        """NIGHT of the contract."""
        return self.time[:10]

    @property
    def event(self) -> dict[str, str]:
        """What planner and reducer get."""
        return {"time": self.time, "prefix": self.prefix}

    @property
    def csv(self) -> str:
        """The report's key."""
        return f"reports/{self.name}.csv"

    def put(self, name: str, *lines: object, body: bytes | None = None) -> str:
        """Uploads a log file, and gives its key."""
        key = f"{self.prefix}{name}.log.gz"
        content = packed(lines) if body is None else body
        self.city.s3.put_object(Bucket=self.city.bucket, Key=key, Body=content)
        return key

    def plan(self, look: str, function: Any = None) -> list[Any]:
        """Runs the planner; gives the bodies of its messages, as objects where they are JSON."""
        self.answer("planner", self.event, look, function)
        return self.sent()

    def sent(self) -> list[Any]:
        """Takes what is in the queue."""
        return [parsed(each) for each in self.city.account.messages(self.city.queue_url)]

    def jobs(self, *keys: str) -> list[Any]:
        """The planner's messages for some files."""
        return [{"night": self.name, "key": key} for key in keys]

    def work(self, jobs: list[Any], look: str) -> Any:
        """Invokes the worker with messages: what it answers."""
        return self.answer("worker", event_of(jobs), look)

    def reduce(self, look: str) -> list[str] | None:
        """Runs the reducer: the lines of the report, None if there is none."""
        self.answer("reducer", self.event, look)
        return self.report()

    def again_elsewhere(self) -> None:
        """Has Lambda start new execution environments for all three."""
        client = self.city.account.client("lambda")
        for function in self.city.functions.values():
            client.update_function_configuration(
                FunctionName=function.name, Description=fresh.word()
            )
            client.get_waiter("function_updated_v2").wait(FunctionName=function.name)

    def report(self) -> list[str] | None:
        """The report as it is."""
        text = self.city.read(self.csv)
        return text.replace("\r\n", "\n").splitlines() if text is not None else None

    def run(self, look: str) -> list[str] | None:
        """The whole night, by hand; gives the lines of the report."""
        jobs = self.plan(look)
        for start in range(0, len(jobs), 10):
            self.work(jobs[start : start + 10], look)
        return self.reduce(look)

    def answer(self, name: str, event: Any, look: str, function: Any = None) -> Any:
        """What a function answers; the check fails if it raises."""
        result = (function or self.city.functions[name]).invoke(event)
        assert result.error is None, ended_in_error(
            f"The {name} raised.", brief(event), result.error or {}, result.log, look
        )
        return result.value


def event_of(jobs: list[Any]) -> dict[str, Any]:
    """An event of SQS with these messages, as AWS sends it; a string is a body as it stands."""
    return {"Records": [_record(number, job) for number, job in enumerate(jobs)]}


def _record(number: int, job: Any) -> dict[str, Any]:
    return {
        "messageId": f"{fresh.digits(8)}-{number:04}-4b5f-9c5e-{fresh.digits(12)}",
        "receiptHandle": "AQEB" + fresh.digits(20),
        "body": job if isinstance(job, str) else json.dumps(job),
        "attributes": {"ApproximateReceiveCount": "1", "SentTimestamp": "1795560449000"},
        "messageAttributes": {},
        "md5OfBody": "e4e68fb7bd0e697a0ae8f1bb342846b3",
        "eventSource": "aws:sqs",
        "eventSourceARN": "arn:aws:sqs:us-east-1:123456789012:work",
        "awsRegion": "us-east-1",
    }


def brief(event: Any) -> Any:
    """What a learner needs to see of an event: of messages their bodies."""
    if "Records" not in event:
        return event
    return [f"{each['messageId'][:13]}... {each['body']}" for each in event["Records"]]


def parsed(text: str) -> Any:
    """A message's JSON, or the string itself."""
    try:
        return json.loads(text)
    except ValueError:
        return text


def failed_ids(value: Any, event: dict[str, Any], look: str) -> list[str]:
    """The messages that a worker's answer names. Fails where Lambda could not read it."""
    items = value.get("batchItemFailures") if isinstance(value, dict) else None
    shaped = isinstance(items, list) and all(
        isinstance(item, dict) and isinstance(item.get("itemIdentifier"), str) for item in items
    )
    assert shaped, failure(
        "Lambda cannot read the worker's answer. It treats one without the list as success, and "
        "one with a wrong list as a failure of the whole batch.",
        brief(event),
        {"batchItemFailures": [{"itemIdentifier": "<messageId>"}]},
        value,
        look,
        "messages",
    )
    return [item["itemIdentifier"] for item in items]


def expect_report(night: Night, came: Any, wanted: list[str], what: str, look: str) -> None:
    """Fails unless the report has these lines."""
    if came is None:
        there = [key for key in night.city.keys("reports/") if night.name in key]
        came = f"no {night.csv}" + (f", but {show(there)}" if there else "")
    assert came == wanted, failure(what, night.event, wanted, came, look)
