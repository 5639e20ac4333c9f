"""Prints what an invocation costs here, beside moto's cheapest call in the same run.

    python benchmarks/invoke.py [--rounds 200] [--isolation auto|process]

create: create_function of a one-line function. cold: the first invocation of a new environment.
cold with boto3: the same for a function that makes a client when it is imported. warm: an
invocation of an environment that is there. list_functions: moto's answer over the same server.
"""

from __future__ import annotations

import argparse
import statistics
import sys
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from measure import create

from workshop.cloud import LocalCloud

PLAIN = "def handler(event, context):\n    return event\n"
WITH_CLIENT = "import boto3\ns3 = boto3.client('s3')\n" + PLAIN


def times_ms(call: Callable[[int], Any], rounds: int) -> list[float]:
    """How long each of `rounds` calls took, in milliseconds."""
    taken = []
    for number in range(rounds):
        began = time.perf_counter()
        call(number)
        taken.append((time.perf_counter() - began) * 1000)
    return taken


def show(name: str, taken: list[float]) -> float:
    """Prints a row; returns its p50."""
    ordered = sorted(taken)
    p50, p95 = statistics.median(ordered), ordered[int(len(ordered) * 0.95)]
    print(f"{name:<28}{p50:9.2f} ms p50 {p95:9.2f} ms p95   ({len(taken)} rounds)")
    return p50


def per_second(cloud: LocalCloud, clients: int, seconds: float = 3.0) -> float:
    """Invocations a second with some clients, each of its own connection."""
    until = time.perf_counter() + seconds

    def work(_: int) -> int:
        client, count = cloud.client("lambda"), 0
        client.invoke(FunctionName="warm", Payload=b"{}")
        while time.perf_counter() < until:
            client.invoke(FunctionName="warm", Payload=b"{}")
            count += 1
        return count

    with ThreadPoolExecutor(clients) as pool:
        return sum(pool.map(work, range(clients))) / seconds


def measure(cloud: LocalCloud, rounds: int) -> None:
    """Prints the table."""
    client = cloud.client("lambda")
    create(client, "warm", PLAIN)
    client.invoke(FunctionName="warm")
    some = max(10, rounds // 10)
    show("create", times_ms(lambda n: create(client, f"new-{n}", PLAIN), some))
    show("cold", times_ms(lambda n: client.invoke(FunctionName=f"new-{n}"), some))
    for number in range(10):
        create(client, f"boto-{number}", WITH_CLIENT, MemorySize=512)
    show(
        "cold with a boto3 client", times_ms(lambda n: client.invoke(FunctionName=f"boto-{n}"), 10)
    )
    for number in range(some):
        client.delete_function(FunctionName=f"new-{number}")
    for number in range(10):
        client.delete_function(FunctionName=f"boto-{number}")
    warm = show("warm", times_ms(lambda n: client.invoke(FunctionName="warm"), rounds))
    listed = show("moto's list_functions", times_ms(lambda n: client.list_functions(), rounds))
    print(f"{'warm / list_functions':<28}{warm / listed:9.2f} times")
    for clients in (1, 4):
        rate = per_second(cloud, clients)
        print(f"{f'{clients} clients':<28}{rate:9.0f} invocations a second")


def main() -> None:
    """Parses the arguments and measures."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rounds", type=int, default=200)
    parser.add_argument("--isolation", choices=("auto", "process"), default="auto")
    args = parser.parse_args()
    with LocalCloud(isolation=args.isolation) as cloud:
        print(f"Python {sys.version.split()[0]}, isolation: {cloud.isolation}")
        measure(cloud, args.rounds)


if __name__ == "__main__":
    main()
