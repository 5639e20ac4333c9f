"""Grades stage 04, from outside: it uploads files, and looks at reports, quarantine and table."""

from __future__ import annotations

from dataclasses import replace

import pytest
from stage_04_city import (
    SHOWN,
    WHY,
    City,
    error_of,
    expect_quarantine,
    expect_report,
    expect_row,
    numbers,
    plain,
    short,
)

from workshop.grading.words import failure
from workshop.paths import repository

DATA = repository() / "data" / "bikeshare-hourly-2011.csv"
HEADER = "day,hr,bikers,notes"
DAMAGED = HEADER + "\n1,0,many,"  # a file without a row that is right
WIDE = HEADER + f"\n1,0,{'1' * 131_073},"  # a field that the csv module refuses
BIG = 80_000_000  # bytes


@pytest.fixture(scope="module")
def city(account, deploy):
    return City(account, deploy)


def table_of(*rows, header=HEADER, end="\n"):
    """A CSV file of rows, without a newline at the end."""
    return end.join([header, *rows])


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
        error_of(result),
        f"{look}. The log ends with:\n{result.log.strip().splitlines()[-1]}",
        given="upload",
    )
    expect_report(city, upload, look, rows=rows, damaged_rows=0, bikers=16 * rows)


def test_reads_the_version_in_the_event(city):
    """The event names a version, and that one is read, even if a newer one is there."""
    name, look = f"versions-{next(numbers)}", "VersionId=... in get_object and in CopySource"
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
        short({"Records": [upload.record()]}),
        before,
        after,
        "counters that add up (ADD), the time of now, ids made by the function: all that is not "
        "in the event or in the file",
    )


def test_late_event_leaves_the_newer_row(city):
    """Events may come out of order: one of an older version leaves the newer row alone."""
    name = f"late-{next(numbers)}"
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
            short({"Records": [late.record()]}),
            {"version_id": newer.version},
            {"version_id": came},
            "the sequencer: put_item with a ConditionExpression that compares it with the row's, "
            "for files that are reported and for files in quarantine",
        )
    assert city.read(older.bucket, older.report), failure(
        "The event of an older version came late, and its report is missing.",
        short({"Records": [older.record()]}),
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
            short({"Records": [sent.record()]}),
            f"an error, such as {example}, so that Lambda tries the event again",
            result.value,
            look,
        )
