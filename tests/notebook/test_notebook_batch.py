"""The pictures of stage 08: what is read from queues and reports, and what is drawn of it."""

from __future__ import annotations

import matplotlib.pyplot as plt
import pytest

from workshop.notebook.batch import (
    Depth,
    QueueWatch,
    draw_depths,
    draw_throughput,
    rides_by_month,
)

pytestmark = pytest.mark.usefixtures("no_window")


def test_a_queue_is_watched_to_the_end(lab):
    sqs = lab.cloud.client("sqs")
    url, dead = (sqs.create_queue(QueueName=name)["QueueUrl"] for name in ("seen", "seen-dead"))
    for _ in range(3):
        sqs.send_message(QueueUrl=url, MessageBody="a")
    sqs.send_message(QueueUrl=dead, MessageBody="b")
    with QueueWatch(sqs, url, dead) as watch:
        sqs.receive_message(QueueUrl=url)
    last = watch.depths[-1]
    assert (last.waiting, last.in_flight, last.dead) == (2, 1, 1)


def test_draws_three_lines_of_a_night():
    draw_depths([Depth(0.0, 5, 0, 0), Depth(0.5, 0, 5, 0), Depth(1.0, 0, 0, 1)])
    [axes] = plt.gcf().axes
    lines = {line.get_label(): list(line.get_ydata()) for line in axes.lines}
    assert lines["waiting in the queue"] == [5, 0, 0, 0]
    assert lines["in flight"] == [0, 5, 0, 0]
    assert lines["in the dead-letter queue"] == [0, 0, 1, 1]


def test_draws_nothing_of_nothing(capsys):
    draw_depths([])
    assert "Nothing was watched yet" in capsys.readouterr().out
    assert not plt.get_fignums()


def test_draws_messages_a_second_beside_what_would_be_in_proportion():
    draw_throughput({4: 2.5, 2: 4.0}, messages=20)
    [axes] = plt.gcf().axes
    lines = {line.get_label(): list(line.get_ydata()) for line in axes.lines}
    assert lines == {"measured": [5.0, 8.0], "in proportion": [5.0, 10.0]}


def test_a_report_is_added_up_by_month():
    report = ["day,hours,casual,registered", "2011-02-01,24,1,2", "2011-01-31,23,3,4"]
    report.append("2011-01-30,24,10,0")
    assert rides_by_month(report) == {"2011-01": 17, "2011-02": 3}
    assert rides_by_month([]) == {}
