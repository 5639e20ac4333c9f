"""The city of stage 04: the deployed function, its buckets and its table, and what they hold."""

from __future__ import annotations

import itertools
import json
from dataclasses import dataclass, field

from boto3.dynamodb.types import TypeDeserializer

from workshop.grading import fresh
from workshop.grading.own_lines import last_error, own_lines
from workshop.grading.words import UNDER, ended_in_error, failure

ACCOUNT_ID = "123456789012"
SHOWN = 200  # characters of a file in a message
_numbers = itertools.count(1)


@dataclass(frozen=True)
class Upload:
    """One version of an object, and the record with which S3 announces it."""

    bucket: str
    key: str
    version: str
    body: bytes = field(repr=False)
    sequencer: str

    @property
    def name(self) -> str:
        return self.key[len("incoming/") : -len(".csv")]

    @property
    def report(self) -> str:
        return f"reports/{self.name}/{self.version}.json"

    @property
    def copy(self) -> str:
        return f"quarantine/{self.name}/{self.version}.csv"

    def record(self):
        """A record as S3 writes it, for a key without special characters."""
        return {
            "eventVersion": "2.5",
            "eventSource": "aws:s3",
            "awsRegion": "us-east-1",
            "eventTime": "2026-11-02T06:00:00.000Z",
            "eventName": "ObjectCreated:Put",
            "userIdentity": {"principalId": f"AWS:{ACCOUNT_ID}"},
            "requestParameters": {"sourceIPAddress": "127.0.0.1"},
            "responseElements": {"x-amz-request-id": "C3D13FE58DE4C810", "x-amz-id-2": "FMyUVURI"},
            "s3": {
                "s3SchemaVersion": "1.0",
                "configurationId": "incoming",
                "bucket": {
                    "name": self.bucket,
                    "ownerIdentity": {"principalId": "A3NL1KOZZKEXAMPLE"},
                    "arn": f"arn:aws:s3:::{self.bucket}",
                },
                "object": {
                    "key": self.key,
                    "size": len(self.body),
                    "eTag": "d41d8cd98f00b204e9800998ecf8427e",
                    "versionId": self.version,
                    "sequencer": self.sequencer,
                },
            },
        }

    def shown(self):
        """What a message says of it."""
        try:
            text = self.body.decode()
        except UnicodeDecodeError:
            text = f"{len(self.body)} bytes that begin with {self.body[:24]!r}"
        return {"key": self.key, "file": text[:SHOWN] + ("..." if len(text) > SHOWN else "")}


class City:
    """The deployed function, its table, a bucket that invokes it, and one that does not.

    The second is for events that the checks hand over themselves.
    """

    def __init__(self, account, deploy):
        self.account = account
        self.s3 = account.client("s3")
        self.table = account.table(key="file")
        self.function = deploy(TABLE=self.table)
        self.watched, self.quiet = self._bucket(), self._bucket()
        self.first_sequencer = fresh.whole(0x55AED6DCD90281E0, 0x99AED6DCD90281E0)
        self._watch()
        self.uploads = []

    def _bucket(self):
        name = self.account.bucket()
        enabled = {"Status": "Enabled"}
        self.s3.put_bucket_versioning(Bucket=name, VersioningConfiguration=enabled)
        return name

    def _watch(self):
        client = self.account.client("lambda")
        client.add_permission(
            FunctionName=self.function.name,
            StatementId="incoming",
            Action="lambda:InvokeFunction",
            Principal="s3.amazonaws.com",
            SourceArn=f"arn:aws:s3:::{self.watched}",
        )
        found = client.get_function_configuration(FunctionName=self.function.name)
        rules = [{"Name": "prefix", "Value": "incoming/"}, {"Name": "suffix", "Value": ".csv"}]
        wanted = {
            "LambdaFunctionArn": found["FunctionArn"],
            "Events": ["s3:ObjectCreated:*"],
            "Filter": {"Key": {"FilterRules": rules}},
        }
        self.s3.put_bucket_notification_configuration(
            Bucket=self.watched,
            NotificationConfiguration={"LambdaFunctionConfigurations": [wanted]},
        )

    def upload(self, body, name=None, bucket=None):
        """Puts a file, under a name of its own if it is given none."""
        number = next(_numbers)
        key = f"incoming/{name or fresh.word()}.csv"
        body = body.encode() if isinstance(body, str) else body
        bucket = bucket or self.watched
        put = self.s3.put_object(Bucket=bucket, Key=key, Body=body)
        sequencer = f"{self.first_sequencer + number:018X}"
        upload = Upload(bucket, key, put["VersionId"], body, sequencer)
        self.uploads.append(upload)
        return upload

    def send(self, *uploads):
        """Hands over one event of several uploads, and fails if it ends in an error."""
        event = {"Records": [upload.record() for upload in uploads]}
        result = self.function.invoke(event)
        assert result.error is None, ended_in_error(
            "The function ended in an error", short(event), result.error, result.log
        )

    def read(self, bucket, key):
        """An object's bytes and metadata, or None."""
        try:
            found = self.s3.get_object(Bucket=bucket, Key=key)
        except self.s3.exceptions.NoSuchKey:
            return None
        return found["Body"].read(), found["Metadata"]

    def output(self, upload, key):
        """What the function wrote under a key, as soon as it is there; fails if it is not."""
        found = self.account.eventually(lambda: self.read(upload.bucket, key))
        assert found is not None, failure(
            "The upload led to no report."
            if key == upload.report
            else "The file is damaged as a whole, but it is not in quarantine.",
            upload.shown(),
            [key],
            self.written(upload),
            self.where(upload),
            given="upload",
        )
        return found

    def report(self, upload):
        """The report of an upload; fails if there is none."""
        body, _ = self.output(upload, upload.report)
        try:
            found = json.loads(body)
        except ValueError:
            found = None
        assert isinstance(found, dict), failure(
            "The report is not a JSON object.",
            upload.shown(),
            '{"file": ..., "version_id": ..., "rows": ...}',
            body[:SHOWN].decode("utf-8", "backslashreplace"),
            "json.dumps(...), whose result is the Body of put_object",
            given="upload",
        )
        return found

    def row(self, upload):
        """The table's row of an upload as Python values; fails if there is none."""
        read = TypeDeserializer().deserialize
        rows = [
            {name: read(value) for name, value in item.items()}
            for item in self.account.items(self.table)
        ]
        found = [each for each in rows if each["file"] == upload.key]
        assert found, failure(
            "The table has no row of the upload.",
            upload.shown(),
            {"file": upload.key},
            [each["file"] for each in rows],
            self.error()
            or "put_item on the table that os.environ['TABLE'] names: file is the key as it was "
            "uploaded",
            given="upload",
        )
        return found[0]

    def written(self, upload):
        """What the function wrote for an upload: the first keys that name it."""
        pages = self.s3.get_paginator("list_objects_v2").paginate(Bucket=upload.bucket)
        keys = [each["Key"] for page in pages for each in page.get("Contents", [])]
        found = [
            key
            for key in keys
            if key != upload.key and (upload.version in key or upload.name in key)
        ]
        return found[:2]

    def where(self, upload):
        """Where to look if an output is missing."""
        written, error = self.written(upload), self.error()
        if error:
            return error
        if not written:
            return f"your handler, which wrote nothing at all for this upload. {self.log()}"
        if upload.report in written:
            return "what you do after reading the file: without a valid row, it goes to quarantine."
        if upload.copy in written:
            _, metadata = self.read(upload.bucket, upload.copy)
            reason = metadata.get("reason")
            return f"what your code treats as damaged: the file went to quarantine, for {reason!r}."
        return f"the Bucket and the Key that your function writes to. {self.log()}"

    def error(self):
        """The error in which the last invocation ended, if it logged one; else an empty string."""
        found = last_error(self._last_log()).splitlines()
        if not found:
            return ""
        own = [line.strip() for line in found if '"/var/task/' in line]
        return UNDER.join(["the error that ended your function:", found[0], *own])

    def log(self):
        """What the function printed last."""
        said = own_lines("\n".join(self._last_log()))
        return UNDER.join(["Its log ends with:", *said]) if said else "It printed nothing."

    def _last_log(self):
        """The messages of the invocation that began last."""
        messages = self.account.log_of(self.function)
        starts = [n for n, each in enumerate(messages) if each.startswith("START RequestId")]
        return messages[starts[-1] :] if starts else []


def error_of(result):
    """An error in one line, without the request id."""
    message = str(result.error.get("errorMessage")).partition(" Error: ")
    return f"{result.error.get('errorType')}: {message[2] or message[0]}"


def short(event):
    """What a message shows of an event: each record's object."""
    return {"Records": [{"s3": {"object": each["s3"]["object"]}} for each in event["Records"]]}
