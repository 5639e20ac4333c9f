"""The example of stage 10: a table of stations, and one question through each front end."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from ..chat import STATIONS, skill_of
from ..cloud.triggers.chat.alexa import Device
from ..grading.account import Account
from ..grading.function import Result, deploy

SKILL_ID = "amzn1.ask.skill.bike-share-example"
BIKES = (3, 0, 1)  # at the stations, in their order


def rows() -> list[dict[str, Any]]:
    """The stations as DynamoDB's own form has them."""
    return [
        {"station_id": {"S": each.id}, "name": {"S": each.name}, "bikes": {"N": str(bikes)}}
        for each, bikes in zip(STATIONS, BIKES, strict=True)
    ]


class Assistant:
    """The table and the skill's id that the contract promises."""

    def __init__(self, account: Account) -> None:
        self._account, table = account, account.table("station_id")
        for row in rows():
            account.client("dynamodb").put_item(TableName=table, Item=row)
        self.variables = {"TABLE": table, "SKILL_ID": SKILL_ID}

    def go_on(self, folder: Path, event: Any) -> Iterator[tuple[str, Result]]:
        """After the event of Lex: the same question, asked through Alexa."""
        function = deploy(self._account.client("lambda"), folder, variables=self.variables)
        self._account.later(function.delete)
        came: list[Result] = []

        def send(request: Any) -> Any:
            came.append(function.invoke(request))
            return came[-1].value

        Device(skill_of(), SKILL_ID, send).say("is there a bike near Union Station")
        yield "request of Alexa", came[0]
