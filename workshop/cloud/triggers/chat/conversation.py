"""One turn of a conversation with a Lex V2 bot: what was said, and what the bot answers.

Follows "Understanding the conversation flow" and "Using a Lambda function"
(https://docs.aws.amazon.com/lexv2/latest/dg/lambda.html): what was said fills a slot, confirms an
intent or names one; the function is asked after each turn (DialogCodeHook) and at the end
(FulfillmentCodeHook), and may take over at either point.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from .definition import Intent, Json, Locale, Prompt, refused
from .lex_answer import invalid

YES = {"yes", "yes please", "yeah", "yep", "yup", "sure", "ok", "okay", "correct", "confirm"}
NO = {"no", "no thanks", "no thank you", "nope", "nah", "cancel", "incorrect"}
PLACE = re.compile(r"\{(\w+)\}")


@dataclass
class Session:
    """What Lex keeps of a conversation from turn to turn."""

    attributes: dict[str, str] = field(default_factory=dict)
    intent: Json | None = None
    action: Json = field(default_factory=lambda: {"type": "ElicitIntent"})
    attempt: int = 0  # how often the same was asked again
    messages: list[Json] = field(default_factory=list)  # what was said last


@dataclass(frozen=True)
class Hook:
    """What the function is asked in a turn."""

    source: str  # DialogCodeHook or FulfillmentCodeHook
    recognized: bool  # the utterance was understood
    filled: Json  # the slots that were filled in this turn
    proposed: Json | None  # proposedNextState


class Turn:
    """Answers one utterance; `ask` has the function's answer to a Hook. Raises ApiError."""

    def __init__(self, locale: Locale, session: Session, ask: Callable[[Hook], Json]) -> None:
        self._locale, self._session, self._ask = locale, session, ask
        self._again = False  # what was asked last is asked again
        self.recognized = True
        self._filled: Json = {}

    def take(self, text: str) -> None:
        """Hears an utterance. The session has then what the bot says, and what it waits for."""
        self._hear(text.strip())
        intent = self._definition
        if intent.dialog_hook and not self._follow(self._hook("DialogCodeHook")):
            return
        self._go_on()

    @property
    def _definition(self) -> Intent:
        return self._locale.intents[self._intent["name"]]

    @property
    def _intent(self) -> Json:
        assert self._session.intent is not None, "a turn begins with an intent"
        return self._session.intent

    def _hear(self, text: str) -> None:
        session, expected = self._session, self._session.action["type"]
        if expected == "ConfirmIntent" and self._confirms(text):
            return
        if expected == "ElicitSlot" and self._fills(text):
            return
        found = self._locale.match(text)
        if found:
            self._begin(*found)
        elif expected == "ElicitSlot" and self._fills(text, anything=True):
            return
        elif expected in ("ElicitSlot", "ConfirmIntent") and session.attempt < self._retries():
            session.attempt += 1
            self._again, self.recognized = True, False
        else:
            self.recognized = False
            self._begin(self._locale.fallback, {})

    def _confirms(self, text: str) -> bool:
        word = text.strip(" .,!?").casefold()
        if word in YES or word in NO:
            self._intent["confirmationState"] = "Confirmed" if word in YES else "Denied"
            return True
        return False

    def _fills(self, text: str, anything: bool = False) -> bool:
        slot = self._definition.slots[self._session.action["slotToElicit"]]
        said = [text, *(words[slot.name] for _, words in slot.samples.match(text) if words)]
        for each in said:
            value = slot.fill(each, anything and slot.takes_anything)
            if value:
                self._intent["slots"][slot.name] = value
                self._intent["confirmationState"] = "None"
                self._filled = {slot.name: value}
                return True
        return False

    def _retries(self) -> int:
        definition, action = self._definition, self._session.action
        confirms = action["type"] == "ConfirmIntent"
        prompt = definition.confirmation
        if not confirms:
            prompt = definition.slots[action["slotToElicit"]].prompt
        return prompt.retries if prompt else 0

    def _begin(self, name: str, slots: Json) -> None:
        self._filled = {key: value for key, value in slots.items() if value}
        self._session.intent = {
            "name": name,
            "slots": slots,
            "state": "InProgress",
            "confirmationState": "None",
        }

    def _hook(self, source: str) -> Json:
        proposed = self._proposed() if source == "DialogCodeHook" else None
        return self._ask(Hook(source, self.recognized, self._filled, proposed))

    def _proposed(self) -> Json | None:
        """What Lex would do next, where that is to ask for a slot."""
        slot = self._next_slot()
        if slot is None:
            return None
        attempt = f"Retry{self._session.attempt}" if self._again else "Initial"
        return {
            "dialogAction": {"type": "ElicitSlot", "slotToElicit": slot},
            "intent": self._intent,
            "prompt": {"attempt": attempt},
        }

    def _next_slot(self) -> str | None:
        if self._again and self._session.action["type"] == "ElicitSlot":
            return self._session.action["slotToElicit"]
        for slot in self._definition.slots.values():
            if slot.required and not self._intent["slots"].get(slot.name):
                return slot.name
        return None

    def _follow(self, answer: Json) -> bool:
        """Takes over what the function says; whether Lex goes on by itself."""
        state, session = answer["sessionState"], self._session
        if state.get("sessionAttributes") is not None:
            session.attributes = state["sessionAttributes"]
        if state.get("intent"):
            self._take_intent(state["intent"])
        action = state["dialogAction"]
        if action["type"] == "Delegate":
            return True
        messages = answer.get("messages") or []
        if action["type"] == "ElicitSlot":
            self._elicit(action["slotToElicit"], messages)
        elif action["type"] == "Close":
            self._close(self._intent["state"], messages)
        else:
            self._say(messages, type=action["type"])
            if action["type"] == "ElicitIntent":
                session.intent = None
        return False

    def _take_intent(self, said: Json) -> None:
        name = said["name"]
        if name not in self._locale.intents:
            raise invalid(f"Received invalid response from Lambda: There is no intent {name}")
        slots, known = said.get("slots"), self._locale.intents[name].slots
        for each in slots or {}:
            if each not in known:
                raise _no_slot(each, name)
        if name != self._intent["name"]:
            self._begin(name, dict.fromkeys(known))
        if slots is not None:
            self._intent["slots"] = {**dict.fromkeys(known), **slots}
        for key in ("state", "confirmationState"):
            if said.get(key):
                self._intent[key] = said[key]

    def _go_on(self) -> None:
        """What Lex does by itself: asks for what is missing, confirms, and ends."""
        slot, intent = self._next_slot(), self._definition
        if slot:
            self._elicit(slot, [])
        elif self._again:  # the confirmation
            self._say(self._session.messages, type="ConfirmIntent")
        elif self._intent["confirmationState"] == "Denied":
            self._close("Failed", intent.declined)
        elif intent.confirmation and self._intent["confirmationState"] == "None":
            self._say(intent.confirmation.messages, type="ConfirmIntent")
        else:
            self._fulfill(intent)

    def _fulfill(self, intent: Intent) -> None:
        self._intent["state"] = "ReadyForFulfillment"
        if not intent.fulfillment_hook:
            self._close("ReadyForFulfillment", intent.closing)
        elif self._follow(self._hook("FulfillmentCodeHook")):
            raise refused("Delegate from a FulfillmentCodeHook: answer with another dialogAction")

    def _elicit(self, name: str, messages: list[Json]) -> None:
        if name not in self._definition.slots:
            raise _no_slot(name, self._intent["name"])
        prompt = self._definition.slots[name].prompt or Prompt(self._session.messages, 0)
        self._intent["state"] = "InProgress"
        self._say(messages or prompt.messages, type="ElicitSlot", slotToElicit=name)

    def _close(self, state: str, messages: list[Json]) -> None:
        self._intent["state"] = state
        closing = self._definition.closing if state == "Fulfilled" else []
        self._say(messages or closing, type="Close")

    def _say(self, messages: list[Json], **action: str) -> None:
        session = self._session
        if not self._again:
            session.attempt = 0
        session.action = action
        session.messages = [self._with_slots(each) for each in messages]

    def _with_slots(self, message: Json) -> Json:
        """A message in which `{Slot}` is the slot's value."""
        slots = self._intent["slots"] if self._session.intent else {}

        def value(found: re.Match[str]) -> str:
            slot: Any = slots.get(found[1]) or {}
            return (slot.get("value") or {}).get("interpretedValue", found[0])

        if not message.get("content"):
            return message
        return {**message, "content": PLACE.sub(value, message["content"])}


def _no_slot(name: str, intent: str) -> Exception:
    problem = f"There is no slot {name} in the intent {intent}"
    return invalid(f"Received invalid response from Lambda: {problem}")
