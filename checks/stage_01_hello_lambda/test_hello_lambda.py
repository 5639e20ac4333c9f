"""Grades stage 01, from outside: it deploys the function, invokes it and reads the answers."""

from __future__ import annotations

import re
from datetime import datetime, timedelta, timezone

from workshop.grading import fresh
from workshop.grading.words import ended_in_error, failure, show

KEYS = ["fare_cents", "minutes", "request_id", "ride_id"]
FIELDS = ("ride_id", "started_at", "ended_at", "rider", "bike")
# rider, bike: unlock, free minutes, each further minute; in cents
TARIFF = {
    ("member", "classic"): (0, 45, 5),
    ("member", "electric"): (0, 0, 10),
    ("casual", "classic"): (100, 0, 5),
    ("casual", "electric"): (100, 0, 15),
}
MINUTE, SECOND = timedelta(minutes=1), timedelta(seconds=1)


def fare(rider, bike, minutes):
    """What the tariff says, in cents."""
    unlock, free, further = TARIFF[rider, bike]
    return unlock + further * max(0, minutes - free)


def zone(hours, minutes=0):
    """A zone so far from UTC."""
    return timezone(timedelta(hours=hours, minutes=minutes))


def ride(length=None, **changes):
    """A ride like no other, of a length or of any: its two times have the same offset."""
    start = fresh.moment().astimezone(zone(fresh.whole(-8, 9)))
    length = fresh.whole(60, 7000) * SECOND if length is None else length
    event = {
        "ride_id": f"R-{fresh.digits(7)}",
        "started_at": start.isoformat(),
        "ended_at": (start + length).isoformat(),
        "rider": fresh.one_of(("member", "casual")),
        "bike": fresh.one_of(("classic", "electric")),
    }
    return {**event, **changes}


def answer(function, event, look):
    """The result of a ride that is right; fails if there is no answer of the right form."""
    result = function.invoke(event)
    assert result.error is None, ended_in_error(
        "A valid ride ended in an error.", event, result.error, result.log
    )
    assert isinstance(result.value, dict) and "minutes" in result.value, failure(
        "The answer is not the object that the contract describes.",
        event,
        "an object with ride_id, minutes, fare_cents, request_id",
        result.value,
        look,
        log=result.log,
    )
    return result


def expect(function, event, field, wanted, what, look):
    """Fails unless one field of the answer has the wanted value."""
    result = answer(function, event, look)
    came = result.value.get(field)
    assert came == wanted, failure(
        what, event, {field: wanted}, {field: came}, look, log=result.log
    )


def expect_refusal(function, event, field, what, also=()):
    """Fails unless the function refuses the event with a ValueError that names this field alone.

    `also` are others that it may name.
    """
    result = function.invoke(event)
    look = f"how handler.py reads {field}: raise ValueError with a message that names it"
    assert result.error is not None, failure(
        f"{what}, and the function accepted it.",
        event,
        "a ValueError",
        result.value,
        look,
        log=result.log,
    )
    assert result.error.get("errorType") == "ValueError", ended_in_error(
        f"{what}, and the error is not a ValueError.",
        event,
        result.error,
        result.log,
        look,
        wanted="a ValueError",
    )
    message = str(result.error.get("errorMessage", ""))
    named = [each for each in FIELDS if re.search(rf"(?<!\w){each}(?!\w)", message)]
    assert field in named, failure(
        f"{what}, and the error does not say which field is wrong.",
        event,
        f"a message with {field} in it",
        message,
        look,
        log=result.log,
    )
    right = [each for each in named if each != field and each not in also]
    assert not right, failure(
        f"{what}, and the error also names fields that are right: {', '.join(right)}.",
        event,
        f"a message with {field} in it, and no other field",
        message,
        look,
    )


def test_answers_with_the_four_keys(function):
    """The answer has exactly the four keys of the contract, and the ride's own id."""
    look = "the `return` of your handler"
    for ride_id in (f"R-{fresh.digits(7)}", f" {fresh.digits(2)}ä {fresh.word()} ", " "):
        event = ride(ride_id=ride_id)
        came = answer(function, event, look).value
        assert sorted(came) == KEYS, failure("The keys differ.", event, KEYS, sorted(came), look)
        assert came["ride_id"] == ride_id, failure(
            "The answer is for another ride.", event, ride_id, came["ride_id"], look
        )


def test_rounds_minutes_up(function):
    """Minutes are rounded up: a minute that has begun counts."""
    look = "how you get from seconds to minutes: // and int() round down, and a day has 1,440"
    some, day = fresh.whole(2, 90), fresh.whole(1441, 2800)
    for length, minutes in (
        (0 * MINUTE, 0),
        (some * MINUTE, some),
        (some * MINUTE + SECOND, some + 1),
        (some * MINUTE - SECOND, some),
        (some * MINUTE + fresh.whole(1, 5) * SECOND / 10, some + 1),
        (day * MINUTE, day),
    ):
        what = "The minutes are not rounded up as the contract says."
        expect(function, ride(length), "minutes", minutes, what, look)


def test_prices_every_rider_and_bike(function):
    """Every row of the tariff gives the right fare."""
    look = "your tariff: unlock + further minutes x cents, in whole cents"
    for rider, bike, minutes in (
        ("member", "electric", fresh.whole(2, 200)),
        ("casual", "classic", fresh.whole(2, 200)),
        ("casual", "electric", fresh.whole(2, 200)),
        ("casual", "electric", 1),  # int((1 + 0.15) * 100) is 114
        ("casual", fresh.one_of(("classic", "electric")), 0),
    ):
        event = ride(minutes * MINUTE, rider=rider, bike=bike)
        what = f"The fare of {minutes} minutes is wrong for a {rider} on a {bike} bike."
        expect(function, event, "fare_cents", fare(rider, bike, minutes), what, look)


def test_first_45_minutes_are_free_for_members(function):
    """A member pays for a classic bike from the 46th minute on."""
    look = "the free minutes: they come off before the multiplication, and never below 0"
    # The last one costs whole dollars: how cents are rounded is another check's question.
    for minutes in (fresh.whole(1, 44), 45, 46, 45 + 20 * fresh.whole(1, 9)):
        event = ride(minutes * MINUTE, rider="member", bike="classic")
        what = f"The fare of {minutes} minutes is wrong for a member on a classic bike."
        wanted = fare("member", "classic", minutes)
        expect(function, event, "fare_cents", wanted, what, look)


def test_money_is_in_whole_cents(function):
    """Minutes and cents are integers: floats lose cents."""
    event = ride(rider="casual")
    look = "the arithmetic: cents times minutes needs no float and no division"
    came = answer(function, event, look).value
    for field in ("minutes", "fare_cents"):
        value = came.get(field)
        assert type(value) is int, failure(
            f"{field} is not an integer.", event, "an integer", value, look
        )


def test_reads_the_offsets(function):
    """The offsets of the times count, and "Z" is an offset."""
    look = "how you subtract the times: keep the offset, do not cut it off"
    for start, there, back in (
        (fresh.moment(), zone(fresh.whole(1, 9)), zone(fresh.whole(-9, 0))),
        (fresh.moment(), zone(5, 30), zone(0)),
        (datetime(2026, 10, 25, 0, 50, fresh.whole(0, 59), tzinfo=zone(0)), zone(2), zone(1)),
    ):
        minutes = fresh.whole(11, 55)
        end = start + minutes * MINUTE
        times = {
            "started_at": start.astimezone(there).isoformat(),
            "ended_at": end.astimezone(back).isoformat(),
        }
        expect(function, ride(**times), "minutes", minutes, "The ride's length is wrong.", look)
    minutes, event = fresh.whole(11, 55), ride()
    start = fresh.moment()
    for field, time in (("started_at", start), ("ended_at", start + minutes * MINUTE)):
        event[field] = time.isoformat().replace("+00:00", "Z")
    expect(function, event, "minutes", minutes, "The ride's length is wrong.", look)


def test_names_the_missing_field(function):
    """A missing field raises a ValueError that names it, and no other."""
    for field in fresh.some_of(FIELDS, len(FIELDS)):
        event = ride()
        del event[field]
        expect_refusal(function, event, field, f"The event has no {field}")


def test_names_the_field_with_a_wrong_value(function):
    """A wrong value raises a ValueError that names its field, and no other."""
    wrong = (
        ("ride_id", ""),
        ("ride_id", fresh.whole(1, 9999)),
        ("rider", fresh.word()),
        ("rider", "Member"),
        ("rider", ["member"]),
        ("bike", fresh.word()),
        ("bike", None),
        ("started_at", fresh.word()),
        ("ended_at", int(fresh.moment().timestamp())),
    )
    for field, value in fresh.some_of(wrong, len(wrong)):
        event = ride(**{field: value})
        expect_refusal(function, event, field, f"{field} is {show(value)}")


def test_asks_for_an_offset(function):
    """A time without an offset raises a ValueError that names its field, and no other."""
    for field in fresh.some_of(("started_at", "ended_at"), 2):
        event = ride()
        event[field] = event[field][: len("2026-05-04T08:00:00")]
        what = f"{field} has no offset, so nobody knows when it is"
        expect_refusal(function, event, field, what)


def test_refuses_a_ride_that_ends_before_it_starts(function):
    """A ride that ends before it starts raises a ValueError that names ended_at."""
    for length in (-SECOND, -fresh.whole(1, 3000) * MINUTE):
        what = "The ride ends before it starts"
        expect_refusal(function, ride(length), "ended_at", what, also=("started_at",))


def test_request_id_is_the_invocations_own(function):
    """request_id is the id of this very invocation, from the context."""
    look = "context.aws_request_id, read in the handler and not once when the module loads"
    for _ in range(2):
        event = ride()
        result = answer(function, event, look)
        came = result.value.get("request_id")
        assert came == result.request_id, failure(
            "request_id is not the id of this invocation.", event, result.request_id, came, look
        )


def test_keeps_nothing_between_rides(function):
    """One environment serves many rides, and nothing from one ride is left for the next."""
    look = "module variables: what one invocation puts there, the next one finds"
    short, long = fresh.some_of(range(20, 200, 20), 2)  # whole dollars
    first = ride(short * MINUTE, rider="casual", bike="classic")
    end = datetime.fromisoformat(first["started_at"]) + long * MINUTE
    again = {**first, "ended_at": end.isoformat()}
    for event, minutes in ((first, short), (again, long), (first, short)):
        what = "The answer depends on the rides before it."
        wanted = fare("casual", "classic", minutes)
        expect(function, event, "fare_cents", wanted, what, look)
