"""Stage 06: alert once when a station runs empty, and once when it recovers.

The event is a batch of a DynamoDB stream, in the order of the writes:

    {"Records": [
        {"eventID": "4f02ad59...",          another one for each record; a repeat has the same
         "eventName": "MODIFY",             or "INSERT" (no OldImage), "REMOVE" (no NewImage)
         "dynamodb": {
             "Keys": {"station_id": {"S": "31623"}},
             "OldImage": {"station_id": {"S": "31623"}, "num_bikes_available": {"N": "2"}, ...},
             "NewImage": {"station_id": {"S": "31623"}, "num_bikes_available": {"N": "0"}, ...},
             "SequenceNumber": "1100000000017454423010",      a number of 21 to 40 digits, higher
             ...}, ...}]}                                     with each change

What to do with a record, by its `num_bikes_available`:

    had bikes, or is new  ->  has none         publish the alert "empty"
    had none              ->  has bikes        publish the alert "recovered"
    any other change, and every REMOVE         publish nothing

An alert is one message to the SNS topic: JSON with exactly these three keys:

    {"station_id": "31623", "alert": "empty", "bikes": 0}      bikes: a number, as it is now

The result names the records that failed, and is an empty list if none did:

    {"batchItemFailures": [{"itemIdentifier": "1100000000017454423010"}]}

Lambda takes None or {} for an empty list, too; the checks want the list.

A bad record is an INSERT or MODIFY with an image whose `num_bikes_available` is not there, is no
DynamoDB number (N), or is no whole number from 0 on. Report its SequenceNumber and go on with the
records after it. A bad record never raises. A REMOVE is never bad.

A repeated record alerts once. Lambda may send a record again: at once, later, when the station
has changed since, to another execution environment, alone, twice in a batch or in another one.
Remember what was alerted in the marks table; the `id` of a mark is yours to choose, and eventID
serves.

If an alert cannot be published, publish nothing after it, and leave no mark that would silence
the next attempt. Report that record together with the bad ones before it, or raise: what lies
before the lowest number that you report counts as done.

Environment variables: TOPIC_ARN, the topic; MARKS_TABLE, a table of your own with the key `id`
(a text). Beside it you may use SNS and nothing else. Read both variables; do not write names.
"""

# --- your imports, constants and helpers: start ---

# --- your imports, constants and helpers: end ---


def handler(event, context):
    """Alerts for one batch of changes: the module's text above is the whole contract."""
    # --- your code: start ---
    return {}
    # --- your code: end ---
