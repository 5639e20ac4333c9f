"""Threads for what waits for S3 and SQS, a pattern for the lines, results that keep each row."""

# --- your imports, constants and helpers: start ---
import gzip
import json
import os
import re
from concurrent.futures import ThreadPoolExecutor
from itertools import groupby

import boto3
from botocore.exceptions import ClientError

BUCKET, QUEUE_URL = (os.environ[name] for name in ("BUCKET", "QUEUE_URL"))
COUNTS = re.compile(r"(?P<day>\d{4}-\d\d-\d\d)T\S+\s+rides\s+(?P<fields>.*)")
RIDES = re.compile(r"\S+\s+rides(\s|$)")

bucket = boto3.resource("s3").Bucket(BUCKET)
sqs = boto3.client("sqs")
pool = ThreadPoolExecutor(4)


def put(key, text, kind="text/plain"):
    bucket.put_object(Key=key, Body=text.encode(), ContentType=kind)


def get(key):
    return bucket.Object(key).get()["Body"].read()


def send(jobs):
    left = {str(number): json.dumps(job) for number, job in enumerate(jobs)}
    attempt = 0
    while left:
        attempt += 1
        if attempt > 5:
            raise OSError(f"not sent: {list(left.values())}")
        entries = [{"Id": each, "MessageBody": left[each]} for each in left]
        for done in sqs.send_message_batch(QueueUrl=QUEUE_URL, Entries=entries)["Successful"]:
            del left[done["Id"]]


def rows_of(text):
    for line in text.splitlines():
        if not RIDES.match(line):
            continue
        found = COUNTS.fullmatch(line.strip())
        casual = re.search(r"\bcasual=(\d+)\b", found["fields"])
        registered = re.search(r"\bregistered=(\d+)\b", found["fields"])
        yield found["day"], int(casual[1]), int(registered[1])


def do(record):
    """None, or the id of a message that failed."""
    try:
        job = json.loads(record["body"])
        key, night = job["key"], job["night"]
        rows = list(rows_of(gzip.decompress(get(key)).decode()))
        put(f"work/{night}/done/{key}", json.dumps({"key": key, "rows": rows}))
    except (ClientError, ValueError, LookupError, TypeError, EOFError, OSError, AttributeError):
        print("failed:", record["body"])
        return record["messageId"]


# --- your imports, constants and helpers: end ---


def planner(event, context):
    """Sends a message for each log file."""
    # --- your code: start ---
    night, _, _ = event["time"].partition("T")
    found = bucket.objects.filter(Prefix=event["prefix"])
    keys = sorted(each.key for each in found if each.key.endswith(".log.gz"))
    put(f"work/{night}/keys", json.dumps(keys))
    tens = [keys[place : place + 10] for place in range(0, len(keys), 10)]
    list(pool.map(send, [[{"night": night, "key": key} for key in ten] for ten in tens]))
    return {"files": len(keys), "night": night}
    # --- your code: end ---


def worker(event, context):
    """Adds up the file of each message, and returns the messages that failed."""
    # --- your code: start ---
    failed = filter(None, pool.map(do, event["Records"]))
    return {"batchItemFailures": [{"itemIdentifier": each} for each in failed]}
    # --- your code: end ---


def reducer(event, context):
    """Writes the report of a night whose files are all added up."""
    # --- your code: start ---
    night, _, _ = event["time"].partition("T")
    keys = json.loads(get(f"work/{night}/keys"))
    bodies = pool.map(get, [f"work/{night}/done/{key}" for key in keys])
    rows = sorted(tuple(row) for body in bodies for row in json.loads(body)["rows"])
    lines, months = ["day,hours,casual,registered"], {}
    for day, of_day in groupby(rows, key=lambda row: row[0]):
        numbers = [row[1:] for row in of_day]
        casual, registered = (sum(column) for column in zip(*numbers, strict=True))
        lines.append(f"{day},{len(numbers)},{casual},{registered}")
        months[day[:7]] = months.get(day[:7], 0) + casual + registered
    put(f"reports/{night}.csv", "\n".join(lines) + "\n", "text/csv")
    bars = [f'<rect x="{x * 12}" width="10" height="{y}" />' for x, y in enumerate(months.values())]
    chart = f'<svg viewBox="0 0 144 {max([1, *months.values()])}">{"".join(bars)}</svg>'
    total = sum(months.values())
    put(f"reports/{night}.html", f"<p>{night}: {total}</p>{chart}", "text/html")
    return {"report": f"reports/{night}.csv", "files": len(keys)}
    # --- your code: end ---
