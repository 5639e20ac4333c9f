"""A class for a night, pages by hand, results as CSV by a hash, the page by an XML library."""

# --- your imports, constants and helpers: start ---
import csv
import hashlib
import io
import json
import os
import zlib
from collections import defaultdict
from xml.etree import ElementTree

import boto3

s3, sqs = boto3.client("s3"), boto3.client("sqs")
BUCKET = os.environ["BUCKET"]


class Refused(Exception):
    """Somebody has to look."""


class Night:
    def __init__(self, name):
        self.name = name

    @classmethod
    def of(cls, event):
        return cls(event["time"].partition("T")[0])

    def place(self, what):
        return f"work/{self.name}/{what}"

    def part(self, key):
        return self.place(hashlib.sha256(key.encode()).hexdigest())

    def plan(self):
        found = s3.get_object(Bucket=BUCKET, Key=self.place("plan"))["Body"].read()
        return found.decode().split("\n") if found else []

    def write(self, key, text):
        s3.put_object(Bucket=BUCKET, Key=key, Body=text.encode())

    def totals(self):
        sums = defaultdict(lambda: [0, 0, 0])
        for key in self.plan():
            try:
                body = s3.get_object(Bucket=BUCKET, Key=self.part(key))["Body"].read().decode()
            except s3.exceptions.NoSuchKey:
                raise Refused(f"{key} has no result") from None
            for day, *numbers in csv.reader(body.splitlines()):
                sums[day] = [
                    one + int(other) for one, other in zip(sums[day], numbers, strict=True)
                ]
        return sums


def logs(prefix):
    arguments = {"Bucket": BUCKET, "Prefix": prefix}
    while True:
        page = s3.list_objects_v2(**arguments)
        for each in page.get("Contents", ()):
            if each["Key"].endswith(".log.gz"):
                yield each["Key"]
        if not page["IsTruncated"]:
            return
        arguments["ContinuationToken"] = page["NextContinuationToken"]


def deliver(entries, attempts=5):
    if not entries:
        return
    if not attempts:
        raise Refused(f"{len(entries)} messages")
    url = os.environ["QUEUE_URL"]
    listed = [{"Id": name, "MessageBody": body} for name, body in entries.items()]
    answer = sqs.send_message_batch(QueueUrl=url, Entries=listed)
    refused = [each["Id"] for each in answer.get("Failed") or ()]
    deliver({name: entries[name] for name in refused}, attempts - 1)


def lines_of(key):
    packed = s3.get_object(Bucket=BUCKET, Key=key)["Body"].read()
    reader = zlib.decompressobj(wbits=31)
    text = reader.decompress(packed) + reader.flush()
    if not reader.eof:
        raise Refused(f"{key} is cut off")
    return text.decode().splitlines()


def summary(key):
    sums = defaultdict(lambda: [0, 0, 0])
    for line in lines_of(key):
        words = line.split()
        if len(words) > 1 and words[1] == "rides":
            fields = dict(word.split("=", 1) for word in words[2:])
            numbers = 1, int(fields["casual"]), int(fields["registered"])
            day = words[0].partition("T")[0]
            sums[day] = [one + other for one, other in zip(sums[day], numbers, strict=True)]
    return "".join(f"{day},{','.join(map(str, each))}\n" for day, each in sums.items())


def page(name, sums):
    months = defaultdict(int)
    for day in sorted(sums):
        months[day[:7]] += sum(sums[day][1:])
    html = ElementTree.Element("html")
    body = ElementTree.SubElement(html, "body")
    ElementTree.SubElement(body, "h1").text = f"Report of {name}"
    chart = ElementTree.SubElement(body, "svg", width="600", height="100")
    most = max(months.values(), default=1) or 1
    for place, rides in enumerate(months.values()):
        height = f"{100 * rides / most:.3f}px"
        ElementTree.SubElement(chart, "rect", x=str(50 * place), width="40", height=height)
    ElementTree.SubElement(body, "p").text = f"Rides in all: {sum(months.values())}"
    return ElementTree.tostring(html, encoding="unicode", method="html")


# --- your imports, constants and helpers: end ---


def planner(event, context):
    """Sends a message for each log file."""
    # --- your code: start ---
    night, keys = Night.of(event), list(logs(event["prefix"]))
    night.write(night.place("plan"), "\n".join(keys))
    waiting = {}
    for number, key in enumerate(keys):
        waiting[f"entry-{number}"] = json.dumps({"night": night.name, "key": key})
        if len(waiting) == 10:
            deliver(waiting)
            waiting = {}
    deliver(waiting)
    return dict(night=night.name, files=len(keys))
    # --- your code: end ---


def worker(event, context):
    """Adds up the file of each message, and returns the messages that failed."""

    # --- your code: start ---
    def works(body):
        try:
            job = json.loads(body)
            night = Night(job["night"])
            night.write(night.part(job["key"]), summary(job["key"]))
        except Exception as error:
            print(type(error).__name__, error)
            return False
        return True

    bad = [each["messageId"] for each in event["Records"] if not works(each["body"])]
    return {"batchItemFailures": [{"itemIdentifier": each} for each in bad]}
    # --- your code: end ---


def reducer(event, context):
    """Writes the report of a night whose files are all added up."""
    # --- your code: start ---
    night = Night.of(event)
    sums, text = night.totals(), io.StringIO()
    names = ["day", "hours", "casual", "registered"]
    table = csv.DictWriter(text, names)
    table.writeheader()
    for day in sorted(sums):
        table.writerow(dict(zip(names, [day, *sums[day]], strict=True)))
    night.write(f"reports/{night.name}.csv", text.getvalue())
    night.write(f"reports/{night.name}.html", page(night.name, sums))
    return {"report": f"reports/{night.name}.csv", "files": len(night.plan())}
    # --- your code: end ---
