"""The cursors of stage 05: one that the API issues, what can be read in it, and false ones."""

from __future__ import annotations

import base64
import re
from collections.abc import Iterator

from workshop.grading import fresh
from workshop.grading.words import failure

from .city import City, asked, page


def first_cursor(city: City, limit: int = 2) -> str:
    """A cursor that the API issues; fails if it issues none."""
    path = f"/stations?limit={limit}"
    _, cursor = page(city, path, "`next`: the table's LastEvaluatedKey says where")
    assert isinstance(cursor, str) and cursor, failure(
        f"There are more than {limit} stations, and the first page of {limit} has no cursor.",
        asked("GET", path),
        "a string",
        cursor,
        "`next` of the page",
        given="request",
    )
    return cursor


def shown(cursor: str, words: tuple[str, ...]) -> set[str]:
    """Which words a cursor shows, each with how it is to be read."""
    found = ((word, how) for how, text in readable(cursor) for word in words if word in text)
    return {f"{word} ({how})" for word, how in found}


def readable(text: str) -> Iterator[tuple[str, str]]:
    """A string, and what its parts say in base64 and in hexadecimal; in lower case."""
    yield "in clear", text.lower()
    for part in re.findall(r"[A-Za-z0-9+/_-]{8,}", text):
        padded = part.replace("-", "+").replace("_", "/") + "=" * (-len(part) % 4)
        ways = (("in base64", base64.b64decode, padded), ("in hexadecimal", bytes.fromhex, part))
        for how, decode, coded in ways:
            try:
                yield how, decode(coded).decode().lower()
            except ValueError:
                continue


def changed(cursor: str) -> list[str]:
    """A cursor with a character changed, added or in the other case, here and there."""
    inside = range(2, len(cursor) - 4)
    places = [0, len(cursor) // 2, *fresh.some_of(inside, min(4, len(inside)))]
    others = [(place, "B" if cursor[place] != "B" else "C") for place in places]
    letters = [place for place, each in enumerate(cursor[:-2]) if each.isalpha()]
    others += [(place, cursor[place].swapcase()) for place in letters[:1] + letters[-1:]]
    found = [cursor[:place] + other + cursor[place + 1 :] for place, other in others]
    found += [cursor[:place] + "!" + cursor[place:] for place in (1, len(cursor) // 2)]
    return [*found, cursor[:-8], f"{cursor}é"]
