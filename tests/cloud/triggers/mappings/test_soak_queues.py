"""A small run of benchmarks/soak_queues.py: what holds for thousands holds for these."""

from __future__ import annotations

import importlib

from workshop.paths import repository


def test_sqs(monkeypatch):
    monkeypatch.syspath_prepend(repository() / "benchmarks")
    report = importlib.import_module("soak_queues").soak(messages=80, seed=3)
    assert report.problems == []
    for kind in ("standard", "fifo"):
        figures = report.figures[kind]
        assert figures["messages"] == 40
        assert figures["planned to fail"] > 0
        assert figures["invocations"] > 4
