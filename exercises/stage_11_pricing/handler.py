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

# --- your imports, constants and helpers: end ---


def bill(event, context):
    """Makes the bill of a month."""
    # --- your code: start ---
    return {}
    # --- your code: end ---


def cheapest(event, context):
    """Finds the memory whose p95 meets the goal for the least money."""
    # --- your code: start ---
    return {}
    # --- your code: end ---
