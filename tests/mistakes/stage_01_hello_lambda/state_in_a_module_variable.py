"""Remembers fares by ride, so that an environment answers from the past."""

# caught by: test_keeps_nothing_between_rides

# --- your imports, constants and helpers: start ---
from datetime import datetime

# rider, bike: unlock, free minutes, each further minute; in cents
TARIFF = {
    ("member", "classic"): (0, 45, 5),
    ("member", "electric"): (0, 0, 10),
    ("casual", "classic"): (100, 0, 5),
    ("casual", "electric"): (100, 0, 15),
}


FARES = {}


def text(event, field):
    """A field's text. Raises ValueError if there is none."""
    value = event.get(field)
    if not isinstance(value, str) or not value:
        raise ValueError(f"{field} must be a text, not {value!r}")
    return value


def choice(event, field, allowed):
    """A field's text, one of those allowed. Raises ValueError for another."""
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
    """Prices one ride."""
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
    fare = unlock + max(0, minutes - free) * per_minute
    return {
        "ride_id": ride_id,
        "minutes": minutes,
        "fare_cents": FARES.setdefault(ride_id, fare),
        "request_id": context.aws_request_id,
    }
    # --- your code: end ---
