"""Finds the route of a path: its literal parts, `{variables}` and a greedy `{proxy+}` at the end.

Follows "Create routes for HTTP APIs in API Gateway"
(https://docs.aws.amazon.com/apigateway/latest/developerguide/http-api-develop-routes.html): a
full match comes before a greedy one. REST APIs choose in the same way.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import TypeVar

T = TypeVar("T")
LITERAL, VARIABLE, GREEDY = range(3)


def best_match(path: str, routes: Iterable[tuple[str, T]]) -> tuple[T, dict[str, str]] | None:
    """The most specific of (pattern, route) pairs that match, with its variables as sent.

    The earlier of two that are equally specific.
    """
    parts = path.split("/")[1:]
    best = None
    for pattern, route in routes:
        matched = _match(parts, pattern.split("/")[1:])
        if matched and (best is None or matched[0] < best[0]):
            best = (*matched, route)
    return (best[2], best[1]) if best else None


def _match(parts: list[str], pattern: list[str]) -> tuple[list[int], dict[str, str]] | None:
    """How specific each part is (less is more), and the variables."""
    rank: list[int] = []
    variables: dict[str, str] = {}
    for position, wanted in enumerate(pattern):
        if wanted.startswith("{") and wanted.endswith("+}"):
            rest = "/".join(parts[position:])
            if not rest:
                return None
            return [*rank, GREEDY], {**variables, wanted[1:-2]: rest}
        if position >= len(parts):
            return None
        if wanted.startswith("{") and wanted.endswith("}") and parts[position]:
            rank.append(VARIABLE)
            variables[wanted[1:-1]] = parts[position]
        elif wanted == parts[position]:
            rank.append(LITERAL)
        else:
            return None
    return (rank, variables) if len(parts) == len(pattern) else None
