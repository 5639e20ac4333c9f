"""The records of stage 06: any number of bikes, records that are renamed, and those that repeat."""

from __future__ import annotations

import json
import uuid

from workshop.grading import fresh
from workshop.grading.words import failure

from .city import answer, brief


def some():
    """A number of bikes that is not 0."""
    return fresh.whole(1, 40)


def not_bikes():
    """Attributes that do not hold a number of bikes, and None: there is no attribute."""
    number = str(some())
    wrong = [{"S": number}, {"N": f"-{number}"}, {"N": f"{number}.5"}, {"BOOL": True}]
    wrong += [{"NULL": True}, {"S": fresh.word()}, None]
    return fresh.some_of(wrong, len(wrong))


def new_number(length=30):
    """A sequence number of so many digits; those of the stream have 22 or so."""
    return int(fresh.digits(length))


def renamed(record, station, number):
    """A record like another, with its own eventID and sequence number, of another station."""
    other = json.loads(json.dumps(record)) | {"eventID": uuid.uuid4().hex}
    other["dynamodb"]["SequenceNumber"] = str(number)
    for part in ("Keys", "OldImage", "NewImage"):
        if part in other["dynamodb"]:
            other["dynamodb"][part]["station_id"] = {"S": station}
    return other


def repeat(city, station, event, when, wanted=("empty",)):
    """Fails unless an event that was handled before gives no further alert."""
    look = "where you remember what was alerted: in MARKS_TABLE, under this record's own key"
    answer(city.function, event, look)
    city.account.settle()
    came = city.kinds(station, len(wanted))
    assert came == list(wanted), failure(
        f"The same record is delivered again {when}. It must alert once in all.",
        brief(event),
        list(wanted),
        came,
        look + city.log(),
        "records",
    )
