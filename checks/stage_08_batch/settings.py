"""night.json of stage 08: what AWS makes of its queue, its mapping and its schedule."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from botocore.exceptions import ClientError, ParamValidationError

from workshop.grading.outcomes import OF_THE_GRADER
from workshop.grading.settings import read_more
from workshop.grading.submission import NotReady

from .night import City

PARTS = ("queue", "mapping", "schedule")


@dataclass(frozen=True)
class Settings:
    """night.json as the learner wrote it, and the dead-letter queue that it may name."""

    city: City
    parts: dict[str, dict[str, Any]]
    dlq_url: str
    dlq_arn: str

    @classmethod
    def read(cls, city: City, folder: Path) -> Settings:
        """Reads night.json. Raises NotReady where a part is missing."""
        url, arn = city.account.queue()
        found = read_more(folder, "night.json", {"DLQ_ARN": arn})
        for part in PARTS:
            if not isinstance(found.get(part), dict):
                raise NotReady(f'night.json needs an object under the name "{part}": {{...}}')
        return cls(city, found, url, arn)

    def queue(self) -> dict[str, str]:
        """Makes the queue: its attributes, and its QueueUrl."""
        sqs, name = self.city.account.client("sqs"), self.city.account.name("queue")
        attributes = {name: _string(value) for name, value in self.parts["queue"].items()}
        url = self._make("queue", sqs.create_queue, QueueName=name, Attributes=attributes)
        self.city.account.later(sqs.delete_queue, QueueUrl=url["QueueUrl"])
        found = sqs.get_queue_attributes(QueueUrl=url["QueueUrl"], AttributeNames=["All"])
        return found["Attributes"] | {"QueueUrl": url["QueueUrl"]}

    def mapping(self, queue_arn: str) -> dict[str, Any]:
        """Maps a queue to the worker, and gives what AWS says of the mapping."""
        client = self.city.account.client("lambda")
        named = {"FunctionName": self.city.functions["worker"].name, "EventSourceArn": queue_arn}
        arguments = self.parts["mapping"] | named
        made = self._make("mapping", client.create_event_source_mapping, **arguments)
        self.city.account.later(client.delete_event_source_mapping, UUID=made["UUID"])
        return made

    def schedule(self) -> dict[str, Any]:
        """Makes the schedule, switched off, and gives what AWS says of it."""
        account, name = self.city.account, self.city.account.name("schedule")
        iam, scheduler = account.client("iam"), account.client("scheduler")
        may = {"Effect": "Allow", "Principal": {"Service": "scheduler.amazonaws.com"}}
        trust = {"Version": "2012-10-17", "Statement": [{**may, "Action": "sts:AssumeRole"}]}
        role = iam.create_role(RoleName=name, AssumeRolePolicyDocument=json.dumps(trust))["Role"]
        account.later(iam.delete_role, RoleName=name)
        planner = account.client("lambda").get_function_configuration(
            FunctionName=self.city.functions["planner"].name
        )
        arguments = dict(self.parts["schedule"])
        target = {"Arn": planner["FunctionArn"], "RoleArn": role["Arn"]}
        if "Input" in arguments:
            target["Input"] = _string(arguments.pop("Input"))
        arguments |= {"Name": name, "State": "DISABLED", "Target": target}
        self._make("schedule", scheduler.create_schedule, **arguments)
        account.later(scheduler.delete_schedule, Name=name)
        return scheduler.get_schedule(Name=name)

    def _make(self, part: str, call: Any, **arguments: Any) -> Any:
        """Calls AWS. Raises NotReady where it refuses what night.json says."""
        look = f"  look at:  night.json, `{part}`"
        try:
            return call(**arguments)
        except ParamValidationError as error:
            raise NotReady(
                f"AWS does not accept `{part}` in night.json:\n{error}\n{look}"
            ) from None
        except ClientError as error:
            if error.response["Error"]["Code"] in OF_THE_GRADER:
                raise
            raise NotReady(f"AWS refuses `{part}` in night.json:\n{error}\n{look}") from None


def messages_in(sqs: Any, urls: Sequence[str]) -> int:
    """How many messages some queues hold, visible or not."""
    names = [f"ApproximateNumberOfMessages{which}" for which in ("", "NotVisible", "Delayed")]
    found = [sqs.get_queue_attributes(QueueUrl=url, AttributeNames=names) for url in urls]
    return sum(int(value) for each in found for value in each["Attributes"].values())


def fires_each_night(expression: str) -> bool:
    """Whether a cron expression means 03:30 each night."""
    if not (expression.startswith("cron(") and expression.endswith(")")):
        return False
    minute, hour, day, month, weekday, *year = [*expression[5:-1].split(), *[""] * 5]
    time = minute in ("30",) and hour in ("3", "03")
    return time and {day, weekday} == {"*", "?"} and month == "*" and year[0] in ("*", "")


def _string(value: Any) -> str:
    """A value of night.json as AWS takes it: JSON in a string, unless it is a string."""
    return value if isinstance(value, str) else json.dumps(value)
