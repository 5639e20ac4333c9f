"""The pictures of stage 11: what is measured, where prices cross, and what is drawn of it."""

from __future__ import annotations

from decimal import Decimal

import matplotlib.pyplot as plt
import pytest
from measured import invocation

from workshop.notebook.pricing import (
    crossing,
    draw_bills,
    draw_costs,
    draw_idle,
    draw_sizes,
    sizes,
)

pytestmark = pytest.mark.usefixtures("no_window")


def test_sizes_have_a_p95_and_a_price_and_no_cold_starts():
    """Of 20 the p95 is the 19th; 800 ms at 128 MB are 0.1 GB-seconds, a million $1.67 and $0.20."""
    slow = [invocation(128, 800) for _ in range(18)] + [invocation(128, 700), invocation(128, 900)]
    others = [invocation(128, 800, init=90.0), invocation(128, 3000, status="timeout")]
    found = sizes([invocation(256, 400), *slow, *others])
    assert found == {
        128: (Decimal("799.50"), Decimal("1.87")),
        256: (Decimal("399.50"), Decimal("1.87")),
    }


def test_sizes_are_drawn_with_the_goal():
    draw_sizes({128: (Decimal(800), Decimal("1.87")), 256: (Decimal(400), Decimal(2))}, 500)
    above, below = plt.gcf().axes
    assert list(above.lines[0].get_ydata()) == [800.0, 400.0]
    assert list(above.lines[1].get_ydata()) == [500, 500]
    assert list(below.lines[0].get_ydata()) == [1.87, 2.0]


def test_nothing_measured_is_said(capsys):
    draw_sizes({}, 500)
    assert "Nothing was measured yet" in capsys.readouterr().out
    assert not plt.get_fignums()


def test_bills_are_stacked():
    draw_bills({"quiet": {"NAT": Decimal(33)}, "busy": {"NAT": Decimal(33), "logs": Decimal(5)}})
    [axes] = plt.gcf().axes
    nat, logs = axes.containers
    assert [bar.get_width() for bar in nat] == [33, 33]
    assert [(bar.get_x(), bar.get_width()) for bar in logs] == [(33, 0), (33, 5)]
    assert [text.get_text() for text in axes.texts] == ["$33.00", "$38.00"]


def test_two_prices_cross():
    assert crossing(lambda x: 2 * x, lambda x: 30 + x, 100) == pytest.approx(30, abs=0.001)
    with pytest.raises(ValueError, match="do not cross"):
        crossing(lambda x: x, lambda x: 200.0, 100)


def test_costs_are_drawn_with_their_crossing():
    draw_costs({"a": lambda x: 2 * x, "b": lambda x: 30 + x}, 100, "requests", 30)
    [axes] = plt.gcf().axes
    assert [line.get_label() for line in axes.lines[:2]] == ["a", "b"]
    assert list(axes.lines[2].get_xdata()) == [30]
    assert [text.get_text() for text in axes.texts] == ["30.0"]


def test_an_idle_month_is_drawn_with_what_costs_nothing():
    draw_idle({"gateway": Decimal("32.85"), "function": Decimal(0)})
    [axes] = plt.gcf().axes
    assert [bar.get_width() for bar in axes.patches] == [0.0, 32.85]
    assert [text.get_text() for text in axes.texts] == ["$0.00", "$32.85"]
