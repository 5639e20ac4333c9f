"""What AWS Lambda costs on demand in us-east-1, in one dated table.

Read on 19 September 2026 from AWS's price list, as shown at
https://aws.amazon.com/lambda/pricing/. The free tier (1,000,000 requests and 400,000 GB-seconds a
month) is left out: it is the account's, not the function's.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date
from decimal import Decimal

READ_ON = date(2026, 9, 19)
PER_REQUEST = Decimal("0.20") / 1_000_000

# Architecture: US dollars for a GB-second, up to so many GB-seconds a month (None: no end).
TIERS: dict[str, list[tuple[Decimal, int | None]]] = {
    "x86_64": [
        (Decimal("0.0000166667"), 6_000_000_000),
        (Decimal("0.0000150000"), 15_000_000_000),
        (Decimal("0.0000133334"), None),
    ],
    "arm64": [
        (Decimal("0.0000133334"), 7_500_000_000),
        (Decimal("0.0000120001"), 18_750_000_000),
        (Decimal("0.0000106667"), None),
    ],
}


@dataclass(frozen=True)
class Bill:
    """What invocations cost; money in US dollars."""

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


def gb_seconds(billed_ms: int, memory_mb: int) -> Decimal:
    """What one invocation counts: `billed_ms` is the REPORT line's Billed Duration."""
    return Decimal(billed_ms) / 1000 * memory_mb / 1024


def bill(figures: Iterable[tuple[int, int]], architecture: str = "x86_64") -> Bill:
    """The bill of invocations, each given as its billed milliseconds and its memory in MB."""
    counted = [gb_seconds(billed_ms, memory_mb) for billed_ms, memory_mb in figures]
    return Bill(len(counted), sum(counted, Decimal(0)), architecture)
