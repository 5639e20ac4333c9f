"""The pictures of stage 07: what is read from a log, and what is drawn of it."""

from __future__ import annotations

import matplotlib
import matplotlib.pyplot as plt
import pytest

from workshop.notebook.streams import AGAIN, ages, draw_ages, draw_sums

pytestmark = pytest.mark.usefixtures("no_window")


def test_ages_are_read_from_a_log_in_order():
    log = ["START RequestId: 1", "age 20.5 0.25", "done 1", "age 10.0 0.5", "ages"]
    assert ages(log) == [(10.0, 0.5), (20.5, 0.25)]


def test_a_second_here_is_ten_minutes_in_the_picture():
    draw_ages({"raises": [(10.0, 0.5), (11.0, 1.0)], "sets aside": [(50.0, 0.0)]})
    [axes] = plt.gcf().axes
    lines = {
        line.get_label(): (list(line.get_xdata()), list(line.get_ydata())) for line in axes.lines
    }
    assert lines == {"raises": ([0.0, 10.0], [5.0, 10.0]), "sets aside": ([0.0], [0.0])}


def test_sums_grow_and_what_comes_again_is_seen():
    noon, later = "2026-05-04T12:00:00Z", "2026-05-04T12:05:00Z"
    draw_sums([("batch 0", {noon: 2}), ("again 0", {noon: 3}), ("batch 1", {noon: 3, later: 1})])
    [axes] = plt.gcf().axes
    heights = {}
    for bar in axes.patches:
        heights.setdefault(round(bar.get_x() + bar.get_width() / 2), []).append(bar.get_height())
    assert heights == {0: [2, 1, 0], 1: [0, 0, 1]}
    again = [bar for bar in axes.patches if bar.get_hatch()]
    assert [bar.get_height() for bar in again] == [1, 0]
    assert matplotlib.colors.to_hex(again[0].get_facecolor()) == AGAIN
    assert [label.get_text() for label in axes.get_xticklabels()] == ["12:00", "12:05"]


@pytest.mark.parametrize(
    ("draw", "nothing"), [(draw_ages, {"raises": []}), (draw_sums, []), (draw_sums, [("one", {})])]
)
def test_draws_nothing_of_nothing(draw, nothing, capsys):
    draw(nothing)
    assert "yet" in capsys.readouterr().out
    assert not plt.get_fignums()
