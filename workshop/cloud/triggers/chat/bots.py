"""Bots: lexv2-models, as far as a bot with intents, slots and aliases needs it.

The bot is made as on AWS: a locale, slot types, intents with their slots, then it is built, and
an alias names the function. Follows the operations of "Amazon Lex Model Building V2"
(https://docs.aws.amazon.com/lexv2/latest/APIReference/API_Operations_Amazon_Lex_Model_Building_V2.html).
"""

from __future__ import annotations

import secrets
import string
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from ...base.model import ApiError
from .definition import FALLBACK, Json, Locale, build, check_known, refused

DRAFT, TEST_ALIAS, FALLBACK_ID = "DRAFT", "TSTALIASID", "FALLBCKINT"
ID_CHARACTERS = string.ascii_uppercase + string.digits


@dataclass
class Draft:
    """A locale of the draft: what was said of it, and the locale as it was last built."""

    said: Json
    intents: dict[str, Json] = field(default_factory=dict)
    slot_types: dict[str, Json] = field(default_factory=dict)
    status: str = "NotBuilt"
    failures: list[str] = field(default_factory=list)
    built: Locale | None = None

    def changed(self) -> None:
        """What was built is not what is there any more."""
        self.status = "NotBuilt"


@dataclass
class Bot:
    """One bot, its draft, and the locales of each version that was made."""

    said: Json
    drafts: dict[str, Draft] = field(default_factory=dict)
    versions: dict[str, dict[str, Locale]] = field(default_factory=dict)
    aliases: dict[str, Json] = field(default_factory=dict)

    def locale(self, version: str, name: str) -> Locale | None:
        """A built locale of a version, DRAFT included; None if there is none."""
        if version == DRAFT:
            return self.drafts[name].built if name in self.drafts else None
        return self.versions.get(version, {}).get(name)


class Bots:
    """Every bot, by its id."""

    def __init__(self) -> None:
        self._bots: dict[str, Bot] = {}
        self._lock = threading.Lock()
        self._operations: dict[str, Callable[[Json], Json]] = {
            "CreateBot": self._create_bot,
            "DescribeBot": lambda asked: {**self._bot(asked).said, "botStatus": "Available"},
            "DeleteBot": self._delete_bot,
            "ListBots": self._list_bots,
            "CreateBotLocale": self._create_locale,
            "DescribeBotLocale": self._describe_locale,
            "BuildBotLocale": self._build_locale,
            "CreateSlotType": self._create_slot_type,
            "CreateIntent": self._create_intent,
            "UpdateIntent": self._update_intent,
            "CreateSlot": self._create_slot,
            "CreateBotVersion": self._create_version,
            "DescribeBotVersion": self._describe_version,
            "CreateBotAlias": self._create_alias,
            "UpdateBotAlias": self._update_alias,
            "DescribeBotAlias": self._describe_alias,
        }

    def call(self, operation: str, parameters: Json) -> Json:
        """Answers an operation of lexv2-models. Raises ApiError."""
        if operation not in self._operations:
            raise refused(operation)
        check_known(operation, parameters)
        with self._lock:
            return self._operations[operation](parameters)

    def find(self, bot_id: str, alias_id: str) -> tuple[Bot, Json]:
        """A bot, and one of its aliases. Raises ApiError, 404."""
        with self._lock:
            bot = self._bot({"botId": bot_id})
            return bot, self._alias(bot, alias_id)

    def _create_bot(self, asked: Json) -> Json:
        if any(bot.said["botName"] == asked["botName"] for bot in self._bots.values()):
            message = f"A bot with the name {asked['botName']} already exists."
            raise ApiError(412, "PreconditionFailedException", message)
        bot = Bot({**asked, "botId": _new_id(), "botType": "Bot", **_now()})
        bot.aliases[TEST_ALIAS] = {
            "botId": bot.said["botId"],
            "botAliasId": TEST_ALIAS,
            "botAliasName": "TestBotAlias",
            "botVersion": DRAFT,
            **_now(),
        }
        self._bots[bot.said["botId"]] = bot
        return {**bot.said, "botStatus": "Creating"}

    def _delete_bot(self, asked: Json) -> Json:
        self._bot(asked)
        del self._bots[asked["botId"]]
        return {"botId": asked["botId"], "botStatus": "Deleting"}

    def _list_bots(self, asked: Json) -> Json:
        found = [
            {"botId": key, "botName": bot.said["botName"], "botStatus": "Available"}
            for key, bot in self._bots.items()
        ]
        return {"botSummaries": found}

    def _create_locale(self, asked: Json) -> Json:
        bot = self._bot(asked)
        _check_draft(asked)
        if asked["localeId"] in bot.drafts:
            message = f"The locale {asked['localeId']} already exists."
            raise ApiError(412, "PreconditionFailedException", message)
        draft = Draft({**asked, "localeName": asked["localeId"], **_now()})
        draft.intents[FALLBACK_ID] = {
            "intentId": FALLBACK_ID,
            "intentName": "FallbackIntent",
            "parentIntentSignature": FALLBACK,
            "slots": {},
        }
        bot.drafts[asked["localeId"]] = draft
        return {**draft.said, "botLocaleStatus": "Creating"}

    def _describe_locale(self, asked: Json) -> Json:
        draft = self._draft(asked)
        return {
            **draft.said,
            "botLocaleStatus": draft.status,
            "failureReasons": draft.failures,
            "intentsCount": len(draft.intents),
            "slotTypesCount": len(draft.slot_types),
        }

    def _build_locale(self, asked: Json) -> Json:
        draft = self._draft(asked)
        try:
            draft.built = build(draft.intents, draft.slot_types)
            draft.status, draft.failures = "Built", []
        except ValueError as problem:
            draft.status, draft.failures = "Failed", [f"{problem}."]
        return {**asked, "botLocaleStatus": "Building", "lastBuildSubmittedDateTime": time.time()}

    def _create_slot_type(self, asked: Json) -> Json:
        return self._add(asked, self._draft(asked).slot_types, "slotTypeId")

    def _create_intent(self, asked: Json) -> Json:
        draft = self._draft(asked)
        names = [each["intentName"] for each in draft.intents.values()]
        if asked["intentName"] in names:
            message = f"An intent with the name {asked['intentName']} already exists."
            raise ApiError(412, "PreconditionFailedException", message)
        return self._add(asked | {"slots": {}}, draft.intents, "intentId")

    def _update_intent(self, asked: Json) -> Json:
        draft = self._draft(asked)
        before = self._intent(draft, asked)
        draft.changed()
        draft.intents[asked["intentId"]] = {**asked, "slots": before["slots"], **_now()}
        return draft.intents[asked["intentId"]]

    def _create_slot(self, asked: Json) -> Json:
        draft = self._draft(asked)
        intent = self._intent(draft, asked)
        if asked.get("slotTypeId") not in draft.slot_types:
            raise _not_found("slot type", asked.get("slotTypeId"))
        return self._add(asked, intent["slots"], "slotId")

    def _add(self, asked: Json, among: dict[str, Json], key: str) -> Json:
        self._draft(asked).changed()
        made = {**asked, key: _new_id(), **_now()}
        among[made[key]] = made
        return made

    def _create_version(self, asked: Json) -> Json:
        bot = self._bot(asked)
        locales = {}
        for name in asked["botVersionLocaleSpecification"]:
            draft = bot.drafts.get(name)
            if draft is None or draft.status != "Built" or draft.built is None:
                message = f"The locale {name} must be built before a version is made of it."
                raise ApiError(412, "PreconditionFailedException", message)
            locales[name] = draft.built
        version = str(len(bot.versions) + 1)
        bot.versions[version] = locales
        return {**asked, "botVersion": version, "botStatus": "Creating", **_now()}

    def _describe_version(self, asked: Json) -> Json:
        bot = self._bot(asked)
        if asked["botVersion"] not in (DRAFT, *bot.versions):
            raise _not_found("bot version", asked["botVersion"])
        return {**bot.said, "botVersion": asked["botVersion"], "botStatus": "Available"}

    def _create_alias(self, asked: Json) -> Json:
        bot = self._bot(asked)
        names = [each["botAliasName"] for each in bot.aliases.values()]
        if asked["botAliasName"] in names:
            message = f"An alias with the name {asked['botAliasName']} already exists."
            raise ApiError(412, "PreconditionFailedException", message)
        self._check_version(bot, asked)
        alias = {**asked, "botAliasId": _new_id(), **_now()}
        bot.aliases[alias["botAliasId"]] = alias
        return {**alias, "botAliasStatus": "Creating"}

    def _update_alias(self, asked: Json) -> Json:
        bot = self._bot(asked)
        self._alias(bot, asked["botAliasId"])
        self._check_version(bot, asked)
        bot.aliases[asked["botAliasId"]] = {**asked, **_now()}
        return {**bot.aliases[asked["botAliasId"]], "botAliasStatus": "Creating"}

    def _describe_alias(self, asked: Json) -> Json:
        return {**self._alias(self._bot(asked), asked["botAliasId"]), "botAliasStatus": "Available"}

    def _check_version(self, bot: Bot, asked: Json) -> None:
        version = asked.get("botVersion")
        if version is not None and version not in (DRAFT, *bot.versions):
            raise _not_found("bot version", version)

    def _bot(self, asked: Json) -> Bot:
        if asked["botId"] not in self._bots:
            raise _not_found("bot", asked["botId"])
        return self._bots[asked["botId"]]

    def _draft(self, asked: Json) -> Draft:
        _check_draft(asked)
        found = self._bot(asked).drafts.get(asked["localeId"])
        if found is None:
            raise _not_found("locale", asked["localeId"])
        return found

    def _intent(self, draft: Draft, asked: Json) -> Json:
        if asked["intentId"] not in draft.intents:
            raise _not_found("intent", asked["intentId"])
        return draft.intents[asked["intentId"]]

    def _alias(self, bot: Bot, alias_id: str) -> Json:
        if alias_id not in bot.aliases:
            raise _not_found("bot alias", alias_id)
        return bot.aliases[alias_id]


def _check_draft(asked: Json) -> None:
    if asked["botVersion"] != DRAFT:
        raise refused(f"a locale of version {asked['botVersion']}: ask for {DRAFT}")


def _not_found(kind: str, key: Any) -> ApiError:
    return ApiError(404, "ResourceNotFoundException", f"There is no {kind} with the id {key}.")


def _new_id() -> str:
    return "".join(secrets.choice(ID_CHARACTERS) for _ in range(10))


def _now() -> Json:
    return {"creationDateTime": time.time(), "lastUpdatedDateTime": time.time()}
