"""Another correct solution: a dataclass that checks itself, timedelta arithmetic."""

from dataclasses import dataclass
from datetime import datetime, timedelta

MINUTE = timedelta(minutes=1)


@dataclass
class Ride:
    ride_id: str
    started_at: datetime
    ended_at: datetime
    rider: str
    bike: str

    @classmethod
    def parse(cls, event):
        values = {}
        for name in cls.__dataclass_fields__:
            if name not in event:
                raise ValueError("missing field: " + name)
            if type(event[name]) is not str or event[name] == "":
                raise ValueError("no text in field: " + name)
            values[name] = event[name]
        for name in ("started_at", "ended_at"):
            raw = values[name][:-1] + "+00:00" if values[name].endswith("Z") else values[name]
            try:
                values[name] = datetime.fromisoformat(raw)
            except ValueError as error:
                raise ValueError(f"{name}: {error}") from error
            if values[name].tzinfo is None:
                raise ValueError(f"{name}: no offset")
        if values["rider"] not in {"member", "casual"}:
            raise ValueError("rider: unknown")
        if values["bike"] not in {"classic", "electric"}:
            raise ValueError("bike: unknown")
        if values["ended_at"] - values["started_at"] < timedelta(0):
            raise ValueError("ended_at lies before the start")
        return cls(**values)

    def minutes(self):
        whole, rest = divmod(self.ended_at - self.started_at, MINUTE)
        return whole + bool(rest)

    def cents(self):
        minutes = self.minutes()
        if self.rider == "casual":
            return 100 + minutes * (15 if self.bike == "electric" else 5)
        if self.bike == "electric":
            return minutes * 10
        return 5 * max(minutes - 45, 0)


def handler(event, context):
    ride = Ride.parse(event)
    return dict(
        ride_id=ride.ride_id,
        minutes=ride.minutes(),
        fare_cents=ride.cents(),
        request_id=context.aws_request_id,
    )
