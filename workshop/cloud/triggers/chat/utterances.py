"""What somebody said, matched with the sample utterances of a bot or a skill.

Lex and Alexa learn from the samples, and understand what is only like them. Here an utterance
matches word for word, whatever its case and punctuation, and a slot's value is one of its type's
values or synonyms. So whatever is understood here is a sample there, too.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import re2

SLOT = re2.compile(r"\{([\w.-]+)\}")
AROUND = ".,!?;:\"'()"  # of a word, as it is said
MOST_WORDS = 300  # of an utterance; Lex takes 1,024 characters


@dataclass(frozen=True)
class Value:
    """What a slot was filled with."""

    said: str
    value: str | None = None  # the type's own value; None if it has none like it
    id: str | None = None  # of an Alexa type's value


class Values:
    """The values of a slot's type, by what people call them."""

    def __init__(self, known: Iterable[tuple[str, str | None, Iterable[str]]]) -> None:
        """`known` has each value, its id if it has one, and its synonyms."""
        self._by_name: dict[str, tuple[str, str | None]] = {}
        for value, value_id, synonyms in known:
            for name in (value, *synonyms):
                self._by_name.setdefault(plain(name).casefold(), (value, value_id))

    def find(self, said: str) -> Value:
        """What was said, with the value that it stands for, if it does."""
        value, value_id = self._by_name.get(plain(said).casefold(), (None, None))
        return Value(said, value, value_id)


class Samples:
    """The sample utterances of several intents, in order."""

    def __init__(self, samples: Iterable[tuple[str, str]]) -> None:
        """`samples` has an intent's name and one of its utterances, such as `bikes at {Place}`."""
        self._patterns = [_Pattern.of(intent, text) for intent, text in samples]

    def match(self, said: str) -> Iterable[tuple[str, dict[str, str]]]:
        """Intents that it could be, with what is said for their slots; the closest first."""
        text = plain(said)
        matches = [(each, each.expression.fullmatch(text)) for each in self._patterns if text]
        found = [(pattern, match.groups()) for pattern, match in matches if match]
        for pattern, groups in sorted(found, key=lambda each: -each[0].literals):
            yield pattern.intent, dict(zip(pattern.slots, groups, strict=True))


@dataclass(frozen=True)
class _Pattern:
    intent: str
    expression: Any
    slots: tuple[str, ...]
    literals: int  # characters that are no slot

    @classmethod
    def of(cls, intent: str, utterance: str) -> _Pattern:
        parts = SLOT.split(plain(utterance))
        words, slots = parts[::2], tuple(parts[1::2])
        expression = "(.+?)".join(re2.escape(each) for each in words)
        options = re2.Options()
        options.log_errors, options.case_sensitive = False, False
        return cls(intent, re2.compile(expression, options), slots, sum(map(len, words)))


def plain(said: str) -> str:
    """The words alone, with a space between them."""
    text = said.encode("utf-8", "replace").decode()  # RE2 reads no lone surrogates
    words = (word.strip(AROUND) for word in text.split()[:MOST_WORDS])
    return " ".join(word for word in words if word)


def slots_in(utterance: str) -> list[str]:
    """The names of the slots that an utterance has."""
    return [found[1] for found in SLOT.finditer(utterance)]
