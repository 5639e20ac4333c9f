"""Deploys a learner's function as it is, invokes it once, and tells what came of it."""

from __future__ import annotations

import functools
import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from botocore.config import Config
from botocore.exceptions import ClientError

from ..cloud import LocalCloud
from ..grading.account import Account
from ..grading.function import NotActive, Result, Unreadable, deploy
from ..grading.patience import NeverEnds
from ..grading.settings import PLACEHOLDER
from ..grading.stub import EVENT
from ..grading.submission import NotReady
from ..paths import repository
from ..stages import Stage
from .scenes import scene_of

LONGEST_TIMEOUT_S = 900  # of a Lambda function
LONGEST_LOG = 60  # lines that are shown, the last ones


class NoEvent(Exception):
    """There is no event to send; the message says what to do."""


def example_event(stage: Stage, exercises: Path) -> str:
    """The example of a stage as JSON: event.json in the learner's folder, else the workshop's.

    Raises NoEvent.
    """
    for folder in (exercises, repository() / "exercises"):
        file = folder / stage.name / EVENT
        if file.is_file():
            return read_event(file)
    raise NoEvent(
        f"exercises/{stage.name}/{EVENT} is missing: `workshop reset {stage.number}` restores it. "
        "Or name another file that has an event in it."
    )


def read_event(file: Path) -> str:
    """A file that holds an event as JSON. Raises NoEvent."""
    try:
        text = file.read_text(encoding="utf-8-sig")
        json.loads(text)
    except OSError as error:
        raise NoEvent(f"The event in {file} cannot be read: {error.strerror}.") from None
    except (ValueError, RecursionError) as error:
        raise NoEvent(f"The event in {file} is not JSON: {error}") from None
    return text


def account_of(cloud: LocalCloud) -> Account:
    """The account that an example works in; it waits as long as a function may take."""
    config = Config(read_timeout=LONGEST_TIMEOUT_S + 30)
    return Account(functools.partial(cloud.client, config=config), cloud.idle)


def invoke(stage: Stage, exercises: Path, event: str, account: Account) -> tuple[bool, list[str]]:
    """Invokes the function with an event as JSON: whether it answered, and the lines to show.

    `${NAME}` in the event stands for what the example made, such as a bucket. All that was made
    in the account is taken away again.
    """
    try:
        scene = scene_of(stage, account)
        function = deploy(
            account.client("lambda"),
            exercises / stage.name,
            variables=scene.variables,
            values=scene.values,
            changes=scene.changes,
        )
        account.later(function.delete)
        sent = json.loads(_filled_in(event, scene.values))
        result = function.invoke(sent)
        log = account.eventually(lambda: account.log_of(function))
        lines = [*_answer(result), *_log(log)]
        for name, other in scene.go_on(exercises / stage.name, sent) if not result.error else ():
            if isinstance(other, str):
                lines.append(f"Then the {name}: {other}")
                continue
            result, lines = other, [*lines, f"Then the {name}:", *_indented_all(_answer(other))]
        return result.error is None, [*lines, *_written(scene.written())]
    except (NotReady, NotActive, NeverEnds, Unreadable) as error:
        return False, [str(error)]
    except ClientError as error:  # such as a throttle, where function.json reserves nothing
        return False, [f"AWS refuses it: {error}"]
    finally:
        account.close()


def _filled_in(event: str, values: Mapping[str, str]) -> str:
    """An event with its placeholders replaced; what is not one of ours stays as it is."""
    return PLACEHOLDER.sub(lambda found: values.get(found[1], found[0]), event)


def _answer(result: Result) -> Iterator[str]:
    if result.error is None:
        yield "Answer:"
        yield from _indented(pretty(result.value))
        return
    kind = result.error.get("errorType", "")
    yield "The function failed:"
    yield from _indented(f"{kind}: {result.error.get('errorMessage', '')}".strip(": "))


def pretty(value: Any) -> str:
    """JSON in one line where it fits, else indented."""
    line = json.dumps(value, ensure_ascii=False)
    return line if len(line) <= 80 else json.dumps(value, ensure_ascii=False, indent=2)


def _log(messages: list[str]) -> Iterator[str]:
    """The log of the function, as CloudWatch Logs has it."""
    lines = [line for message in messages for line in message.rstrip("\n").split("\n")]
    yield "Log:" if len(lines) <= LONGEST_LOG else f"Log, the last {LONGEST_LOG} lines:"
    yield from _indented("\n".join(lines[-LONGEST_LOG:]))


def _written(lines: Iterator[str]) -> Iterator[str]:
    """What the function wrote; nothing where the example has no place to write to."""
    found = list(lines)
    if found:
        yield "Written:"
        yield from _indented("\n".join(found))


def _indented_all(lines: Iterator[str]) -> Iterator[str]:
    return ("  " + line for line in lines)


def _indented(text: str) -> Iterator[str]:
    return ("  " + line for line in text.split("\n"))
