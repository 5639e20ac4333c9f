"""Grades the extras of stage 04: damaged files and quarantine, other encodings, a large file."""

from __future__ import annotations

import pytest

from workshop.grading import fresh
from workshop.grading.words import failure

from .city import SHOWN, City, error_of
from .expect import (
    ANOTHER_VERSION,
    expect_late,
    expect_nothing_incoming,
    expect_quarantine,
    expect_replaced,
    expect_report,
    expect_row,
)
from .files import HEADER, TOO_WIDE, damaged, figures, row, table_of

BIG = 80_000_000  # bytes


@pytest.fixture(scope="module")
def city(account, deploy):
    return City(account, deploy)


@pytest.mark.extra
def test_byte_order_mark_is_no_part_of_the_header(city):
    """A file that Excel saved begins with a byte order mark, and is valid."""
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


@pytest.mark.extra
def test_unusable_files_go_to_quarantine(city):
    """A file that is empty, lacks a column or has no valid row goes to quarantine."""
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
        expect_nothing_incoming(city, upload)


@pytest.mark.extra
def test_other_encodings_go_to_quarantine(city):
    """A file that is not UTF-8 text goes to quarantine, however late that shows."""
    text = table_of(row(), *[row(notes="calm")] * 2000, row(notes=f"böig {fresh.word()}"))
    for encoding in ("utf-16", "latin-1"):
        upload = city.upload(text.encode(encoding))
        what = f"The file is {encoding}, and the reason in the metadata is wrong."
        expect_quarantine(city, upload, "encoding", what)


@pytest.mark.extra
def test_big_objects_fit_into_the_memory(city):
    """A function with 128 MB of memory reads an object of 80 MB."""
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


@pytest.mark.extra
def test_a_damaged_file_keeps_nothing_from_the_others(city):
    """A record of a damaged file does not keep the ones after it from their reports."""
    uploads = [city.upload(table_of(row()), bucket=city.quiet) for _ in range(2)]
    uploads.insert(1, city.upload(damaged(), bucket=city.quiet))
    city.send(*uploads)
    for number, (upload, key) in enumerate(
        zip(uploads, (uploads[0].report, uploads[1].copy, uploads[2].report), strict=True), 1
    ):
        assert city.read(upload.bucket, key), failure(
            f"The second record of an event is a damaged file; record {number} has no output.",
            [each.key for each in uploads],
            [key],
            city.written(upload),
            'the loop over event["Records"]: put the damaged file into quarantine, and continue',
            given="keys",
        )


@pytest.mark.extra
def test_quarantine_keeps_the_version_in_the_event(city):
    """The copy of a damaged file is the version that the event names."""
    name = fresh.word()
    bad = city.upload(damaged(), name=name, bucket=city.quiet)
    city.upload(table_of(row()), name=name, bucket=city.quiet)
    city.send(bad)
    body, _ = city.output(bad, bad.copy)
    assert body == bad.body, failure(
        ANOTHER_VERSION,
        bad.shown(),
        bad.body.decode(),
        body[:SHOWN].decode("utf-8", "backslashreplace"),
        "VersionId=... in get_object, and in CopySource",
        given="upload",
    )


@pytest.mark.extra
def test_late_events_and_quarantine(city):
    """A damaged version never replaces the row of a newer one, and is replaced by a newer one."""
    name = fresh.word()
    oldest, bad, newer = (
        city.upload(body, name=name, bucket=city.quiet)
        for body in (damaged(), damaged(), table_of(row()))
    )
    city.send(bad)
    expect_row(city, bad, {"version_id": bad.version})
    expect_replaced(city, bad, newer)
    what = "A file was damaged, and its newer version is valid, but the row has values of both."
    expect_row(city, newer, {"status": "reported", "reason": None}, what)
    expect_late(city, newer, {bad: bad.copy, oldest: oldest.copy})
    name = fresh.word()
    older = city.upload(table_of(row()), name=name, bucket=city.quiet)
    newer = city.upload(damaged(), name=name, bucket=city.quiet)
    city.send(newer)
    expect_late(city, newer, {older: older.report})
