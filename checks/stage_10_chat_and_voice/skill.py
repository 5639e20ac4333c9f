"""Sessions with the Alexa skill of stage 10."""

from __future__ import annotations

from typing import Any

from workshop.chat import skill_of
from workshop.cloud.triggers.chat.alexa import Device, Heard
from workshop.grading.words import ended_in_error, failure

from .city import City, expect


class Session:
    """A user's device with the skill, whose function is invoked as it is deployed."""

    def __init__(self, city: City, function: Any = None, **more: Any) -> None:
        self._function, self._more = function or city.function, more
        self.lines: list[str] = []
        self.log = ""
        self._look = ""
        self.device = Device(skill_of(city.stations), city.skill_id, self._send)

    def open(self, look: str, **wanted: Any) -> None:
        """Opens the skill, and fails unless it answers as wanted."""
        self.lines.append("user: Alexa, open bike share")
        self._look = look
        self._expect(self.device.open(), wanted)

    def expect(self, text: str, look: str, **wanted: Any) -> None:
        """Says something, and fails unless the skill answers as wanted."""
        self.lines.append(f"user: {text}")
        self._look = look
        self._expect(self.device.say(text), wanted)

    def _expect(self, heard: Heard, wanted: dict[str, Any]) -> None:
        assert heard.problem is None, failure(
            f"Alexa cannot use the answer: {heard.problem}.",
            self.lines,
            "an answer in the form of Alexa",
            heard.answer,
            self._look,
            "talk",
            self.log,
        )
        self.lines.append(f"Alexa: {heard.speech}")
        response = heard.answer["response"]
        directive = (response.get("directives") or [{}])[0]
        card = response.get("card") or {}
        came = {
            "says": heard.speech,
            "open": heard.is_open,
            "asks": directive.get("type"),
            "slot": directive.get("slotToElicit"),
            "speech": (response.get("outputSpeech") or {}).get("type"),
            "card": [card.get("type"), card.get("content")],
            "reprompt": bool(response.get("reprompt")),
            "attributes": heard.answer.get("sessionAttributes") or {},
        }
        expect(came, wanted, self.lines, self._look)

    def _send(self, event: dict[str, Any]) -> Any:
        result = self._function.invoke({**event, **self._more})
        self.log = result.log
        if result.error is not None:
            what = f"The function raised for a {event['request']['type']}."
            error = ended_in_error(what, self.lines, result.error, result.log, self._look)
            raise AssertionError(error)
        return result.value
