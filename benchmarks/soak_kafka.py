"""Many records through a Kafka topic, with handlers that fail, time out and exit.

Run with `python benchmarks/soak_kafka.py [RECORDS]`. librdkafka's own brokers hold the topic. Every
record must be handled, in order within its partition, and the mapping is disabled and enabled
while records come. Memory and threads must come back. Prints figures; exits with 1 if something
does not hold.
"""

from __future__ import annotations

import random
import sys
import threading
import time
from collections import defaultdict

import psutil
from confluent_kafka import Producer
from measure import create

from workshop.cloud import LocalCloud
from workshop.kafka import Broker

SEED = 7
PARTITIONS = 4  # that the brokers give a topic
MOST_GROWTH_MB = 150
HANDLER = """
import base64, os, random, sys, time
def handler(event, context):
    names = [(r["partition"], int(base64.b64decode(r["value"])))
             for records in event["records"].values() for r in records]
    dice = random.random()
    if dice < 0.05:
        raise ValueError("fails")
    if dice < 0.06:
        time.sleep(5)
    if dice < 0.08:
        sys.exit(1)
    for start in range(0, len(names), 100):
        print("DONE", *(f"{p}:{n}" for p, n in names[start : start + 100]))
"""


def produce(servers: str, topic: str, numbers: range, dice: random.Random) -> None:
    """Sends records in bursts, each number to a partition of its own."""
    producer = Producer({"bootstrap.servers": servers, "log_level": 0})
    for number in numbers:
        producer.produce(topic, str(number), partition=number % PARTITIONS)
        if dice.random() < 0.002:
            producer.flush()
            time.sleep(0.05)
    producer.flush()


def handled(cloud: LocalCloud, name: str) -> dict[int, list[int]]:
    """By partition, the numbers in the order in which invocations that succeeded had them."""
    logs, group = cloud.client("logs"), f"/aws/lambda/{name}"
    lines = []
    for stream in logs.describe_log_streams(logGroupName=group)["logStreams"]:
        token = None
        while True:
            more = {"nextToken": token} if token else {}
            found = logs.get_log_events(
                logGroupName=group,
                logStreamName=stream["logStreamName"],
                startFromHead=True,
                **more,
            )
            lines += [(each["timestamp"], each["message"]) for each in found["events"]]
            if found["nextForwardToken"] == token or not found["events"]:
                break
            token = found["nextForwardToken"]
    partitions: dict[int, list[int]] = defaultdict(list)
    for _, line in sorted(lines, key=lambda each: each[0]):
        if line.startswith("DONE "):
            for word in line.split()[1:]:
                partition, _, number = word.partition(":")
                partitions[int(partition)].append(int(number))
    return partitions


def run(cloud: LocalCloud, servers: str, name: str, count: int) -> list[str]:
    """One soak; what does not hold, in words."""
    client, dice = cloud.client("lambda"), random.Random(SEED)
    create(client, name, HANDLER)
    produce(servers, name, range(PARTITIONS), dice)  # the first record makes the topic
    uuid = client.create_event_source_mapping(
        FunctionName=name,
        SelfManagedEventSource={"Endpoints": {"KAFKA_BOOTSTRAP_SERVERS": [servers]}},
        Topics=[name],
        StartingPosition="TRIM_HORIZON",
        SourceAccessConfigurations=[{"Type": "VPC_SUBNET", "URI": "subnet:subnet-0"}],
    )["UUID"]
    sender = threading.Thread(target=produce, args=(servers, name, range(4, count), dice))
    sender.start()
    while sender.is_alive():
        sender.join(2)
        for enabled in (False, True):
            cloud.idle()
            client.update_event_source_mapping(UUID=uuid, Enabled=enabled)
            while client.get_event_source_mapping(UUID=uuid)["State"] not in (
                "Enabled",
                "Disabled",
            ):
                time.sleep(0.01)
    cloud.idle(300)
    client.delete_event_source_mapping(UUID=uuid)
    problems, found = [], handled(cloud, name)
    for partition in range(PARTITIONS):
        wanted = list(range(partition, count, PARTITIONS))
        if found[partition] != wanted:
            lost = len(set(wanted) - set(found[partition]))
            twice = len(found[partition]) - len(set(found[partition]))
            problems.append(f"{name}-{partition}: {lost} lost, {twice} twice, or out of order")
    failed = sum(each.status != "success" for each in cloud.invocations(name))
    print(f"{name}: {len(cloud.invocations(name))} invocations, {failed} of them failed")
    return problems


def main() -> int:
    """Two runs in one cloud, the second for what the first left behind."""
    count = int(sys.argv[1]) if len(sys.argv) > 1 else 20_000
    broker = Broker()
    servers = ",".join(broker.servers)
    problems, process = [], psutil.Process()
    before = threading.active_count()
    with LocalCloud() as cloud:
        memory = []
        for name in ("first", "second"):
            started = time.monotonic()
            problems += run(cloud, servers, name, count)
            seconds = time.monotonic() - started
            memory.append(process.memory_info().rss / 1e6)
            print(f"{name}: {count / seconds:.0f} records a second, {memory[-1]:.0f} MB")
        if memory[1] - memory[0] > MOST_GROWTH_MB:
            problems.append(f"memory grew by {memory[1] - memory[0]:.0f} MB")
    left = [t.name for t in threading.enumerate() if "kafka" in t.name]
    if left:
        problems.append(f"threads are left: {left}")
    print(f"threads: {before} before, {threading.active_count()} after")
    print(*problems or ["everything holds"], sep="\n")
    return 1 if problems else 0


if __name__ == "__main__":
    sys.exit(main())
