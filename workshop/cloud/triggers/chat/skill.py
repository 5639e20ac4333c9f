"""A skill's interaction model, and what Alexa understands by it.

Follows "Interaction Model Schema" and "Entity Resolution"
(https://developer.amazon.com/en-US/docs/alexa/custom-skills/entity-resolution.html).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from .utterances import Samples, Value, Values

Json = dict[str, Any]
BUILT_IN = {
    "AMAZON.HelpIntent": ["help", "help me"],
    "AMAZON.StopIntent": ["stop"],
    "AMAZON.CancelIntent": ["cancel", "never mind"],
}
FALLBACK = "AMAZON.FallbackIntent"
DIRECTIVES = ("Dialog.ElicitSlot", "Dialog.ConfirmIntent")


@dataclass(frozen=True)
class Skill:
    """What an interaction model says: types, slots by intent, samples, and dialogs by intent."""

    types: dict[str, Values]
    slots: dict[str, dict[str, str]]  # an intent's slots, each with its type
    samples: Samples
    dialogs: frozenset[str]

    @classmethod
    def of(cls, model: Json) -> Skill:
        """Reads a model in Amazon's form."""
        language = model["interactionModel"]["languageModel"]
        dialog = model["interactionModel"].get("dialog") or {}
        slots: dict[str, dict[str, str]] = {}
        samples: list[tuple[str, str]] = []
        for intent in language["intents"]:
            name = intent["name"]
            slots[name] = {slot["name"]: slot["type"] for slot in intent.get("slots") or []}
            texts = [*(intent.get("samples") or []), *BUILT_IN.get(name, [])]
            samples += [(name, text) for text in texts]
        return cls(
            {each["name"]: _values(each) for each in language.get("types") or []},
            slots,
            Samples(samples),
            frozenset(each["name"] for each in dialog.get("intents") or []),
        )

    def understand(self, text: str, before: Json | None, slot: str | None, skill_id: str) -> Json:
        """The intent that an utterance means. `slot` is what Alexa asked `before` for, if any."""
        if before and slot and self._value(before["name"], slot, text).value:
            return self._filled(before, {slot: text}, skill_id)
        matches = list(self.samples.match(text))
        for name, said in sorted(matches, key=lambda each: not self._knows(*each)):
            is_same = before is not None and before["name"] == name
            started = before if before and is_same and slot else self._empty(name)
            return self._filled(started, said, skill_id)
        if before and slot:  # words that nobody foresaw fill a slot all the same
            return self._filled(before, {slot: text}, skill_id)
        return self._empty(FALLBACK)

    def check_directive(self, directive: Json, intent: Json | None) -> None:
        """Raises ValueError for a directive that Alexa refuses, or that is not followed here."""
        kind, name = directive["type"], intent["name"] if intent else None
        if kind not in DIRECTIVES:
            raise ValueError(f"The local Alexa does not follow the directive {kind}")
        name = (directive.get("updatedIntent") or {}).get("name", name)
        if name not in self.dialogs:
            raise ValueError(f"{kind} needs an intent with a dialog model, and {name} has none")
        slot = directive.get("slotToElicit")
        if kind == "Dialog.ElicitSlot" and slot not in self.slots.get(name, {}):
            raise ValueError(f"The intent {name} has no slot {slot}")

    def _knows(self, intent: str, said: dict[str, str]) -> bool:
        return all(self._value(intent, slot, words).value for slot, words in said.items())

    def _value(self, intent: str, slot: str, said: str) -> Value:
        of_type = self.types.get(self.slots[intent][slot])
        return of_type.find(said) if of_type else Value(said, said)

    def _empty(self, name: str) -> Json:
        slots = {
            slot: {"name": slot, "confirmationStatus": "NONE"} for slot in self.slots.get(name, {})
        }
        intent: Json = {"name": name, "confirmationStatus": "NONE"}
        return {**intent, "slots": slots} if slots else intent

    def _filled(self, intent: Json, said: dict[str, str], skill_id: str) -> Json:
        name = intent["name"]
        filled = {slot: self._slot(name, slot, words, skill_id) for slot, words in said.items()}
        if not filled:
            return intent
        slots = {**self._empty(name)["slots"], **intent.get("slots", {}), **filled}
        return {**intent, "confirmationStatus": "NONE", "slots": slots}

    def _slot(self, intent: str, slot: str, said: str, skill_id: str) -> Json:
        """A slot as Alexa sends it: the words, and what they resolve to."""
        found, of_type = self._value(intent, slot, said), self.slots[intent][slot]
        authority: Json = {"authority": f"amzn1.er-authority.echo-sdk.{skill_id}.{of_type}"}
        if found.value is None:
            authority["status"] = {"code": "ER_SUCCESS_NO_MATCH"}
        else:
            authority["status"] = {"code": "ER_SUCCESS_MATCH"}
            authority["values"] = [{"value": {"name": found.value, "id": found.id}}]
        resolutions = {"resolutionsPerAuthority": [authority]}
        return {
            "name": slot,
            "value": said,
            "resolutions": resolutions,
            "confirmationStatus": "NONE",
            "source": "USER",
            "slotValue": {"type": "Simple", "value": said, "resolutions": resolutions},
        }


def _values(said: Json) -> Values:
    return Values(
        (each["name"]["value"], each.get("id"), each["name"].get("synonyms") or [])
        for each in said.get("values") or []
    )
