"""What the tests of the cloud speak to it with: functions made and invoked in one line."""

from __future__ import annotations

import base64
import itertools
import json
from dataclasses import dataclass
from typing import Any

from support import ROLE, package

from workshop.cloud import LocalCloud

_numbers = itertools.count(1)
NO_BUBBLEWRAP = "bubblewrap is missing here, or may make no namespaces"


@dataclass
class Answer:
    """What an invocation answered; `value` is the payload as Python."""

    status: int
    error: str | None
    value: Any
    log: str
    raw: dict[str, Any]


class Lab:
    """A cloud with its clients, and functions made in one line."""

    def __init__(self, cloud: LocalCloud) -> None:
        self.cloud = cloud
        self.client = cloud.client("lambda")
        self.logs = cloud.client("logs")

    def create(self, source: str = "def handler(event, context): return event", **spec) -> str:
        """Creates a function; returns its name."""
        spec.setdefault("FunctionName", f"function-{next(_numbers)}")
        spec.setdefault("Code", {"ZipFile": package(source)})
        defaults = {"Runtime": "python3.14", "Handler": "handler.handler", "Role": ROLE}
        return self.client.create_function(**{**defaults, **spec})["FunctionName"]

    def invoke(self, name: str, event: Any = None, **spec) -> Answer:
        """Invokes it and reads the answer, with the tail of its log."""
        if spec.get("InvocationType", "RequestResponse") == "RequestResponse":
            spec.setdefault("LogType", "Tail")
        if event is not None:
            spec["Payload"] = json.dumps(event)
        raw = self.client.invoke(FunctionName=name, **spec)
        payload = raw["Payload"].read()
        log = base64.b64decode(raw.get("LogResult", "")).decode()
        value = json.loads(payload) if payload else None
        return Answer(raw["StatusCode"], raw.get("FunctionError"), value, log, raw)

    def run(self, source: str, event: Any = None, **spec) -> Any:
        """Creates and invokes; returns the value of an invocation that must succeed."""
        answer = self.invoke(self.create(source, **spec), event)
        assert answer.error is None, answer.value
        return answer.value

    def log_events(self, group: str) -> list[str]:
        """Every message of a log group, stream after stream."""
        found = []
        for stream in self.logs.describe_log_streams(logGroupName=group)["logStreams"]:
            name = stream["logStreamName"]
            events = self.logs.get_log_events(
                logGroupName=group, logStreamName=name, startFromHead=True
            )["events"]
            found += [event["message"] for event in events]
        return found
