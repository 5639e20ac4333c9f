"""Lex V2's runtime: conversations by text, held with the function that a bot's alias names.

Follows "RecognizeText" (https://docs.aws.amazon.com/lexv2/latest/APIReference/API_runtime_RecognizeText.html)
and "AWS Lambda input event format for Lex V2"
(https://docs.aws.amazon.com/lexv2/latest/dg/lambda-input-format.html).
"""

from __future__ import annotations

import copy
import threading
import time
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from ...access.resource_policy import Source
from ...base.json_text import from_json, to_json
from ...base.model import ApiError, Outcome
from ...base.variables import ACCOUNT_ID
from ..gateway.invoking import Functions, IntegrationTimeout
from .bots import Bot, Bots
from .conversation import Hook, Session, Turn
from .definition import Json, Locale, refused
from .lex_answer import invalid, read_answer

PRINCIPAL = "lexv2.amazonaws.com"
LARGEST_EVENT = 12 * 1024  # bytes
LONGEST_CALL = 30  # seconds that Lex waits for a function
CONTENT = "text/plain; charset=utf-8"
Key = tuple[str, str, str, str]  # bot, alias, locale, session


@dataclass(frozen=True)
class Exchange:
    """An event that a function got, and what it answered, or its error object."""

    event: Json
    answer: Any


@dataclass
class Kept:
    """A session, until nobody has used it for as long as its bot says."""

    expires_at: float  # time.monotonic()
    session: Session = field(default_factory=Session)
    exchanges: list[Exchange] = field(default_factory=list)  # of the last turn
    lock: threading.Lock = field(default_factory=threading.Lock)

    @property
    def expired(self) -> bool:
        """Whether it is forgotten."""
        return time.monotonic() > self.expires_at


class Lex:
    """Holds the conversations with every bot."""

    def __init__(self, bots: Bots, functions: Functions) -> None:
        self._bots, self._functions = bots, functions
        self._kept: dict[Key, Kept] = {}
        self._lock = threading.Lock()

    def call(self, operation: str, region: str, asked: Json) -> Json:
        """Answers an operation of lexv2-runtime. Raises ApiError."""
        operations: dict[str, Callable[[str, Json], Json]] = {
            "RecognizeText": self._recognize_text,
            "GetSession": self._get_session,
            "DeleteSession": self._delete_session,
        }
        if operation not in operations:
            raise refused(operation)
        return operations[operation](region, asked)

    def exchanges(self, session_id: str) -> list[Exchange]:
        """What the function was asked in the last turn of a session, and what it answered."""
        with self._lock:
            kept = [kept for key, kept in self._kept.items() if key[-1] == session_id]
        return [each for one in kept for each in one.exchanges]

    def _recognize_text(self, region: str, asked: Json) -> Json:
        bot, alias = self._bots.find(asked["botId"], asked["botAliasId"])
        locale = _locale(bot, alias, asked["localeId"])
        with self._session(bot, asked) as kept:
            session = kept.session
            _take_state(session, asked.get("sessionState") or {})
            before = copy.deepcopy(session)
            kept.exchanges = []
            turn_of = _Asking(self, region, bot, alias, asked, kept)
            turn = Turn(locale, session, turn_of.ask)
            try:
                turn.take(asked["text"])
            except BaseException:
                vars(session).update(vars(before))  # as if nothing had been said
                raise
            return {
                "messages": session.messages,
                "sessionState": _state(session, turn_of.request_id, session.action),
                "interpretations": [
                    _scored(each) for each in turn_of.interpretations(turn.recognized)
                ],
                "requestAttributes": turn_of.request_attributes,
                "sessionId": asked["sessionId"],
            }

    def invoke(self, arn: str, event: Json, source: Source) -> Outcome:
        """What a function made of an event. Raises ApiError where it cannot be asked."""
        if len(to_json(event)) > LARGEST_EVENT:
            size = f"({len(to_json(event))} vs. {LARGEST_EVENT // 1024}K)"
            raise invalid(f"Lambda request exceeds maximum size {size}")
        try:
            return self._functions.invoke(arn, event, source, LONGEST_CALL)
        except IntegrationTimeout:
            raise invalid(f"Lambda did not answer within {LONGEST_CALL} seconds") from None
        except ApiError as error:
            if error.status not in (403, 404):
                raise invalid(f"Lambda refused the invocation: {error.message}") from None
            raise ApiError(
                424,
                "DependencyFailedException",
                f"Invalid Bot Configuration: Access denied while invoking lambda function {arn} "
                f"from {source.arn}. Please check the policy on this function.",
            ) from None

    def _get_session(self, region: str, asked: Json) -> Json:
        self._bots.find(asked["botId"], asked["botAliasId"])
        with self._lock:
            kept = self._kept.get(_key(asked))
        if kept is None or kept.expired:
            message = f"There is no session {asked['sessionId']}."
            raise ApiError(404, "ResourceNotFoundException", message)
        session = kept.session
        return {
            "sessionId": asked["sessionId"],
            "messages": session.messages,
            "interpretations": [{"intent": session.intent}] if session.intent else [],
            "sessionState": _state(session, str(uuid.uuid4()), session.action),
        }

    def _delete_session(self, region: str, asked: Json) -> Json:
        self._bots.find(asked["botId"], asked["botAliasId"])
        with self._lock:
            self._kept.pop(_key(asked), None)
        names = ("botId", "botAliasId", "localeId", "sessionId")
        return {name: asked[name] for name in names}

    @contextmanager
    def _session(self, bot: Bot, asked: Json) -> Iterator[Kept]:
        """The session of a call, for this call alone. Raises ApiError, 409, if it is in use."""
        until = time.monotonic() + bot.said["idleSessionTTLInSeconds"]
        with self._lock:
            for key in [key for key, kept in self._kept.items() if kept.expired]:
                del self._kept[key]
            kept = self._kept.setdefault(_key(asked), Kept(until))
            kept.expires_at = until
        if not kept.lock.acquire(blocking=False):
            message = f"The session {asked['sessionId']} is in use by another request."
            raise ApiError(409, "ConflictException", message)
        try:
            yield kept
        finally:
            kept.lock.release()


class _Asking:
    """Asks the alias's function in one turn, with the events that Lex V2 sends."""

    def __init__(
        self, lex: Lex, region: str, bot: Bot, alias: Json, asked: Json, kept: Kept
    ) -> None:
        self._lex, self._bot, self._alias, self._asked = lex, bot, alias, asked
        self._session, self._exchanges = kept.session, kept.exchanges
        self.request_id = str(uuid.uuid4())
        self.request_attributes = asked.get("requestAttributes") or {}
        name = f"bot-alias/{asked['botId']}/{asked['botAliasId']}"
        arn = f"arn:aws:lex:{region}:{ACCOUNT_ID}:{name}"
        self._source = Source(PRINCIPAL, arn, ACCOUNT_ID)

    def ask(self, hook: Hook) -> Json:
        """The function's answer. Raises ApiError."""
        function = _function(self._alias, self._asked["localeId"])
        event = self._event(hook)
        outcome = self._lex.invoke(function, event, self._source)
        self._exchanges.append(Exchange(copy.deepcopy(event), from_json(outcome.payload)))
        answer = read_answer(outcome)
        if answer.get("requestAttributes") is not None:
            self.request_attributes = answer["requestAttributes"]
        return answer

    def interpretations(self, recognized: bool) -> list[Json]:
        """What the utterance could mean: the intent of this turn, then the fallback."""
        intent, fallback = self._session.intent, self._fallback()
        found = [{"intent": fallback, "interpretationSource": "Lex"}] if fallback else []
        if intent is None or (fallback and intent["name"] == fallback["name"]):
            return found
        score = {"nluConfidence": 1.0} if recognized else {}
        return [{"intent": intent, "interpretationSource": "Lex", **score}, *found]

    def _fallback(self) -> Json | None:
        locale = _locale(self._bot, self._alias, self._asked["localeId"])
        state = self._session.intent["state"] if self._session.intent else "InProgress"
        if not locale.fallback:
            return None
        more = {"state": state, "confirmationState": "None"}
        return {"name": locale.fallback, "slots": {}, **more}

    def _event(self, hook: Hook) -> Json:
        asked, alias, intent = self._asked, self._alias, self._session.intent or {}
        event = {
            "messageVersion": "1.0",
            "invocationSource": hook.source,
            "inputMode": "Text",
            "responseContentType": CONTENT,
            "sessionId": asked["sessionId"],
            "inputTranscript": asked["text"],
            "bot": {
                "id": asked["botId"],
                "name": self._bot.said["botName"],
                "localeId": asked["localeId"],
                "version": alias["botVersion"],
                "aliasId": alias["botAliasId"],
                "aliasName": alias["botAliasName"],
            },
            "interpretations": self.interpretations(hook.recognized),
            "requestAttributes": self.request_attributes or None,
            "sessionState": _state(self._session, self.request_id),
            "transcriptions": [
                {
                    "transcription": asked["text"],
                    "transcriptionConfidence": 1.0,
                    "resolvedContext": {"intent": intent.get("name")},
                    "resolvedSlots": hook.filled,
                }
            ],
        }
        if hook.proposed:
            event["proposedNextState"] = hook.proposed
        return event


def _state(session: Session, request_id: str, action: Json | None = None) -> Json:
    state: Json = {
        "activeContexts": [],
        "sessionAttributes": session.attributes,
        "originatingRequestId": request_id,
    }
    if session.intent:
        state["intent"] = session.intent
    if action:
        state["dialogAction"] = action
    return state


def _scored(interpretation: Json) -> Json:
    """An interpretation as the API has it, where an event has the bare number."""
    if "nluConfidence" not in interpretation:
        return interpretation
    return {**interpretation, "nluConfidence": {"score": interpretation["nluConfidence"]}}


def _take_state(session: Session, state: Json) -> None:
    """What a client says of the session: its attributes."""
    for name, value in state.items():
        if name != "sessionAttributes" and value:
            raise refused(f"RecognizeText's sessionState.{name}")
    if state.get("sessionAttributes") is not None:
        session.attributes = state["sessionAttributes"]


def _locale(bot: Bot, alias: Json, name: str) -> Locale:
    settings = (alias.get("botAliasLocaleSettings") or {}).get(name) or {"enabled": True}
    locale = bot.locale(alias.get("botVersion") or "", name) if settings["enabled"] else None
    if locale is None:
        message = f"The alias {alias['botAliasId']} has no locale {name} that is built and enabled."
        raise ApiError(404, "ResourceNotFoundException", message)
    return locale


def _function(alias: Json, locale: str) -> str:
    settings = (alias.get("botAliasLocaleSettings") or {}).get(locale) or {}
    hook = (settings.get("codeHookSpecification") or {}).get("lambdaCodeHook") or {}
    if not hook.get("lambdaARN"):
        raise ApiError(
            424,
            "DependencyFailedException",
            f"Invalid Bot Configuration: The alias {alias['botAliasId']} has no Lambda function "
            f"for the locale {locale}.",
        )
    return hook["lambdaARN"]


def _key(asked: Json) -> Key:
    return asked["botId"], asked["botAliasId"], asked["localeId"], asked["sessionId"]
