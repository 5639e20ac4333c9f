"""Another correct solution: download to /tmp, two functions, update_item in place of put_item."""

import collections
import csv
import json
import logging
import os
import tempfile
from pathlib import Path
from urllib.parse import unquote_plus

import boto3
from botocore.exceptions import ClientError

logging.getLogger().setLevel(logging.INFO)
bucket_of = boto3.resource("s3").Bucket
client = boto3.client("s3")
table = boto3.resource("dynamodb").Table(os.environ["TABLE"])
COLUMNS = collections.OrderedDict(day=range(1, 367), hr=range(24), bikers=range(10**12))


def good(row):
    values = {}
    for column, allowed in COLUMNS.items():
        text = row[column]
        try:
            values[column] = int(text)
        except (TypeError, ValueError):
            return None
        if values[column] not in allowed:
            return None
    return None if None in row or None in row.values() else values


def read(path):
    if path.stat().st_size == 0:
        return "empty", None
    days, hours = collections.defaultdict(int), collections.defaultdict(int)
    rows = damaged = 0
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            reader = csv.DictReader(file)
            if set(COLUMNS) - set(reader.fieldnames or ()):
                for _ in reader:  # an encoding that is wrong further down counts first
                    pass
                return "header", None
            for values in map(good, reader):
                if values is None:
                    damaged += 1
                else:
                    rows += 1
                    days[values["day"]] += values["bikers"]
                    hours[values["hr"]] += values["bikers"]
    except UnicodeError:
        return "encoding", None
    except csv.Error:
        return "rows", None
    figures = dict(rows=rows, damaged_rows=damaged, bikers=sum(days.values()))
    return (None, {**figures, "by_day": days, "by_hour": hours}) if rows else ("rows", None)


def handle(bucket, key, version, sequencer):
    name = key.replace("incoming/", "", 1)[:-4]
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "upload.csv")
        client.download_file(bucket, key, str(path), ExtraArgs={"VersionId": version})
        reason, report = read(path)
    row = {"version_id": version, "order": sequencer.rjust(40, "0"), "file_name": name}
    if reason:
        row.update(status="quarantined", reason=reason)
        row["output"] = f"quarantine/{name}/{version}.csv"
        bucket_of(bucket).Object(row["output"]).copy_from(
            CopySource={"Bucket": bucket, "Key": key, "VersionId": version},
            Metadata={"reason": reason},
            MetadataDirective="REPLACE",
        )
    else:
        row.update(status="reported", output=f"reports/{name}/{version}.json")
        row.update({field: report[field] for field in ("rows", "damaged_rows", "bikers")})
        text = json.dumps({"file": key, "version_id": version, **report}, sort_keys=True)
        bucket_of(bucket).put_object(Key=row["output"], Body=text.encode())
    keep(key, row)


def keep(key, row):
    names = {f"#{number}": name for number, name in enumerate(row)}
    values = {f":{number}": value for number, value in enumerate(row.values())}
    order = f"#{list(row).index('order')}"
    mine = f":{list(row).index('order')}"
    gone = "" if "reason" in row else " REMOVE reason"
    try:
        table.update_item(
            Key={"file": key},
            UpdateExpression="SET " + ", ".join(f"#{n} = :{n}" for n in range(len(row))) + gone,
            ConditionExpression=f"attribute_not_exists({order}) OR {order} <= {mine}",
            ExpressionAttributeNames=names,
            ExpressionAttributeValues=values,
        )
    except ClientError as error:
        if "ConditionalCheckFailed" not in str(error):
            raise
        logging.info("late: %s", key)


def handler(event, context):
    for record in event["Records"]:
        thing = record["s3"]["object"]
        key = unquote_plus(thing["key"])
        handle(record["s3"]["bucket"]["name"], key, thing["versionId"], thing["sequencer"])
    return {"handled": len(event["Records"])}
