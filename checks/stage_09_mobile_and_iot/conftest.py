"""What both check files of stage 09 need: the layer with PyJWT that function.json names."""

from __future__ import annotations

import pytest


@pytest.fixture(scope="module")
def values(account):
    """What the placeholder in function.json stands for."""
    return {"JWT_LAYER": account.layer("PyJWT")}
