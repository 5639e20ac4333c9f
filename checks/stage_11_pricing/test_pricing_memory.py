"""Grades the choice of memory of stage 11, from lines of sizes that were measured."""

from __future__ import annotations

from fractions import Fraction

import pytest

from workshop.grading import fresh
from workshop.grading.words import ended_in_error, failure

from .month import X86, Line, Log, Month, cents, region

NO_SIZE = {"memory_mb": None, "p95_ms": None, "million": None}
LOOK = "how you choose: of the sizes whose p95 is goal_ms or less, the one with the least cost"


@pytest.fixture(scope="module")
def function(deploy):
    return deploy({"Handler": "handler.cheapest"})


def choice(memory_mb, lines, prices):
    """What the function should answer if it chooses the size of these lines."""
    waits = sorted(line.wait for line in lines)
    rank = -(-95 * len(waits) // 100)
    billed = Fraction(sum(line.billed_ms for line in lines), len(lines))
    price = Fraction(prices[X86]["tiers"][0]["gb_second"])
    million = billed * memory_mb * 1_000_000 / (1000 * 1024) * price
    return {
        "memory_mb": memory_mb,
        "p95_ms": f"{waits[rank - 1]:.2f}",
        "million": cents(million + Fraction(prices["requests"])),
    }


def expect(function, sizes, goal_ms, chosen, what, look=LOOK):
    """Fails unless the function chooses this one of the sizes; `sizes` are lines by memory.

    It is asked twice, with the lines in text and in JSON.
    """
    prices = region()
    wanted = choice(chosen, sizes[chosen], prices) if chosen else NO_SIZE
    lines = [line for found in sizes.values() for line in found]
    lines = fresh.some_of(lines, len(lines))
    for messages in ([line.text for line in lines], [line.json for line in lines]):
        month = Month([Log(lines, messages=messages)], {"us-east-1": prices})
        event = {**month.as_event(), "goal_ms": goal_ms}
        brief = [f"goal_ms: {goal_ms}", *map(said, sizes, sizes.values()), messages[0].strip()]
        expect_answer(function, event, wanted, brief, what, look)


def expect_answer(function, event, wanted, brief, what, look):
    """Fails unless the function answers as wanted; `brief` is the event in lines."""
    result = function.invoke(event)
    assert result.error is None, ended_in_error(
        "Measurements that are right ended in an error.",
        brief,
        result.error,
        result.log,
        look,
        wanted=str(wanted),
    )
    assert result.value == wanted, failure(
        what, brief, wanted, result.value, look, "measured", result.log
    )


def said(memory_mb, lines):
    """The measurements of a size, for messages."""
    waits = sorted(line.wait for line in lines)
    failed = [line.status for line in lines if line.status != "success"]
    more = f"; {', '.join(failed)}" if failed else ""
    longest = ", ".join(str(wait) for wait in waits[-3:])
    return f"{memory_mb} MB: {len(waits)} waits from {waits[0]} ms on, the longest {longest}{more}"


def warm(memory_mb, *took):
    """A line for each of these whole milliseconds: a fraction more, so one more is billed."""
    return [Line(ms + 1, memory_mb, 1, duration=f"{ms}.{fresh.digits(2)}") for ms in took]


def around(memory_mb, ms):
    """20 lines of about so many milliseconds, no two alike."""
    return warm(memory_mb, *range(ms - 10, ms + 10))


def test_takes_the_cheapest_that_is_fast_enough(function):
    """The chosen size costs the least of those that meet the goal."""
    k = fresh.whole(2, 4)
    sizes = {
        128: around(128, 2900 * k),  # the cheapest of all, and too slow
        512: around(512, 780 * k),
        1024: around(1024, 400 * k),
        1769: around(1769, 210 * k),  # the cheapest that is fast enough
        3008: around(3008, 190 * k),
    }
    expect(function, sizes, 900 * k, 1769, "The choice, or what it says of it, is wrong.")
    same = {2048: warm(2048, *[199] * 20), 256: warm(256, *[1599] * 20)}
    expect(function, same, 2000, 256, "Two sizes cost the same. The choice is wrong.")


def test_the_p95_is_one_of_the_waits(function):
    """The p95 is the shortest wait that 95 percent do not exceed, and may equal the goal."""
    look = "the p95: sort the waits; the rank is 95 percent of their number, rounded up"
    for count, above in ((20, 1), (21, 1), (40, 2), (60, 3), (19, 0)):
        goal = fresh.whole(400, 700)
        took = [goal - 3 * n for n in range(1, count - above)]
        on_the_goal = Line(goal, 512, 1, duration=f"{goal}.00")
        small = [*warm(512, *took, *[goal + 5000] * above), on_the_goal]
        sizes = {512: small, 10_240: around(10_240, goal // 2)}
        what = f"Above the goal: {above} of {count} waits. One more meets it. The answer is wrong."
        expect(function, sizes, goal, 512, what, look)
        what = "The p95 of 512 MB is above the goal by 1 ms. The answer is wrong."
        expect(function, sizes, goal - 1, 10_240, what, look)


def test_a_cold_start_is_a_wait(function):
    """INIT is part of the caller's wait, and of the average cost where it is billed."""
    look = "the wait: Duration plus Init Duration, where the line has one"
    low, init = fresh.whole(100, 200), fresh.whole(300, 600)
    cold = [Line(low + init, 256, 1, duration=f"{low}.00", init=f"{init}.00") for _ in range(3)]
    small = [*warm(256, *[low] * 17), *cold]
    sizes = {256: small, 1024: around(1024, low)}
    what = "Three of 20 starts with 256 MB are cold. The answer is wrong."
    expect(function, sizes, low + init - 1, 1024, what, look)
    expect(function, sizes, low + init, 256, what, look)


def test_says_when_no_size_will_do(function):
    """If no size meets the goal, all three values are None."""
    sizes = {memory: around(memory, 400_000 // memory) for memory in (128, 256, 1769)}
    expect(function, sizes, 150, None, "No size meets the goal.")


def test_leaves_out_a_size_that_fails(function):
    """A size with a timeout or an error is never chosen, however cheap it is."""
    look = "`Status` of each line: one timeout or error is enough"
    for status in ("timeout", "error"):
        ms = fresh.whole(100, 300)
        bad = Line(ms, 128, 1, status=status)
        sizes = {128: [*warm(128, *[ms] * 19), bad], 1024: around(1024, ms)}
        what = f"With 128 MB one invocation has the status {status}. The answer is wrong."
        expect(function, sizes, 2 * ms, 1024, what, look)
