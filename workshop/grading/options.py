"""The checks' own options, as a pytest plugin that `pyproject.toml` loads before anything else.

Were they defined in checks/conftest.py, pytest would take the value of `--exercises DIR` for a
place with tests, and run DIR's conftest.py in its own process.

It also has checks and tests look for garbage less often: a local cloud makes little of it, and much
that stays. That saves them a quarter of their time.
"""

from __future__ import annotations

import atexit
import gc

import pytest

GARBAGE = (50_000, 20, 50)  # objects and rounds, as gc.set_threshold takes them


def pytest_configure() -> None:
    """Sets how often garbage is looked for; the end of the process need not look at all."""
    gc.set_threshold(*GARBAGE)
    atexit.register(gc.freeze)


def pytest_addoption(parser: pytest.Parser) -> None:
    """Adds `--exercises` and `--endpoint-url`."""
    group = parser.getgroup("workshop")
    group.addoption("--exercises", metavar="DIR", help="the folder to grade (exercises/)")
    group.addoption("--endpoint-url", metavar="URL", help="another AWS endpoint to deploy to")
