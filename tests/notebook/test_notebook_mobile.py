"""The pictures of stage 09: what is on the map, and where a row goes back."""

from __future__ import annotations

import matplotlib.pyplot as plt
import pytest
from matplotlib.patches import Ellipse, Rectangle

from workshop.examples.stations import RIDER, STATIONS, Station, cell_of
from workshop.notebook.mobile import WRONG, Report, draw_map, draw_reports, went_back

pytestmark = pytest.mark.usefixtures("no_window")


def test_a_cell_is_the_square_in_which_a_place_lies():
    assert cell_of(38.8886, -77.0492) == "3888:-7705"
    assert cell_of(-0.001, 0.001) == "-1:0"


def test_the_map_shows_the_cells_that_were_asked_and_whom_they_hold():
    near = Station("1", "Near", 38.885, -77.045, 3)
    empty = Station("2", "Empty", 38.886, -77.046, 0)
    far = Station("3", "Far", 38.905, -77.045, 4)
    draw_map((38.889, -77.045), [near.cell], [near, empty, far])
    [axes] = plt.gcf().axes
    squares = [each for each in axes.patches if isinstance(each, Rectangle)]
    assert [square.get_xy() for square in squares] == [(-77.05, 38.88)]
    assert [each.get_text() for each in axes.texts] == ["A", "B"]
    named = [each.get_text() for each in axes.get_legend().get_texts()]
    assert named == ["A  Near: 3", "B  Empty: 0"]
    filled = [len(dots.get_facecolors()) for dots in axes.collections]
    assert filled == [1, 0, 1, 1]  # the last is the rider
    one, _, other = (dots.get_sizes()[0] for dots in axes.collections[:3])
    assert other > one


def test_half_a_kilometer_is_a_circle_in_meters():
    draw_map((60.0, 10.0), [], [])
    [axes] = plt.gcf().axes
    [reach] = [each for each in axes.patches if isinstance(each, Ellipse)]
    assert reach.width == pytest.approx(2 * reach.height)
    assert axes.get_aspect() == pytest.approx(2)


def test_who_asks_the_riders_cell_only_misses_the_nearest_station():
    """The notebook's story: the map shows it."""
    own = [station.name for station in STATIONS if station.cell == cell_of(*RIDER)]
    assert own == ["Arlington Memorial Bridge"]
    nearest = min(STATIONS, key=lambda each: abs(each.lat - RIDER[0]) + abs(each.lon - RIDER[1]))
    assert nearest.name == "Lincoln Memorial"


def test_a_row_that_goes_back_is_seen():
    reports = [Report(0, 1, 5), Report(1, 3, 4), Report(2, 2, 6)]
    draw_reports(reports, {"whatever comes": [1, 3, 2], "the newest": [1, 3, 3]})
    first, second = plt.gcf().axes
    faults = [
        [line.get_ydata() for line in axes.lines if line.get_color() == WRONG]
        for axes in (first, second)
    ]
    assert [[list(each) for each in found] for found in faults] == [[[3, 2]], []]
    assert went_back([1, 3, 2]) == 1
    assert went_back([1, 3, 3]) == 0


def test_draws_nothing_of_nothing(capsys):
    draw_reports([], {"one": []})
    assert "yet" in capsys.readouterr().out
    assert not plt.get_fignums()
