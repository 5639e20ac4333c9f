"""Stage 08: every night, a year of log files becomes one report.

This file becomes three functions, with the handlers handler.planner, handler.worker and
handler.reducer. All have the environment variables BUCKET, a bucket, and QUEUE_URL, a queue.

    schedule ──▶ planner ──▶ queue ──▶ worker, many times ──▶ results ──▶ reducer ──▶ report

A log file is text, compressed with gzip. Its key ends in .log.gz; ignore all other keys. Read the
lines whose second word is `rides`, and skip all others, even empty ones:

    2011-11-06T01:00:00-04:00 rides casual=11 registered=49
    2011-11-06T01:00:00-05:00 rides casual=2 registered=31
    2011-11-06T01:05:12-05:00 docks faulty=2

Each hour with rides has one such line. The time is local time in the city, with its offset from
UTC. On the day when the clocks go back, an hour comes twice. A ride belongs to the day in its line.

The planner, and later the reducer, get the same event, which the schedule sends:

    {"time": "2026-11-27T08:30:00Z", "prefix": "logs/2011/"}

NIGHT is the date in `time`, as it is written there: 2026-11-27.

planner   sends one message for each log file whose key begins with `prefix`, however many they
          are, in batches of up to 10. A message is JSON: {"night": NIGHT, "key": KEY}.
          SQS may refuse some entries of a batch and still respond with 200: send those again, up
          to 5 times for each batch. If SQS refuses some even then, raise an error.
          Returns {"night": NIGHT, "files": the number of log files}.

worker    gets messages from the queue. For each, it adds up the file and stores the result.
          Returns {"batchItemFailures": [{"itemIdentifier": messageId}, ...]} with the messages
          that failed: the file is missing or damaged, it has a rides line that cannot be read,
          or the message is not from the planner. A message that fails holds up no other.

reducer   writes reports/NIGHT.csv: a header, then a line for each day, in order:

              day,hours,casual,registered
              2011-11-06,25,1073,2246

          `hours` is the number of the day's rides lines. If a file of the night's plan has no
          result, raise an error and write no report: somebody has to look.
          Returns {"report": "reports/NIGHT.csv", "files": the number of log files}.

Keep the plan and the results in the bucket, below work/NIGHT/, in a form of your choice. Any of
the three may run again for the same night, wholly or in part, in another execution environment
and in any order. The report stays the same, byte for byte: it has no time of processing, and no
file counts twice. Results of another night do not count.

night.json holds the settings around the functions:

    queue     attributes for create_queue. The worker's messages stay invisible for at least six
              times the function's timeout plus the mapping's batching window. After 5 to 10
              receives in vain, a message goes to the dead-letter queue ${DLQ_ARN}. Numbers and
              objects need no quotes: {"RedrivePolicy": {"maxReceiveCount": ...}}.
    mapping   for create_event_source_mapping. Lambda has to read which messages failed.
    schedule  for create_schedule: at 03:30 every night, New York time, without a flexible window.
              Instead of a Target it has the Input, an object: the event above, with
              <aws.scheduler.scheduled-time> for `time`.

EXTRA: the reducer also writes reports/NIGHT.html. It contains one <svg>, with one <rect> for each
month that has rides, in order; its attribute `height` is proportional to the month's rides, casual
and registered. The page's text names the night and the total number of rides, in digits only. The
page stays the same, byte for byte, as the CSV file does.
"""

# --- your imports, constants and helpers: start ---
import csv
import gzip
import io
import json
import os
from collections import Counter

import boto3

BUCKET, QUEUE_URL = os.environ["BUCKET"], os.environ["QUEUE_URL"]
BATCH = 10  # entries, the most that SendMessageBatch takes
ATTEMPTS = 5
TALLEST = 200  # pixels

s3, sqs = boto3.client("s3"), boto3.client("sqs")


def keys_below(prefix):
    """Every key with a prefix, from all pages."""
    pages = s3.get_paginator("list_objects_v2").paginate(Bucket=BUCKET, Prefix=prefix)
    return [found["Key"] for page in pages for found in page.get("Contents", [])]


def store(key, value):
    """Writes a value as JSON. The same value again changes nothing."""
    s3.put_object(Bucket=BUCKET, Key=key, Body=json.dumps(value).encode())


def load(key):
    """Reads what `store` wrote."""
    return json.loads(s3.get_object(Bucket=BUCKET, Key=key)["Body"].read())


def night_of(event):
    """The date of the event: that of the schedule, not of today, which may be another by now."""
    return event["time"][:10]


def plan_of(night):
    """Where the plan of a night is."""
    return f"work/{night}/plan.json"


def result_of(night, key):
    """Where the result of a file is: one place, however often the file is added up."""
    return f"work/{night}/results/{key}.json"


def send(bodies):
    """Sends up to 10 messages, and again those that the queue refuses. Raises RuntimeError."""
    entries = [
        {"Id": str(number), "MessageBody": json.dumps(body)} for number, body in enumerate(bodies)
    ]
    for _ in range(ATTEMPTS):
        answer = sqs.send_message_batch(QueueUrl=QUEUE_URL, Entries=entries)
        refused = {each["Id"] for each in answer.get("Failed", [])}
        entries = [each for each in entries if each["Id"] in refused]
        if not entries:
            return
    raise RuntimeError(f"the queue refused {len(entries)} messages {ATTEMPTS} times")


def add_up(key):
    """A log file's hours, casual and registered rides by day."""
    days = {}
    body = s3.get_object(Bucket=BUCKET, Key=key)["Body"]
    with gzip.open(body, "rt", encoding="utf-8") as lines:
        for line in lines:
            time, *rest = line.split() or [""]
            if rest[:1] == ["rides"]:
                found = dict(field.split("=") for field in rest[1:])
                day = days.setdefault(time[:10], Counter())
                day["hours"] += 1
                for kind in ("casual", "registered"):
                    day[kind] += int(found[kind])
    return days


def table_of(days):
    """The report as CSV."""
    text = io.StringIO()
    rows = csv.writer(text, lineterminator="\n")
    rows.writerow(["day", "hours", "casual", "registered"])
    for day, found in sorted(days.items()):
        rows.writerow([day, found["hours"], found["casual"], found["registered"]])
    return text.getvalue()


def page_of(night, days):
    """The report as a page, with a bar for each month."""
    months = Counter()
    for day, found in sorted(days.items()):
        months[day[:7]] += found["casual"] + found["registered"]
    scale = TALLEST / max(1, *months.values(), 0)
    bars = "".join(
        f'<rect x="{40 * place}" y="{TALLEST - rides * scale:.2f}" width="30" '
        f'height="{rides * scale:.2f}"><title>{month}: {rides}</title></rect>'
        for place, (month, rides) in enumerate(months.items())
    )
    size = f'viewBox="0 0 {40 * len(months)} {TALLEST}" width="480"'
    return (
        f'<!doctype html><html lang="en"><meta charset="utf-8"><title>Rides, {night}</title>'
        f"<h1>Rides, as of {night}</h1><p>{months.total()} rides</p>"
        f'<svg {size} role="img">{bars}</svg></html>'
    )


# --- your imports, constants and helpers: end ---


def planner(event, context):
    """Sends a message for each log file."""
    # --- your code: start ---
    night = night_of(event)
    keys = [key for key in keys_below(event["prefix"]) if key.endswith(".log.gz")]
    store(plan_of(night), keys)
    for start in range(0, len(keys), BATCH):
        send([{"night": night, "key": key} for key in keys[start : start + BATCH]])
    return {"night": night, "files": len(keys)}
    # --- your code: end ---


def worker(event, context):
    """Adds up the file of each message, and returns the messages that failed."""
    # --- your code: start ---
    failed = []
    for record in event["Records"]:
        try:
            job = json.loads(record["body"])
            store(result_of(job["night"], job["key"]), add_up(job["key"]))
        except Exception as error:  # whatever it is, it must not hold up the others
            print(f"{record['body']}: {error!r}")
            failed.append({"itemIdentifier": record["messageId"]})
    return {"batchItemFailures": failed}
    # --- your code: end ---


def reducer(event, context):
    """Writes the report of a night whose files are all added up."""
    # --- your code: start ---
    night = night_of(event)
    results = [result_of(night, key) for key in load(plan_of(night))]
    missing = set(results) - set(keys_below(f"work/{night}/results/"))
    if missing:
        raise RuntimeError(f"{len(missing)} files have no result yet, such as {min(missing)}")
    days = {}
    for result in results:
        for day, found in load(result).items():
            days.setdefault(day, Counter()).update(found)
    report = f"reports/{night}"
    s3.put_object(Bucket=BUCKET, Key=f"{report}.csv", Body=table_of(days).encode())
    page = page_of(night, days).encode()
    s3.put_object(Bucket=BUCKET, Key=f"{report}.html", Body=page, ContentType="text/html")
    return {"report": f"{report}.csv", "files": len(results)}
    # --- your code: end ---
