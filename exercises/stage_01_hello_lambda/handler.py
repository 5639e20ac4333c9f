"""Stage 01: the fare of one ride.

The event is one ride:

    {"ride_id": "R-1001",                         a string that is not empty (a space will do)
     "started_at": "2026-05-04T08:00:00+02:00",   ISO 8601 with an offset, which may be "Z"; seconds
                                                  may have a fraction
     "ended_at": "2026-05-04T08:12:30+02:00",     not before started_at
     "rider": "member",                           or "casual"
     "bike": "classic"}                           or "electric"

Return exactly these four keys:

    {"ride_id": "R-1001",         unchanged
     "minutes": 13,               whole minutes, rounded up, even if the ride takes days; 0 if it
                                  ends at the moment when it starts
     "fare_cents": 0,             an integer
     "request_id": "8e1f..."}     the id of this invocation, from the context

The tariff, in cents:

    rider    bike       unlock   free minutes   each further minute
    member   classic         0             45                     5
    member   electric        0              0                    10
    casual   classic       100              0                     5
    casual   electric      100              0                    15

A casual rider on a classic bike for 12 minutes and 30 seconds pays 100 + 13 x 5 = 165 cents.

Errors: raise ValueError itself, not a subclass, for a field that is missing, has the wrong type,
has a value other than those above (`rider`, `bike`), is not a time, or is a time without an offset.
The message names this field and no other. For a ride that ends before it starts, it names
`ended_at`, and may name `started_at` as well.

One environment serves many rides: keep nothing from one ride for the next.

On Python 3.10, `datetime.fromisoformat` does not read a "Z": replace it with "+00:00" first.
"""

# --- your imports, constants and helpers: start ---

# --- your imports, constants and helpers: end ---


def handler(event, context):
    """Prices one ride, as the docstring at the top says."""
    # --- your code: start ---
    return {}
    # --- your code: end ---
