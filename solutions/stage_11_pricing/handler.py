"""Stage 11: make a bill from log lines, and choose the size of a function's memory.

This file becomes two functions, with the handlers handler.bill and handler.cheapest.

Both get prices and logs. Prices are strings, in US dollars: convert them to Decimal, never to
float. They differ from run to run, so do not hard-code them.

    {"prices": {"free": {"requests": 1000000, "gb_seconds": 400000},
                "regions": {"us-east-1": {
                    "requests": "0.20",                    for a million requests
                    "x86_64": {"tiers": [                  for a GB-second; in the core of this
                        {"up_to": 6000000000,              stage, the price of the first tier
                         "gb_second": "0.0000166667"},     applies to all GB-seconds
                        ...]},
                    "arm64": {"tiers": [...]}}}},
     "logs": [{"function": "fares", "region": "us-east-1", "architecture": "x86_64",
               "events": [{"message": "REPORT RequestId: 8e1f...", "times": 3}, ...]}, ...]}

A message is a line of the function's log. Lambda writes its reports in one of two formats, text or
JSON. Here, <tab> is a tab character:

    REPORT RequestId: A<tab>Duration: 3.01 ms<tab>Billed Duration: 114 ms<tab>Memory Size: 128 MB...
    {"type": "platform.report", "record": {"requestId": "A", "metrics": {"durationMs": 3.01,
     "billedDurationMs": 114, "memorySizeMB": 128, ...}, "status": "success"}, ...}

Count only reports: text that begins with `REPORT RequestId:`, and JSON objects whose `type` is
platform.report. Skip all other lines, since a function can print anything. A month has more lines
than fit into an event, so `times` says how many lines were like this one. Each of them is a
separate request, however it ended. A retry has the same RequestId, and counts as well.

bill      computes what a month costs. GB-seconds are the billed time in seconds, times the memory
          that is set, in GB. 1 GB is 1,024 MB.
          The whole account has one free tier a month. Subtract it from the logs in the order of the
          event, requests and GB-seconds separately. (AWS does not say in which order.) What is left
          is billed at the prices of the log's Region and architecture.
          Returns {"requests": "0.40", "duration": "2.33", "total": "2.73"}: the price of the
          requests, the price of the GB-seconds, and the sum of both. Keep all amounts exact. Round
          only these three to the cent, each by itself, and round half a cent up.

cheapest  chooses a size of memory. It also gets `goal_ms`, a whole number, and only one log, in
          which a function was measured with several sizes of memory; `times` is always 1.
          A caller waits for Duration plus Init Duration (initDurationMs), if the line has one. The
          p95 of a size is the shortest of its waits that at least 95 percent of its waits do not
          exceed: of 20 waits the 19th, of 21 the 20th.
          Of the sizes whose p95 is at most goal_ms, choose the one with the lowest average cost, at
          the price of the first tier and without the free tier. If two sizes cost the same, choose
          the smaller one. Never choose a size with a timeout or an error: its line ends in
          `Status: timeout` or `Status: error`; in JSON, its `status` is not "success".
          Returns {"memory_mb": 512, "p95_ms": "231.40", "million": "2.29"}: the size; its p95, with
          two decimals; the price of a million such invocations, requests included, to the cent.
          Round both half up. If no size meets these conditions, all three are None.

EXTRA: bill also handles tiers, provisioned concurrency and storage.

    Tiers: add up the GB-seconds of all functions by Region and architecture, after the free tier.
    GB-seconds above `up_to` cost the price of the next tier; those below keep their own price. The
    last tier has no `up_to`.

    A log may have two more keys:

    "provisioned": {"concurrency": 10, "memory_mb": 1536, "seconds": 28800}
    "storage_mb": 2048

    `provisioned` says that all of this log ran on provisioned concurrency: 10 environments were
    kept for 28,800 s. Round this time up to a multiple of 5 minutes. The architecture then has two
    more prices. `provisioned` is for a GB-second of keeping environments, used or not.
    `provisioned_duration` is for a GB-second of billed time, instead of the tiers, and is part of
    `duration`. Each request costs the usual price. The free tier applies neither to the GB-seconds
    nor to the requests of such a log.

    `storage_mb` is the size of /tmp. 512 MB are free. Each GB above that costs `storage`, a price
    of the Region, for each second of billed time.

    Return two more amounts: `provisioned`, for keeping environments, and `storage`. Each is "0.00"
    if there is nothing to pay. Both are part of the total.
"""

# --- your imports, constants and helpers: start ---
import json
from collections import defaultdict
from decimal import ROUND_HALF_UP, Decimal

MILLION = 1_000_000
MB_PER_GB = 1024
FREE_STORAGE_MB = 512
FIVE_MINUTES = 300  # seconds


def cents(amount):
    """An exact amount as a string, rounded to the cent."""
    return str(amount.quantize(Decimal("0.01"), ROUND_HALF_UP))


def gb_seconds_of(milliseconds, mb):
    """So many milliseconds with so much memory, in GB-seconds."""
    return Decimal(milliseconds * mb) / 1000 / MB_PER_GB


def from_text(message):
    """What counts of a REPORT line: numbers by name."""
    fields = dict(field.split(": ", 1) for field in message.split("\t") if ": " in field)
    waits = (fields["Duration"], fields.get("Init Duration", "0 ms"))
    return {
        "billed_ms": int(fields["Billed Duration"].split()[0]),
        "memory_mb": int(fields["Memory Size"].split()[0]),
        "wait_ms": sum(Decimal(wait.split()[0]) for wait in waits),
        "failed": "Status" in fields,
    }


def from_json(record):
    """What counts of the record of a platform.report, in the same form."""
    metrics = record["metrics"]
    return {
        "billed_ms": metrics["billedDurationMs"],
        "memory_mb": metrics["memorySizeMB"],
        "wait_ms": metrics["durationMs"] + metrics.get("initDurationMs", Decimal(0)),
        "failed": record["status"] != "success",
    }


def read(message):
    """What counts of a line, or None if nothing does."""
    if message.startswith("REPORT RequestId:"):
        return from_text(message)
    try:
        found = json.loads(message, parse_float=Decimal)
    except ValueError:
        return None
    is_report = isinstance(found, dict) and found.get("type") == "platform.report"
    return from_json(found["record"]) if is_report else None


def reports(log):
    """The reports of a log, each with how many there were like it."""
    found = [(read(event["message"]), event["times"]) for event in log["events"]]
    return [(report, times) for report, times in found if report]


def price_of(gb_seconds, tiers):
    """What GB-seconds cost: each part has the price of its tier."""
    total, below = Decimal(0), Decimal(0)
    for tier in tiers:
        end = min(gb_seconds, tier.get("up_to", gb_seconds))
        total += max(0, end - below) * Decimal(tier["gb_second"])
        below = max(below, end)
    return total


def take(free, name, amount):
    """What is left of an amount after the free tier, which becomes smaller."""
    taken = min(free[name], amount)
    free[name] -= taken
    return amount - taken


def kept(provisioned):
    """The GB-seconds for which provisioned concurrency was kept."""
    seconds = -(-provisioned["seconds"] // FIVE_MINUTES) * FIVE_MINUTES
    return gb_seconds_of(1000 * seconds * provisioned["concurrency"], provisioned["memory_mb"])


def p95(waits):
    """The shortest wait that 95 percent of them do not exceed."""
    rank = -(-95 * len(waits) // 100)  # rounded up
    return sorted(waits)[rank - 1]


# --- your imports, constants and helpers: end ---


def bill(event, context):
    """Makes the bill of a month."""
    # --- your code: start ---
    regions, free = event["prices"]["regions"], dict(event["prices"]["free"])
    costs = dict.fromkeys(("requests", "duration", "provisioned", "storage"), Decimal(0))
    on_demand = defaultdict(Decimal)  # GB-seconds by Region and architecture
    for log in event["logs"]:
        region, found = regions[log["region"]], reports(log)
        mine, provisioned = region[log["architecture"]], log.get("provisioned")
        requests = sum(times for _, times in found)
        gb_seconds = sum(
            gb_seconds_of(each["billed_ms"] * times, each["memory_mb"]) for each, times in found
        )
        if provisioned:
            costs["provisioned"] += kept(provisioned) * Decimal(mine["provisioned"])
            costs["duration"] += gb_seconds * Decimal(mine["provisioned_duration"])
        else:
            requests = take(free, "requests", requests)
            billable = take(free, "gb_seconds", gb_seconds)
            on_demand[log["region"], log["architecture"]] += billable
        costs["requests"] += requests * Decimal(region["requests"]) / MILLION
        more_mb = log.get("storage_mb", FREE_STORAGE_MB) - FREE_STORAGE_MB
        if more_mb:
            billed_ms = sum(each["billed_ms"] * times for each, times in found)
            costs["storage"] += gb_seconds_of(billed_ms, more_mb) * Decimal(region["storage"])
    for (name, architecture), gb_seconds in on_demand.items():
        costs["duration"] += price_of(gb_seconds, regions[name][architecture]["tiers"])
    costs["total"] = sum(costs.values())
    return {name: cents(amount) for name, amount in costs.items()}
    # --- your code: end ---


def cheapest(event, context):
    """Finds the memory whose p95 meets the goal for the least money."""
    # --- your code: start ---
    [log] = event["logs"]
    region = event["prices"]["regions"][log["region"]]
    gb_second = Decimal(region[log["architecture"]]["tiers"][0]["gb_second"])
    sizes = defaultdict(list)
    for report, _ in reports(log):
        sizes[report["memory_mb"]].append(report)
    fit = []
    for memory_mb, found in sizes.items():
        wait = p95([each["wait_ms"] for each in found])
        if wait <= event["goal_ms"] and not any(each["failed"] for each in found):
            billed_ms = sum(each["billed_ms"] for each in found)
            a_million = gb_seconds_of(billed_ms * MILLION, memory_mb) / len(found) * gb_second
            fit.append((a_million, memory_mb, wait))
    if not fit:
        return {"memory_mb": None, "p95_ms": None, "million": None}
    a_million, memory_mb, wait = min(fit)
    return {
        "memory_mb": memory_mb,
        "p95_ms": cents(wait),
        "million": cents(a_million + Decimal(region["requests"])),
    }
    # --- your code: end ---
