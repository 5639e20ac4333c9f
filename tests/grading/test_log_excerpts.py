"""What a check shows of a function's log."""

from __future__ import annotations

from workshop.grading.logs import MOST_LINES, ending, last_error, own_lines

LOG = """INIT_START Runtime Version: python:3.14.v1
ready
START RequestId: 1 Version: $LATEST
[ERROR] KeyError: 'first'
Traceback (most recent call last):
  File "/var/task/handler.py", line 2, in handler
END RequestId: 1
REPORT RequestId: 1\tDuration: 1.00 ms
START RequestId: 2 Version: $LATEST
rides: 3
[ERROR] ValueError: second
Traceback (most recent call last):
  File "/var/task/handler.py", line 9, in handler

END RequestId: 2
REPORT RequestId: 2\tDuration: 1.00 ms
"""


def test_own_lines_are_those_that_the_function_wrote():
    platform = '{"time": "2026-11-27T08:00:00.000Z", "type": "platform.start", "record": {}}'
    assert own_lines(f"{platform}\nready\n\nSTART RequestId: 1\nSTARTED\n") == ["ready", "STARTED"]


def test_the_last_error_is_shown_in_whole_lines():
    assert last_error(LOG).splitlines() == [
        "[ERROR] ValueError: second",
        "Traceback (most recent call last):",
        '  File "/var/task/handler.py", line 9, in handler',
    ]
    assert ending(LOG) == last_error(LOG)


def test_of_a_long_traceback_the_first_line_and_the_last_ones_are_shown():
    log = "\n".join(["[ERROR] RecursionError: too deep", *(f"  frame {n}" for n in range(100))])
    lines = last_error(log).splitlines()
    assert len(lines) == MOST_LINES
    assert (lines[0], lines[-1]) == ("[ERROR] RecursionError: too deep", "  frame 99")


def test_a_log_without_an_error_ends_with_what_was_printed():
    log = "START RequestId: 1\nrides: 3\nEND RequestId: 1\n"
    assert (last_error(log), ending(log)) == ("", "rides: 3")
    assert (last_error(""), ending("")) == ("", "")
