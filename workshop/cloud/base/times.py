"""Times as AWS writes them, always in UTC. A moment is a datetime, or seconds since 1970."""

from __future__ import annotations

from datetime import datetime, timezone
from typing import Literal

Moment = datetime | float


def utc(moment: Moment | None = None) -> datetime:
    """A moment, or now, as a datetime in UTC; one without a time zone is taken for UTC."""
    if moment is None:
        return datetime.now(timezone.utc)
    if isinstance(moment, datetime):
        return moment.astimezone(timezone.utc) if moment.tzinfo else moment
    return datetime.fromtimestamp(moment, timezone.utc)


def in_seconds(moment: Moment | None = None, zone: Literal["Z", "+0000"] = "Z") -> str:
    """Such as `2026-11-02T03:04:05Z`; now without a moment."""
    return f"{utc(moment):%Y-%m-%dT%H:%M:%S}{zone}"


def in_milliseconds(moment: Moment | None = None, zone: Literal["Z", "+0000"] = "Z") -> str:
    """Such as `2026-11-02T03:04:05.678Z`, cut and not rounded; now without a moment."""
    return f"{utc(moment):%Y-%m-%dT%H:%M:%S.%f}"[:-3] + zone
