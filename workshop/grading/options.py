"""The checks' own options, as a pytest plugin that `pyproject.toml` loads before anything else.

Were they defined in checks/conftest.py, pytest would take the value of `--exercises DIR` for a
place with tests, and run DIR's conftest.py in its own process.
"""

from __future__ import annotations

import pytest


def pytest_addoption(parser: pytest.Parser) -> None:
    """Adds `--exercises` and `--endpoint-url`."""
    group = parser.getgroup("workshop")
    group.addoption("--exercises", metavar="DIR", help="the folder to grade (exercises/)")
    group.addoption("--endpoint-url", metavar="URL", help="another AWS endpoint to deploy to")
