"""Many records through streams, with handlers that fail, time out and exit.

Run with `python benchmarks/soak_streams.py`. Every record must end handled once or in a failure
record, in order for its key; memory, threads and processes must come back. Prints figures; exits
with 1 if something does not hold.
"""

from __future__ import annotations

import json
import random
import sys
import time
from collections import defaultdict
from typing import Any

from measure import create, memory, settled_processes

from workshop.cloud import LocalCloud

SEED = 7
MOST_GROWTH_MB = 200

# What happens to an invocation is drawn from the seed, its first record and how often it came
# here. One record in a hundred is bad for good.
HANDLER = """
import base64, os, random, sys, time
SEED, seen = {seed}, {{}}

def text(record):
    if "kinesis" in record:
        return base64.b64decode(record["kinesis"]["data"]).decode()
    return record["dynamodb"]["NewImage"]["name"]["S"]

def number(record):
    return record.get("kinesis", {{}}).get("sequenceNumber") or record["dynamodb"]["SequenceNumber"]

def handler(event, context):
    records = event["Records"]
    names = [text(each) for each in records]
    seen[names[0]] = seen.get(names[0], 0) + 1
    dice = random.Random(f"{{SEED}} {{names[0]}} {{seen[names[0]]}} {{os.getpid()}}").random()
    if dice < 0.04:
        raise ValueError("fails")
    if dice < 0.045:
        time.sleep(5)
    if dice < 0.06:
        sys.exit(1)
    if dice < 0.07:
        os._exit(3)
    bad = [i for i, name in enumerate(names) if name.endswith("bad")]
    good = names[: bad[0]] if bad else names
    for start in range(0, len(good), 100):
        print("DONE", *good[start : start + 100])
    return {{"batchItemFailures": [{{"itemIdentifier": number(records[i])}} for i in bad]}}
"""


class Soak:
    """One run: a function, its failure queue, and what was put."""

    def __init__(self, cloud: LocalCloud, name: str, seed: int) -> None:
        self.cloud, self.name, self.seed = cloud, name, seed
        self.dice = random.Random(seed)
        self.client = cloud.client("lambda")
        self.sqs = cloud.client("sqs")
        self.queue = self.sqs.create_queue(QueueName=f"{name}-failures")["QueueUrl"]
        create(self.client, name, HANDLER.format(seed=seed), Timeout=1)

    def connect(self, source_arn: str, **settings: Any) -> None:
        """Maps the source, with every way to deal with failures."""
        queue_arn = f"arn:aws:sqs:us-east-1:123456789012:{self.name}-failures"
        self.uuid = self.client.create_event_source_mapping(
            EventSourceArn=source_arn,
            FunctionName=self.name,
            StartingPosition="TRIM_HORIZON",
            BisectBatchOnFunctionError=True,
            MaximumRetryAttempts=2,
            FunctionResponseTypes=["ReportBatchItemFailures"],
            DestinationConfig={"OnFailure": {"Destination": queue_arn}},
            **settings,
        )["UUID"]

    def names(self, count: int, keys: int) -> list[tuple[str, str]]:
        """(key, name) of so many records; a name holds its place, and may end in `bad`."""
        found = []
        for number in range(count):
            key = f"k{self.dice.randrange(keys)}"
            bad = "bad" if self.dice.random() < 0.01 else ""
            found.append((key, f"{key}-{number:06}{bad}"))
        return found

    def handled(self) -> list[str]:
        """The names that the function says it is done with, in the order of its invocations.

        What it said in an invocation that then timed out does not count: AWS sends that again.
        """
        ran = [each for each in self.cloud.invocations(self.name) if each.status == "success"]
        ran.sort(key=lambda each: each.started_at)
        order = {each.request_id: place for place, each in enumerate(ran)}
        lines: list[tuple[int, list[str]]] = []
        for line in self._log():
            if line.startswith("START "):
                request = line.split()[2]
            elif line.startswith("DONE ") and request in order:
                lines.append((order[request], line.split()[1:]))
        lines.sort(key=lambda each: each[0])  # stable: a request's lines stay in order
        return [name for _, names in lines for name in names]

    def given_up(self) -> list[dict[str, Any]]:
        """The batches of the failure queue."""
        found = []
        while messages := self.sqs.receive_message(
            QueueUrl=self.queue, MaxNumberOfMessages=10, WaitTimeSeconds=0
        ).get("Messages"):
            for each in messages:
                body = json.loads(each["Body"])
                found.append(body.get("KinesisBatchInfo") or body["DDBStreamBatchInfo"])
        return found

    def close(self) -> None:
        """Takes away what runs."""
        self.client.delete_event_source_mapping(UUID=self.uuid)
        self.client.delete_function(FunctionName=self.name)
        self.cloud.idle(60)

    def _log(self) -> list[str]:
        logs, group = self.cloud.client("logs"), f"/aws/lambda/{self.name}"
        pages = logs.get_paginator("describe_log_streams").paginate(logGroupName=group)
        found = []
        for stream in [each for page in pages for each in page["logStreams"]]:
            answer = logs.get_log_events(
                logGroupName=group, logStreamName=stream["logStreamName"], startFromHead=True
            )
            found += [event["message"] for event in answer["events"]]
        return found


def kinesis(cloud: LocalCloud, count: int = 5000, seed: int = SEED) -> list[str]:
    """Records over four shards, two batches at once in each. What does not hold, in words."""
    stream = f"soak-{count}"
    soak = Soak(cloud, f"kinesis-{stream}", seed)
    client = cloud.client("kinesis")
    client.create_stream(StreamName=stream, ShardCount=4)
    soak.connect(
        f"arn:aws:kinesis:us-east-1:123456789012:stream/{stream}",
        BatchSize=50,
        ParallelizationFactor=2,
    )
    put: dict[str, tuple[str, str]] = {}  # by name, shard and sequence number
    names = soak.names(count, keys=40)
    began = time.monotonic()
    for start in range(0, count, 100):
        some = names[start : start + 100]
        records = [{"Data": name, "PartitionKey": key} for key, name in some]
        answer = client.put_records(StreamName=stream, Records=records)
        for (_, name), each in zip(some, answer["Records"], strict=True):
            put[name] = each["ShardId"], each["SequenceNumber"]
    return _judge(soak, put, began)


def dynamodb(cloud: LocalCloud, count: int = 2000, seed: int = SEED) -> list[str]:
    """Writes to one table by several threads' worth of keys. What does not hold, in words."""
    table = f"soak-{count}"
    soak = Soak(cloud, f"dynamodb-{table}", seed)
    client = cloud.client("dynamodb")
    made = client.create_table(
        TableName=table,
        KeySchema=[{"AttributeName": "id", "KeyType": "HASH"}],
        AttributeDefinitions=[{"AttributeName": "id", "AttributeType": "S"}],
        BillingMode="PAY_PER_REQUEST",
        StreamSpecification={"StreamEnabled": True, "StreamViewType": "NEW_AND_OLD_IMAGES"},
    )["TableDescription"]
    soak.connect(made["LatestStreamArn"], BatchSize=50, ParallelizationFactor=4)
    began = time.monotonic()
    for key, name in soak.names(count, keys=40):
        item = {"id": {"S": key}, "name": {"S": name}}
        client.put_item(TableName=table, Item=item)
    return _judge(soak, _written(cloud, made["LatestStreamArn"]), began)


def _written(cloud: LocalCloud, arn: str) -> dict[str, tuple[str, str]]:
    """What the table's stream holds: by name, shard and sequence number."""
    client = cloud.client("dynamodbstreams")
    found: dict[str, tuple[str, str]] = {}
    for shard in client.describe_stream(StreamArn=arn)["StreamDescription"]["Shards"]:
        shard_id = shard["ShardId"]
        iterator = client.get_shard_iterator(
            StreamArn=arn, ShardId=shard_id, ShardIteratorType="TRIM_HORIZON"
        )["ShardIterator"]
        while records := client.get_records(ShardIterator=iterator):
            for each in records["Records"]:
                change = each["dynamodb"]
                found[change["NewImage"]["name"]["S"]] = shard_id, change["SequenceNumber"]
            if not records["Records"]:
                break
            iterator = records["NextShardIterator"]
    return found


def _judge(soak: Soak, put: dict[str, tuple[str, str]], began: float) -> list[str]:
    soak.cloud.idle(600)
    seconds = time.monotonic() - began
    handled, problems = soak.handled(), []
    ended = soak.given_up()
    lost = set(put) - set(handled)
    # with several batches at once a range of numbers also spans records of other keys
    covered = {
        name
        for name in lost
        for info in ended
        if put[name][0] == info["shardId"]
        and int(info["startSequenceNumber"]) <= int(put[name][1]) <= int(info["endSequenceNumber"])
    }
    if lost - covered:
        problems.append(f"{len(lost - covered)} records are lost: {sorted(lost - covered)[:5]}")
    if sum(info["batchSize"] for info in ended) != len(lost):
        problems.append(f"{len(lost)} were not handled, but failure records name another number")
    if len(handled) != len(set(handled)):
        problems.append(f"{len(handled) - len(set(handled))} records were handled twice")
    by_key: dict[str, list[str]] = defaultdict(list)
    for name in handled:
        by_key[name.split("-")[0]].append(name)
    wrong = [key for key, names in by_key.items() if names != sorted(names)]
    if wrong:
        problems.append(f"out of order: {wrong}")
    statuses = defaultdict(int)
    for each in soak.cloud.invocations(soak.name):
        statuses[each.status] += 1
    print(
        f"{soak.name}: {len(put)} records in {seconds:.1f} s, {len(put) / seconds:.0f} a second; "
        f"{len(handled)} handled, {len(lost)} given up in {len(ended)} batches; "
        f"invocations {dict(statuses)}"
    )
    soak.close()
    return problems


def main(kinesis_count: int = 5000, dynamodb_count: int = 2000) -> int:
    """Both runs; 0 if everything holds."""
    with LocalCloud() as cloud:
        problems = kinesis(cloud, 60) + dynamodb(cloud, 40)  # what is loaded once
        began = settled_processes(1), memory()
        problems += kinesis(cloud, kinesis_count) + dynamodb(cloud, dynamodb_count)
        ended = settled_processes(began[0]), memory()
        print(f"processes {began[0]} -> {ended[0]}, memory {began[1]} -> {ended[1]} MB")
    if ended[1] - began[1] > MOST_GROWTH_MB:
        problems.append(f"memory grew by {ended[1] - began[1]} MB")
    if ended[0] > began[0]:
        problems.append(f"{ended[0] - began[0]} processes are left")
    for problem in problems:
        print("does not hold:", problem)
    return 1 if problems else 0


if __name__ == "__main__":
    sys.exit(main(*map(int, sys.argv[1:])))
