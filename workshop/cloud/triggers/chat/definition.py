"""A bot's locale as it was built: what conversations are held by.

It is made of what lexv2-models was given. What the local cloud's Lex does not do is refused by
name when it is given, so that no bot is taken for what it is not.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any

from ...base.model import ApiError
from .utterances import Samples, Values, slots_in

FALLBACK = "AMAZON.FallbackIntent"
Json = dict[str, Any]
KINDS = {"plainTextMessage": "PlainText", "ssmlMessage": "SSML", "customPayload": "CustomPayload"}
PROMPT = {"messageGroups": None, "maxRetries": None, "allowInterrupt": None}
RESPONSE = {"messageGroups": None, "allowInterrupt": None}
WHERE = {"botId": None, "botVersion": None, "localeId": None}
INTENT: Json = {
    **WHERE,
    **dict.fromkeys(("intentId", "intentName", "description", "parentIntentSignature")),
    "sampleUtterances": None,
    "dialogCodeHook": {"enabled": None},
    "fulfillmentCodeHook": {"enabled": None, "active": None},
    "slotPriorities": None,
    "intentConfirmationSetting": {
        "promptSpecification": PROMPT,
        "declinationResponse": RESPONSE,
        "active": None,
    },
    "intentClosingSetting": {"closingResponse": RESPONSE, "active": None},
}
# What the local cloud's Lex knows of an operation's parameters; None: whatever is in it.
KNOWN: dict[str, Json] = {
    "CreateIntent": INTENT,
    "UpdateIntent": INTENT,
    "CreateSlot": {
        **WHERE,
        **dict.fromkeys(("intentId", "slotName", "description", "slotTypeId")),
        "valueElicitationSetting": {
            "slotConstraint": None,
            "promptSpecification": PROMPT,
            "sampleUtterances": None,
        },
    },
    "CreateSlotType": {
        **WHERE,
        **dict.fromkeys(("slotTypeName", "description", "slotTypeValues")),
        "valueSelectionSetting": {"resolutionStrategy": None},
    },
}


@dataclass(frozen=True)
class Prompt:
    """What a bot asks, and how often it asks again."""

    messages: list[Json]
    retries: int

    @classmethod
    def of(cls, said: Json | None) -> Prompt | None:
        """A promptSpecification."""
        return cls(messages_of(said), said["maxRetries"]) if said else None


@dataclass(frozen=True)
class Slot:
    """A slot of an intent."""

    name: str
    values: Values
    takes_anything: bool  # the user's own words count, if they are none of the type's values
    required: bool
    prompt: Prompt | None
    samples: Samples

    def fill(self, said: str, anything: bool = False) -> Json | None:
        """The slot's value in an event; None if what was said is none."""
        found = self.values.find(said)
        if found.value is None and not anything:
            return None
        resolved = [found.value] if found.value else []
        interpreted = said if self.takes_anything or not resolved else resolved[0]
        value = {"originalValue": said, "interpretedValue": interpreted, "resolvedValues": resolved}
        return {"shape": "Scalar", "value": value}


@dataclass(frozen=True)
class Intent:
    """What a user may want."""

    name: str
    slots: dict[str, Slot]  # by priority
    dialog_hook: bool
    fulfillment_hook: bool
    confirmation: Prompt | None
    declined: list[Json]
    closing: list[Json]


@dataclass(frozen=True)
class Locale:
    """Everything that a bot understands in one language."""

    intents: dict[str, Intent]
    fallback: str
    samples: Samples

    def match(self, text: str) -> tuple[str, dict[str, Json | None]] | None:
        """The intent that an utterance means, with its slots; None if it means none."""
        for name, said in self.samples.match(text):
            slots = self.intents[name].slots
            filled = {each: slots[each].fill(words) for each, words in said.items()}
            if all(filled.values()):
                return name, {**dict.fromkeys(slots), **filled}
        for name, said in self.samples.match(text):  # a slot that takes the user's own words
            slots = self.intents[name].slots
            if all(slots[each].takes_anything for each in said):
                free = {each: slots[each].fill(words, True) for each, words in said.items()}
                return name, {**dict.fromkeys(slots), **free}
        return None


def check_known(operation: str, parameters: Json) -> None:
    """Raises ApiError for a parameter that the local cloud's Lex cannot heed."""
    for path in _unknown(parameters, KNOWN.get(operation)):
        raise refused(f"{operation}'s {path}")
    signature = parameters.get("parentIntentSignature")
    if signature not in (None, FALLBACK):
        raise refused(f"the intent {signature}")
    slot_type = parameters.get("slotTypeId") or ""
    if slot_type.startswith("AMAZON."):
        raise refused(f"the slot type {slot_type}")
    setting = parameters.get("valueSelectionSetting") or {}
    if setting.get("resolutionStrategy") == "Concatenation":
        raise refused("the strategy Concatenation")


def refused(what: str) -> ApiError:
    """The error of something that Lex has, and that the local cloud does not do."""
    return ApiError(400, "ValidationException", f"The local cloud's Lex does not do {what}.")


def _unknown(value: Any, known: Json | None, path: str = "") -> Iterator[str]:
    if known is None or not isinstance(value, dict):
        return
    for name, each in value.items():
        inner = f"{path}.{name}".lstrip(".")
        if name not in known and each is not None:
            yield inner
        else:
            yield from _unknown(each, known.get(name), inner)


def build(intents: dict[str, Json], slot_types: dict[str, Json]) -> Locale:
    """A locale of its intents, each with its `slots`, and its slot types, all by id.

    Raises ValueError, in words, for a bot that cannot be built.
    """
    built, samples, fallback = {}, [], ""
    for each in intents.values():
        name = each["intentName"]
        built[name] = _intent(each, slot_types)
        if each.get("parentIntentSignature") == FALLBACK:
            fallback = name
        for text in _texts(each.get("sampleUtterances")):
            samples.append((name, text))
            unknown = set(slots_in(text)) - built[name].slots.keys()
            if unknown:
                raise ValueError(f"The utterance '{text}' of {name} names no slot of it")
    if not samples:
        raise ValueError("No intent has a sample utterance")
    return Locale(built, fallback, Samples(samples))


def _intent(said: Json, slot_types: dict[str, Json]) -> Intent:
    order = {each["slotId"]: each["priority"] for each in said.get("slotPriorities") or []}
    unordered = [slot["slotName"] for key, slot in said["slots"].items() if key not in order]
    if unordered:
        raise ValueError(f"{said['intentName']} has no priority for the slot {unordered[0]}")
    slots = [
        _slot(said["slots"][each], slot_types) for each in sorted(order, key=order.__getitem__)
    ]
    confirmation = _active(said.get("intentConfirmationSetting"))
    closing = _active(said.get("intentClosingSetting"))
    return Intent(
        name=said["intentName"],
        slots={slot.name: slot for slot in slots},
        dialog_hook=bool((said.get("dialogCodeHook") or {}).get("enabled")),
        fulfillment_hook=bool(_active(said.get("fulfillmentCodeHook")).get("enabled")),
        confirmation=Prompt.of(confirmation.get("promptSpecification")),
        declined=messages_of(confirmation.get("declinationResponse")),
        closing=messages_of(closing.get("closingResponse")),
    )


def _slot(said: Json, slot_types: dict[str, Json]) -> Slot:
    setting, of_type = said["valueElicitationSetting"], slot_types[said["slotTypeId"]]
    known = [
        (
            each["sampleValue"]["value"],
            None,
            [synonym["value"] for synonym in each.get("synonyms") or []],
        )
        for each in of_type.get("slotTypeValues") or []
    ]
    strategy = (of_type.get("valueSelectionSetting") or {}).get("resolutionStrategy")
    samples = _texts(setting.get("sampleUtterances"))
    return Slot(
        name=said["slotName"],
        values=Values(known),
        takes_anything=strategy != "TopResolution",
        required=setting["slotConstraint"] == "Required",
        prompt=Prompt.of(setting.get("promptSpecification")),
        samples=Samples((said["slotName"], text) for text in samples),
    )


def messages_of(said: Json | None) -> list[Json]:
    """The messages of a prompt or a response: the first of each group, no variation."""
    return [_message(group["message"]) for group in (said or {}).get("messageGroups") or []]


def _message(said: Json) -> Json:
    for kind, content_type in KINDS.items():
        if said.get(kind):
            return {"contentType": content_type, "content": said[kind]["value"]}
    return {"contentType": "ImageResponseCard", "imageResponseCard": said["imageResponseCard"]}


def _active(setting: Json | None) -> Json:
    return setting if setting and setting.get("active", True) else {}


def _texts(utterances: Iterable[Json] | None) -> list[str]:
    return [each["utterance"] for each in utterances or []]
