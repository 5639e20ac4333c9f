"""The partner of stage 02: a Lambda function that wants a key, and tells which one it was shown.

Its discount for some cards depends on the key, so the quotes of the learner's function tell
whether it kept its key or fetched it again. Cards, keys and discounts differ from run to run.
"""

from __future__ import annotations

import json
import os
import uuid
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from workshop.grading import fresh
from workshop.grading.account import Account
from workshop.grading.function import ROLE, deploy

# What the partner does with a card: "none", "fixed" and "large" have a discount of their own,
# "early" has none and is asked for once, "slow" takes 0.8 s, "by_key" has the discount of the key,
# "rotated" refuses the old key, "rotated_again" the new one, too, and "closed" every key.
CARDS = ("none", "early", "fixed", "large", "slow", "by_key", "rotated", "rotated_again", "closed")
KEYS = ("old", "new", "last")  # in the order of their rotation
# The discount for a key that is still encrypted is "stored", so that the check can say so.
SOURCE = """
import json
import os
import time

KINDS, CENTS, KEYS = (json.loads(os.environ[name]) for name in ("KINDS", "CENTS", "KEYS"))
REFUSED = {"rotated": ("old",), "rotated_again": ("old", "new"), "closed": tuple(CENTS)}

def handler(event, context):
    key, card = event.get("key"), event.get("card")
    print(json.dumps({"asked": card}))
    kind = KINDS.get(card)
    if kind == "slow":
        time.sleep(0.8)
    name = KEYS.get(key)
    if key and key.startswith(("kms:", "AQICA")):  # the local cloud's mark, and that of AWS KMS
        name = "stored"
    if name is None or name in REFUSED.get(kind, ()):
        return {"ok": False, "error": "key refused"}
    return {"ok": True, "discount_cents": CENTS[kind if kind in CENTS else name]}
"""


@dataclass(frozen=True)
class Partner:
    """The partner's function, its keys by name, and its cards and discounts by what they do."""

    ssm: Any
    function: Any
    parameter: str
    keys: dict[str, str]
    cards: dict[str, str]
    cents: dict[str, int]

    @classmethod
    def made(cls, account: Account, folder: Path) -> Partner:
        """Deploys it from an empty folder, and puts the old key into Parameter Store."""
        keys = {name: f"key-{uuid.uuid4().hex}" for name in KEYS}
        numbers = fresh.some_of(range(10_000, 99_999), len(CARDS))
        cards = {kind: f"C-{number}" for kind, number in zip(CARDS, numbers, strict=True)}
        names = (*KEYS, "stored", "fixed")
        cents = dict(zip(names, fresh.some_of(range(11, 99), len(names)), strict=True))
        cents |= {"none": 0, "early": 0, "slow": 0, "large": fresh.whole(1_000_000, 9_000_000)}
        (folder / "handler.py").write_text(SOURCE, encoding="utf-8")
        variables = {
            "KINDS": json.dumps({card: kind for kind, card in cards.items()}),
            "CENTS": json.dumps(cents),
            "KEYS": json.dumps({key: name for name, key in keys.items()}),
        }
        role = os.environ.get("WORKSHOP_ROLE_ARN", ROLE)
        function = deploy(account.client("lambda"), folder, role, variables)
        account.later(function.delete)
        ssm, parameter = account.client("ssm"), f"/workshop/{account.name('key')}"
        partner = cls(ssm, function, parameter, keys, cards, cents)
        partner.store("old")
        account.later(ssm.delete_parameter, Name=parameter)
        return partner

    def store(self, name: str) -> None:
        """Puts a key into Parameter Store, encrypted."""
        self.ssm.put_parameter(
            Name=self.parameter, Value=self.keys[name], Type="SecureString", Overwrite=True
        )

    def told(self, text: str) -> bool:
        """Whether a text holds a key."""
        return any(key in text for key in self.keys.values())

    def hide(self, text: str) -> str:
        """A text without the keys."""
        for key in self.keys.values():
            text = text.replace(key, "THE-KEY")
        return text

    def rides(self, *rows: tuple[str, int, str]) -> dict[str, Any]:
        """An event: a ride for each (rider, minutes, what the partner does with the card).

        Their names are not sorted, and those after the first are not either.
        """
        low, middle, high, highest = sorted(fresh.some_of(range(1000, 9999), 4))
        return {
            "rides": [
                {"id": f"Q-{name}", "rider": rider, "minutes": minutes, "card": self.cards[kind]}
                for name, (rider, minutes, kind) in zip(
                    (high, highest, low, middle), rows, strict=False
                )
            ]
        }

    def by_key(self, *kinds: str) -> dict[str, Any]:
        """Rides that differ in their cards only: the first has no discount."""
        minutes = fresh.whole(8, 40)
        return self.rides(*[("casual", minutes, kind) for kind in ("none", *kinds)])

    def times_asked(self, account: Account, kind: str) -> int:
        """How often it was asked about a card, as far as its log tells by now."""
        line = json.dumps({"asked": self.cards[kind]})
        return sum(line in message for message in account.log_of(self.function))
