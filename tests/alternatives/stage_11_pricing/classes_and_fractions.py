"""Another solution: fractions, which are exact without a thought, and a class for a meter."""

import json
import math
import re
from dataclasses import dataclass, field
from fractions import Fraction

REPORT = re.compile(
    r"REPORT RequestId: .*?\tDuration: (?P<took>[\d.]+) ms\tBilled Duration: (?P<billed>\d+) ms"
    r"\tMemory Size: (?P<memory>\d+) MB(?:.*?\tInit Duration: (?P<init>[\d.]+) ms)?"
    r"(?:.*?\tStatus: (?P<status>\w+))?"
)


@dataclass
class Report:
    billed: Fraction  # seconds
    memory: int
    wait: Fraction
    good: bool

    @property
    def gb_seconds(self):
        return self.billed * Fraction(self.memory, 1024)

    @classmethod
    def of(cls, message):
        found = REPORT.match(message)
        if found:
            wait = Fraction(found["took"]) + Fraction(found["init"] or 0)
            good = found["status"] is None
            return cls(Fraction(int(found["billed"]), 1000), int(found["memory"]), wait, good)
        if not message.startswith("{"):
            return None
        try:
            line = json.loads(message, parse_float=Fraction)
        except ValueError:
            return None
        if line.get("type") != "platform.report":
            return None
        metrics = line["record"]["metrics"]
        return cls(
            Fraction(metrics["billedDurationMs"], 1000),
            metrics["memorySizeMB"],
            Fraction(metrics["durationMs"] + metrics.get("initDurationMs", 0)),
            line["record"]["status"] == "success",
        )


@dataclass
class Meter:
    """What runs through it is counted, less what is free."""

    free: Fraction
    passed: dict = field(default_factory=dict)

    def add(self, where, amount):
        paid = max(Fraction(0), amount - self.free)
        self.free = max(Fraction(0), self.free - amount)
        self.passed[where] = self.passed.get(where, Fraction(0)) + paid


def money(amount):
    whole, rest = divmod(math.floor(amount * 100 + Fraction(1, 2)), 100)
    return f"{whole}.{rest:02d}"


def tiered(amount, tiers):
    start, total = 0, Fraction(0)
    for tier in tiers:
        width = amount if "up_to" not in tier else min(amount, tier["up_to"] - start)
        total += width * Fraction(tier["gb_second"])
        amount -= width
        start = tier.get("up_to")
    return total


class Bill:
    def __init__(self, prices):
        self.regions = prices["regions"]
        self.requests = Meter(Fraction(prices["free"]["requests"]))
        self.compute = Meter(Fraction(prices["free"]["gb_seconds"]))
        self.amounts = {
            key: Fraction(0) for key in ("requests", "duration", "provisioned", "storage")
        }

    def add(self, log):
        region, architecture = log["region"], log["architecture"]
        reports = [(Report.of(e["message"]), e["times"]) for e in log["events"]]
        reports = [(report, times) for report, times in reports if report is not None]
        requests = Fraction(sum(times for _, times in reports))
        gb_seconds = sum((r.gb_seconds * times for r, times in reports), Fraction(0))
        if "provisioned" in log:
            kept, prices = log["provisioned"], self.regions[region][architecture]
            seconds = math.ceil(Fraction(kept["seconds"], 300)) * 300
            gb = Fraction(kept["memory_mb"] * kept["concurrency"], 1024)
            self.amounts["provisioned"] += gb * seconds * Fraction(prices["provisioned"])
            self.amounts["duration"] += gb_seconds * Fraction(prices["provisioned_duration"])
            self.pay_requests(region, requests)
        else:
            self.requests.add(region, requests)
            self.compute.add((region, architecture), gb_seconds)
        if log.get("storage_mb", 512) > 512:
            seconds = sum((r.billed * times for r, times in reports), Fraction(0))
            gb = Fraction(log["storage_mb"] - 512, 1024)
            self.amounts["storage"] += gb * seconds * Fraction(self.regions[region]["storage"])

    def pay_requests(self, region, requests):
        self.amounts["requests"] += requests * Fraction(self.regions[region]["requests"]) / 10**6

    def close(self):
        for region, requests in self.requests.passed.items():
            self.pay_requests(region, requests)
        for (region, architecture), amount in self.compute.passed.items():
            self.amounts["duration"] += tiered(amount, self.regions[region][architecture]["tiers"])
        amounts = {**self.amounts, "total": sum(self.amounts.values())}
        return {key: money(amount) for key, amount in amounts.items()}


def bill(event, context):
    made = Bill(event["prices"])
    for log in event["logs"]:
        made.add(log)
    return made.close()


def cheapest(event, context):
    log = event["logs"][0]
    prices = event["prices"]["regions"][log["region"]]
    sizes = {}
    for message in (e["message"] for e in log["events"]):
        report = Report.of(message)
        if report:
            sizes.setdefault(report.memory, []).append(report)
    best = None
    for memory in sorted(sizes):
        reports = sizes[memory]
        waits = sorted(report.wait for report in reports)
        wait = waits[math.ceil(Fraction(95, 100) * len(waits)) - 1]
        cost = sum(report.gb_seconds for report in reports) / len(reports)
        slow = wait > event["goal_ms"] or not all(report.good for report in reports)
        if not slow and (best is None or cost < best[0]):
            best = (cost, memory, wait)
    if best is None:
        return dict.fromkeys(("memory_mb", "p95_ms", "million"))
    cost, memory, wait = best
    gb_second = Fraction(prices[log["architecture"]]["tiers"][0]["gb_second"])
    million = cost * gb_second * 10**6 + Fraction(prices["requests"])
    return {"memory_mb": memory, "p95_ms": money(wait), "million": money(million)}
