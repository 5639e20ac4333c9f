"""Grades stage 04, from outside: it uploads files, and looks at reports, quarantine and table."""

from __future__ import annotations

from dataclasses import replace

import pytest

from workshop.grading import fresh
from workshop.grading.words import failure

from .city import (
    SHOWN,
    WHY,
    City,
    error_of,
    expect_quarantine,
    expect_report,
    expect_row,
    plain,
    short,
)
from .files import HEADER, TOO_WIDE, damaged, figures, month, row, table_of

BIG = 80_000_000  # bytes


@pytest.fixture(scope="module")
def city(account, deploy):
    return City(account, deploy)


def test_upload_becomes_a_report_and_a_row(city):
    """An uploaded month of real counts becomes its report, and a row that tells of it."""
    text, counted = month()
    upload = city.upload(text)
    wanted = {"file": upload.key, "version_id": upload.version, **counted}
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
    same = {name: wanted[name] for name in ("version_id", "rows", "damaged_rows", "bikers")}
    expect_row(city, upload, same | {"status": "reported", "output": upload.report})


def test_writes_nothing_where_it_is_watched(city):
    """The function's output does not call the function again."""
    good = city.upload(table_of(row()))
    city.account.settle()  # one after the other: one environment serves both
    bad = city.upload(damaged())
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
        [good.shown(), bad.shown()],
        "nothing but the uploads under incoming/",
        extra[:3],
        "Key=... of put_object and copy_object: reports/ and quarantine/ are not watched",
        given="uploads",
    )
    city.output(good, good.report)
    city.output(bad, bad.copy)


def test_keys_with_blanks_and_umlauts_work(city):
    """The key in an event is URL-encoded: a blank is a plus sign, a plus sign is %2B."""
    word, number = fresh.word(), fresh.digits(3)
    for name, look in (
        (
            f"20{number}/räder am {word} 1+2",
            "urllib.parse.unquote_plus(key), before you use the key for anything",
        ),
        (
            f"{word}.csv/incoming/{number}.01",
            "how you make NAME of the key: removeprefix and removesuffix take one off, at the ends",
        ),
    ):
        some = row()
        upload = city.upload(table_of(some), name=name)
        expect_report(city, upload, look, file=upload.key, bikers=some.bikers)
        expect_row(city, upload, {"output": upload.report})


def test_every_record_counts(city):
    """An event may hold several records, and each of them is handled."""
    uploads = [city.upload(table_of(row()), bucket=city.quiet) for _ in range(3)]
    bad = city.upload(damaged(), bucket=city.quiet)
    uploads.insert(2, bad)
    city.send(*uploads)
    for number, upload in enumerate(uploads, 1):
        key, what, look = (
            upload.report,
            "a file that is right; it should have a report",
            'the loop over event["Records"]: it goes on after the first, and after a damaged file',
        )
        if upload is bad:
            key, what, look = (
                upload.copy,
                "a damaged file; it should be in quarantine",
                f"what you do when the file is read: {WHY['rows']}, so its reason is `rows`",
            )
        assert city.read(upload.bucket, key), failure(
            f"Record {number} of an event with four is {what}.",
            [each.key for each in uploads],
            [key],
            city.written(upload),
            look,
            given="keys",
        )


def test_damaged_rows_are_counted(city):
    """A damaged row is counted and the rows around it are used."""
    day, hour, bikers = row().day, row().hour, row().bikers
    good = (row(day=day, hour=0), row(day=day, notes='"cold, windy"'), row(hour=23, bikers=0))
    look = (
        "what you do with a row that has too many or too few fields, or that int() or the ranges "
        "refuse: count it, and go on"
    )
    for bad in (
        f"0,{hour},{bikers},",
        f"367,{hour},{bikers},",
        f"{day},24,{bikers},",
        f"{day},-1,{bikers},",
        f"{day},{fresh.word()},{bikers},",
        f"{day},{hour},,",
        f"{day},{hour},-{bikers},",
        f"{day},{hour},{bikers}.5,",
        f"{day},{hour}",
        f"{day},{hour},{bikers}",
        f"{day},{hour},{bikers},calm,again",
    ):
        upload = city.upload(table_of(good[0], bad, *good[1:]))
        what = f"The row {bad!r} is damaged, and the report does not say so."
        expect_report(city, upload, look, what, **figures(good, damaged=1))
    edges = (row(day=1, hour=0), row(day=366, hour=23), row(bikers=0), row(day=7, bikers=5))
    lines = [*edges[:3], f"007,+{edges[3].hour}, 5,"]
    look = "which numbers you take: those that int() reads, and both ends of each range"
    what = "All rows of this file are right, and the report does not say so."
    expect_report(city, city.upload(table_of(*lines)), look, what, **figures(edges))


def test_empty_lines_are_no_rows(city):
    """A newline at the end, an empty line and Windows line ends are no damaged rows."""
    look = 'how you make lines: split("\\n") leaves an empty one at the end; csv skips it'
    for end, more in (("\n", "\n"), ("\n", "\n\n\n"), ("\r\n", "\r\n\r\n")):
        rows = [row() for _ in range(fresh.whole(2, 5))]
        upload = city.upload(table_of(*rows, end=end) + more)
        expect_report(city, upload, look, **figures(rows))


def test_byte_order_mark_is_no_part_of_the_header(city):
    """A file that Excel saved begins with a byte order mark, and is right."""
    some = row()
    upload = city.upload(table_of(some).encode("utf-8-sig"))
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
    expect_report(city, upload, look, **figures([some]))


def test_unusable_files_go_to_quarantine(city):
    """A file that is empty, lacks a column or has no row that is right goes to quarantine."""
    lacks = fresh.one_of(("day", "hr", "bikers"))
    for body, reason in (
        ("", "empty"),
        (table_of(row(), header=HEADER.replace(lacks, fresh.word())), "header"),
        (damaged(), "rows"),
        (damaged().encode("utf-8-sig"), "rows"),
        (table_of(), "rows"),
        (table_of(row(), row(notes=fresh.word()[0] * TOO_WIDE)), "rows"),
    ):
        upload = city.upload(body)
        expect_quarantine(city, upload, reason, "The reason in the metadata is wrong.")


def test_other_encodings_go_to_quarantine(city):
    """A file that is no UTF-8 text goes to quarantine, however late that shows."""
    text = table_of(row(), *[row(notes="calm")] * 2000, row(notes=f"böig {fresh.word()}"))
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
    some = row(notes=f"{fresh.word()} " * 333)
    line = f"\n{some}".encode()
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
    expect_report(city, upload, look, rows=rows, damaged_rows=0, bikers=some.bikers * rows)


def test_reads_the_version_in_the_event(city):
    """The event names a version, and that one is read, even if a newer one is there."""
    name, look = fresh.word(), "VersionId=... in get_object and in CopySource"
    what = "A newer version was there already when the event came, and the function read that one."
    old, new = row(), row(bikers=fresh.whole(1000, 2000))
    first = city.upload(table_of(old), name=name, bucket=city.quiet)
    bad = city.upload(damaged(), name=name, bucket=city.quiet)
    last = city.upload(table_of(new), name=name, bucket=city.quiet)
    city.send(first)
    expect_report(city, first, look, what, version_id=first.version, bikers=old.bikers)
    city.send(bad)
    body, _ = city.output(bad, bad.copy)
    assert body == bad.body, failure(
        what, bad.shown(), bad.body.decode(), body[:SHOWN].decode(), look, given="upload"
    )
    city.send(last)
    expect_report(city, last, look, what, version_id=last.version, bikers=new.bikers)


def test_same_event_twice_changes_nothing(city):
    """S3 and Lambda deliver at least once: the second time nothing is different."""
    upload = city.upload(table_of(row(), row()), bucket=city.quiet)

    def state():
        report, _ = city.output(upload, upload.report)
        values = {name: plain(value) for name, value in sorted(city.row(upload).items())}
        return {"report": report.decode("utf-8", "backslashreplace"), "row": values}

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
    name = fresh.word()
    oldest, bad = (city.upload(damaged(), name=name, bucket=city.quiet) for _ in range(2))
    # Shorter, so that it is lower as a number and higher as a text.
    oldest = replace(oldest, sequencer=f"{fresh.whole(0x100, 0xFFF):X}")
    bad = replace(bad, sequencer=f"{fresh.whole(0x1000, 0xFFFF):X}")
    older, newer = (city.upload(table_of(row()), name=name, bucket=city.quiet) for _ in range(2))
    city.send(bad)
    expect_row(city, bad, {"version_id": bad.version})
    city.send(newer)
    came = city.row(newer).get("version_id")
    assert came == newer.version, failure(
        "A newer version came, and the row does not tell of it.",
        {"its sequencer": newer.sequencer, "the sequencer of the row": bad.sequencer},
        {"version_id": newer.version},
        {"version_id": came},
        "how you compare sequencers: fill up the shorter one with zeros on the left",
        given="events",
    )
    what = "A file was damaged, and its newer version is right: the row holds things of both."
    expect_row(city, newer, {"status": "reported", "reason": None}, what)
    expect_late(city, newer, {older: older.report, bad: bad.copy, oldest: oldest.copy})
    name = fresh.word()
    older = city.upload(table_of(row()), name=name, bucket=city.quiet)
    newer = city.upload(damaged(), name=name, bucket=city.quiet)
    city.send(newer)
    expect_late(city, newer, {older: older.report})


def expect_late(city, newer, outputs):
    """Sends late events, and fails unless the newer row stays and each has its own output."""
    for late, output in outputs.items():
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
        assert city.read(late.bucket, output), failure(
            "The event of an older version came late, and its report or copy is missing.",
            short({"Records": [late.record()]}),
            [output],
            [],
            "where you compare the sequencer: the condition is for the row alone",
        )


def test_errors_of_aws_come_out(city, deploy):
    """What S3 or DynamoDB refuses is no fault of the file: the error comes out."""
    upload, lost = (city.upload(table_of(row()), bucket=city.quiet) for _ in range(2))
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
