"""The bike-share's bot and its Alexa skill: made of a list of stations, for whoever talks to them.

Notebooks, chapters, checks and tests use them. Everything here speaks boto3 only, so that the bot
is the same on AWS; there, building it takes a minute.
"""

from __future__ import annotations

import contextlib
import uuid
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any

LOCALE, DRAFT, FALLBACK = "en_US", "DRAFT", "FALLBCKINT"
SESSION_S = 300  # how long Lex keeps a session that nobody uses
FIND = ["is there a bike near {Station}", "are there bikes at {Station}", "find a bike"]
RENT = ["rent a bike at {Station}", "rent one at {Station}", "rent a bike", "rent one"]
Clients = Callable[[str], Any]  # a boto3 client of a service


@dataclass(frozen=True)
class Station:
    """A station, as the bot and the skill know it."""

    id: str
    name: str
    also: tuple[str, ...] = ()  # what else people call it


@dataclass(frozen=True)
class Bot:
    """A bot with an alias that is in use."""

    id: str
    alias_id: str
    arn: str  # the alias's


STATIONS = (
    Station("31602", "Park Rd & Holmead Pl NW", ("Holmead Place", "Park Road")),
    Station("31623", "Columbus Circle / Union Station", ("Union Station", "the station")),
    Station("31258", "Lincoln Memorial", ("Lincoln", "the memorial")),
)


def make_bot(
    clients: Clients, name: str, function_arn: str, stations: Iterable[Station] = STATIONS
) -> Bot:
    """Makes the bot, builds it, and attaches the function to its alias `live`.

    A bot of this name goes first. Whether it may invoke the function is for `allow_lex`.
    """
    models = clients("lexv2-models")
    delete_bot(models, name)
    bot_id = models.create_bot(
        botName=name,
        roleArn=_role(clients("iam")),
        dataPrivacy={"childDirected": False},
        idleSessionTTLInSeconds=SESSION_S,
    )["botId"]
    models.get_waiter("bot_available").wait(botId=bot_id)
    where = {"botId": bot_id, "botVersion": DRAFT, "localeId": LOCALE}
    models.create_bot_locale(**where, nluIntentConfidenceThreshold=0.4)
    models.get_waiter("bot_locale_created").wait(**where)
    _make_intents(models, where, stations)
    models.build_bot_locale(**where)
    models.get_waiter("bot_locale_built").wait(**where)
    return _publish(models, bot_id, function_arn)


def allow_lex(client: Any, function: str, bot: Bot) -> None:
    """Lets a bot's alias invoke a function, with a boto3 Lambda client."""
    statement = f"lex-{bot.alias_id}"
    with contextlib.suppress(client.exceptions.ResourceNotFoundException):
        client.remove_permission(FunctionName=function, StatementId=statement)
    client.add_permission(
        FunctionName=function,
        StatementId=statement,
        Action="lambda:InvokeFunction",
        Principal="lexv2.amazonaws.com",
        SourceArn=bot.arn,
    )


def delete_bot(models: Any, name: str) -> None:
    """Deletes the bot of this name, if there is one."""
    for each in models.list_bots()["botSummaries"]:
        if each["botName"] == name:
            models.delete_bot(botId=each["botId"], skipResourceInUseCheck=True)


class Chat:
    """A user's conversation with a bot, by text."""

    def __init__(self, clients: Clients, bot: Bot) -> None:
        self._runtime, self.bot = clients("lexv2-runtime"), bot
        self.session_id = uuid.uuid4().hex

    def say(self, text: str, attributes: dict[str, str] | None = None) -> dict[str, Any]:
        """Sends what the user says; gives Lex's response.

        `attributes` replace the session's. Raises ClientError, such as DependencyFailedException
        where Lex cannot use the function's answer.
        """
        more = {} if attributes is None else {"sessionState": {"sessionAttributes": attributes}}
        return self._runtime.recognize_text(
            botId=self.bot.id,
            botAliasId=self.bot.alias_id,
            localeId=LOCALE,
            sessionId=self.session_id,
            text=text,
            **more,
        )


def skill_of(stations: Iterable[Station] = STATIONS) -> dict[str, Any]:
    """The skill's interaction model, in the form of Alexa's developer console."""
    values = [
        {"id": each.id, "name": {"value": each.name, "synonyms": list(each.also)}}
        for each in stations
    ]
    slot = {"name": "Station", "type": "STATION"}
    intents: list[dict[str, Any]] = [
        {"name": "FindBike", "slots": [slot], "samples": FIND},
        {"name": "RentBike", "slots": [slot], "samples": RENT},
        *({"name": f"AMAZON.{each}Intent"} for each in ("Help", "Stop", "Cancel", "Fallback")),
    ]
    dialogs = [
        {
            "name": name,
            "confirmationRequired": name == "RentBike",
            "slots": [{**slot, "elicitationRequired": False, "confirmationRequired": False}],
        }
        for name in ("FindBike", "RentBike")
    ]
    language = {
        "invocationName": "bike share",
        "intents": intents,
        "types": [{"name": "STATION", "values": values}],
    }
    return {"interactionModel": {"languageModel": language, "dialog": {"intents": dialogs}}}


def _make_intents(models: Any, where: dict[str, str], stations: Iterable[Station]) -> None:
    slot_type = models.create_slot_type(
        **where,
        slotTypeName="STATION",
        slotTypeValues=[
            {
                "sampleValue": {"value": each.id},
                "synonyms": [{"value": name} for name in (each.name, *each.also)],
            }
            for each in stations
        ],
        valueSelectionSetting={"resolutionStrategy": "TopResolution"},
    )["slotTypeId"]
    _intent(models, where, slot_type, "FindBike", FIND, asks_on_the_way=False)
    _intent(models, where, slot_type, "RentBike", RENT, asks_on_the_way=True)
    models.update_intent(
        **where,
        intentId=FALLBACK,
        intentName="FallbackIntent",
        parentIntentSignature="AMAZON.FallbackIntent",
        fulfillmentCodeHook={"enabled": True},
    )


def _intent(
    models: Any,
    where: dict[str, str],
    slot_type: str,
    name: str,
    samples: list[str],
    asks_on_the_way: bool,
) -> None:
    """An intent with a station. The function is asked at the end, or after each turn as well."""
    intent: dict[str, Any] = {
        "intentName": name,
        "sampleUtterances": [{"utterance": each} for each in samples],
        "fulfillmentCodeHook": {"enabled": True},
        "dialogCodeHook": {"enabled": asks_on_the_way},
    }
    intent_id = models.create_intent(**where, **intent)["intentId"]
    which = {"message": {"plainTextMessage": {"value": "Which station?"}}}
    slot_id = models.create_slot(
        **where,
        intentId=intent_id,
        slotName="Station",
        slotTypeId=slot_type,
        valueElicitationSetting={
            "slotConstraint": "Optional" if asks_on_the_way else "Required",
            "promptSpecification": {"messageGroups": [which], "maxRetries": 2},
        },
    )["slotId"]
    priorities = [{"priority": 1, "slotId": slot_id}]
    models.update_intent(**where, intentId=intent_id, **intent, slotPriorities=priorities)


def _publish(models: Any, bot_id: str, function_arn: str) -> Bot:
    """A version of the draft, and an alias that points at it and names the function."""
    version = models.create_bot_version(
        botId=bot_id, botVersionLocaleSpecification={LOCALE: {"sourceBotVersion": DRAFT}}
    )["botVersion"]
    models.get_waiter("bot_version_available").wait(botId=bot_id, botVersion=version)
    code_hook = {"codeHookInterfaceVersion": "1.0", "lambdaARN": function_arn}
    settings = {"enabled": True, "codeHookSpecification": {"lambdaCodeHook": code_hook}}
    alias_id = models.create_bot_alias(
        botId=bot_id,
        botAliasName="live",
        botVersion=version,
        botAliasLocaleSettings={LOCALE: settings},
    )["botAliasId"]
    models.get_waiter("bot_alias_available").wait(botId=bot_id, botAliasId=alias_id)
    region, account = function_arn.split(":")[3:5]
    return Bot(bot_id, alias_id, f"arn:aws:lex:{region}:{account}:bot-alias/{bot_id}/{alias_id}")


def _role(iam: Any) -> str:
    """Lex's own role for bots; it is made once."""
    prefix = "/aws-service-role/lexv2.amazonaws.com/"
    roles = iam.list_roles(PathPrefix=prefix)["Roles"]
    if not roles:
        made = iam.create_service_linked_role(
            AWSServiceName="lexv2.amazonaws.com", CustomSuffix="workshop"
        )
        roles = [made["Role"]]
    return roles[0]["Arn"]
