"""Conversations with the bot of stage 10, and events as Lex V2 sends them."""

from __future__ import annotations

from typing import Any
from xml.etree import ElementTree
from xml.sax.saxutils import escape

from botocore.exceptions import ClientError

from workshop.chat import Chat, Station
from workshop.cloud.triggers.chat.lex_answer import problem_of
from workshop.grading import fresh
from workshop.grading.words import ended_in_error, failure, logged

from .city import City, expect


class Talk:
    """One conversation with the bot."""

    def __init__(self, city: City, bot: Any, attributes: dict[str, str] | None = None) -> None:
        self._city, self._attributes = city, attributes
        self._chat = Chat(city.account.client, bot)
        self.lines: list[str] = []

    def say(self, text: str, look: str) -> dict[str, Any]:
        """What the bot makes of an utterance, as a check compares it."""
        self.lines.append(f"user: {text}")
        try:
            response = self._chat.say(text, self._attributes)
        except ClientError as error:
            raise AssertionError(self._refused(error, look)) from None
        self._attributes = None  # Lex keeps them
        state = response["sessionState"]
        messages = response.get("messages", [])
        said = " ".join(each.get("content", "") for each in messages)
        self.lines.append(f"bot:  {said}")
        return {
            "says": said,
            "type": [each["contentType"] for each in messages],
            "action": state.get("dialogAction", {}).get("type"),
            "slot": state.get("dialogAction", {}).get("slotToElicit"),
            "state": state.get("intent", {}).get("state"),
            "attributes": state.get("sessionAttributes", {}),
        }

    def expect(self, text: str, look: str, **wanted: Any) -> dict[str, Any]:
        """Says something, and fails unless the bot answers as wanted."""
        came = self.say(text, look)
        expect(came, wanted, self.lines, look)
        return came

    def _refused(self, error: ClientError, look: str) -> str:
        said = error.response["Error"]
        messages = self._city.account.last_log_of(self._city.function)
        return failure(
            "Lex cannot use your function's answer, so the user hears nothing. Lex says:\n"
            f"  {said['Message'][:400]}",
            self.lines,
            "an answer in the form of Lex V2",
            said["Code"],
            look + logged(messages),
            "talk",
        )


def event_of(intent: str, station: Station | None = None, **more: Any) -> dict[str, Any]:
    """An event of Lex V2 for an intent that is ready to be fulfilled."""
    said = station and {
        "shape": "Scalar",
        "value": {
            "originalValue": station.also[0],
            "interpretedValue": station.id,
            "resolvedValues": [station.id],
        },
    }
    recognized = {
        "name": intent,
        "slots": {"Station": said},
        "state": "ReadyForFulfillment",
        "confirmationState": "None",
    }
    return {
        "messageVersion": "1.0",
        "invocationSource": "FulfillmentCodeHook",
        "inputMode": "Text",
        "responseContentType": "text/plain; charset=utf-8",
        "sessionId": fresh.digits(15),
        "inputTranscript": f"is there a bike near {station.also[0] if station else 'me'}",
        "bot": {
            "id": "EXAMPLEBOT",
            "name": "bikes",
            "localeId": "en_US",
            "version": "1",
            "aliasId": "EXAMPLEAKA",
            "aliasName": "live",
        },
        "interpretations": [
            {"intent": recognized, "interpretationSource": "Lex", "nluConfidence": 1.0}
        ],
        "requestAttributes": None,
        "sessionState": {"activeContexts": [], "sessionAttributes": {}, "intent": recognized},
        "transcriptions": [],
        **more,
    }


def one_line(ssml: str) -> str:
    """SSML without the white space that nobody hears; what is no XML stays as it is."""
    try:
        root = ElementTree.fromstring(ssml)
    except ElementTree.ParseError:
        return ssml
    return f"<{root.tag}>{escape(' '.join(''.join(root.itertext()).split()))}</{root.tag}>"


def invoke(function: Any, event: dict[str, Any], look: str) -> tuple[dict[str, Any], str]:
    """What a function answers to such an event, as a check compares it, and its log."""
    result = function.invoke(event)
    asked = [f"event: {event['inputTranscript']} ({event['sessionState']['intent']['name']})"]
    assert result.error is None, ended_in_error(
        "The function raised.", asked, result.error or {}, result.log, look
    )
    problem = problem_of(result.value)
    assert problem is None, failure(
        f"Lex cannot use the answer: {problem}.",
        asked,
        "an answer in the form of Lex V2",
        result.value,
        look,
        log=result.log,
    )
    message = (result.value.get("messages") or [{}])[0]
    says, kind = message.get("content"), message.get("contentType")
    state = result.value["sessionState"]
    came = {
        "says": one_line(says) if kind == "SSML" else says,
        "type": kind,
        "action": state["dialogAction"]["type"],
        "state": (state.get("intent") or {}).get("state"),
    }
    return came, result.log
