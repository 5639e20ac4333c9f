"""Another solution, with whole numbers only: prices and times in units that have no fraction.

A price becomes tenths of a nanodollar, memory and time MB-milliseconds; 1,024,000 of them are a
GB-second.
"""

import json
import re

UNIT = 10**10  # of a dollar
GB_SECOND = 1024 * 1000  # MB-milliseconds
MILLION = 10**6


def units(price):
    dollars, _, rest = price.partition(".")
    return int(dollars) * UNIT + int(rest.ljust(10, "0"))


def hundredths(text):
    """A number with up to four decimals, in 1/10,000."""
    whole, _, rest = str(text).partition(".")
    return int(whole) * 10_000 + int(rest[:4].ljust(4, "0"))


def two_decimals(top, bottom):
    """A fraction with two decimals, half up."""
    found = (200 * top + bottom) // (2 * bottom)
    return f"{found // 100}.{found % 100:02}"


def parse(message):
    """billed ms, MB, wait in 1/10,000 ms, whether it failed; or None."""
    if message.startswith("REPORT RequestId:"):

        def number(name):
            found = re.search(rf"\t{name}: ([\d.]+)", message)
            return found[1] if found else "0"

        wait = hundredths(number("Duration")) + hundredths(number("Init Duration"))
        memory = int(number("Memory Size"))
        return int(number("Billed Duration")), memory, wait, "\tStatus: " in message
    if '"platform.report"' not in message or message[0] != "{":
        return None
    line = json.loads(message, parse_float=str, parse_int=str)
    found = line["record"]["metrics"]
    wait = hundredths(found["durationMs"]) + hundredths(found.get("initDurationMs", "0"))
    failed = line["record"]["status"] != "success"
    return int(found["billedDurationMs"]), int(found["memorySizeMB"]), wait, failed


def parsed(log):
    for event in log["events"]:
        found = parse(event["message"])
        if found:
            yield (*found, event["times"])


def bill(event, context):
    regions, free = event["prices"]["regions"], event["prices"]["free"]
    free_requests, free_time = free["requests"], free["gb_seconds"] * GB_SECOND
    # All amounts are dollars times this:
    scale = UNIT * GB_SECOND * MILLION
    requests_cost = duration = provisioned = storage = 0
    used = {}
    for log in event["logs"]:
        prices = regions[log["region"]]
        mine = prices[log["architecture"]]
        requests = time = milliseconds = 0
        for billed_ms, memory_mb, _, _, times in parsed(log):
            requests += times
            milliseconds += billed_ms * times
            time += billed_ms * memory_mb * times
        if log.get("provisioned"):
            kept = log["provisioned"]
            steps = (kept["seconds"] + 299) // 300
            amount = steps * 300 * 1000 * kept["concurrency"] * kept["memory_mb"]
            provisioned += amount * units(mine["provisioned"]) * MILLION
            duration += time * units(mine["provisioned_duration"]) * MILLION
        else:
            less_requests, less_time = min(requests, free_requests), min(time, free_time)
            free_requests, requests = free_requests - less_requests, requests - less_requests
            free_time, time = free_time - less_time, time - less_time
            key = (log["region"], log["architecture"])
            used[key] = used.get(key, 0) + time
        requests_cost += requests * units(prices["requests"]) * GB_SECOND
        extra_mb = max(0, log.get("storage_mb", 0) - 512)
        if extra_mb:
            storage += milliseconds * extra_mb * units(prices["storage"]) * MILLION
    for (region, architecture), time in used.items():
        start = 0
        for tier in regions[region][architecture]["tiers"]:
            end = tier["up_to"] * GB_SECOND if tier.get("up_to") else time
            duration += max(0, min(time, end) - start) * units(tier["gb_second"]) * MILLION
            start = end
    total = requests_cost + duration + provisioned + storage
    return {
        "requests": two_decimals(requests_cost, scale),
        "duration": two_decimals(duration, scale),
        "provisioned": two_decimals(provisioned, scale),
        "storage": two_decimals(storage, scale),
        "total": two_decimals(total, scale),
    }


def cheapest(event, context):
    log = event["logs"][0]
    prices = event["prices"]["regions"][log["region"]]
    gb_second = units(prices[log["architecture"]]["tiers"][0]["gb_second"])
    lines = list(parsed(log))
    choices = []
    for size in sorted({memory_mb for _, memory_mb, _, _, _ in lines}):
        mine = [line for line in lines if line[1] == size]
        waits = sorted(line[2] for line in mine)
        wait = waits[(95 * len(waits) + 99) // 100 - 1]
        if wait > event["goal_ms"] * 10_000 or any(line[3] for line in mine):
            continue
        top = sum(line[0] for line in mine) * size * gb_second * MILLION
        top += units(prices["requests"]) * GB_SECOND * len(mine)
        choices.append((top, GB_SECOND * UNIT * len(mine), size, wait))
    if not choices:
        return {"memory_mb": None, "p95_ms": None, "million": None}
    best = choices[0]
    for choice in choices[1:]:
        if choice[0] * best[1] < best[0] * choice[1]:
            best = choice
    return {
        "memory_mb": best[2],
        "p95_ms": two_decimals(best[3], 10_000),
        "million": two_decimals(best[0], best[1]),
    }
