"""Grades stage 04, from outside: it uploads files, and looks at reports, quarantine and table."""

from __future__ import annotations

import itertools
import json
from dataclasses import dataclass, field, replace

import pytest
from boto3.dynamodb.types import TypeDeserializer

from workshop.grading.words import failure
from workshop.paths import repository

DATA = repository() / "data" / "bikeshare-hourly-2011.csv"
HEADER = "day,hr,bikers,notes"
DAMAGED = HEADER + "\n1,0,many,"  # a file without a row that is right
WIDE = HEADER + f"\n1,0,{'1' * 131_073},"  # a field that the csv module refuses
WHY = {
    "empty": "the file has no bytes",
    "encoding": "the file is not UTF-8 text",
    "header": "a column is missing in the header",
    "rows": "no row of this file is right",
}
ACCOUNT_ID = "123456789012"
BIG = 80_000_000  # bytes
SHOWN = 200  # characters of a file in a message
FRAME = ("INIT_START", "START RequestId", "END RequestId", "REPORT RequestId")
_numbers = itertools.count(1)


@dataclass(frozen=True)
class Upload:
    """One version of an object, and the record with which S3 tells of it."""

    bucket: str
    key: str
    version: str
    body: bytes = field(repr=False)
    number: int
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
    """The deployed function, its table, a bucket that tells it of uploads, and one that does not.

    The second is for events that the checks hand over themselves.
    """

    def __init__(self, account, deploy):
        self.account = account
        self.s3 = account.client("s3")
        self.table = account.table(key="file")
        self.function = deploy(TABLE=self.table)
        self.watched, self.quiet = self._bucket(), self._bucket()
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
        key = f"incoming/{name or f'counts-{number}'}.csv"
        body = body.encode() if isinstance(body, str) else body
        bucket = bucket or self.watched
        put = self.s3.put_object(Bucket=bucket, Key=key, Body=body)
        sequencer = f"{0x0055AED6DCD90281E0 + number:018X}"
        upload = Upload(bucket, key, put["VersionId"], body, number, sequencer)
        self.uploads.append(upload)
        return upload

    def send(self, *uploads):
        """Hands over one event of several uploads, and fails if it ends in an error."""
        event = {"Records": [upload.record() for upload in uploads]}
        result = self.function.invoke(event)
        assert result.error is None, failure(
            "The function ended in an error.",
            _short(event),
            "no error",
            _error(result),
            f"the log, whose last lines are:\n{result.log[-1500:]}",
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
            else "The file is damaged as a whole, and it is not in quarantine.",
            upload.shown(),
            [key],
            self.written(upload),
            f"{self.where(upload)} {self.log()}",
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
            "json.dumps(...), whose text is the Body of put_object",
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
            "put_item on the table that os.environ['TABLE'] names: file is the key as it was "
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
        written = self.written(upload)
        if not written:
            return "your handler, which wrote nothing at all for this upload; has it code yet?"
        if upload.report in written:
            return "what you do when the file is read: if no row is right, it goes to quarantine."
        return "the Bucket and the Key that your function writes to."

    def log(self):
        """What the function printed last, errors among it."""
        log = self.account.log_of(self.function)
        own = [each.rstrip() for each in log if not each.startswith(FRAME)]
        if not own:
            return "It printed nothing." if log else "It did not run."
        return "Its log ends with:\n" + "\n".join(list(dict.fromkeys(own))[-2:])


def _error(result):
    """An error in one line, without the request id."""
    message = str(result.error.get("errorMessage")).partition(" Error: ")
    return f"{result.error.get('errorType')}: {message[2] or message[0]}"


def _short(event):
    """What a message shows of an event: each record's object."""
    return {"Records": [{"s3": {"object": each["s3"]["object"]}} for each in event["Records"]]}


def plain(value):
    """A row's value as JSON has it: DynamoDB's numbers are Decimals."""
    return value if isinstance(value, str | dict | list | None) else int(value)


@pytest.fixture(scope="module")
def city(account, deploy):
    return City(account, deploy)


def table_of(*rows, header=HEADER, end="\n"):
    """A CSV file of rows, without a newline at the end."""
    return end.join([header, *rows])


def expect_report(city, upload, look, what="The report is wrong.", **wanted):
    """Fails unless these fields of the report have these values."""
    report = city.report(upload)
    came = {name: report.get(name) for name in wanted}
    assert came == wanted, failure(what, upload.shown(), wanted, came, look, given="upload")


def expect_quarantine(city, upload, reason, what):
    """Fails unless the upload is in quarantine with the reason, and has no report."""
    city.account.eventually(lambda: city.written(upload))
    assert city.read(upload.bucket, upload.report) is None, failure(
        "The file is damaged as a whole and has a report all the same.",
        upload.shown(),
        [upload.copy],
        [upload.report],
        f"what you do when the file is read: {WHY[reason]}, so it gets no report, and its reason "
        f"is `{reason}`",
        given="upload",
    )
    body, metadata = city.output(upload, upload.copy)
    came = metadata.get("reason")
    assert came == reason, failure(
        what,
        upload.shown(),
        {"reason": reason},
        {"reason": came},
        'copy_object(..., Metadata={"reason": ...}, MetadataDirective="REPLACE")',
        given="upload",
    )
    assert body == upload.body, failure(
        "The file in quarantine is not the one that was uploaded.",
        upload.shown(),
        upload.body[:SHOWN].decode("utf-8", "backslashreplace"),
        body[:SHOWN].decode("utf-8", "backslashreplace"),
        "CopySource of copy_object: Bucket, Key and VersionId, and no text in between",
        given="upload",
    )
    wanted = {"version_id": upload.version, "output": upload.copy, "status": "quarantined"}
    expect_row(city, upload, wanted | {"reason": reason})


def expect_row(city, upload, wanted, what="The row in the table is wrong."):
    """Fails unless these attributes of the row have these values."""
    row = city.row(upload)
    came = {name: plain(row.get(name)) for name in wanted}
    assert came == wanted, failure(
        what, upload.shown(), wanted, came, "the Item of put_item", given="upload"
    )


def january():
    """The real counts of January 2011, as they are in data/, and the report's figures of them."""
    header, *lines = DATA.read_text(encoding="utf-8").splitlines(keepends=True)
    lines = [line for line in lines if line.split(",")[1] == '"Jan"']
    figures = {"rows": len(lines), "damaged_rows": 0, "bikers": 0, "by_day": {}, "by_hour": {}}
    for line in lines:
        fields = line.split(",")
        day, hour, bikers = fields[2], fields[3].strip('"'), int(fields[-1])
        figures["bikers"] += bikers
        figures["by_day"][day] = figures["by_day"].get(day, 0) + bikers
        figures["by_hour"][hour] = figures["by_hour"].get(hour, 0) + bikers
    return header + "".join(lines).rstrip("\n"), figures


def test_upload_becomes_a_report_and_a_row(city):
    """An uploaded month of real counts becomes its report, and a row that tells of it."""
    text, figures = january()
    upload = city.upload(text)
    wanted = {"file": upload.key, "version_id": upload.version, **figures}
    came = city.report(upload)
    assert sorted(came) == sorted(wanted), failure(
        "The report's keys differ from the contract's.",
        upload.shown(),
        sorted(wanted),
        sorted(came),
        "the dict that becomes the report",
        given="upload",
    )
    for name, value in wanted.items():
        assert came[name] == value, failure(
            f"{name} in the report is wrong.",
            upload.shown(),
            value,
            came[name],
            f"how you count {name}; the file has quotes and more columns: csv reads them",
            given="upload",
        )
    row = {name: wanted[name] for name in ("version_id", "rows", "damaged_rows", "bikers")}
    expect_row(city, upload, row | {"status": "reported", "output": upload.report})


def test_writes_nothing_where_it_is_watched(city):
    """The function's output does not call the function again."""
    good = city.upload(table_of("1,0,16,"))
    city.account.settle()  # one after the other: one environment serves both
    damaged = city.upload(DAMAGED)
    city.account.settle()
    pages = city.s3.get_paginator("list_object_versions").paginate(Bucket=city.watched)
    versions = [each for page in pages for each in page.get("Versions", [])]
    known = {upload.version for upload in city.uploads}
    extra = [
        each["Key"]
        for each in versions
        if each["Key"].startswith("incoming/") and each["VersionId"] not in known
    ]
    loops = len([key for key in extra if key.endswith(".csv")])
    what = "The function wrote under incoming/, where its own trigger watches."
    if loops:
        what = (
            f"Your function was called by its own output: {loops} files under incoming/ are none "
            "that were uploaded. Each made the next one, until Lambda stopped the loop after 16 "
            "rounds; on AWS you pay for them."
        )
    assert not extra, failure(
        what,
        [good.shown(), damaged.shown()],
        "nothing but the uploads under incoming/",
        extra[:3],
        "Key=... of put_object and copy_object: reports/ and quarantine/ are not watched",
        given="uploads",
    )
    city.output(good, good.report)
    city.output(damaged, damaged.copy)


def test_keys_with_blanks_and_umlauts_work(city):
    """The key in an event is URL-encoded: a blank is a plus sign, a plus sign is %2B."""
    upload = city.upload(table_of("1,0,16,"), name="2011/räder am 1+2 januar")
    look = "urllib.parse.unquote_plus(key), before you use the key for anything"
    expect_report(city, upload, look, file=upload.key, bikers=16)
    expect_row(city, upload, {"output": upload.report})


def test_every_record_counts(city):
    """An event may hold several records, and each of them is handled."""
    uploads = [city.upload(table_of(f"1,0,{n},"), bucket=city.quiet) for n in (1, 2)]
    damaged = city.upload(DAMAGED, bucket=city.quiet)
    uploads.insert(1, damaged)
    city.send(*uploads)
    for number, upload in enumerate(uploads, 1):
        key, what, look = (
            upload.report,
            "a file that is right; it should have a report",
            'the loop over event["Records"]: it goes on after the first, and after a damaged file',
        )
        if upload is damaged:
            key, what, look = (
                upload.copy,
                "a damaged file; it should be in quarantine",
                f"what you do when the file is read: {WHY['rows']}, so its reason is `rows`",
            )
        assert city.read(upload.bucket, key), failure(
            f"Record {number} of an event with three is {what}.",
            [each.key for each in uploads],
            [key],
            city.written(upload),
            look,
            given="keys",
        )


def test_damaged_rows_are_counted(city):
    """A damaged row is counted and the rows around it are used."""
    good, damaged = (
        ("1,0,16,", '1,1,40,"cold, windy"', "2,23,0,"),
        (
            "2,24,5,",
            "0,3,5,",
            "2,three,5,",
            "2,3,,",
            "2,3,-5,",
            "2,3,2.5,",
            "2,3",
            "2,3,5,calm,again",
        ),
    )
    look = (
        "what you do with a row that has too many or too few fields, or that int() or the ranges "
        "refuse: count it, and go on"
    )
    for row in damaged:
        upload = city.upload(table_of(good[0], row, *good[1:]))
        what = f"The row {row!r} is damaged, and the report does not say so."
        wanted = {"rows": 3, "damaged_rows": 1, "bikers": 56}
        expect_report(city, upload, look, what, **wanted, by_day={"1": 56, "2": 0})


def test_empty_lines_are_no_rows(city):
    """A newline at the end, an empty line and Windows line ends are no damaged rows."""
    look = 'how you make lines: split("\\n") leaves an empty one at the end; csv skips it'
    for end, more in (("\n", "\n"), ("\n", "\n\n\n"), ("\r\n", "\r\n\r\n")):
        upload = city.upload(table_of("1,0,16,", "1,1,40,", end=end) + more)
        expect_report(city, upload, look, rows=2, damaged_rows=0, bikers=56)


def test_byte_order_mark_is_no_part_of_the_header(city):
    """A file that Excel saved begins with a byte order mark, and is right."""
    upload = city.upload(table_of("1,0,16,").encode("utf-8-sig"))
    look = 'the encoding: "utf-8-sig" drops a byte order mark, "utf-8" makes it part of `day`'
    found = city.account.eventually(lambda: city.read(upload.bucket, upload.report))
    assert found is not None, failure(
        "A file with a byte order mark, as Excel saves it, got no report.",
        upload.shown(),
        [upload.report],
        city.written(upload),
        look,
        given="upload",
    )
    expect_report(city, upload, look, rows=1, damaged_rows=0, bikers=16)


def test_unusable_files_go_to_quarantine(city):
    """A file that is empty, lacks a column or has no row that is right goes to quarantine."""
    for body, reason in (
        ("", "empty"),
        ("day,hr,riders\n1,0,16", "header"),
        (DAMAGED, "rows"),
        (table_of(), "rows"),
        (WIDE, "rows"),
    ):
        upload = city.upload(body)
        expect_quarantine(city, upload, reason, "The reason in the metadata is wrong.")


def test_other_encodings_go_to_quarantine(city):
    """A file that is no UTF-8 text goes to quarantine, however late that shows."""
    text = table_of("1,0,16,", *["1,1,40,calm"] * 2000, "1,2,32,böig")
    for encoding in ("utf-16", "latin-1"):
        upload = city.upload(text.encode(encoding))
        what = f"The file is {encoding}, and the reason in the metadata is wrong."
        expect_quarantine(city, upload, "encoding", what)


def test_big_objects_fit_into_the_memory(city):
    """An object of 80 MB is read in a function of 128 MB."""
    look = "how you read the body: line by line; read() takes the whole file into memory"
    found = city.account.client("lambda").get_function_configuration(
        FunctionName=city.function.name
    )
    assert found["MemorySize"] <= 128, failure(
        "The function has more memory than the contract gives it.",
        {"MemorySize": found["MemorySize"]},
        128,
        found["MemorySize"],
        "function.json: leave it as it is, and read the file in pieces",
        given="settings",
    )
    line = f"\n1,0,16,{'calm ' * 600}".encode()
    rows = BIG // len(line) + 1
    upload = city.upload(HEADER.encode() + line * rows, bucket=city.quiet)
    result = city.function.invoke({"Records": [upload.record()]})
    assert result.error is None, failure(
        "The function did not survive an object of 80 MB.",
        {"key": upload.key, "size": len(upload.body)},
        "no error",
        _error(result),
        f"{look}. The log ends with:\n{result.log.strip().splitlines()[-1]}",
        given="upload",
    )
    expect_report(city, upload, look, rows=rows, damaged_rows=0, bikers=16 * rows)


def test_reads_the_version_in_the_event(city):
    """The event names a version, and that one is read, even if a newer one is there."""
    name, look = f"versions-{next(_numbers)}", "VersionId=... in get_object and in CopySource"
    what = "A newer version was there already when the event came, and the function read that one."
    first = city.upload(table_of("1,0,1,"), name=name, bucket=city.quiet)
    damaged = city.upload(DAMAGED, name=name, bucket=city.quiet)
    last = city.upload(table_of("1,0,3,"), name=name, bucket=city.quiet)
    city.send(first)
    expect_report(city, first, look, what, version_id=first.version, bikers=1)
    city.send(damaged)
    body, _ = city.output(damaged, damaged.copy)
    assert body == damaged.body, failure(
        what, damaged.shown(), damaged.body.decode(), body[:SHOWN].decode(), look, given="upload"
    )
    city.send(last)
    expect_report(city, last, look, what, version_id=last.version, bikers=3)


def test_same_event_twice_changes_nothing(city):
    """S3 and Lambda deliver at least once: the second time nothing is different."""
    upload = city.upload(table_of("1,0,16,", "1,1,40,"), bucket=city.quiet)

    def state():
        report, _ = city.output(upload, upload.report)
        row = {name: plain(value) for name, value in sorted(city.row(upload).items())}
        return {"report": report.decode("utf-8", "backslashreplace"), "row": row}

    city.send(upload)
    before = state()
    city.send(upload)
    after = state()
    assert after == before, failure(
        "The same event came twice, and the second time changed something.",
        _short({"Records": [upload.record()]}),
        before,
        after,
        "counters that add up (ADD), the time of now, ids made by the function: all that is not "
        "in the event or in the file",
    )


def test_late_event_leaves_the_newer_row(city):
    """Events may come out of order: one of an older version leaves the newer row alone."""
    name = f"late-{next(_numbers)}"
    damaged = city.upload(DAMAGED, name=name, bucket=city.quiet)
    # Shorter, so that it is lower as a number and higher as a text.
    damaged = replace(damaged, sequencer="FF02")
    older = city.upload(table_of("1,0,1,"), name=name, bucket=city.quiet)
    newer = city.upload(table_of("1,0,2,"), name=name, bucket=city.quiet)
    city.send(damaged)
    expect_row(city, damaged, {"version_id": damaged.version})
    city.send(newer)
    came = city.row(newer).get("version_id")
    assert came == newer.version, failure(
        "A newer version came, and the row does not tell of it.",
        {"its sequencer": newer.sequencer, "the sequencer of the row": damaged.sequencer},
        {"version_id": newer.version},
        {"version_id": came},
        "how you compare sequencers: fill up the shorter one with zeros on the left",
        given="events",
    )
    what = "A file was damaged, and its newer version is right: the row holds things of both."
    expect_row(city, newer, {"status": "reported", "reason": None}, what)
    for late in (older, damaged):
        city.send(late)
        came = city.row(newer).get("version_id")
        assert came == newer.version, failure(
            "The event of an older version came late, and took the place of the newer one.",
            _short({"Records": [late.record()]}),
            {"version_id": newer.version},
            {"version_id": came},
            "the sequencer: put_item with a ConditionExpression that compares it with the row's, "
            "for files that are reported and for files in quarantine",
        )
    assert city.read(older.bucket, older.report), failure(
        "The event of an older version came late, and its report is missing.",
        _short({"Records": [older.record()]}),
        [older.report],
        [],
        "where you compare the sequencer: the condition is for the row alone",
    )


def test_errors_of_aws_come_out(city, deploy):
    """What S3 or DynamoDB refuses is no fault of the file: the error comes out."""
    upload = city.upload(table_of("1,0,16,"), bucket=city.quiet)
    lost = city.upload(table_of("1,0,16,"), bucket=city.quiet)
    city.s3.delete_object(Bucket=lost.bucket, Key=lost.key, VersionId=lost.version)
    elsewhere = deploy(TABLE=city.account.name("table"))  # a table that does not exist
    for function, sent, refused, example, look in (
        (
            city.function,
            lost,
            "S3 refused to hand over the object",
            "NoSuchVersion",
            "get_object, which every event needs, and every `except` around it: catch what a "
            "damaged file raises, and nothing more",
        ),
        (
            elsewhere,
            upload,
            "DynamoDB refused to write the row",
            "ResourceNotFoundException",
            "the `except` around put_item: ConditionalCheckFailedException is no failure; raise "
            "all others again",
        ),
    ):
        result = function.invoke({"Records": [sent.record()]})
        assert result.error is not None, failure(
            f"{refused}, and the function ended as if all were well.",
            _short({"Records": [sent.record()]}),
            f"an error, such as {example}, so that Lambda tries the event again",
            result.value,
            look,
        )
