"""The records of stage 07: readings, the events that bring them, and what their sums must be."""

from __future__ import annotations

import base64
import json
from collections import defaultdict
from datetime import datetime, timedelta, timezone
from decimal import Decimal

from workshop.grading import fresh

METERS = {"mi": Decimal("1609.344"), "km": Decimal(1000), "m": Decimal(1)}
OFFSETS = (-600, -240, -210, 60, 345, 720)  # minutes
LONGEST, FARTHEST = 100, 100_000
STREAM = "arn:aws:kinesis:us-east-1:123456789012:stream/docks"
ROLE = "arn:aws:iam::123456789012:role/lambda-role"
WINDOW = timedelta(minutes=5)


def reading(station, moment=None, unit="m"):
    """A reading with an id that no other has, at the first second of a window unless one is named.

    Its distance is whole meters; in miles it is one that rounds up, and in "mi " one that does not.
    """
    moment = moment or start_of_a_window()
    return {
        "id": f"{fresh.word()}-{fresh.digits(6)}",
        "station_id": station,
        "returned_at": written(moment, fresh.one_of(OFFSETS)),
        "distance": distance_in(unit),
        "unit": unit.strip(),
    }


def distance_in(unit):
    """A distance as a number of JSON; one in miles is not near the half of a meter."""
    if unit == "m":
        return fresh.whole(11, 999)
    if unit == "km":
        return fresh.whole(21, 1999) / 100
    least = Decimal("0.55") if unit == "mi" else Decimal("0.05")
    while True:
        number = fresh.whole(21, 1999) / 100
        if least < exact(number, "mi") % 1 < least + Decimal("0.4"):
            return number


def exact(distance, unit):
    """A distance in meters, before it is rounded."""
    return Decimal(str(distance)) * METERS[unit]


def written(moment, offset):
    """A time in ISO 8601 with an offset of so many minutes; None writes a Z."""
    if offset is None:
        return moment.astimezone(timezone.utc).isoformat().replace("+00:00", "Z")
    return moment.astimezone(timezone(timedelta(minutes=offset))).isoformat()


def window_of(text):
    """The start of a time's window, as the contract writes it."""
    moment = datetime.fromisoformat(text.replace("Z", "+00:00")).astimezone(timezone.utc)
    start = moment.replace(minute=moment.minute // 5 * 5, second=0, microsecond=0)
    return start.strftime("%Y-%m-%dT%H:%M:%SZ")


def sums(readings):
    """What the rows of these readings must hold, by window; all of them are of one station."""
    found = defaultdict(lambda: {"rides": 0, "meters": 0})
    for each in readings:
        row = found[window_of(each["returned_at"])]
        row["rides"] += 1
        row["meters"] += int(exact(each["distance"], each["unit"]).to_integral_value())
    return dict(found)


def start_of_a_window():
    """The first second of a window."""
    moment = fresh.moment()
    return moment.replace(minute=moment.minute // 5 * 5, second=0)


def not_readings(station):
    """Data that is no reading, each with a word that the reason must have, in any order."""
    wrong = [({"unit": fresh.word()}, "unit"), ({"distance": str(fresh.whole(1, 9))}, "distance")]
    wrong += [({"distance": True}, "distance"), ({"distance": -fresh.whole(1, 9)}, "distance")]
    wrong += [
        ({"distance": FARTHEST + fresh.whole(1, 9)}, "distance"),
        ({"distance": None}, "distance"),
    ]
    wrong += [({"returned_at": fresh.moment().replace(tzinfo=None).isoformat()}, "returned_at")]
    wrong += [
        ({"returned_at": fresh.word()}, "returned_at"),
        ({"returned_at": 1777896190}, "returned_at"),
    ]
    wrong += [
        ({"id": ""}, "id"),
        ({"id": "x" * (LONGEST + 1)}, "id"),
        ({"station_id": 31623}, "station_id"),
    ]
    found = [(as_data({**reading(station), **change}), word) for change, word in wrong]
    for field in ("id", "station_id", "returned_at", "distance", "unit"):
        found.append((as_data({k: v for k, v in reading(station).items() if k != field}), field))
    found += [(b"\xff" + fresh.word().encode(), "JSON"), (fresh.word().encode(), "JSON")]
    found += [(as_data([reading(station)]), "JSON"), (as_data(fresh.word()), "JSON")]
    return fresh.some_of(found, len(found))


def as_data(value):
    """A value as the bytes of its JSON."""
    return json.dumps(value).encode()


def text_of(data):
    """Bytes in base64, as an event has them."""
    return base64.b64encode(data).decode()


def kinesis_event(*records):
    """An event of Kinesis: readings, or bytes as they are, from the first shard."""
    number = int(f"49{fresh.digits(54)}")
    return {"Records": [_kinesis(each, str(number + n)) for n, each in enumerate(records)]}


def _kinesis(value, number):
    data = value if isinstance(value, bytes) else as_data(value)
    key = value["station_id"] if isinstance(value, dict) else fresh.word()
    return {
        "kinesis": {
            "kinesisSchemaVersion": "1.0",
            "partitionKey": str(key),
            "sequenceNumber": number,
            "data": text_of(data),
            "approximateArrivalTimestamp": round(fresh.moment().timestamp(), 3),
        },
        "eventSource": "aws:kinesis",
        "eventVersion": "1.0",
        "eventID": f"shardId-000000000000:{number}",
        "eventName": "aws:kinesis:record",
        "invokeIdentityArn": ROLE,
        "awsRegion": "us-east-1",
        "eventSourceARN": STREAM,
    }


def numbers(event):
    """The sequence numbers of an event, in their order."""
    return [each["kinesis"]["sequenceNumber"] for each in event["Records"]]


def as_kafka(value):
    """A reading as Kafka has it: key, value and headers."""
    rest = {k: v for k, v in value.items() if k not in ("station_id", "unit")}
    return value["station_id"].encode(), as_data(rest), [("unit", value["unit"].encode())]


def kafka_event(topic, *records):
    """An event of Kafka: pairs of a partition and (key, value, headers), None if it has none.

    A tombstone's value is null in one record, and missing in the next.
    """
    offset, tombstones = fresh.whole(1, 9_000), 0
    partitions = defaultdict(list)
    for partition, (key, value, headers) in records:
        found = {
            "topic": topic,
            "partition": partition,
            "offset": offset + len(partitions[f"{topic}-{partition}"]),
            "timestamp": int(fresh.moment().timestamp() * 1000),
            "timestampType": "CREATE_TIME",
        }
        if key is not None:
            found["key"] = text_of(key)
        if value is not None:
            found["value"] = text_of(value)
        elif tombstones % 2 == 0:
            found["value"] = None
        tombstones += value is None
        signed = [{n: [b - 256 if b > 127 else b for b in v]} for n, v in headers]
        partitions[f"{topic}-{partition}"].append({**found, "headers": signed})
    return {
        "eventSource": "SelfManagedKafka",
        "bootstrapServers": "kafka.bikes.example:9092",
        "records": dict(partitions),
    }


def places(event):
    """The identifiers of a Kafka event's records, in their order."""
    return [
        {"partition": name, "offset": each["offset"]}
        for name, records in event["records"].items()
        for each in records
    ]


def brief(event):
    """What a learner needs to see of an event's records, a line for each."""
    if "Records" in event:
        return [
            f"...{each['kinesis']['sequenceNumber'][-6:]}: {_readable(each['kinesis']['data'])}"
            for each in event["Records"]
        ] or ["no records"]
    return [
        f"{name}@{each['offset']}: key {_readable(each.get('key'))}, "
        f"headers {json.dumps(each['headers'])}, value {_readable(each.get('value'))}"
        for name, records in event["records"].items()
        for each in records
    ]


def _readable(data):
    """Data in base64 as text, in one line; of a reading what it says, without the names."""
    if data is None:
        return "none"
    said = base64.b64decode(data).decode("utf-8", "backslashreplace")
    try:
        found = json.loads(said)
        return "{returned_at}  {distance} {unit}  station {station_id}, id {id}".format(**found)
    except (ValueError, TypeError, KeyError):
        return said if len(said) <= 170 else said[:170] + "..."
