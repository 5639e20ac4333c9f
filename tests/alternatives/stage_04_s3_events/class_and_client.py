"""Another correct solution: a class for an upload, boto3's clients only, bytes line by line."""

import csv
import json
import os

import boto3

TABLE = os.environ["TABLE"]
s3, dynamodb = boto3.client("s3"), boto3.client("dynamodb")


def whole(text):
    try:
        return int(text)
    except ValueError:
        return None


class Upload:
    """One version of a file, and what became of it."""

    def __init__(self, record):
        import urllib.parse

        self.bucket = record["s3"]["bucket"]["name"]
        self.object = record["s3"]["object"]
        self.key = urllib.parse.unquote_plus(self.object["key"], encoding="utf-8")
        self.version = self.object["versionId"]
        self.stem = f"{self.key[len('incoming/') : -len('.csv')]}/{self.version}"
        self.days, self.hours = {}, {}
        self.rows = self.damaged = self.bikers = 0

    def lines(self):
        body = s3.get_object(Bucket=self.bucket, Key=self.key, VersionId=self.version)["Body"]
        for number, line in enumerate(body.iter_lines(chunk_size=1 << 16, keepends=True)):
            yield line.decode("utf-8" if number else "utf-8-sig")

    def read(self):
        """Why the file can't be used, or None."""
        try:
            table = csv.reader(self.lines(), strict=False)
            header = next(table, None)
            if header is None:
                return "empty"
            if any(name not in header for name in ("day", "hr", "bikers")):
                return "header"
            places = [header.index(name) for name in ("day", "hr", "bikers")]
            for fields in table:
                if fields:
                    self.add(fields, len(header), places)
        except UnicodeDecodeError:
            return "encoding"
        except csv.Error:
            return "rows"
        return None if self.rows else "rows"

    def add(self, fields, width, places):
        numbers = [whole(fields[place]) for place in places] if len(fields) == width else [None]
        if None in numbers:
            self.damaged += 1
            return
        day, hour, bikers = numbers
        if day not in range(1, 367) or hour not in range(24) or bikers < 0:
            self.damaged += 1
            return
        self.rows += 1
        self.bikers += bikers
        self.days[str(day)] = self.days.get(str(day), 0) + bikers
        self.hours[str(hour)] = self.hours.get(str(hour), 0) + bikers

    def report(self):
        target = f"reports/{self.stem}.json"
        text = {
            "by_hour": self.hours,
            "by_day": self.days,
            "bikers": self.bikers,
            "damaged_rows": self.damaged,
            "rows": self.rows,
            "version_id": self.version,
            "file": self.key,
        }
        s3.put_object(Bucket=self.bucket, Key=target, Body=json.dumps(text, indent=2))
        return {
            "status": {"S": "reported"},
            "output": {"S": target},
            "rows": {"N": str(self.rows)},
            "damaged_rows": {"N": str(self.damaged)},
            "bikers": {"N": str(self.bikers)},
        }

    def put_aside(self, reason):
        target = f"quarantine/{self.stem}.csv"
        s3.copy_object(
            Bucket=self.bucket,
            Key=target,
            CopySource=dict(Bucket=self.bucket, Key=self.key, VersionId=self.version),
            MetadataDirective="REPLACE",
            Metadata={"reason": reason, "from": "hourly-counts"},
        )
        return {"status": {"S": "quarantined"}, "output": {"S": target}, "reason": {"S": reason}}

    def process(self):
        reason = self.read()
        row = self.put_aside(reason) if reason else self.report()
        order = {"N": str(int(self.object["sequencer"], 16))}
        row |= {"file": {"S": self.key}, "version_id": {"S": self.version}, "came_as": order}
        try:
            dynamodb.put_item(
                TableName=TABLE,
                Item=row,
                ConditionExpression="attribute_not_exists(#f) OR came_as <= :order",
                ExpressionAttributeNames={"#f": "file"},
                ExpressionAttributeValues={":order": order},
            )
        except dynamodb.exceptions.ConditionalCheckFailedException:
            return "late"
        return reason or "reported"


def handler(event, context):
    return [Upload(record).process() for record in event["Records"]]
