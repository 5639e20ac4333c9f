"""What a check shows of a function's log: the newest invocation, without frames of libraries."""

from __future__ import annotations

from types import SimpleNamespace

from workshop.grading.account import Account
from workshop.grading.function import Function
from workshop.grading.own_lines import last_error

LOGGED = """[ERROR]\t2026-11-27T04:39:02.258Z\tid\tGET /rides failed
Traceback (most recent call last):
  File "/var/task/handler.py", line 9, in handler
    return show(event)
           ^^^^^^^^^^^
  File "/var/task/handler.py", line 3, in show
    table.get_item(Key=key)
  File "/var/runtime/boto3/resources/factory.py", line 581, in do_action
    response = action(self, *args, **kwargs)
               ^^^^^^^^^^^^^^^^^^^^^^^^^^^^^
  File "/var/runtime/botocore/client.py", line 1094, in _make_api_call
    raise error_class(parsed_response, operation_name)
botocore.exceptions.ClientError: no such key
"""


def account_with(*events: tuple[int, str, str]) -> Account:
    """An account in which a log group has these events: a time, a stream, and a message."""
    found = [{"timestamp": at, "logStreamName": s, "message": text} for at, s, text in events]
    paginator = SimpleNamespace(paginate=lambda logGroupName: [{"events": found}])
    logs = SimpleNamespace(
        get_paginator=lambda name: paginator,
        exceptions=SimpleNamespace(ResourceNotFoundException=KeyError),
    )
    return Account(lambda service: logs)


def test_the_newest_invocation_is_found_whichever_stream_it_is_in():
    account = account_with(
        (1, "a", "START RequestId: 1"),
        (5, "a", "START RequestId: 3"),
        (7, "a", "third"),
        (2, "b", "START RequestId: 2"),
        (6, "b", "of the second, late"),
    )
    function = Function(None, "f")
    assert account.last_log_of(function) == ["START RequestId: 3", "third"]
    assert account.log_of(function)[-2:] == ["of the second, late", "third"]


def test_an_invocation_with_a_json_log_is_found():
    start = '{"time": "2026-11-27T04:39:02.258Z", "type": "platform.start", "record": {}}'
    account = account_with((1, "a", start), (2, "a", "said"))
    assert account.last_log_of(Function(None, "f")) == [start, "said"]


def test_a_function_that_never_ran_has_no_newest_invocation():
    assert account_with((1, "a", "INIT_START")).last_log_of(Function(None, "f")) == []


def test_an_error_is_shown_without_the_frames_of_libraries():
    assert last_error([LOGGED]).splitlines() == [
        "[ERROR]\t2026-11-27T04:39:02.258Z\tid\tGET /rides failed",
        "Traceback (most recent call last):",
        '  File "/var/task/handler.py", line 9, in handler',
        "    return show(event)",
        "           ^^^^^^^^^^^",
        '  File "/var/task/handler.py", line 3, in show',
        "    table.get_item(Key=key)",
        "botocore.exceptions.ClientError: no such key",
    ]
