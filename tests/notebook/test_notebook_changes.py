"""The pictures of stage 06: what is read from a log, and what is drawn of it."""

from __future__ import annotations

import matplotlib.pyplot as plt
import pytest

from workshop.notebook.changes import Attempt, attempts, draw_attempts, draw_stations, lost

pytestmark = pytest.mark.usefixtures("no_window")

LOG = [
    "INIT_START Runtime Version: python:3.14.v7",
    "batch A B C",
    "done A",
    "[ERROR] ValueError: B",
    "batch B C",
    "done C",
]


def test_attempts_are_read_from_a_log():
    first, second = attempts(LOG)
    assert first == Attempt(("A", "B", "C"), frozenset("A"))
    assert second == Attempt(("B", "C"), frozenset("C"))
    assert lost([first, second]) == ["B"]
    assert lost([first]) == ["B", "C"]
    assert attempts(["done A", ""]) == []


def test_draws_a_row_for_each_record_and_says_what_was_lost():
    draw_attempts({"one": attempts(LOG), "two": attempts(LOG[:3])})
    upper, lower = plt.gcf().axes
    assert [label.get_text() for label in upper.get_yticklabels()] == ["A", "B (lost)", "C"]
    assert [label.get_text() for label in lower.get_yticklabels()] == ["A", "B (lost)", "C (lost)"]
    assert len(upper.patches) == 5
    assert len(lower.patches) == 3


def test_draws_nothing_of_nothing(capsys):
    draw_attempts({"one": []})
    assert "Nothing was tried yet" in capsys.readouterr().out
    assert not plt.get_fignums()


def test_marks_each_alert_where_it_came():
    alerts = [(1, "North", "empty"), (3, "North", "recovered"), (2, "South", "empty")]
    draw_stations({"North": [2, 0, 0, 4], "South": [1, 1, 0, 0]}, alerts)
    north, south = plt.gcf().axes
    marks = {line.get_label(): list(line.get_xdata()) for line in north.lines[1:]}
    assert marks == {"alert: empty": [1], "alert: recovered": [3]}
    assert [list(line.get_xdata()) for line in south.lines[1:]] == [[2], []]
    assert list(north.lines[1].get_ydata()) == [0]
