"""Soaks an event source in functions that fail, time out and exit, and counts what came of it.

    python benchmarks/soak_queues.py --messages 5000 --seed 7

The same seed gives the same mishaps. Prints figures; exits 1 if something does not hold: every
message is handled or a dead letter, FIFO groups keep their order, and the memory and the number of
processes return to where they began.
"""

from __future__ import annotations

import argparse
import json
import random
import sys
import time
from collections import Counter
from dataclasses import dataclass, field
from typing import Any

from measure import create, memory, settled_processes

from workshop.cloud import LocalCloud

ACCOUNT = "123456789012"
GROUPS = 10  # of the FIFO queue
MOST_RECEIVES = 4
GROWTH = 60  # MB that a soaked process may have grown by, allocator's slack included

# What befalls a message is in its body: how often it fails, and in which way. The queue named
# by DONE hears of each message that was handled.
HANDLER = """
import json, os, sys, time
import boto3
sqs = boto3.client("sqs")

def mishap(kind):
    if kind == "raise":
        raise ValueError("as planned")
    if kind == "timeout":
        time.sleep(30)
    if kind == "exit":
        os._exit(3)

def handler(event, context):
    failed, blocked = [], set()
    for record in event["Records"]:
        plan = json.loads(record["body"])
        group = record["attributes"].get("MessageGroupId")
        if group in blocked:
            failed.append(record["messageId"])
            continue
        if int(record["attributes"]["ApproximateReceiveCount"]) <= plan["fails"]:
            if plan["kind"] != "report":
                mishap(plan["kind"])
            failed.append(record["messageId"])
            if group:
                blocked.add(group)
            continue
        sqs.send_message(QueueUrl=os.environ["DONE"], MessageBody=str(plan["number"]))
    return {"batchItemFailures": [{"itemIdentifier": each} for each in failed]}
"""


@dataclass
class Report:
    """Figures, and what did not hold."""

    figures: dict[str, Any] = field(default_factory=dict)
    problems: list[str] = field(default_factory=list)

    def check(self, holds: bool, problem: str) -> None:
        """Notes a problem unless it holds."""
        if not holds:
            self.problems.append(problem)


def plan(dice: random.Random, number: int) -> dict[str, Any]:
    """What befalls one message: 9 of 10 go well at once; 1 of 200 never does."""
    kinds = ["report"] * 6 + ["raise"] * 3 + ["exit"]
    chance = dice.random()
    fails = 0 if chance < 0.9 else MOST_RECEIVES + 1 if chance > 0.995 else dice.randint(1, 2)
    kind = "timeout" if dice.random() < 0.02 else dice.choice(kinds)
    return {"number": number, "fails": fails, "kind": kind}


def soak_both(cloud: LocalCloud, messages: int, seed: int, report: Report) -> None:
    """A standard and a FIFO queue, each with a dead-letter queue and one function."""
    dice = random.Random(seed)
    for fifo in (False, True):
        kind = "fifo" if fifo else "standard"
        soak = QueueSoak(cloud, fifo)
        started = time.monotonic()
        plans = [plan(dice, number) for number in range(messages // 2)]
        soak.send(plans)
        sent = time.monotonic() - started
        cloud.idle(timeout=3600)
        seconds = time.monotonic() - started
        soak.check(plans, report)
        report.figures[kind] = {
            "messages": len(plans),
            "planned to fail": sum(each["fails"] > 0 for each in plans),
            "seconds to send": round(sent, 1),
            "seconds": round(seconds, 1),
            "messages a second": round(len(plans) / seconds),
            "invocations": len(cloud.invocations(soak.function)),
            "dead letters": len(soak.dead_letters),
        }
        soak.remove()


class QueueSoak:
    """One queue with all that belongs to it."""

    def __init__(self, cloud: LocalCloud, fifo: bool) -> None:
        self._sqs, self._lambda = cloud.client("sqs"), cloud.client("lambda")
        self._logs = cloud.client("logs")
        self._fifo = fifo
        suffix = ".fifo" if fifo else ""
        kind = {"FifoQueue": "true", "ContentBasedDeduplication": "true"} if fifo else {}
        self.function = f"soak-{'fifo' if fifo else 'standard'}"
        self._done = self._queue("soak-done", {})
        self._dead = self._queue(f"soak-dead{suffix}", kind)
        arn = f"arn:aws:sqs:us-east-1:{ACCOUNT}:soak-dead{suffix}"
        redrive = {"deadLetterTargetArn": arn, "maxReceiveCount": MOST_RECEIVES}
        self._source = self._queue(
            f"soak-source{suffix}", {**kind, "RedrivePolicy": json.dumps(redrive)}
        )
        self.dead_letters: list[int] = []
        create(
            self._lambda,
            self.function,
            HANDLER,
            Timeout=2,
            Environment={"Variables": {"DONE": self._done}},
        )
        self._mapping = self._lambda.create_event_source_mapping(
            EventSourceArn=f"arn:aws:sqs:us-east-1:{ACCOUNT}:soak-source{suffix}",
            FunctionName=self.function,
            FunctionResponseTypes=["ReportBatchItemFailures"],
        )["UUID"]

    def send(self, plans: list[dict[str, Any]]) -> None:
        """Sends a message for each plan, ten a request."""
        for start in range(0, len(plans), 10):
            entries = []
            for place, each in enumerate(plans[start : start + 10]):
                entry = {"Id": str(place), "MessageBody": json.dumps(each)}
                if self._fifo:
                    entry["MessageGroupId"] = str(each["number"] % GROUPS)
                entries.append(entry)
            self._sqs.send_message_batch(QueueUrl=self._source, Entries=entries)

    def check(self, plans: list[dict[str, Any]], report: Report) -> None:
        """Each message was handled, or is a dead letter; groups are in order."""
        done = [int(body) for body in self._drain(self._done)]
        self.dead_letters = [json.loads(body)["number"] for body in self._drain(self._dead)]
        everything = {each["number"] for each in plans}
        doomed = {each["number"] for each in plans if each["fails"] > MOST_RECEIVES}
        twice = [number for number, count in Counter(self.dead_letters).items() if count > 1]
        lost = everything - set(done) - set(self.dead_letters)
        name = self.function
        report.check(not lost, f"{name}: lost {len(lost)} messages, such as {sorted(lost)[:5]}")
        report.check(not twice, f"{name}: dead letters that came twice: {twice[:5]}")
        report.check(doomed <= set(self.dead_letters), f"{name}: a doomed message was handled")
        left = self._sqs.get_queue_attributes(
            QueueUrl=self._source,
            AttributeNames=[
                "ApproximateNumberOfMessages",
                "ApproximateNumberOfMessagesNotVisible",
            ],
        )["Attributes"]
        report.check(not any(int(n) for n in left.values()), f"{name}: not empty: {left}")
        if self._fifo:
            for group in range(GROUPS):
                first_done = list(dict.fromkeys(n for n in done if n % GROUPS == group))
                report.check(
                    first_done == sorted(first_done), f"{name}: group {group} out of order"
                )

    def remove(self) -> None:
        """Deletes everything, the function's log as well."""
        self._lambda.delete_event_source_mapping(UUID=self._mapping)
        self._lambda.delete_function(FunctionName=self.function)
        self._logs.delete_log_group(logGroupName=f"/aws/lambda/{self.function}")
        for url in (self._source, self._dead, self._done):
            self._sqs.delete_queue(QueueUrl=url)

    def _queue(self, name: str, attributes: dict[str, str]) -> str:
        return self._sqs.create_queue(QueueName=name, Attributes=attributes)["QueueUrl"]

    def _drain(self, url: str) -> list[str]:
        bodies: list[str] = []
        while True:
            found = self._sqs.receive_message(QueueUrl=url, MaxNumberOfMessages=10)
            messages = found.get("Messages", [])
            if not messages:
                return bodies
            bodies += [message["Body"] for message in messages]
            entries = [
                {"Id": str(place), "ReceiptHandle": message["ReceiptHandle"]}
                for place, message in enumerate(messages)
            ]
            self._sqs.delete_message_batch(QueueUrl=url, Entries=entries)


def soak(messages: int, seed: int) -> Report:
    """Runs the soak in a cloud of its own."""
    report = Report()
    with LocalCloud() as cloud:
        soak_both(cloud, 20, seed, Report())  # loads what is loaded once
        began = settled_processes(1), memory()
        soak_both(cloud, messages, seed, report)
        ended = settled_processes(began[0]), memory()
    report.figures["processes"] = {"before": began[0], "after": ended[0]}
    report.figures["memory, MB"] = {"before": began[1], "after": ended[1]}
    report.check(ended[0] <= began[0], f"processes: {began[0]} before, {ended[0]} after")
    grown = ended[1] - began[1]
    report.check(grown <= GROWTH, f"memory grew by {grown} MB")
    return report


def main() -> int:
    """Prints the figures; 1 if something does not hold."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--messages", type=int, default=5000)
    parser.add_argument("--seed", type=int, default=7)
    asked = parser.parse_args()
    report = soak(asked.messages, asked.seed)
    print(json.dumps(report.figures, indent=2))
    for problem in report.problems:
        print(f"does not hold: {problem}", file=sys.stderr)
    return 1 if report.problems else 0


if __name__ == "__main__":
    sys.exit(main())
