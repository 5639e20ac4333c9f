"""Requests at the same moment, and the picture of them."""

from __future__ import annotations

import threading

import matplotlib
import pytest

from workshop.grading.web import Reply
from workshop.notebook.race import FAILED, GOT, REFUSED, Attempt, at_once, draw_races


@pytest.fixture
def plt():
    import matplotlib.pyplot as plt

    matplotlib.use("Agg")
    plt.close("all")
    yield plt
    plt.close("all")


def test_all_are_on_their_way_before_one_is_answered():
    on_their_way = threading.Barrier(5, timeout=60)
    statuses = iter([201, 409, 409, 409, 409])

    def send():
        on_their_way.wait()
        return Reply(next(statuses), {}, "")

    attempts = at_once(send, 5)
    assert sorted(each.status for each in attempts) == [201, 409, 409, 409, 409]
    assert all(each.answered_at >= each.sent_at for each in attempts)


def test_draws_a_row_for_each_request(plt):
    draw_races(
        {
            "read, then write": [Attempt(5.0, 5.2, 201), Attempt(5.0, 5.1, 201)],
            "one step": [Attempt(9.0, 9.1, 201), Attempt(9.0, 9.3, 409), Attempt(9.1, 9.2, 500)],
        }
    )
    left, right = plt.gcf().axes
    assert [left.get_title(), right.get_title()] == ["read, then write", "one step"]
    colours = [matplotlib.colors.to_hex(bar.get_facecolor()) for bar in right.patches]
    assert colours == [GOT, FAILED, REFUSED], "in the order of the answers"
    assert [round(bar.get_width()) for bar in left.patches] == [100, 200]
    assert [round(bar.get_x()) for bar in right.patches] == [0, 100, 0]
    legend = [text.get_text() for text in plt.gcf().legends[0].get_texts()]
    assert legend == ["got it (201)", "refused (409)", "anything else"]


def test_draws_nothing_of_no_requests(plt):
    draw_races({"nobody came": []})
    assert len(plt.gcf().axes[0].patches) == 0
