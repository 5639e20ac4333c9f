"""The partner of stage 02: a Lambda function that wants a key, and tells which one it was shown.

Its discount for the cards BY-KEY and ROTATED depends on the key, so the quotes of the learner's
function tell whether it kept its key or fetched it again.
"""

from __future__ import annotations

import json
import os
import uuid
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from workshop.grading.account import Account
from workshop.grading.function import ROLE, deploy

OLD_CENTS, NEW_CENTS = 10, 25  # the discount by key
STORED_CENTS = 5  # the discount for a key that is still encrypted, so that the check can say so

# The cards: NONE, FORTY and LARGE have a discount of their own, SLOW takes 0.8 s, ROTATED
# refuses the old key, CLOSED refuses every key.
SOURCE = """
import json
import os
import time

DISCOUNTS = json.loads(os.environ["DISCOUNTS"])  # by key
STORED_CENTS = int(os.environ["STORED_CENTS"])
FIXED = {"NONE": 0, "FORTY": 40, "LARGE": 1_000_000, "SLOW": 0}

def handler(event, context):
    key, card = event.get("key"), event.get("card")
    if card == "SLOW":
        time.sleep(0.8)
    if key and key.startswith(("kms:", "AQICA")):  # the local cloud's mark, and that of AWS KMS
        return {"ok": card != "CLOSED", "discount_cents": FIXED.get(card, STORED_CENTS)}
    rotated = card == "ROTATED" and key == os.environ["OLD_KEY"]
    if key not in DISCOUNTS or rotated or card == "CLOSED":
        return {"ok": False, "error": "key refused"}
    return {"ok": True, "discount_cents": FIXED.get(card, DISCOUNTS[key])}
"""


@dataclass(frozen=True)
class Partner:
    """The partner's function, and its keys: the one before and the one after the rotation."""

    ssm: Any
    function: str
    parameter: str
    old: str
    new: str

    @classmethod
    def made(cls, account: Account, folder: Path) -> Partner:
        """Deploys it from an empty folder, and puts the old key into Parameter Store."""
        old, new = (f"key-{uuid.uuid4().hex}" for _ in range(2))
        (folder / "handler.py").write_text(SOURCE, encoding="utf-8")
        variables = {
            "DISCOUNTS": json.dumps({old: OLD_CENTS, new: NEW_CENTS}),
            "OLD_KEY": old,
            "STORED_CENTS": str(STORED_CENTS),
        }
        role = os.environ.get("WORKSHOP_ROLE_ARN", ROLE)
        function = deploy(account.client("lambda"), folder, role, variables)
        account.later(function.delete)
        ssm, parameter = account.client("ssm"), f"/workshop/{account.name('key')}"
        partner = cls(ssm, function.name, parameter, old, new)
        partner.store(old)
        account.later(ssm.delete_parameter, Name=parameter)
        return partner

    def store(self, key: str) -> None:
        """Puts a key into Parameter Store, encrypted."""
        self.ssm.put_parameter(Name=self.parameter, Value=key, Type="SecureString", Overwrite=True)

    def hide(self, text: str) -> str:
        """A text without the keys."""
        return text.replace(self.old, "THE-KEY").replace(self.new, "THE-KEY")
