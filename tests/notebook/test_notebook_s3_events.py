"""The pictures of stage 04."""

from __future__ import annotations

import matplotlib
import pytest

from workshop.cloud import Invocation
from workshop.notebook.s3_events import draw_rides, draw_rounds, draw_tries


@pytest.fixture(autouse=True)
def plots():
    import matplotlib.pyplot as plt

    matplotlib.use("Agg")
    plt.close("all")
    yield plt
    plt.close("all")


def invocation(start: float, end: float, init_ms: float | None = None) -> Invocation:
    """An invocation, times in seconds."""
    return Invocation(
        *("f", "id", "e", False, start, start, end, init_ms),
        duration_ms=(end - start) * 1000,
        billed_ms=1,
        memory_size_mb=128,
        max_memory_mb=40,
        status="success",
    )


def test_rides_are_drawn_in_the_order_of_numbers(plots):
    report = {"by_day": {"10": 5, "2": 7}, "by_hour": {"0": 12}}
    draw_rides(report, "January")
    above, below = plots.gcf().axes
    centres = [round(bar.get_x() + bar.get_width() / 2) for bar in above.patches]
    assert list(zip(centres, [bar.get_height() for bar in above.patches], strict=True)) == [
        (2, 7),
        (10, 5),
    ]
    assert [bar.get_height() for bar in below.patches] == [12]
    assert plots.gcf().get_suptitle() == "January"


def test_rounds_are_a_row_each_and_the_stop_is_the_last(plots):
    draw_rounds([invocation(101.0, 101.5), invocation(100.0, 100.5, init_ms=250.0)])
    (axes,) = plots.gcf().axes
    bars = [
        (round(bar.get_y() + bar.get_height() / 2), bar.get_x(), bar.get_width())
        for bar in axes.patches
        if bar.get_width()
    ]
    assert bars == [(1, 0.0, 0.25), (1, 0.25, 0.5), (2, 1.25, 0.5)]
    (stop,) = axes.lines
    assert (stop.get_xdata()[0], stop.get_ydata()[0]) == (1.75, 3)
    assert [text.get_text() for text in axes.texts] == ["stopped by Lambda"]


def test_tries_are_marks_and_the_waits_are_told(plots):
    draw_tries([invocation(100.15, 100.2), invocation(100.0, 100.05), invocation(100.4, 100.45)])
    (axes,) = plots.gcf().axes
    assert [round(mark.get_xdata()[0], 2) for mark in axes.lines] == [0.0, 0.15, 0.4]
    texts = [text.get_text() for text in axes.texts if text.get_text()]
    assert texts == ["try 1", "try 2", "try 3", "waits 0.1 s", "waits 0.2 s"]


@pytest.mark.parametrize("draw", [draw_rounds, draw_tries])
def test_nothing_to_draw_is_said(draw, capsys):
    draw([])
    assert "Nothing ran yet" in capsys.readouterr().out
