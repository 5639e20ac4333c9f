"""Stage 01: the fare of one ride.

The event, one ride:

    {"ride_id": "R-1001",                         any string that is not empty, a space too
     "started_at": "2026-05-04T08:00:00+02:00",   ISO 8601 with an offset ("Z" is one); seconds
                                                  may have a fraction
     "ended_at": "2026-05-04T08:12:30+02:00",     not before started_at
     "rider": "member",                           or "casual"
     "bike": "classic"}                           or "electric"

The result, exactly these four keys:

    {"ride_id": "R-1001",         as it came
     "minutes": 13,               whole minutes, rounded up, however long; 0 for no length
     "fare_cents": 0,             a whole number of cents: no float
     "request_id": "8e1f..."}     the id of this invocation, from the context

The tariff, in cents:

    rider    bike       unlock   free minutes   each further minute
    member   classic         0             45                     5
    member   electric        0              0                    10
    casual   classic       100              0                     5
    casual   electric      100              0                    15

Errors: a field that is missing, of the wrong type, unknown (`rider`, `bike`), no time or a time
without an offset raises ValueError itself, no subclass, and the message names the field and no
other. A ride that ends before it starts names `ended_at`, and may name `started_at` beside it. One
environment serves many rides: keep nothing of one for the next.
"""

# --- your imports, constants and helpers: start ---

# --- your imports, constants and helpers: end ---


def handler(event, context):
    """Prices one ride: the module's text above is the whole contract."""
    # --- your code: start ---
    return {}
    # --- your code: end ---
