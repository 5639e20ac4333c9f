"""Prints what a cloud uses, and whether it comes back: memory, threads, processes, files, disk.

    python benchmarks/growth.py [--clouds 30] [--invocations 20000] [--deployments 500]
                                [--environments 200] [--idle 5] [--isolation auto|process]

A row for each moment: before anything; after a first cloud, which loads moto; after clouds that
were started and closed in a row; with one cloud after many invocations of one function; after
deployments, each created, invoked and deleted; with many environments that run at once; when all of
them were idle for `--idle` seconds, which ends them; after that cloud's end. What you keep on AWS
is kept here too: the log of the invocations goes when its log group is deleted, which is a row of
its own.
"""

from __future__ import annotations

import argparse
import os
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import psutil
from measure import create, memory, processes, settled_processes

from workshop.cloud import LocalCloud

PLAIN = "def handler(event, context):\n    return event\n"
SLEEPS = "import time\ndef handler(event, context):\n    time.sleep(event['seconds'])\n"
LOG_GROUP = "/aws/lambda/{}"
CLIENTS = 4  # that invoke at the same time


def show(what: str, cloud: LocalCloud | None = None) -> None:
    """Prints a row; what has just ended gets a moment to be gone."""
    time.sleep(1)
    process = psutil.Process(os.getpid())
    files = process.num_handles() if sys.platform == "win32" else process.num_fds()
    disk = size_of(cloud._folder) // 1024 if cloud else 0
    row = (memory(), process.num_threads(), processes(), files, disk)
    print(f"{what:<44}" + "".join(f"{value:>11,}" for value in row), flush=True)


def size_of(folder: Path) -> int:
    """The bytes of what is below a folder; links are not followed."""
    total = 0
    for root, folders, names in os.walk(folder):
        for name in [*folders, *names]:
            try:
                total += (Path(root) / name).lstat().st_size
            except OSError:  # it went meanwhile
                continue
    return total


def in_a_row(clouds: int, isolation: str) -> None:
    """Starts clouds, invokes a function in each, and closes them."""
    for _ in range(clouds):
        with LocalCloud(isolation=isolation) as cloud:
            client = cloud.client("lambda")
            create(client, "once", PLAIN)
            client.invoke(FunctionName="once")
            client.close()


def invoke(cloud: LocalCloud, invocations: int) -> None:
    """Invokes one function again and again."""
    create(cloud.client("lambda"), "warm", PLAIN)

    def work(count: int) -> None:
        client = cloud.client("lambda")
        for _ in range(count):
            client.invoke(FunctionName="warm", Payload=b"{}")
        client.close()

    with ThreadPoolExecutor(CLIENTS) as pool:
        list(pool.map(work, [invocations // CLIENTS] * CLIENTS))


def deploy(cloud: LocalCloud, deployments: int) -> None:
    """Creates a function, invokes it and deletes it with its log, again and again."""
    client, logs = cloud.client("lambda"), cloud.client("logs")
    for number in range(deployments):
        name = f"new-{number}"
        create(client, name, f"NUMBER = {number}\n{PLAIN}")
        client.invoke(FunctionName=name)
        client.delete_function(FunctionName=name)
        logs.delete_log_group(logGroupName=LOG_GROUP.format(name))
    client.close()
    logs.close()


def at_once(cloud: LocalCloud, environments: int) -> None:
    """Invokes a function that sleeps, and prints a row while so many of its environments run."""
    client = cloud.client("lambda")
    create(client, "sleeps", SLEEPS, Timeout=600)
    payload = b'{"seconds": %d}' % max(10, environments // 2)

    def work(_: int) -> None:
        client.invoke(FunctionName="sleeps", Payload=payload)

    with ThreadPoolExecutor(environments) as pool:
        done = pool.map(work, range(environments))
        before = 0
        while processes() > before:  # they start
            before = processes()
            time.sleep(2)
        show(f"{environments} environments at once", cloud)
        list(done)
    client.close()


def one_cloud(args: argparse.Namespace) -> None:
    """The rows of one cloud that is used for long."""
    with LocalCloud(isolation=args.isolation, idle_environment_timeout=args.idle) as cloud:
        show("one cloud", cloud)
        at_first = processes()
        invoke(cloud, args.invocations)
        show(f"{args.invocations:,} invocations", cloud)
        logs = cloud.client("logs")
        logs.delete_log_group(logGroupName=LOG_GROUP.format("warm"))
        logs.close()
        show("their log group deleted", cloud)
        deploy(cloud, args.deployments)
        show(f"{args.deployments} deployments", cloud)
        at_once(cloud, args.environments)
        time.sleep(args.idle)
        settled_processes(at_first)
        time.sleep(15)  # threads of the pools, too, wait a moment for more to do
        show(f"idle for {args.idle:g} s and more", cloud)
        if cloud.problems():
            print("\n".join(["problems:", *cloud.problems()]))


def main() -> None:
    """Parses the arguments and prints the table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--clouds", type=int, default=30)
    parser.add_argument("--invocations", type=int, default=20_000)
    parser.add_argument("--deployments", type=int, default=500)
    parser.add_argument("--environments", type=int, default=200)
    parser.add_argument("--idle", type=float, default=5.0)
    parser.add_argument("--isolation", choices=("auto", "process"), default="auto")
    args = parser.parse_args()
    heads = ("memory MB", "threads", "processes", "files", "disk KB")
    print(" " * 44 + "".join(f"{head:>11}" for head in heads))
    show("before")
    in_a_row(1, args.isolation)
    show("a cloud closed")
    in_a_row(args.clouds, args.isolation)
    show(f"{args.clouds} clouds in a row")
    one_cloud(args)
    show("closed")


if __name__ == "__main__":
    main()
