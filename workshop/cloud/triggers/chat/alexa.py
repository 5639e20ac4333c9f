"""Alexa, as a skill's function meets it: a session of requests, and what is done with answers.

A device is told a skill by its interaction model, in Amazon's own form. Follows "Request and
Response JSON Reference" and "Dialog Interface Reference"
(https://developer.amazon.com/en-US/docs/alexa/custom-skills/request-and-response-json-reference.html).
Where shouldEndSession is missing or null, the session ends, as on a device without a screen.
"""

from __future__ import annotations

import functools
import json
import uuid
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timezone
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

from ...access.resource_policy import Source
from ...base.json_text import from_json
from ...base.model import ApiError
from ..gateway.invoking import Functions, IntegrationTimeout
from .skill import Json, Skill

PRINCIPAL = "alexa-appkit.amazon.com"
LONGEST_CALL = 8  # seconds that Alexa waits for a skill
LARGEST_ANSWER = 24 * 1024  # bytes
SCHEMA = Path(__file__).with_name("alexa_answer.schema.json")
SORRY = "There was a problem with the requested skill's response."
NO_ANSWER = "SpeechletResponse was null"
RAISED = "An exception occurred while dispatching the request to the skill."
NEVER_ANSWERED = object()
YES, NO = {"yes", "yeah", "yep", "sure", "ok", "okay"}, {"no", "nope", "no thanks"}


class SkillFailed(Exception):
    """A skill's function raised, or did not answer in time; the text is what Alexa says of it."""


@dataclass(frozen=True)
class Heard:
    """What came of an utterance: what Alexa says, and the request and answer behind it."""

    speech: str
    is_open: bool  # the session goes on, and Alexa listens
    event: Json
    answer: Any
    card: Json | None = None
    problem: str | None = None  # why the answer was not used


class Device:
    """One user's device, with one skill.

    `send` hands a request to the skill's function and gives its answer; it raises SkillFailed.
    `attributes` are those of the session that is open.
    """

    def __init__(self, model: Json, skill_id: str, send: Callable[[Json], Any]) -> None:
        self._skill, self._skill_id, self._send = Skill.of(model), skill_id, send
        self._user = f"amzn1.ask.account.{uuid.uuid4().hex.upper()}"
        self._device = f"amzn1.ask.device.{uuid.uuid4().hex.upper()}"
        self._begin()

    def open(self) -> Heard:
        """ "Alexa, open ...": a new session."""
        self._begin()
        return self._turn({"type": "LaunchRequest"})

    def say(self, text: str) -> Heard:
        """Says something to the skill; in a new session ("Alexa, ask ...") if none is open."""
        if not self._is_open:
            self._begin()
        if text.strip().casefold() == "exit" and self._is_open:
            return self._end("USER_INITIATED")
        return self._turn(self._intent_request(text))

    def stay_silent(self) -> Heard:
        """Answers neither the question nor its reprompt, so that Alexa ends the session."""
        return self._end("EXCEEDED_MAX_REPROMPTS")

    def _begin(self) -> None:
        self._session_id = f"amzn1.echo-api.session.{uuid.uuid4()}"
        self.attributes: Json = {}
        self._is_new, self._is_open = True, False
        self._asked: Json | None = None  # the directive that Alexa follows
        self._intent: Json | None = None

    def _intent_request(self, text: str) -> Json:
        status = "COMPLETED"
        confirmed = self._confirmed(text)
        if confirmed:
            intent = {**(self._intent or {}), "confirmationStatus": confirmed}
        else:
            slot = self._asked.get("slotToElicit") if self._asked else None
            intent = self._skill.understand(text, self._intent, slot, self._skill_id)
            known = self._intent and self._intent["name"] == intent["name"]
            status = "IN_PROGRESS" if known else "STARTED"
        self._intent = intent
        dialog = {"dialogState": status} if intent["name"] in self._skill.dialogs else {}
        return {"type": "IntentRequest", "intent": intent, **dialog}

    def _confirmed(self, text: str) -> str | None:
        word = text.strip(" .,!?").casefold()
        if self._asked and self._asked["type"] == "Dialog.ConfirmIntent" and word in YES | NO:
            return "CONFIRMED" if word in YES else "DENIED"
        return None

    def _turn(self, request: Json) -> Heard:
        event = self._event(request)
        self._asked, self._is_new = None, False
        try:
            answer = self._send(event)
            self._check(answer)
        except SkillFailed as failed:
            return self._failed(event, NEVER_ANSWERED, str(failed))
        except ValueError as problem:
            return self._failed(event, answer, str(problem))
        return self._use(event, answer)

    def _use(self, event: Json, answer: Json) -> Heard:
        response = answer["response"]
        self.attributes = answer.get("sessionAttributes") or {}
        self._is_open = response.get("shouldEndSession") is False
        for directive in response.get("directives") or []:
            self._asked = directive
            self._intent = directive.get("updatedIntent") or self._intent
        return Heard(
            speech_of(response.get("outputSpeech")),
            self._is_open,
            event,
            answer,
            response.get("card"),
        )

    def _check(self, answer: Any) -> None:
        """Raises ValueError, in words, for an answer that Alexa does not use."""
        if answer is None:
            raise ValueError(NO_ANSWER)
        problem = problem_of(answer)
        if problem:
            raise ValueError(problem)
        if len(json.dumps(answer).encode()) > LARGEST_ANSWER:
            raise ValueError(f"The response is larger than {LARGEST_ANSWER // 1024} KB")
        for directive in answer["response"].get("directives") or []:
            self._skill.check_directive(directive, self._intent)

    def _failed(self, event: Json, answer: Any, problem: str) -> Heard:
        """Says so, and tells the skill, as Alexa does."""
        self._is_open = False
        error = {"type": "INVALID_RESPONSE", "message": problem}
        if answer is not NEVER_ANSWERED:
            self._tell({"reason": "ERROR", "error": error})
        shown = None if answer is NEVER_ANSWERED else answer
        return Heard(SORRY, False, event, shown, problem=problem)

    def _end(self, reason: str) -> Heard:
        """Ends the session; what the skill says to that, nobody hears."""
        event, answer, problem = self._tell({"reason": reason})
        self._is_open = False
        return Heard("", False, event, answer, problem=problem)

    def _tell(self, more: Json) -> tuple[Json, Any, str | None]:
        """Sends a SessionEndedRequest. A skill may answer it with nothing that speaks."""
        event = self._event({"type": "SessionEndedRequest", **more})
        try:
            answer = self._send(event)
        except SkillFailed as failed:
            return event, None, str(failed)
        said = answer.get("response") if isinstance(answer, dict) else answer
        if not isinstance(answer, dict) or (said and any(said.values())):
            return event, answer, "A SessionEndedRequest must not be answered with a response"
        return event, answer, None

    def _event(self, request: Json) -> Json:
        application = {"applicationId": self._skill_id}
        user = {"userId": self._user}
        return {
            "version": "1.0",
            "session": {
                "new": self._is_new,
                "sessionId": self._session_id,
                "application": application,
                "attributes": self.attributes,
                "user": user,
            },
            "context": {
                "System": {
                    "application": application,
                    "user": user,
                    "device": {"deviceId": self._device, "supportedInterfaces": {}},
                    "apiEndpoint": "https://api.amazonalexa.com",
                    "apiAccessToken": "example",
                }
            },
            "request": {
                "requestId": f"amzn1.echo-api.request.{uuid.uuid4()}",
                "locale": "en-US",
                "timestamp": datetime.now(timezone.utc).strftime("%Y-%m-%dT%H:%M:%SZ"),
                **request,
            },
        }


def as_alexa(functions: Functions, function_arn: str, skill_id: str) -> Callable[[Json], Any]:
    """What invokes a function for a skill; its policy must allow it (EventSourceToken)."""

    def send(event: Json) -> Any:
        try:
            source = Source(PRINCIPAL, token=skill_id)
            outcome = functions.invoke(function_arn, event, source, LONGEST_CALL)
        except IntegrationTimeout:
            raise SkillFailed(f"The skill did not answer within {LONGEST_CALL} s") from None
        except ApiError as error:
            raise SkillFailed(error.message) from None
        if outcome.error:
            raise SkillFailed(RAISED)
        return from_json(outcome.payload)

    return send


def problem_of(answer: Any) -> str | None:
    """What is wrong with an answer's form and its SSML; None if nothing is."""
    import fastjsonschema

    try:
        _validator()(answer)
    except fastjsonschema.JsonSchemaValueException as error:
        return error.message.replace("data.", "").replace("data ", "the response ")
    response = answer["response"]
    for said in (
        response.get("outputSpeech"),
        (response.get("reprompt") or {}).get("outputSpeech"),
    ):
        if said and said["type"] == "SSML":
            try:
                ElementTree.fromstring(said["ssml"])
            except ElementTree.ParseError as error:
                return f"The SSML is not well-formed XML ({error}): {said['ssml'][:100]}"
    return None


def speech_of(said: Json | None) -> str:
    """What a user hears of an outputSpeech: of SSML its words, and nothing of line breaks."""
    if not said:
        return ""
    if said["type"] == "PlainText":
        return said["text"]
    return " ".join("".join(ElementTree.fromstring(said["ssml"]).itertext()).split())


@functools.cache
def _validator() -> Callable[[Any], Any]:
    import fastjsonschema

    return fastjsonschema.compile(json.loads(SCHEMA.read_text(encoding="utf-8")))
