"""What the checks of stage 04 expect of a report, of a row and of a file in quarantine."""

from __future__ import annotations

from workshop.grading.words import failure

from .city import SHOWN, short

WHY = {
    "empty": "the file has no bytes",
    "encoding": "the file is not UTF-8 text",
    "header": "a column is missing from the header",
    "rows": "this file has no valid row, or csv cannot read it",
}
ANOTHER_VERSION = (
    "A newer version already existed when the event came, and the function read that one."
)


def plain(value):
    """A row's value as JSON has it: DynamoDB's numbers are Decimals."""
    return value if isinstance(value, str | dict | list | None) else int(value)


def expect_report(city, upload, look, what="The report is wrong.", **wanted):
    """Fails unless these fields of the report have these values."""
    report = city.report(upload)
    came = {name: report.get(name) for name in wanted}
    assert came == wanted, failure(what, upload.shown(), wanted, came, look, given="upload")


def expect_quarantine(city, upload, reason, what):
    """Fails unless the upload is in quarantine with the reason, and has no report."""
    city.account.eventually(lambda: city.written(upload))
    assert city.read(upload.bucket, upload.report) is None, failure(
        "The file is damaged as a whole, but it has a report.",
        upload.shown(),
        [upload.copy],
        [upload.report],
        f"what you do after reading the file: {WHY[reason]}, so it gets no report, and its reason "
        f"is `{reason}`",
        given="upload",
    )
    body, metadata = city.output(upload, upload.copy)
    came = metadata.get("reason")
    look = 'copy_object(..., Metadata={"reason": ...}, MetadataDirective="REPLACE")'
    if came in WHY:
        look = f"how you tell the reasons apart: {WHY[reason]}"
    assert came == reason, failure(
        what, upload.shown(), {"reason": reason}, {"reason": came}, look, given="upload"
    )
    assert body == upload.body, failure(
        "The file in quarantine is not the one that was uploaded.",
        upload.shown(),
        upload.body[:SHOWN].decode("utf-8", "backslashreplace"),
        body[:SHOWN].decode("utf-8", "backslashreplace"),
        "CopySource of copy_object: Bucket, Key and VersionId. Copy within S3, do not decode",
        given="upload",
    )
    wanted = {"version_id": upload.version, "output": upload.copy, "status": "quarantined"}
    expect_row(city, upload, wanted | {"reason": reason})


def expect_row(city, upload, wanted, what="The row in the table is wrong."):
    """Fails unless these attributes of the row have these values."""
    row = city.row(upload)
    came = {name: plain(row.get(name)) for name in wanted}
    assert came == wanted, failure(
        what,
        upload.shown(),
        wanted,
        came,
        city.error() or "the Item of put_item",
        given="upload",
    )


def expect_nothing_incoming(city, *uploads):
    """Fails if the function wrote under incoming/, where its own trigger watches."""
    pages = city.s3.get_paginator("list_object_versions").paginate(Bucket=city.watched)
    versions = [each for page in pages for each in page.get("Versions", [])]
    known = {upload.version for upload in city.uploads}
    extra = [
        each["Key"]
        for each in versions
        if each["Key"].startswith("incoming/") and each["VersionId"] not in known
    ]
    what = "The function wrote under incoming/, where its own trigger watches."
    loops = len([key for key in extra if key.endswith(".csv")])
    if loops:
        what = (
            f"Your function was called by its own output: nobody uploaded {loops} of the files "
            "under incoming/. Each made the next one, until Lambda stopped the loop after 16 "
            "rounds; on AWS you pay for them."
        )
    assert not extra, failure(
        what,
        [upload.shown() for upload in uploads],
        "nothing but the uploads under incoming/",
        extra[:3],
        "Key=... of put_object and copy_object: reports/ and quarantine/ are not watched",
        given="uploads",
    )


def expect_replaced(city, older, newer):
    """Sends the event of a newer version, and fails unless the row is its row then."""
    city.send(newer)
    came = city.row(newer).get("version_id")
    assert came == newer.version, failure(
        "A newer version came, but the row is still that of the older one.",
        {"its sequencer": newer.sequencer, "the sequencer of the row": older.sequencer},
        {"version_id": newer.version},
        {"version_id": came},
        "how you compare sequencers: pad the shorter one with zeros on the left",
        given="events",
    )


def expect_late(city, newer, outputs):
    """Sends late events, and fails unless the newer row stays and each has its own output."""
    for late, output in outputs.items():
        city.send(late)
        came = city.row(newer).get("version_id")
        assert came == newer.version, failure(
            "The event of an older version came late, and replaced the row of the newer one.",
            short({"Records": [late.record()]}),
            {"version_id": newer.version},
            {"version_id": came},
            "the sequencer: put_item with a ConditionExpression that compares it with the row's, "
            "padded with zeros on the left, for reported files and for files in quarantine",
        )
        assert city.read(late.bucket, output), failure(
            "The event of an older version came late, but its report or copy is missing.",
            short({"Records": [late.record()]}),
            [output],
            [],
            "where you compare the sequencer: the condition is only for the row",
        )
