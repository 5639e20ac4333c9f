"""Grades stage 04, from outside: it uploads files, and looks at reports, quarantine and table."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import pytest

from workshop.grading import fresh
from workshop.grading.words import failure

from .city import City, short
from .expect import (
    ANOTHER_VERSION,
    expect_late,
    expect_nothing_incoming,
    expect_replaced,
    expect_report,
    expect_row,
    plain,
)
from .files import figures, month, row, table_of

FILES = 24  # two versions at once of each: they seldom miss each other so often


@pytest.fixture(scope="module")
def city(account, deploy):
    return City(account, deploy)


def test_upload_becomes_a_report_and_a_row(city):
    """An uploaded month of real counts becomes its report, and a row that records it."""
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
            f"how you count {name}; the file has quotes and other columns, which csv can read",
            given="upload",
        )
    same = {name: wanted[name] for name in ("version_id", "rows", "damaged_rows", "bikers")}
    expect_row(city, upload, same | {"status": "reported", "output": upload.report})


def test_writes_nothing_where_it_is_watched(city):
    """The function's output does not call the function again."""
    upload = city.upload(table_of(row()))
    city.account.settle()
    expect_nothing_incoming(city, upload)
    city.output(upload, upload.report)


def test_keys_with_spaces_and_umlauts_work(city):
    """The key in an event is URL-encoded: a space is a plus sign, a plus sign is %2B."""
    word, number = fresh.word(), fresh.digits(3)
    for name, look in (
        (
            f"20{number}/räder am {word} 1+2",
            "urllib.parse.unquote_plus(key), before you use the key for anything",
        ),
        (
            f"{word}.csv/incoming/{number}.01",
            "how you make NAME from the key: removeprefix and removesuffix remove one at each end",
        ),
    ):
        some = row()
        upload = city.upload(table_of(some), name=name)
        expect_report(city, upload, look, file=upload.key, bikers=some.bikers)
        expect_row(city, upload, {"output": upload.report})


def test_every_record_counts(city):
    """An event may hold several records, and each of them is handled."""
    uploads = [city.upload(table_of(row()), bucket=city.quiet) for _ in range(3)]
    city.send(*uploads)
    for number, upload in enumerate(uploads, 1):
        assert city.read(upload.bucket, upload.report), failure(
            f"Record {number} of an event with three has no report.",
            [each.key for each in uploads],
            [upload.report],
            city.written(upload),
            'the loop over event["Records"]: a return or a break inside it ends it early',
            given="keys",
        )


def test_damaged_rows_are_counted(city):
    """A damaged row is counted, and the rows around it are used."""
    day, hour, bikers = row().day, row().hour, row().bikers
    good = (row(day=day, hour=0), row(day=day, notes='"cold, windy"'), row(hour=23, bikers=0))
    look = (
        "what you do with a row that has too many or too few fields, or that int() or the ranges "
        "refuse: count it, and continue"
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
        what = f"The row {bad!r} is damaged, but the report does not count it as damaged."
        expect_report(city, upload, look, what, **figures(good, damaged=1))
    edges = (row(day=1, hour=0), row(day=366, hour=23), row(bikers=0), row(day=7, bikers=5))
    lines = [*edges[:3], f"007,+{edges[3].hour}, 5,"]
    look = "which numbers you accept: those that int() reads, and both ends of each range"
    what = "All rows of this file are valid, but the report does not count them all."
    expect_report(city, city.upload(table_of(*lines)), look, what, **figures(edges))


def test_quotes_are_those_of_csv(city):
    """A field in quotes may hold commas and line breaks."""
    rows = [row(notes=f'"{fresh.word()}, windy\nand ""cold"""'), row(notes='"a\r\n\r\nb"'), row()]
    look = (
        "how you make rows: give csv.DictReader the whole stream, such as "
        'io.TextIOWrapper(body, encoding="utf-8-sig", newline=""), and not one line at a time'
    )
    what = "Line breaks in quotes are part of a field, but the report counts other rows."
    expect_report(city, city.upload(table_of(*rows)), look, what, **figures(rows))


def test_empty_lines_are_no_rows(city):
    """A newline at the end, an empty line and Windows line endings are not damaged rows."""
    look = 'how you split lines: split("\\n") leaves an empty one at the end; csv skips it'
    for end, more in (("\n", "\n"), ("\n", "\n\n\n"), ("\r\n", "\r\n\r\n")):
        rows = [row() for _ in range(fresh.whole(2, 5))]
        upload = city.upload(table_of(*rows, end=end) + more)
        expect_report(city, upload, look, **figures(rows))


def test_reads_the_version_in_the_event(city):
    """The function reads the version that the event names, even if a newer one exists."""
    name, look = fresh.word(), "VersionId=... in get_object"
    old, new = row(), row(bikers=fresh.whole(1000, 2000))
    first = city.upload(table_of(old), name=name, bucket=city.quiet)
    last = city.upload(table_of(new), name=name, bucket=city.quiet)
    for upload, some in ((first, old), (last, new)):
        city.send(upload)
        wanted = {"version_id": upload.version, "bikers": some.bikers}
        expect_report(city, upload, look, ANOTHER_VERSION, **wanted)


def test_same_event_twice_changes_nothing(city):
    """S3 and Lambda deliver at least once: the second time, nothing changes."""
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
        "counters that add up (ADD), the current time, ids made by the function: whatever is not "
        "in the event or in the file",
    )


def test_late_event_leaves_the_newer_row(city):
    """Events may come out of order: one of an older version leaves the newer row alone."""
    name = fresh.word()
    oldest, first, older, newer = (
        city.upload(table_of(row()), name=name, bucket=city.quiet) for _ in range(4)
    )
    # Shorter, so that it is lower as a number and higher as a string.
    oldest = replace(oldest, sequencer=f"{fresh.whole(0x100, 0xFFF):X}")
    first = replace(first, sequencer=f"{fresh.whole(0x1000, 0xFFFF):X}")
    city.send(first)
    expect_row(city, first, {"version_id": first.version})
    expect_replaced(city, first, newer)
    expect_late(city, newer, {older: older.report, first: first.report, oldest: oldest.report})


def test_two_versions_may_come_at_once(city):
    """Two versions of a file are handled at the same moment: the row is that of the newer one."""
    with ThreadPoolExecutor(2) as lambdas:
        for _ in range(FILES):
            name = fresh.word()
            older, newer = (
                city.upload(table_of(row()), name=name, bucket=city.quiet) for _ in range(2)
            )
            list(lambdas.map(city.send, (newer, older)))
            came = city.row(newer).get("version_id")
            assert came == newer.version, failure(
                "Two versions were handled at once, and the row is that of the older one.",
                {"newer": newer.version, "older": older.version},
                {"version_id": newer.version},
                {"version_id": came},
                "what you do between a read of the row and its write: the other invocation writes "
                "then. Put the comparison into put_item, as its ConditionExpression",
                given="versions",
            )


def test_errors_of_aws_come_out(city, deploy):
    """If S3 or DynamoDB refuses a call, the file is not to blame: the error comes out."""
    upload, lost = (city.upload(table_of(row()), bucket=city.quiet) for _ in range(2))
    city.s3.delete_object(Bucket=lost.bucket, Key=lost.key, VersionId=lost.version)
    # The key of the upload has 1,024 bytes at most, and that of its report has more.
    long = city.upload(table_of(row()), name=fresh.word() + "x" * 990, bucket=city.quiet)
    elsewhere = deploy(TABLE=city.account.name("table"))  # a table that does not exist
    look = "every `except`: catch what a damaged file raises, and nothing more"
    row_look = (
        "the `except` around put_item: ConditionalCheckFailedException is not a failure; raise all "
        "other errors again"
    )
    for function, sent, refused, example, where in (
        (city.function, lost, "to hand over the object", "NoSuchVersion", look),
        (city.function, long, "to store the report", "KeyTooLongError", look),
        (elsewhere, upload, "to write the row", "ResourceNotFoundException", row_look),
    ):
        result = function.invoke({"Records": [sent.record()]})
        service = "DynamoDB" if function is elsewhere else "S3"
        assert result.error is not None, failure(
            f"{service} refused {refused}, but the function ended as if all were well.",
            short({"Records": [sent.record()]}),
            f"an error, such as {example}, so that Lambda tries the event again",
            result.value,
            where,
        )
