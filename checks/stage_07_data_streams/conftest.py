"""What both check files of stage 07 begin with."""

from __future__ import annotations

import pytest

from workshop.grading import fresh

from .city import City


@pytest.fixture(scope="module")
def city(account, deploy):
    """The stage's function with what the contract promises it."""
    return City(account, deploy)


@pytest.fixture
def station():
    """A station that no other check knows."""
    return f"{fresh.word()}-{fresh.digits(4)}"
