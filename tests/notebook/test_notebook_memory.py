"""The picture of duration and price over memory."""

from __future__ import annotations

from decimal import Decimal

import matplotlib
from measured import invocation

from workshop.notebook.memory import duration_over_memory, fastest_by_memory, price_of_a_million

MEASURED = [
    invocation(256, 410),
    invocation(256, 400, init=80.0),
    invocation(128, 900),
    invocation(128, 800),
    invocation(256, 10, status="error"),
]


def test_fastest_invocation_of_each_size():
    found = {size: each.duration_ms for size, each in fastest_by_memory(MEASURED).items()}
    assert list(found.items()) == [(128, 799.5), (256, 399.5)]


def test_price_of_a_million():
    """800 ms at 128 MB are 0.1 GB-seconds, as are 400 ms at 256 MB; INIT is left out."""
    for each in (invocation(128, 800), invocation(256, 400, init=80.0)):
        assert price_of_a_million(each) == Decimal("0.20") + Decimal("1.66667")


def test_picture_has_a_point_for_each_size():
    import matplotlib.pyplot as plt

    matplotlib.use("Agg")
    plt.close("all")
    duration_over_memory(MEASURED)
    above, below = plt.gcf().axes
    assert list(above.lines[0].get_xdata()) == [128, 256]
    assert list(above.lines[0].get_ydata()) == [799.5, 399.5]
    assert [round(price, 2) for price in below.lines[0].get_ydata()] == [1.87, 1.87]
    assert [label.get_text() for label in below.get_xticklabels()] == ["128", "256"]
    plt.close("all")


def test_picture_of_nothing(capsys):
    duration_over_memory([invocation(128, 10, status="timeout")])
    assert "Nothing was measured yet" in capsys.readouterr().out
