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
from datetime import datetime

# rider, bike: unlock, free minutes, each further minute; in cents
TARIFF = {
    ("member", "classic"): (0, 45, 5),
    ("member", "electric"): (0, 0, 10),
    ("casual", "classic"): (100, 0, 5),
    ("casual", "electric"): (100, 0, 15),
}


def text(event, field):
    """A field's string. Raises ValueError if there is none."""
    value = event.get(field)
    if not isinstance(value, str) or not value:
        raise ValueError(f"{field} must be a string, not {value!r}")
    return value


def choice(event, field, allowed):
    """A field's string, one of those allowed. Raises ValueError for another."""
    value = text(event, field)
    if value not in allowed:
        raise ValueError(f"{field} must be one of {', '.join(allowed)}, not {value!r}")
    return value


def moment(event, field):
    """A field's time, with its offset. Raises ValueError for no time or no offset."""
    value = text(event, field)
    try:
        # Python 3.10 does not read the "Z".
        time = datetime.fromisoformat(value.replace("Z", "+00:00"))
    except ValueError:
        raise ValueError(f"{field} must be an ISO 8601 time, not {value!r}") from None
    if time.utcoffset() is None:
        raise ValueError(f"{field} must have an offset, such as +02:00: {value!r}")
    return time


# --- your imports, constants and helpers: end ---


def handler(event, context):
    """Prices one ride, as the docstring at the top says."""
    # --- your code: start ---
    ride_id = text(event, "ride_id")
    started_at, ended_at = moment(event, "started_at"), moment(event, "ended_at")
    if ended_at < started_at:
        raise ValueError(f"ended_at is before started_at: {event['ended_at']}")
    rider = choice(event, "rider", ("member", "casual"))
    bike = choice(event, "bike", ("classic", "electric"))
    unlock, free, per_minute = TARIFF[rider, bike]
    seconds = (ended_at - started_at).total_seconds()
    minutes = int(-(-seconds // 60))  # rounds up
    return {
        "ride_id": ride_id,
        "minutes": minutes,
        "fare_cents": unlock + max(0, minutes - free) * per_minute,
        "request_id": context.aws_request_id,
    }
    # --- your code: end ---
