"""Grades stage 01, from outside: it deploys the function, invokes it and reads the answers."""

from __future__ import annotations

import itertools

from workshop.grading.words import failure, show

KEYS = ["fare_cents", "minutes", "request_id", "ride_id"]
_numbers = itertools.count(1001)


def ride(ended_at="2026-05-04T08:10:00+00:00", **changes):
    """A ride of ten minutes, under a number of its own."""
    event = {
        "ride_id": f"R-{next(_numbers)}",
        "started_at": "2026-05-04T08:00:00+00:00",
        "ended_at": ended_at,
        "rider": "member",
        "bike": "classic",
    }
    return {**event, **changes}


def answer(function, event, look):
    """The function's answer to a ride that is right; fails if it is none."""
    result = function.invoke(event)
    assert result.error is None, failure(
        "A ride that is right ended in an error.",
        event,
        "an answer",
        {key: (result.error or {}).get(key) for key in ("errorType", "errorMessage")},
        f"the log, whose last lines are:\n{result.log}",
    )
    assert isinstance(result.value, dict) and "minutes" in result.value, failure(
        "The answer is not the object that the contract describes.",
        event,
        "an object with ride_id, minutes, fare_cents, request_id",
        result.value,
        look,
    )
    return result.value


def expect(function, event, field, wanted, what, look):
    """Fails unless one field of the answer has the wanted value."""
    came = answer(function, event, look).get(field)
    assert came == wanted, failure(what, event, {field: wanted}, {field: came}, look)


def expect_refusal(function, event, field, what):
    """Fails unless the function refuses the event with a ValueError that names the field."""
    result = function.invoke(event)
    look = f"how handler.py reads {field}: raise ValueError with a message that names it"
    assert result.error is not None, failure(
        f"{what}, and the function took it.", event, "a ValueError", result.value, look
    )
    kind = result.error.get("errorType")
    assert kind == "ValueError", failure(
        f"{what}, and the error has the wrong type.", event, "ValueError", kind, look
    )
    message = str(result.error.get("errorMessage", ""))
    assert field in message, failure(
        f"{what}, and the error does not say which field is wrong.",
        event,
        f"a message with {field} in it",
        message,
        look,
    )


def test_answers_with_the_four_keys(function):
    """The answer has exactly the four keys of the contract, and the ride's own id."""
    event = ride()
    look = "the `return` of your handler"
    came = answer(function, event, look)
    assert sorted(came) == KEYS, failure("The keys differ.", event, KEYS, sorted(came), look)
    assert came["ride_id"] == event["ride_id"], failure(
        "The answer is for another ride.", event, event["ride_id"], came["ride_id"], look
    )


def test_rounds_minutes_up(function):
    """A minute that has begun counts."""
    look = "how you get from seconds to minutes: // and int() round down"
    for ended_at, minutes in (
        ("2026-05-04T08:00:00+00:00", 0),
        ("2026-05-04T08:01:00+00:00", 1),
        ("2026-05-04T08:01:01+00:00", 2),
        ("2026-05-04T09:59:59+00:00", 120),
    ):
        event = ride(ended_at)
        what = "The minutes are not rounded up as the contract says."
        expect(function, event, "minutes", minutes, what, look)


def test_prices_every_rider_and_bike(function):
    """Each row of the tariff gives its fare."""
    look = "your tariff: unlock + further minutes x cents"
    for rider, bike, cents in (
        ("member", "electric", 100),
        ("casual", "classic", 150),
        ("casual", "electric", 250),
    ):
        event = ride(rider=rider, bike=bike)
        what = f"The fare of 10 minutes is wrong for a {rider} on a {bike} bike."
        expect(function, event, "fare_cents", cents, what, look)


def test_first_45_minutes_are_free_for_members(function):
    """A member pays a classic bike from the 46th minute on."""
    look = "the free minutes: they come off before the multiplication, and never below 0"
    for minute, cents in (("40", 0), ("45", 0), ("46", 5), ("59", 70)):
        event = ride(f"2026-05-04T08:{minute}:00+00:00")
        what = f"The fare of {minute} minutes is wrong for a member on a classic bike."
        expect(function, event, "fare_cents", cents, what, look)


def test_money_is_in_whole_cents(function):
    """Minutes and cents are integers: floats lose cents."""
    event = ride(rider="casual", bike="electric")
    look = "the arithmetic: cents x minutes needs no float and no division"
    came = answer(function, event, look)
    for field in ("minutes", "fare_cents"):
        value = came.get(field)
        assert type(value) is int, failure(
            f"{field} is not an integer.", event, "an integer", value, look
        )


def test_reads_the_offsets(function):
    """Times count with their offsets, and "Z" is one."""
    look = "how you subtract the times: keep the offset, do not cut it off"
    for started_at, ended_at, minutes in (
        ("2026-05-04T10:00:00+02:00", "2026-05-04T08:20:00+00:00", 20),
        ("2026-05-04T08:00:00Z", "2026-05-04T08:20:00Z", 20),
        ("2026-10-25T02:50:00+02:00", "2026-10-25T02:10:00+01:00", 20),
    ):
        event = ride(ended_at, started_at=started_at)
        expect(function, event, "minutes", minutes, "The ride's length is wrong.", look)


def test_names_the_missing_field(function):
    """A field that is missing is a ValueError that names it."""
    for field in ("ride_id", "started_at", "ended_at", "rider", "bike"):
        event = ride()
        del event[field]
        expect_refusal(function, event, field, f"The event has no {field}")


def test_names_the_field_with_a_wrong_value(function):
    """A value that cannot be is a ValueError that names its field."""
    for field, value in (
        ("ride_id", ""),
        ("rider", "guest"),
        ("bike", "tandem"),
        ("started_at", "yesterday"),
        ("ended_at", 1777881600),
    ):
        event = ride(**{field: value})
        expect_refusal(function, event, field, f"{field} is {show(value)}")


def test_asks_for_an_offset(function):
    """A time without an offset is a ValueError that names its field."""
    for field, value in (
        ("started_at", "2026-05-04T08:00:00"),
        ("ended_at", "2026-05-04T08:10:00"),
    ):
        what = f"{field} has no offset, so nobody knows when it is"
        expect_refusal(function, ride(**{field: value}), field, what)


def test_refuses_a_ride_that_ends_before_it_starts(function):
    """A ride that ends before it starts is a ValueError that names ended_at."""
    event = ride("2026-05-04T07:59:59+00:00")
    expect_refusal(function, event, "ended_at", "The ride ends before it starts")


def test_request_id_is_the_invocations_own(function):
    """request_id is the id of this very invocation, from the context."""
    look = "context.aws_request_id, read in the handler and not once when the module loads"
    for _ in range(2):
        event = ride()
        result = function.invoke(event)
        came = result.value.get("request_id") if isinstance(result.value, dict) else result.error
        assert came == result.request_id, failure(
            "request_id is not the id of this invocation.", event, result.request_id, came, look
        )


def test_keeps_nothing_between_rides(function):
    """The same environment serves the next ride, and the last one leaves no trace."""
    look = "module variables: what one invocation puts there, the next one finds"
    first = ride("2026-05-04T08:05:00+00:00", rider="casual")
    again = {**first, "ended_at": "2026-05-04T08:30:00+00:00"}
    for event, cents in ((first, 125), (again, 250), (first, 125)):
        what = "The answer depends on the rides before it."
        expect(function, event, "fare_cents", cents, what, look)
