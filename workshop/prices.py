"""What AWS Lambda costs, from the one dated table prices.toml, and simple bills of it.

The free tier (1,000,000 requests and 400,000 GB-seconds a month) is left out of a `Bill`: it is the
account's, not the function's.
"""

from __future__ import annotations

import sys
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Any

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

TABLE: dict[str, Any] = tomllib.loads(
    Path(__file__).with_name("prices.toml").read_text(encoding="utf-8")
)
REGION = "us-east-1"
READ_ON: date = TABLE["read"]
PER_REQUEST = Decimal(TABLE["regions"][REGION]["requests"]) / 1_000_000
# What is not a request and not a GB-second of a function: US dollars by name, in us-east-1.
OTHER = {each["name"]: Decimal(each["amount"]) for each in TABLE["other"]}

# Architecture: US dollars for a GB-second, up to so many GB-seconds a month (None: no end).
TIERS: dict[str, list[tuple[Decimal, int | None]]] = {
    architecture: [
        (Decimal(tier["gb_second"]), tier.get("up_to"))
        for tier in TABLE["regions"][REGION][architecture]["tiers"]
    ]
    for architecture in ("x86_64", "arm64")
}


def price_list(*regions: str) -> dict[str, Any]:
    """The table as JSON has it, with these Regions only; amounts stay strings.

    Raises KeyError for a Region that the table does not have.
    """
    return {
        "read": READ_ON.isoformat(),
        "free": TABLE["free"],
        "regions": {region: TABLE["regions"][region] for region in regions},
    }


@dataclass(frozen=True)
class Bill:
    """What invocations cost in us-east-1; money in US dollars."""

    requests: int
    gb_seconds: Decimal
    architecture: str = "x86_64"

    @property
    def for_requests(self) -> Decimal:
        """The price of having called."""
        return self.requests * PER_REQUEST

    @property
    def for_duration(self) -> Decimal:
        """The price of the time: seconds times memory."""
        total, below = Decimal(0), Decimal(0)
        for price, end in TIERS[self.architecture]:
            upper = self.gb_seconds if end is None else min(self.gb_seconds, Decimal(end))
            total += max(Decimal(0), upper - below) * price
            below = max(below, upper)
        return total

    @property
    def total(self) -> Decimal:
        """Both together."""
        return self.for_requests + self.for_duration

    def after_the_free_tier(self) -> Bill:
        """The bill of an account that has nothing else."""
        free = TABLE["free"]
        return Bill(
            max(0, self.requests - free["requests"]),
            max(Decimal(0), self.gb_seconds - free["gb_seconds"]),
            self.architecture,
        )


def gb_seconds(billed_ms: int, memory_mb: int) -> Decimal:
    """What one invocation counts: `billed_ms` is the REPORT line's Billed Duration."""
    return Decimal(billed_ms) / 1000 * memory_mb / 1024


def bill(figures: Iterable[tuple[int, int]], architecture: str = "x86_64") -> Bill:
    """The bill of invocations, each given as its billed milliseconds and its memory in MB."""
    counted = [gb_seconds(billed_ms, memory_mb) for billed_ms, memory_mb in figures]
    return Bill(len(counted), sum(counted, Decimal(0)), architecture)
