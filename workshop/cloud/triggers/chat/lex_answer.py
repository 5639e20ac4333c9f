"""What Lex V2 refuses of a function's answer, in Lex's words as far as they are known.

Follows "AWS Lambda response format for Lex V2"
(https://docs.aws.amazon.com/lexv2/latest/dg/lambda-response-format.html) and its quotas. The
words for a function that raises, for an intent that is a string, for an unknown field and for an
answer that is too large stand in bug reports of Lex V1 and V2; the others are made like them.
"""

from __future__ import annotations

import base64
import functools
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

from ...base.json_text import from_json
from ...base.model import ApiError, Outcome

KB = 1024
LARGEST_ANSWER, LARGEST_ATTRIBUTES = 50 * KB, 12 * KB
SCHEMA = Path(__file__).with_name("lex_answer.schema.json")
CLASSES = {"intent": "AutoValue_Intent$Builder", "data": "LambdaResponse"}


def read_answer(outcome: Outcome) -> dict[str, Any]:
    """The answer of a function. Raises ApiError, 424, for one that Lex refuses."""
    if outcome.error:
        raise invalid("Received error response from Lambda: Unhandled")
    if len(outcome.payload) > LARGEST_ANSWER:
        size = f"({len(outcome.payload)} vs. {LARGEST_ANSWER // KB}K)"
        raise invalid(f"Lambda response exceeds maximum size {size}")
    answer = from_json(outcome.payload)
    problem = problem_of(answer)
    if problem:
        raise invalid(f"Received invalid response from Lambda: {problem}")
    attributes = answer["sessionState"].get("sessionAttributes") or {}
    encoded = len(base64.b64encode(json.dumps(attributes).encode()))
    if encoded > LARGEST_ATTRIBUTES:
        limit = f"({encoded} vs. {LARGEST_ATTRIBUTES // KB}K)"
        raise invalid(f"Session attributes exceed maximum size {limit}")
    return answer


def problem_of(answer: Any) -> str | None:
    """What is wrong with the form of an answer; None if nothing is."""
    import fastjsonschema

    try:
        _validator()(answer)
    except fastjsonschema.JsonSchemaValueException as error:
        return _in_lexs_words(error)
    return None


def invalid(message: str) -> ApiError:
    """The error of a function that answers what Lex cannot use."""
    return ApiError(424, "DependencyFailedException", f"Invalid Lambda Response: {message}")


@functools.cache
def _validator() -> Callable[[Any], Any]:
    import fastjsonschema  # 40 ms that only conversations need

    return fastjsonschema.compile(json.loads(SCHEMA.read_text(encoding="utf-8")))


def _in_lexs_words(error: Any) -> str:
    name = error.path[-1]
    if error.rule == "type" and isinstance(error.value, str):
        made = CLASSES.get(name, name[:1].upper() + name[1:])
        return (
            f"Can not construct instance of {made}: no String-argument constructor/factory method "
            f"to deserialize from String value ({error.value[:100]!r})"
        )
    if error.rule == "additionalProperties" and isinstance(error.value, dict):
        known = error.definition.get("properties", {})
        unknown = next((each for each in error.value if each not in known), "")
        where = CLASSES.get(name, name[:1].upper() + name[1:])
        return f'Unrecognized field "{unknown}" (class {where}), not marked as ignorable'
    return error.message.replace("data.", "").replace("data ", "the response ")
