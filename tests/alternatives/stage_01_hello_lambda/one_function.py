"""Another correct solution: one long function, math.ceil, epoch seconds, a KeyError translated."""

import math
from datetime import datetime


def handler(event, context):
    out = {"request_id": context.aws_request_id}
    times = []
    try:
        out["ride_id"] = event["ride_id"]
        if not isinstance(out["ride_id"], str) or out["ride_id"] == "":
            raise ValueError("ride_id is empty")
        for key in ("started_at", "ended_at"):
            try:
                time = datetime.fromisoformat(str(event[key]).replace("Z", "+00:00"))
            except ValueError:
                raise ValueError(f"{key} is not a time: {event[key]}") from None
            if time.tzinfo is None:
                raise ValueError(f"{key} has no offset")
            times.append(time.timestamp())
        rider, bike = event["rider"], event["bike"]
    except KeyError as error:
        raise ValueError(f"missing: {error.args[0]}") from None
    if times[1] < times[0]:
        raise ValueError("ended_at comes before started_at")
    minutes = math.ceil(round(times[1] - times[0], 6) / 60)
    if rider == "member" and bike == "classic":
        cents = 5 * (minutes - 45) if minutes > 45 else 0
    elif rider == "member" and bike == "electric":
        cents = 10 * minutes
    elif rider == "casual" and bike in ("classic", "electric"):
        cents = 100 + minutes * {"classic": 5, "electric": 15}[bike]
    elif rider in ("member", "casual"):
        raise ValueError(f"bike {bike} is not known")
    else:
        raise ValueError(f"rider {rider} is not known")
    return {**out, "minutes": minutes, "fare_cents": cents}
