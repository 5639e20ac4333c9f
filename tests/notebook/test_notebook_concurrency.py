"""The picture of throttles, as it is drawn."""

from __future__ import annotations

import matplotlib

from workshop.notebook import throttles


def test_a_bar_for_each_reserved_concurrency():
    import matplotlib.pyplot as plt

    matplotlib.use("Agg")
    plt.close("all")
    throttles({2: (2, 8), 10: (10, 0)})
    (axes,) = plt.gcf().axes
    assert [label.get_text() for label in axes.get_xticklabels()] == ["2", "10"]
    assert [(bar.get_y(), bar.get_height()) for bar in axes.patches] == [
        *((0, 2), (0, 10)),
        *((2, 8), (10, 0)),
    ]
    plt.close("all")


def test_nothing_to_draw(capsys):
    throttles({})
    assert "Nothing ran yet" in capsys.readouterr().out
