"""What the function of stage 02 is asked while the partner rotates its key, and what it answers."""

from __future__ import annotations

import contextlib
import json
from dataclasses import dataclass
from typing import Any

from workshop.grading.account import Account
from workshop.grading.function import Function, Result
from workshop.grading.words import ended_in_error, failure

from .partner import Partner


@dataclass(frozen=True)
class Step:
    """A request and its result."""

    event: dict[str, Any]
    result: Result

    @property
    def discounts(self) -> list[int] | None:
        """What each ride but the first costs less than the first, or None."""
        found = cents(self.result)
        if found is None or len(found) != len(self.event["rides"]):
            return None
        numbers = all(isinstance(each, int) for each in found)
        return [found[0] - each for each in found[1:]] if numbers else None

    @property
    def discount(self) -> int | None:
        """That of the second ride."""
        return self.discounts[0] if self.discounts else None

    @property
    def came(self) -> Any:
        """The result, short, for a message."""
        if self.result.error is None:
            return self.result.value
        return {key: self.result.error.get(key) for key in ("errorType", "errorMessage")}


@dataclass(frozen=True)
class Story:
    """What the learner's function answered while the key was rotated, step by step."""

    first: Step  # the old key is in Parameter Store
    kept: list[Step]  # the new one is, and the partner still takes both
    refused: Step  # the partner refuses the old key, for the second ride of three
    after: Step  # it takes both again
    still: Step  # the last key is in Parameter Store, and the partner takes all
    again: Step  # it refuses all but the last key
    closed: Step  # it refuses every key

    @property
    def all(self) -> list[Step]:
        """Every step."""
        later = [self.refused, self.after, self.still, self.again, self.closed]
        return [self.first, *self.kept, *later]


def told(function: Function, partner: Partner) -> Story:
    """Rotates the key and asks the function before, while and after."""

    def step(event: dict[str, Any]) -> Step:
        return Step(event, function.invoke(event))

    partner.store("old")
    first = step(partner.by_key("by_key"))
    assert first.discount != partner.cents["stored"], failure(
        "The partner got the encrypted value, not the key.",
        first.event,
        "the key, decrypted",
        "what Parameter Store keeps, encrypted",
        "get_parameter(Name=..., WithDecryption=True)",
    )
    partner.store("new")
    kept: list[Step] = []
    while len(kept) < 3 and partner.cents["old"] not in [each.discount for each in kept]:
        kept.append(step(partner.by_key("by_key")))  # once more: an environment may be new
    refused = step(partner.by_key("rotated", "by_key"))
    after = step(partner.by_key("by_key"))
    partner.store("last")
    return Story(
        first=first,
        kept=kept,
        refused=refused,
        after=after,
        still=step(partner.by_key("by_key")),
        again=step(partner.by_key("rotated_again")),
        closed=step(partner.rides(("casual", 9, "early"), ("casual", 9, "closed"))),
    )


def cents(result: Result) -> list[Any] | None:
    """The cents of each quote, in order, or None if the answer has another shape."""
    quotes = result.value.get("quotes") if isinstance(result.value, dict) else None
    with contextlib.suppress(TypeError, KeyError):
        return [quote["cents"] for quote in quotes or []] if quotes is not None else None
    return None


def answer(function: Function, event: dict[str, Any]) -> Result:
    """The function's answer; fails if it is none of the form that the contract describes."""
    result = function.invoke(event)
    error = result.error or {}
    not_found = "NotFound" in str(error.get("errorMessage"))  # a parameter or a function
    assert result.error is None, ended_in_error(
        "A valid request ended in an error.",
        event,
        error,
        result.log,
        "the names: read them from the environment; the checks deploy with others"
        if not_found
        else "",
    )
    assert cents(result) is not None, failure(
        "The answer is not the object that the contract describes.",
        event,
        "an object with quotes (each with id and cents), complete and left_over",
        result.value,
        "the `return` of your handler",
        log=result.log,
    )
    return result


def quoted(account: Account, function: Function, request_id: str) -> list[dict[str, Any]]:
    """The records "quoted" of one request: those between its START and the next one.

    A printed record need not name its request, so its place in the log tells.
    """
    found = []
    for stream in account.log_streams_of(function):
        current = None
        for message in stream:
            record = parsed(message)
            current = request_of(message, record) or current
            if current == request_id and record.get("message") == "quoted":
                found.append(record)
    return found


def request_of(message: str, record: dict[str, Any]) -> str | None:
    """The request that a line of the log says to start, if it is such a line."""
    if message.startswith("START RequestId: "):
        return message.split()[2]
    if record.get("type") == "platform.start":
        return record["record"]["requestId"]
    return None


def parsed(message: str) -> dict[str, Any]:
    """A log message as an object; an empty one if it is not a JSON object."""
    with contextlib.suppress(ValueError):
        found = json.loads(message)
        return found if isinstance(found, dict) else {}
    return {}
