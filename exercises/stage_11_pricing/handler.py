"""Stage 11: a bill made from log lines, and the memory to choose.

Two functions are made of this file, with the handlers handler.bill and handler.cheapest.

Both get prices and log lines. Prices are strings, in US dollars: make Decimals of them, never
floats. They differ from run to run: do not hard-code them.

    {"prices": {"free": {"requests": 1000000, "gb_seconds": 400000},
                "regions": {"us-east-1": {
                    "requests": "0.20",                    a million requests
                    "x86_64": {"tiers": [                  a GB-second; the core of this stage uses
                        {"up_to": 6000000000,              the first tier's price for all of them
                         "gb_second": "0.0000166667"},
                        ...]},
                    "arm64": {"tiers": [...]}}}},
     "logs": [{"function": "fares", "region": "us-east-1", "architecture": "x86_64",
               "events": [{"message": "REPORT RequestId: 8e1f...", "times": 3}, ...]}, ...]}

A message is a line of the function's log, as Lambda writes it, in one of its two formats. <tab> is
a tab character:

    REPORT RequestId: A<tab>Duration: 3.01 ms<tab>Billed Duration: 114 ms<tab>Memory Size: 128 MB...
    {"type": "platform.report", "record": {"requestId": "A", "metrics": {"durationMs": 3.01,
     "billedDurationMs": 114, "memorySizeMB": 128, ...}, "status": "success"}, ...}

Only these count: text that begins with `REPORT RequestId:`, and a JSON object whose `type` is
platform.report. Skip all others; a function prints what it likes. A month has more lines than fit
into an event, so `times` says how many there were like this one. Each of them is a request of its
own, however it ended. A retry repeats a RequestId, and counts as well.

bill      GB-seconds are the billed time in seconds, times the memory that is set, in GB. 1 GB is
          1,024 MB.
          There is one free tier a month for the whole account. Subtract it from the logs in the
          order of the event, requests and GB-seconds separately. (AWS does not say in which order.)
          What is left is billed at the prices of the log's Region and architecture.
          Returns {"requests": "0.40", "duration": "2.33", "total": "2.73"}: what the requests cost,
          what the GB-seconds cost, and both. Keep all amounts exact, and round only these three,
          each by itself, to the cent; half a cent goes up.

cheapest  gets `goal_ms` as well, a whole number, and one log, in which a function was measured with
          several sizes of memory; `times` is 1.
          A caller waits for Duration plus Init Duration (initDurationMs), where a line has one. The
          p95 of a size is the shortest of its waits that at least 95 percent of its waits do not
          exceed: of 20 waits the 19th, of 21 the 20th.
          Of the sizes whose p95 is goal_ms or less, choose the one that costs the least on average,
          at the price of the first tier and without the free tier. Of two that cost the same
          choose the smaller one. Never choose a size with a timeout or an error: its line ends in
          `Status: timeout` or `Status: error`; in JSON, its `status` is not "success".
          Returns {"memory_mb": 512, "p95_ms": "231.40", "million": "2.29"}: the size; its p95, with
          two decimals; what a million such invocations cost, requests included, to the cent. If no
          size will do, all three are None.

EXTRA: bill knows tiers, provisioned concurrency and storage.

    Tiers: the GB-seconds of a Region and an architecture are added up, over all functions, after
    the free tier. What is above `up_to` has the price of the next tier, what is below keeps its
    own price. The last tier has no `up_to`.

    A log may have two more keys:

    "provisioned": {"concurrency": 10, "memory_mb": 1536, "seconds": 28800}
    "storage_mb": 2048

    The first says that all of this log ran on provisioned concurrency: 10 environments were kept
    for 28,800 s, which count rounded up to 5 minutes. Its architecture has two more prices.
    `provisioned` is that of a GB-second that was kept, used or not. `provisioned_duration` is that
    of a GB-second of billed time, instead of the tiers. Its requests cost what others cost. The
    free tier does not apply to such a log.

    The second is the size of /tmp. 512 MB are free. A GB above that costs `storage`, a price of the
    Region, for each second of billed time.

    Return two more amounts, `provisioned` for what was kept and `storage`, "0.00" where there is
    nothing. They are in the total, too.
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
