"""Conversations with a function that a notebook has: through Lex V2 and through Alexa.

Each gives turns: what was said, what was heard, and what the function got and answered.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Protocol

import boto3
from botocore.exceptions import ClientError

from ..chat import STATIONS, Chat, allow_lex, make_bot, skill_of
from ..cloud import LocalCloud
from ..examples.chat import SKILL_ID, rows
from ..grading.account import Account
from ..grading.function import Function
from ..grading.own_lines import own_lines
from .helpers import delete, deploy_exercise, make_table

Exchange = tuple[Any, Any]  # an event, and what the function answered


@dataclass(frozen=True)
class Turn:
    """One turn: an utterance, and what came of it. `problem` is why the answer was not used."""

    said: str
    heard: str
    then: str  # what comes next: Lex's action, or whether Alexa listens
    exchanges: list[Exchange]
    problem: str | None = None


class Conversation(Protocol):
    """A conversation through one front end."""

    def say(self, text: str) -> Turn:
        """One turn."""


class WithLex:
    """A conversation with the bike-share's bot, whose answers a function gives."""

    def __init__(self, cloud: LocalCloud, chat: Chat) -> None:
        self._cloud, self._chat = cloud, chat

    def say(self, text: str) -> Turn:
        """What Lex makes of an utterance."""
        try:
            response = self._chat.say(text)
        except ClientError as error:
            said = error.response["Error"]
            problem = f"{said['Code']}: {said['Message']}"
            return Turn(text, "", "as before", self._exchanges(), problem)
        messages = [_text_of(each) for each in response.get("messages", [])]
        action = response["sessionState"].get("dialogAction", {})
        then = " ".join([action.get("type", ""), action.get("slotToElicit", "")]).strip()
        return Turn(text, " ".join(messages), then, self._exchanges())

    def _exchanges(self) -> list[Exchange]:
        found = self._cloud.exchanges(self._chat.session_id)
        return [(each.event, each.answer) for each in found]


class WithAlexa:
    """A session with the bike-share's skill, whose answers a function gives."""

    def __init__(self, cloud: LocalCloud, function_arn: str) -> None:
        self._device = cloud.alexa(skill_of(), SKILL_ID, function_arn)

    def say(self, text: str) -> Turn:
        """What Alexa makes of an utterance; "open" opens the skill."""
        heard = self._device.open() if text.casefold() == "open" else self._device.say(text)
        then = "Alexa listens" if heard.is_open else "the session has ended"
        return Turn(text, heard.speech, then, [(heard.event, heard.answer)], heard.problem)


class Exercise:
    """Your function of stage 10 with all that is around it: stations, a bot and a skill."""

    def __init__(self, cloud: LocalCloud) -> None:
        """Deploys it. Raises LookupError, after it said what to fix, if that cannot be done."""
        table = make_table("chat-stations", "station_id")
        for row in rows():
            boto3.client("dynamodb").put_item(TableName=table.name, Item=row)
        function = deploy_exercise("10", TABLE=table.name, SKILL_ID=SKILL_ID)
        if function is None:
            raise LookupError("your function is not deployed")
        self._cloud, self._function = cloud, function
        self._account = Account(cloud.client, cloud.idle)
        self._arn = _arn_of(function)
        self._bot = make_bot(boto3.client, "chat-box", self._arn)
        client = boto3.client("lambda")
        allow_lex(client, function.name, self._bot)
        allow_alexa(function.name, SKILL_ID)

    def lex(self) -> WithLex:
        """A new conversation with the bot."""
        return WithLex(self._cloud, Chat(boto3.client, self._bot))

    def alexa(self) -> WithAlexa:
        """A new device with the skill."""
        return WithAlexa(self._cloud, self._arn)

    def log(self) -> list[str]:
        """What the function wrote in its last invocation."""
        return own_lines("".join(self._account.last_log_of(self._function)))


def allow_alexa(function: str, skill_id: str) -> None:
    """Lets an Alexa skill invoke a function; a permission from before goes."""
    client = boto3.client("lambda")
    delete(client.remove_permission, FunctionName=function, StatementId="alexa")
    client.add_permission(
        FunctionName=function,
        StatementId="alexa",
        Action="lambda:InvokeFunction",
        Principal="alexa-appkit.amazon.com",
        EventSourceToken=skill_id,
    )


def talk(conversation: Conversation, *utterances: str) -> list[Turn]:
    """Says one after the other, and prints the conversation."""
    turns = []
    for text in utterances:
        turn = conversation.say(text)
        turns.append(turn)
        print(f"you: {turn.said}")
        print(f"     {turn.problem}" if turn.problem else f"bot: {turn.heard}")
        print(f"     [invocations: {len(turn.exchanges)}; then: {turn.then}]")
    return turns


def known_stations() -> str:
    """What a user may call the stations of the chat box."""
    return "; ".join(" or ".join(each.also) for each in STATIONS)


def _text_of(message: dict[str, Any]) -> str:
    return message.get("content") or message["imageResponseCard"]["title"]


def _arn_of(function: Function) -> str:
    found: Callable[..., Any] = boto3.client("lambda").get_function_configuration
    return found(FunctionName=function.name)["FunctionArn"]
