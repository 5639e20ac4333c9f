"""Updates the row, so that a mended file keeps the reason of its damaged version."""

# caught by: test_late_event_leaves_the_newer_row

# --- your imports, constants and helpers: start ---
import csv
import io
import json
import os
from collections import Counter
from urllib.parse import unquote_plus

import boto3
from botocore.exceptions import ClientError

LIMITS = {"day": (1, 366), "hr": (0, 23), "bikers": (0, float("inf"))}

s3 = boto3.client("s3")
table = boto3.resource("dynamodb").Table(os.environ["TABLE"])


class DamagedFile(Exception):
    """A file that gives no report; its text is the reason."""


def process(bucket, found):
    """Turns one version of an object into a report, or puts it into quarantine."""
    key, version = unquote_plus(found["key"]), found["versionId"]
    name = key.removeprefix("incoming/").removesuffix(".csv")
    row = {"file": key, "version_id": version}
    try:
        report = row | counted(bucket, key, version)
    except DamagedFile as reason:
        row |= {"status": "quarantined", "reason": str(reason)}
        row["output"] = quarantine(bucket, key, version, name, str(reason))
    else:
        row |= {field: report[field] for field in ("rows", "damaged_rows", "bikers")}
        row |= {"status": "reported", "output": f"reports/{name}/{version}.json"}
        s3.put_object(
            Bucket=bucket,
            Key=row["output"],
            Body=json.dumps(report).encode(),
            ContentType="application/json",
        )
    remember(row, found["sequencer"])


def counted(bucket, key, version):
    """The report's figures, read line by line. Raises DamagedFile."""
    body = s3.get_object(Bucket=bucket, Key=key, VersionId=version)["Body"]
    try:
        # utf-8-sig drops a byte order mark; newline="" leaves the line ends to csv.
        with io.TextIOWrapper(body, encoding="utf-8-sig", newline="") as lines:
            return figures(csv.DictReader(lines))
    except UnicodeDecodeError:
        raise DamagedFile("encoding") from None
    except csv.Error:
        raise DamagedFile("rows") from None


def figures(rows):
    """The report's figures of rows. Raises DamagedFile."""
    if rows.fieldnames is None:
        raise DamagedFile("empty")
    if not set(LIMITS) <= set(rows.fieldnames):
        raise DamagedFile("header")
    by_day, by_hour, good, damaged = Counter(), Counter(), 0, 0
    for row in rows:
        try:
            day, hour, bikers = numbers(row)
        except ValueError:
            damaged += 1
            continue
        good += 1
        by_day[day] += bikers
        by_hour[hour] += bikers
    if not good:
        raise DamagedFile("rows")
    return {
        "rows": good,
        "damaged_rows": damaged,
        "bikers": by_day.total(),
        "by_day": by_day,
        "by_hour": by_hour,
    }


def numbers(row):
    """Day, hour and bikers of a row. Raises ValueError for a damaged one."""
    # DictReader names fields that are too many None, and fills up with None where some miss.
    if None in row or None in row.values():
        raise ValueError("more or fewer fields than the header")
    found = [int(row[name]) for name in LIMITS]
    for number, (lowest, highest) in zip(found, LIMITS.values(), strict=True):
        if not lowest <= number <= highest:
            raise ValueError(f"{number} is out of range")
    return found


def quarantine(bucket, key, version, name, reason):
    """Copies a version inside S3, with the reason as its metadata; gives the copy's key."""
    target = f"quarantine/{name}/{version}.csv"
    s3.copy_object(
        Bucket=bucket,
        Key=target,
        CopySource={"Bucket": bucket, "Key": key, "VersionId": version},
        Metadata={"reason": reason},
        MetadataDirective="REPLACE",
    )
    return target


def remember(row, sequencer):
    """Writes the row, unless a newer version's row is there. Writing it again changes nothing."""
    mine = sequencer.zfill(32)  # of one length, so that texts compare as numbers do
    fields = [name for name in row if name != "file"]
    try:
        table.update_item(
            Key={"file": row["file"]},
            UpdateExpression="SET sequencer = :mine, "
            + ", ".join(f"#{name} = :{name}" for name in fields),
            ConditionExpression="attribute_not_exists(sequencer) OR sequencer <= :mine",
            ExpressionAttributeNames={f"#{name}": name for name in fields},
            ExpressionAttributeValues={":mine": mine} | {f":{name}": row[name] for name in fields},
        )
    except ClientError as error:
        if error.response["Error"]["Code"] != "ConditionalCheckFailedException":
            raise
        print(f"{row['file']}: a newer version is in the table")


# --- your imports, constants and helpers: end ---


def handler(event, context):
    """Handles every record of the event: the module's text above is the whole contract."""
    # --- your code: start ---
    for record in event["Records"]:
        process(record["s3"]["bucket"]["name"], record["s3"]["object"])
    # --- your code: end ---
