"""The example of stage 08: one night, from the planner to the report."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from ..grading.account import Account
from ..grading.function import Function, Result, deploy
from .logs import log_files

FILES = 3  # of the first day
SHOWN = 400  # characters of a report


class Night:
    """A bucket with the log files of a day, and an empty queue."""

    def __init__(self, account: Account) -> None:
        self._account, self._bucket = account, account.bucket()
        self._queue_url, self._queue_arn = account.queue()
        self._logs = dict(list(log_files().items())[:FILES])
        for key, body in self._logs.items():
            account.client("s3").put_object(Bucket=self._bucket, Key=key, Body=body)

    @property
    def variables(self) -> dict[str, str]:
        """What the contract promises to each of the three functions."""
        return {"BUCKET": self._bucket, "QUEUE_URL": self._queue_url}

    def go_on(self, folder: Path, event: Any) -> Iterator[tuple[str, Result | str]]:
        """After the planner: the worker with what is in the queue, then the reducer."""
        bodies = self._account.messages(self._queue_url)
        records = [self._record(number, body) for number, body in enumerate(bodies)]
        if records:
            yield "worker", self._deploy(folder, "worker").invoke({"Records": records})
        else:
            yield "worker", "not invoked, because the planner sent no message to the queue"
        yield "reducer", self._deploy(folder, "reducer").invoke(event)

    def written(self) -> Iterator[str]:
        """The objects that are new in the bucket, reports with what is in them."""
        s3 = self._account.client("s3")
        for each in s3.list_objects_v2(Bucket=self._bucket)["Contents"]:
            key = each["Key"]
            if key not in self._logs:
                yield f"object {key}, {each['Size']} bytes"
            if key.startswith("reports/"):
                body = s3.get_object(Bucket=self._bucket, Key=key)["Body"].read()
                yield from (f"  {line}" for line in body.decode()[:SHOWN].splitlines())

    def _deploy(self, folder: Path, name: str) -> Function:
        changes = {"Handler": f"handler.{name}"}
        client = self._account.client("lambda")
        function = deploy(client, folder, variables=self.variables, changes=changes)
        self._account.later(function.delete)
        return function

    def _record(self, number: int, body: str) -> dict[str, Any]:
        """A message as Lambda hands it over."""
        return {
            "messageId": f"{number:08}-0000-4000-8000-000000000000",
            "receiptHandle": "AQEBEXAMPLE",
            "body": body,
            "attributes": {"ApproximateReceiveCount": "1"},
            "messageAttributes": {},
            "eventSource": "aws:sqs",
            "eventSourceARN": self._queue_arn,
            "awsRegion": "us-east-1",
        }
