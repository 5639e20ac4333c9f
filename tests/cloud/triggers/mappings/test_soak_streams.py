"""A small run of benchmarks/soak_streams.py: nothing is lost, doubled or out of order."""

from __future__ import annotations

import importlib

import pytest

from workshop.paths import repository


@pytest.fixture(scope="module")
def soak():
    with pytest.MonkeyPatch.context() as patch:
        patch.syspath_prepend(repository() / "benchmarks")
        yield importlib.import_module("soak_streams")


def test_kinesis(lab, soak):
    assert soak.kinesis(lab.cloud, 400) == []


def test_dynamodb(lab, soak):
    assert soak.dynamodb(lab.cloud, 60) == []


def test_it_notices_what_is_lost(lab, soak, monkeypatch):
    monkeypatch.setattr(soak.Soak, "handled", lambda self: ["k1-000002", "k1-000001", "k1-000001"])
    problems = " ".join(soak.kinesis(lab.cloud, 20))
    assert "are lost" in problems
    assert "handled twice" in problems
    assert "out of order" in problems
