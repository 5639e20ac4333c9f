"""A month of log lines, made up: the lines, the prices, and what they come to."""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from fractions import Fraction
from typing import Any

from workshop.grading import fresh

X86, ARM = "x86_64", "arm64"
FAR = 10**12  # GB-seconds: a tier that nobody fills
FREE_MB = 512
STEP = 300  # seconds


def request_id() -> str:
    """A request id of a form that Lambda gives."""
    return f"{fresh.digits(8)}-{fresh.digits(4)}-4{fresh.digits(3)}-8{fresh.digits(3)}-" + (
        fresh.digits(12)
    )


@dataclass(frozen=True)
class Line:
    """One invocation, as its log reports it. What is not given is such that nothing depends on it.

    `duration` and `init` are in ms, with decimals; `used` is in MB. `times` is how often the line
    was there.
    """

    billed_ms: int = field(default_factory=lambda: 100 * fresh.whole(1, 60))
    memory_mb: int = field(default_factory=lambda: fresh.whole(128, 3008))
    times: int = field(default_factory=lambda: fresh.whole(300_000, 900_000))
    duration: str = ""
    init: str = ""
    used: int = 0
    status: str = "success"
    request_id: str = field(default_factory=request_id)

    @property
    def took(self) -> str:
        """Duration: by default all that is billed."""
        return self.duration or f"{self.billed_ms}.00"

    @property
    def wait(self) -> Decimal:
        """How long the caller waited, in ms."""
        return Decimal(self.took) + Decimal(self.init or 0)

    @property
    def gb_seconds(self) -> Fraction:
        """What all its invocations come to."""
        return Fraction(self.times * self.billed_ms * self.memory_mb, 1000 * 1024)

    @property
    def text(self) -> str:
        """REPORT, as text. As on AWS, a tab follows the last field."""
        fields = [
            f"REPORT RequestId: {self.request_id}",
            f"Duration: {self.took} ms",
            f"Billed Duration: {self.billed_ms} ms",
            f"Memory Size: {self.memory_mb} MB",
            f"Max Memory Used: {self.used or self.memory_mb} MB",
        ]
        if self.init:
            fields.append(f"Init Duration: {self.init} ms")
        fields.append("" if self.status == "success" else f"Status: {self.status}")
        return "\t".join(fields) + "\n"

    @property
    def json(self) -> str:
        """The same in the JSON format."""
        metrics = {
            "durationMs": float(self.took),
            "billedDurationMs": self.billed_ms,
            "memorySizeMB": self.memory_mb,
            "maxMemoryUsedMB": self.used or self.memory_mb,
        }
        if self.init:
            metrics["initDurationMs"] = float(self.init)
        record = {"requestId": self.request_id, "metrics": metrics, "status": self.status}
        time = f"{fresh.moment():%Y-%m-%dT%H:%M:%S}.000Z"
        return json.dumps({"time": time, "type": "platform.report", "record": record}) + "\n"


@dataclass(frozen=True)
class Log:
    """What one function wrote. `messages` stand for the lines, in their order, unless left out."""

    lines: Sequence[Line]
    region: str = "us-east-1"
    architecture: str = X86
    messages: Sequence[str] = ()
    more: dict[str, Any] = field(default_factory=dict)

    def as_event(self) -> dict[str, Any]:
        """As the function under test gets it; messages that are not reports have `times` 1."""
        times = iter(line.times for line in self.lines)
        messages = self.messages or [line.text for line in self.lines]
        return {
            "function": fresh.word(),
            "region": self.region,
            "architecture": self.architecture,
            "events": [
                {"message": each, "times": next(times) if is_report(each) else 1}
                for each in messages
            ],
            **self.more,
        }


def is_report(message: str) -> bool:
    """Whether a message is one of those that `Line` makes."""
    return message.startswith("REPORT RequestId:") or '"type": "platform.report"' in message


def amount(lowest: int, highest: int) -> str:
    """A price of ten decimals: so many times 0.0000000001 dollars."""
    return f"{Decimal(fresh.whole(lowest, highest)).scaleb(-10):.10f}"


def tiers(base: int, *ends: int) -> list[dict[str, Any]]:
    """Tiers that end at these GB-seconds, and a last one; each is cheaper than the one before."""
    prices = [amount(base - 30_000 * n, base + 9000 - 30_000 * n) for n in range(len(ends) + 1)]
    found: list[dict[str, Any]] = [
        {"up_to": end, "gb_second": price} for end, price in zip(ends, prices, strict=False)
    ]
    return [*found, {"gb_second": prices[-1]}]


def region(*ends: int, dear: bool = False) -> dict[str, Any]:
    """The prices of a Region, near AWS's, with tiers that end at these GB-seconds.

    One that is dear has other prices than one that is not, whatever chance says.
    """
    more = 40_000 if dear else 0
    return {
        "requests": f"0.{fresh.whole(25, 29) if dear else fresh.whole(17, 23)}",
        "storage": amount(300, 400),
        **{
            architecture: {
                "tiers": tiers(base + more, *(ends or (FAR, 2 * FAR))),
                "provisioned": amount(40_000, 50_000),
                "provisioned_duration": amount(90_000, 110_000),
            }
            for architecture, base in ((X86, 160_000), (ARM, 140_000))
        },
    }


@dataclass(frozen=True)
class Month:
    """Logs, and prices for their Regions. By default nothing is free."""

    logs: Sequence[Log]
    regions: dict[str, dict[str, Any]] = field(default_factory=lambda: {"us-east-1": region()})
    free_requests: int = 0
    free_gb_seconds: int = 0

    def as_event(self) -> dict[str, Any]:
        """As the function under test gets it."""
        free = {"requests": self.free_requests, "gb_seconds": self.free_gb_seconds}
        prices = {"free": free, "regions": self.regions}
        return {"prices": prices, "logs": [log.as_event() for log in self.logs]}

    def costs(self) -> dict[str, Fraction]:
        """What it comes to, exactly."""
        costs: dict[str, Fraction] = defaultdict(Fraction)
        used: dict[tuple[str, str], Fraction] = defaultdict(Fraction)
        left = [Fraction(self.free_requests), Fraction(self.free_gb_seconds)]
        for log in self.logs:
            prices = self.regions[log.region]
            requests = Fraction(sum(line.times for line in log.lines))
            gb_seconds = sum((line.gb_seconds for line in log.lines), Fraction(0))
            kept = log.more.get("provisioned")
            if kept:
                mine = prices[log.architecture]
                steps = -(-kept["seconds"] // STEP)
                gb = Fraction(kept["concurrency"] * kept["memory_mb"], 1024)
                costs["provisioned"] += steps * STEP * gb * Fraction(mine["provisioned"])
                costs["duration"] += gb_seconds * Fraction(mine["provisioned_duration"])
            else:
                taken = (min(left[0], requests), min(left[1], gb_seconds))
                left = [left[0] - taken[0], left[1] - taken[1]]
                requests -= taken[0]
                used[log.region, log.architecture] += gb_seconds - taken[1]
            costs["requests"] += requests * Fraction(prices["requests"]) / 1_000_000
            more = Fraction(max(0, log.more.get("storage_mb", 0) - FREE_MB), 1024)
            seconds = Fraction(sum(line.times * line.billed_ms for line in log.lines), 1000)
            costs["storage"] += more * seconds * Fraction(prices.get("storage", 0))
        for (name, architecture), gb_seconds in used.items():
            costs["duration"] += priced(gb_seconds, self.regions[name][architecture]["tiers"])
        return costs

    def bill(self, *names: str) -> dict[str, str]:
        """What the function under test should say of these names, and the total."""
        costs = self.costs()
        total = {"total": cents(sum(costs.values(), Fraction(0)))}
        return {name: cents(costs[name]) for name in names} | total

    def brief(self) -> list[str]:
        """The month in lines, for messages: as much as fits."""
        shown = [f"free: {self.free_requests} requests, {self.free_gb_seconds} GB-seconds"]
        for log in self.logs:
            prices = self.regions[log.region]
            first = prices[log.architecture]["tiers"][0]
            extra = f", {json.dumps(log.more)}" if log.more else ""
            ends = f" up to {first['up_to']}" if first["up_to"] < FAR else ""
            shown.append(
                f"{log.region}, {log.architecture}: ${prices['requests']} a million requests, "
                f"${first['gb_second']} a GB-second{ends}{extra}"
            )
            shown += list(_some(log))
        return shown


def _some(log: Log) -> Iterator[str]:
    events = log.as_event()["events"]
    for event in events[:4]:
        yield f"  {event['times']} x {event['message'].strip()}"
    if len(events) > 4:
        yield f"  ... and {len(events) - 4} more lines"


def priced(gb_seconds: Fraction, steps: Sequence[dict[str, Any]]) -> Fraction:
    """What GB-seconds cost, each part at the price of its tier."""
    total, start = Fraction(0), Fraction(0)
    for step in steps:
        end = Fraction(step.get("up_to", max(start, gb_seconds)))
        part = max(Fraction(0), min(gb_seconds, end) - start)
        total, start = total + part * Fraction(step["gb_second"]), end
    return total


def cents(exact: Fraction) -> str:
    """Dollars and cents; half a cent goes up."""
    whole = (exact * 100 + Fraction(1, 2)).__floor__()
    return f"{whole // 100}.{whole % 100:02}"
