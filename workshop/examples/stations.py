"""The stations of stage 09: real places of Washington, DC, each with the cell in which it lies.

The places are those of sights and of a metro station, to about 50 m; the counts are made up.
"""

from __future__ import annotations

from math import floor
from typing import Any, NamedTuple

RIDER = (38.8893, -77.0502)  # latitude and longitude, at the Lincoln Memorial


class Station(NamedTuple):
    """A station and its newest count."""

    station_id: str
    name: str
    lat: float
    lon: float
    bikes: int

    @property
    def cell(self) -> str:
        """The square of 0.01 degrees in which it lies."""
        return cell_of(self.lat, self.lon)

    def item(self, **more: Any) -> dict[str, Any]:
        """Its row before the first report, as DynamoDB takes it; `more` are further attributes."""
        return {
            "station_id": {"S": self.station_id},
            "name": {"S": self.name},
            "lat": {"N": str(self.lat)},
            "lon": {"N": str(self.lon)},
            "cell": {"S": self.cell},
            "lock_code": {"S": f"lock-{self.station_id}"},
            **more,
        }

    def counted(self, **more: Any) -> dict[str, Any]:
        """Its row after a report."""
        report: dict[str, float] = {"bikes": self.bikes, "docks": 15 - self.bikes, "seq": 1}
        report |= {"battery": 3.9, "updated_at": 1777896000000}
        return self.item(**{name: {"N": str(value)} for name, value in report.items()}, **more)


STATIONS = (
    Station("31623", "Lincoln Memorial", 38.8886, -77.0492, 5),
    Station("31624", "Reflecting Pool West", 38.8893, -77.0466, 0),
    Station("31258", "Constitution Ave & 21st St NW", 38.8924, -77.0468, 2),
    Station("31259", "Henry Bacon Dr", 38.8914, -77.0498, 7),
    Station("31260", "Arlington Memorial Bridge", 38.8876, -77.0545, 1),
    Station("31620", "Vietnam Veterans Memorial", 38.8911, -77.0477, 3),
    Station("31633", "Independence Ave & West Basin Dr", 38.8866, -77.0443, 9),
    Station("31217", "World War II Memorial", 38.8894, -77.0405, 4),
    Station("31240", "Foggy Bottom Metro", 38.9007, -77.0502, 11),
    Station("31261", "Theodore Roosevelt Island", 38.8969, -77.0660, 6),
    Station("31247", "Washington Monument", 38.8895, -77.0353, 8),
    Station("31200", "Jefferson Memorial", 38.8814, -77.0365, 2),
)


def cell_of(lat: float, lon: float) -> str:
    """The square of 0.01 degrees in which a place lies."""
    return f"{floor(lat * 100)}:{floor(lon * 100)}"


def table_of_stations(client: Any, name: str) -> None:
    """Makes a table of stations with the index by_cell; `client` is DynamoDB's."""
    client.create_table(
        TableName=name,
        KeySchema=[{"AttributeName": "station_id", "KeyType": "HASH"}],
        AttributeDefinitions=[
            {"AttributeName": each, "AttributeType": "S"} for each in ("station_id", "cell")
        ],
        GlobalSecondaryIndexes=[
            {
                "IndexName": "by_cell",
                "KeySchema": [{"AttributeName": "cell", "KeyType": "HASH"}],
                "Projection": {"ProjectionType": "ALL"},
            }
        ],
        BillingMode="PAY_PER_REQUEST",
    )
    client.get_waiter("table_exists").wait(TableName=name)
