"""Places on the earth, and the stations there, as the checks of stage 09 make them."""

from __future__ import annotations

from dataclasses import dataclass, field
from decimal import Decimal
from math import asin, cos, floor, radians, sin, sqrt
from typing import Any

from workshop.grading import fresh

RADIUS = 6_371_000  # meters, of the contract's sphere
DEGREE = RADIUS * radians(1)  # meters of a degree of latitude
COLUMNS = 36_000  # cells around the earth


@dataclass(frozen=True)
class Place:
    """A place in degrees, with six decimals."""

    lat: float
    lon: float

    def moved(self, north: float, east: float) -> Place:
        """The place so many meters away."""
        lon = self.lon + east / (DEGREE * cos(radians(self.lat)))
        return Place(round(self.lat + north / DEGREE, 6), round((lon + 180) % 360 - 180, 6))

    @property
    def cell(self) -> str:
        """The cell as the contract names it."""
        row, column = floor(Decimal(str(self.lat)) * 100), floor(Decimal(str(self.lon)) * 100)
        return f"{row}:{(column + COLUMNS // 2) % COLUMNS - COLUMNS // 2}"

    def meters_to(self, other: Place) -> float:
        """The distance along the sphere."""
        up, right = radians(other.lat - self.lat) / 2, radians(other.lon - self.lon) / 2
        share = sin(up) ** 2 + cos(radians(self.lat)) * cos(radians(other.lat)) * sin(right) ** 2
        return 2 * RADIUS * asin(sqrt(share))


def rider_in_a_cell(across: float = 0.5, up: float = 0.5, southwest: bool = False) -> Place:
    """A rider far from all others, at a share of a cell's width and height.

    It is far from the equator, where a degree of longitude is much shorter than one of latitude,
    and north and east of zero degrees, or south and west.
    """
    sign = -1 if southwest else 1
    row, column = sign * fresh.whole(5_000, 5_800), sign * fresh.whole(500, 17_000)
    return Place(round((row + up) / 100, 6), round((column + across) / 100, 6))


@dataclass
class Station:
    """A station in the table; `report` are the attributes of its newest report."""

    place: Place
    bikes: int | None = None  # None: no report yet
    is_open: bool = True
    station_id: str = field(default_factory=lambda: f"s-{fresh.word()}")
    name: str = field(default_factory=lambda: f"{fresh.word().title()} é")

    def item(self) -> dict[str, Any]:
        """Its row, in DynamoDB's form."""
        item = {
            "station_id": {"S": self.station_id},
            "name": {"S": self.name},
            "lat": {"N": str(self.place.lat)},
            "lon": {"N": str(self.place.lon)},
            "lock_code": {"S": fresh.word()},
        }
        if self.is_open:
            item["cell"] = {"S": self.place.cell}
        if self.bikes is not None:
            docks, seq = fresh.whole(0, 20), fresh.whole(1, 900)
            report = {"bikes": self.bikes, "docks": docks, "seq": seq, "battery": 3.5}
            report["updated_at"] = int(fresh.moment().timestamp() * 1000)
            item |= {name: {"N": str(value)} for name, value in report.items()}
        return item

    def shown_to(self, rider: Place) -> dict[str, Any]:
        """What a rider sees of it."""
        return {
            "station_id": self.station_id,
            "name": self.name,
            "lat": self.place.lat,
            "lon": self.place.lon,
            "bikes": self.bikes,
            "meters": round(rider.meters_to(self.place)),
        }
