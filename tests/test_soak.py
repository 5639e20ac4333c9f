"""A small run of benchmarks/soak.py: what holds for thousands of messages holds for these."""

from __future__ import annotations

import importlib.util

from workshop.paths import repository


def load_soak():
    path = repository() / "benchmarks" / "soak.py"
    spec = importlib.util.spec_from_file_location("soak", path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_sqs():
    report = load_soak().soak("sqs", messages=120, seed=3)
    assert report.problems == []
    for kind in ("standard", "fifo"):
        figures = report.figures[kind]
        assert figures["messages"] == 60
        assert figures["planned to fail"] > 0
        assert figures["invocations"] > 6
