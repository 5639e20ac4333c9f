"""The city of stage 10: stations that nobody knows yet, and the learner's function."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from workshop.chat import Station
from workshop.grading import fresh
from workshop.grading.function import Function
from workshop.grading.words import failure, show

STATIONS = 40  # of the bot and the skill; each check takes what it needs
SAYS = {
    "welcome": "Welcome to the bike share. Where do you need a bike?",
    "help": "Ask for a bike near a station, or say: rent one.",
    "none": "There are no bikes at {name}.",
    "one": "There is one bike at {name}.",
    "some": "There are {bikes} bikes at {name}.",
    "which": "Which station?",
    "unknown": "I do not know that station. Which station?",
    "confirm": "Do you want to rent a bike at {name}?",
    "rented": "A bike at {name} is yours.",
    "declined": "All right, no bike.",
    "goodbye": "Goodbye.",
    "sorry": "Something went wrong. Please try again later.",
}


def says(key: str, station: Station | None = None, bikes: int = 0) -> str:
    """A sentence of SAYS."""
    return SAYS[key].format(name=station.name if station else "", bikes=bikes)


def found(station: Station, bikes: int) -> str:
    """What FindBike says of a station."""
    return says({0: "none", 1: "one"}.get(bikes, "some"), station, bikes)


@dataclass
class City:
    """A table of stations, and the learner's function."""

    account: Any
    table: str
    skill_id: str
    stations: list[Station]
    function: Function

    @classmethod
    def made(cls, account: Any, deploy: Any) -> City:
        """Makes stations that are in no table yet, and deploys the function."""
        table = account.table("station_id")
        skill_id = f"amzn1.ask.skill.{fresh.word()}-{fresh.digits(8)}"
        stations = [_station() for _ in range(STATIONS)]
        function = deploy(TABLE=table, SKILL_ID=skill_id)
        return cls(account, table, skill_id, stations, function)

    def station(self, bikes: int | None) -> Station:
        """A station that no other check has; with None it is missing in the table."""
        station = self._taken()
        if bikes is not None:
            self.put(station, bikes)
        return station

    def put(self, station: Station, bikes: int) -> None:
        """Writes a station's row."""
        self.account.client("dynamodb").put_item(
            TableName=self.table,
            Item={
                "station_id": {"S": station.id},
                "name": {"S": station.name},
                "bikes": {"N": str(bikes)},
            },
        )

    def bikes(self, station: Station) -> int:
        """How many bikes the table has at a station."""
        row = self.account.client("dynamodb").get_item(
            TableName=self.table, Key={"station_id": {"S": station.id}}, ConsistentRead=True
        )
        return int(row["Item"]["bikes"]["N"])

    def expect_bikes(self, station: Station, wanted: int, talk: list[str], look: str) -> None:
        """Fails unless the table has so many bikes at a station."""
        came = self.bikes(station)
        assert came == wanted, failure(
            f"The table has another number of bikes at {station.name}.",
            talk,
            wanted,
            came,
            look,
            "talk",
        )

    def _taken(self) -> Station:
        taken = self.__dict__.setdefault("_given", iter(self.stations))
        return next(taken)


def _station() -> Station:
    """A station whose name is no XML, as many of the real ones."""
    name = f"{fresh.word().title()} Rd & {fresh.word().title()} Pl"
    return Station(fresh.digits(5), name, (fresh.word(), f"the {fresh.word()}"))


def expect(came: dict[str, Any], wanted: dict[str, Any], talk: list[str], look: str) -> None:
    """Fails unless what came has what is wanted; says first what is said."""
    shown = {name: came.get(name) for name in wanted}
    assert shown == wanted, failure(
        f"The user hears {show(shown['says'])}."
        if shown["says"] != wanted["says"]
        else "What is said is right. What comes with it is not.",
        talk,
        wanted,
        shown,
        look,
        "talk",
    )
