"""Stage 06: alert once when a station runs empty, and once when it recovers.

The event is a batch of a DynamoDB stream, in the order of the writes:

    {"Records": [
        {"eventID": "4f02ad59...",          each record has its own; a repeat has the same
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

An alert is one message to the SNS topic: JSON with exactly these three keys.

    {"station_id": "31623", "alert": "empty", "bikes": 0}      bikes: a number, as it is now

Return the records that failed, an empty list if none did:

    {"batchItemFailures": [{"itemIdentifier": "1100000000017454423010"}]}

Lambda treats None and {} as an empty list; the checks want the list.

A bad record is an INSERT or MODIFY in which an image has no `num_bikes_available`, or one that is
not a DynamoDB number (N), or not a whole number, 0 or more. Report its SequenceNumber, and continue
with the records after it. Never raise because of a bad record. A REMOVE is never bad.

A repeated record alerts only once. Lambda may deliver a record again: at once, or after the station
has changed again; to another execution environment; alone, twice in a batch, or in another batch.
Record in the marks table what you alerted. The `id` of a mark may be anything that no other record
has, such as the eventID.

EXTRA: an alert that cannot be published. Publish nothing after it in this batch, and leave no mark
that would silence the next attempt. Then either raise, or report this record together with every
bad record before it: Lambda treats all records before the lowest reported number as done. In a
batch of 1 (good), 2 (bad), 3 (cannot be published) and 4 (good), return 2 and 3, and do not
alert for 4. Lambda sends 2, 3 and 4 again. If you never catch the error of publish, your function
raises: then these checks may pass although you wrote nothing for them.

Environment variables: TOPIC_ARN, the topic; MARKS_TABLE, a table for your function alone, with the
key `id` (a string). Besides this table, use only SNS. Read both variables; do not hard-code their
values.
"""

# --- your imports, constants and helpers: start ---

# --- your imports, constants and helpers: end ---


def handler(event, context):
    """Alerts for one batch of changes: the module's docstring is the whole contract."""
    # --- your code: start ---
    return {}
    # --- your code: end ---
