"""Stage 07: count what the docks report, once, whether it comes from Kinesis or from Kafka.

A dock reports each returned bike as a reading, a JSON object in UTF-8:

    {"id": "6b1f0c",                              a string that no other reading has
     "station_id": "31623",                       a string
     "returned_at": "2026-05-04T08:03:10-04:00",  ISO 8601, always with an offset or a Z
     "distance": 1.25,                            a number from 0 to 100,000
     "unit": "mi"}                                "mi", "km" or "m"

Each string has 1 to 100 characters. Ignore any other field.

SUMS. For each station and every 5 minutes, keep one row in the table SUMS_TABLE:

    station_id  "31623"
    window      "2026-05-04T12:00:00Z"   when the 5 minutes begin, in UTC: 12:00, 12:05, 12:10, ...
    rides       1                        how many readings (N)
    meters      2012                     their distances, each rounded to whole meters (N)

A mile has 1609.344 m. A row may have more attributes.

ONCE. A reading counts once, by its `id`, whoever sends it again: Lambda, a dock that repeats it as
a new record, or the other stream; alone or twice in a batch; to this environment or to another.
The table SEEN_TABLE is for your function alone: its key is `id`, a string. Both tables change
together or not at all, because the function may end at any line.

BAD RECORDS are those that do not hold a reading. Send each to the queue FAILURES_URL, as JSON with
exactly these keys, and continue. Then the record is done, so do not report it to Lambda:

    {"source": "shardId-000000000000:4959...",   the record's eventID; for Kafka "docks-0@17"
     "reason": "unit is missing",                names the wrong field, or says that it is not JSON
     "data": "eyJpZCI6..."}                      as it came, in base64

RETURN the records that failed: those that a table or the queue did not accept. Never raise.

    {"batchItemFailures": []}                                                    none failed
    {"batchItemFailures": [{"itemIdentifier": "4959..."}]}                       sequenceNumber
    {"batchItemFailures": [{"itemIdentifier": {"partition": "docks-0", "offset": 17}}]}    Kafka

You may stop or continue after one that failed: Lambda sends it again, with all that follow.

KINESIS   {"Records": [{"eventID": "shardId-000000000000:4959...",
                        "kinesis": {"sequenceNumber": "4959...", "data": "eyJpZCI6...", ...},
                        ...}]}

KAFKA     {"eventSource": "SelfManagedKafka",
           "records": {"docks-0": [{"topic": "docks", "partition": 0, "offset": 17,
                                    "key": "MzE2MjM=", "value": "eyJpZCI6...",
                                    "headers": [{"unit": [109, 105]}], ...}]}}

In Kafka the value holds only id, returned_at and distance. The station is the record's key, in
base64, and the unit is the header `unit`, whose bytes are numbers from -128 to 127. A record
without a key has no station, and one without the header has no unit. A record whose `value` is
null, or missing, is a tombstone: ignore it.

EXTRA, a tumbling window. A Kinesis event may also have

     "window": {"start": "2026-05-04T12:00:00Z", "end": "2026-05-04T12:05:00Z"},
     "state": {}, "shardId": "shardId-000000000000", "isFinalInvokeForWindow": false, ...

Then return "state" beside batchItemFailures: {"rides": 7}, the event's own state (at first {})
plus the readings of this batch that did not fail, including repeated ones. In the final invocation,
whose Records may be empty, also write the row with the shardId as its station_id, the window's
start as its window, and `rides`. That invocation may come twice, so put the row, and add nothing.

Environment variables: SUMS_TABLE (its key is station_id with window), SEEN_TABLE, FAILURES_URL.
"""

# --- your imports, constants and helpers: start ---

# --- your imports, constants and helpers: end ---


def handler(event, context):
    """Counts one batch: the module's docstring is the whole contract."""
    # --- your code: start ---
    return {}
    # --- your code: end ---
