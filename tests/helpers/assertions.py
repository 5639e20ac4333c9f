"""The assertions in a stage's checks, under names that stay when lines move.

A name is a file, a function in it, and which assertion of the function it is: `city.py expect 2`.
"""

from __future__ import annotations

import ast
from collections import Counter
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any


class Assertions:
    """The assertions in a folder of checks."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder.resolve()
        self._lines = dict(_named(self._folder))

    def names(self) -> set[str]:
        """All of them."""
        return set(self._lines.values())

    def of(self, traceback: Iterable[Any]) -> str | None:
        """The assertion that raised: the innermost frame in this folder. None: it was none."""
        for frame in reversed(list(traceback)):
            if Path(frame.path).parent == self._folder:
                return self._lines.get((Path(frame.path).name, frame.lineno + 1))
        return None


def _named(folder: Path) -> Iterator[tuple[tuple[str, int], str]]:
    """The name of the assertion on each line, by file and line."""
    for path in sorted(folder.glob("*.py")):
        counted: Counter[str] = Counter()
        for function, node in _assertions(ast.parse(path.read_text(encoding="utf-8"))):
            counted[function] += 1
            for line in range(node.lineno, (node.end_lineno or node.lineno) + 1):
                yield (path.name, line), f"{path.name} {function} {counted[function]}"


def _assertions(node: ast.AST, function: str = "") -> Iterator[tuple[str, ast.stmt]]:
    for child in ast.iter_child_nodes(node):
        if isinstance(child, ast.Assert) or (
            isinstance(child, ast.Raise) and "AssertionError" in ast.unparse(child)
        ):
            yield function, child
        name = child.name if isinstance(child, ast.FunctionDef) else function
        yield from _assertions(child, name)
