"""Grades the bill of stage 11: it sends log lines and prices, and computes what must come out."""

from __future__ import annotations

import json
import re
from fractions import Fraction

import pytest

from workshop.grading import fresh
from workshop.grading.words import ended_in_error, failure

from .month import ARM, FAR, X86, Line, Log, Month, cents, region

CORE = ("requests", "duration")
EXTRA = ("provisioned", "storage")
TOTAL = "the total: the sum of all exact amounts, rounded once; not the sum of rounded ones"
MONEY = re.compile(r"\d+\.\d\d")


@pytest.fixture(scope="module")
def function(deploy):
    return deploy({"Handler": "handler.bill"})


def answer(function, month, look, names=CORE):
    """The amounts of a bill; fails if there is no answer of the right form."""
    result = function.invoke(month.as_event())
    assert result.error is None, ended_in_error(
        "A month that can be billed ended in an error.",
        month.brief(),
        result.error,
        result.log,
        look,
        wanted="a bill",
    )
    wanted = {*names, "total"}
    value = result.value
    missing = wanted - set(value if isinstance(value, dict) else ())
    surplus = set(value if isinstance(value, dict) else ()) - wanted - set(EXTRA)
    assert not missing and not surplus, failure(
        "The answer does not have the keys that the contract names.",
        month.brief(),
        sorted(wanted),
        sorted(value) if isinstance(value, dict) else value,
        "the `return` of your bill",
        "month",
        result.log,
    )
    return {name: value[name] for name in (*names, "total")}


def expect(function, month, what, look, names=CORE):
    """Fails unless the function's bill of a month is the right one."""
    came, wanted = answer(function, month, look, names), month.bill(*names)
    if [name for name in wanted if came[name] != wanted[name]] == ["total"]:
        what, look = "Each part of the bill is right, and the total is not.", TOTAL
    assert came == wanted, failure(what, month.brief(), wanted, came, look, "month")


def test_answers_with_three_amounts(function):
    """The bill has three amounts, each a string of dollars and cents."""
    look = "the `return`: str() of a Decimal that quantize(Decimal('0.01')) made"
    for month in (Month([Log([Line()])]), Month([])):
        came = answer(function, month, look)
        wrong = {
            name: value
            for name, value in came.items()
            if not isinstance(value, str) or not MONEY.fullmatch(value)
        }
        assert not wrong, failure(
            "An amount is not a string of dollars, a point and two decimals.",
            month.brief(),
            {name: "0.00" for name in wrong},
            wrong,
            look,
            "month",
        )


def test_bills_the_billed_duration(function):
    """The bill uses Billed Duration, exactly as the line gives it, in milliseconds."""
    look = "which field you read: Billed Duration holds INIT where it is billed, Duration does not"
    billed, init = 100 * fresh.whole(2, 40) + fresh.whole(1, 49), fresh.whole(200, 900)
    inside = Line(billed, duration=f"{billed - init // 2 - 1}.{fresh.digits(2)}")
    cold = Line(billed + init, duration=f"{billed}.00", init=f"{init}.00")
    # Before August 2025 INIT was measured and not billed.
    old = Line(billed, duration=f"{billed}.00", init=f"{init}.00")
    for line, what in (
        (inside, "Duration and Billed Duration differ."),
        (cold, "A cold start, whose INIT is billed."),
        (old, "A line of before August 2025, when INIT was not billed."),
    ):
        expect(function, Month([Log([line])]), f"{what} The bill is wrong.", look)


def test_bills_the_memory_that_was_set(function):
    """The bill uses Memory Size, not Max Memory Used, and a GB has 1,024 MB."""
    look = "which field you read: Memory Size; and 1 GB is 1,024 MB"
    for memory in (fresh.whole(1024, 3008), 128, 10_240):
        month = Month([Log([Line(memory_mb=memory, used=memory // fresh.whole(2, 5))])])
        expect(function, month, f"With {memory} MB the bill is wrong.", look)


def test_reads_both_log_formats(function):
    """Reports in text and in JSON both count, even in the same log."""
    look = "how you read a line: json.loads for a line in JSON, tabs for one in text"
    text, other, both = (Log([Line(), Line()]) for _ in range(3))
    other = Log(other.lines, messages=[line.json for line in other.lines])
    both = Log(both.lines, messages=[both.lines[0].json, both.lines[1].text])
    for month in (Month([other]), Month([both]), Month([text, other])):
        expect(function, month, "Reports are in the JSON format. The bill is wrong.", look)


def test_skips_other_lines(function):
    """Only reports count, whatever else is in the log."""
    look = "which lines you take: those that begin with `REPORT RequestId:`, and platform.report"
    line, word = Line(), fresh.word()
    dear_report = Line(10**8 * fresh.whole(2, 9))  # even one changes a bill
    others = [
        "INIT_START Runtime Version: python:3.14.v7\tRuntime Version ARN: arn:aws:lambda:x\n",
        "INIT_REPORT Init Duration: 9999.87 ms\tPhase: init\tStatus: timeout\n",
        f"START RequestId: {line.request_id} Version: $LATEST\n",
        f"{word}: the last REPORT RequestId: {word} had Billed Duration: 900 ms\n",
        f"{word} printed {dear_report.text}",
        json.dumps({"level": "INFO", "message": dear_report.text}) + "\n",
        f"END RequestId: {line.request_id}\n",
        json.dumps({"level": "INFO", "message": "Billed Duration", "station": word}) + "\n",
        json.dumps({"type": "platform.start", "record": {"requestId": line.request_id}}) + "\n",
        json.dumps({"type": word, "record": {"metrics": {"billedDurationMs": 9000}}}),
        json.dumps(["platform.report", fresh.whole(1, 9)]),
        f"{fresh.whole(1, 99)}\n",
        "{not JSON}\n",
        "\n",
    ]
    for report in (line.text, line.json):
        mixed = fresh.some_of([*others, report], len(others) + 1)
        expect(
            function,
            Month([Log([line], messages=mixed)]),
            f"Of {len(mixed)} lines one is a report. The bill is wrong.",
            look,
        )


def test_counts_every_attempt(function):
    """Each report is a request, even a retry with the same RequestId, a timeout, or an error."""
    look = "what you count: every report, `times` times, whatever its RequestId and its Status"
    first = Line()
    again = [Line(request_id=first.request_id), Line(request_id=first.request_id)]
    failed = [Line(3000, status="timeout"), Line(status="error")]
    same = Line(billed_ms=first.billed_ms, memory_mb=first.memory_mb, times=first.times)
    for lines, what in (
        ([first, *again], "Two retries have the RequestId of the first attempt."),
        ([first, *failed], "One invocation timed out, one ended in an error."),
        ([first, same, same], "Three lines differ in nothing but the RequestId."),
    ):
        log = Log(lines, messages=[(line.text, line.json)[n % 2] for n, line in enumerate(lines)])
        expect(function, Month([log]), f"{what} The bill is wrong.", look)


def test_prices_each_region_and_architecture(function):
    """Each log is billed at the prices of its Region and its architecture."""
    look = 'the prices that you take: regions[log["region"]][log["architecture"]]'
    here, there = "eu-south-1", "us-east-1"
    logs = [
        Log([Line(), Line()], region=name, architecture=architecture)
        for name in (here, there)
        for architecture in (X86, ARM)
    ]
    month = Month(fresh.some_of(logs, 4), {here: region(dear=True), there: region()})
    expect(function, month, "Two Regions, two architectures. The bill is wrong.", look)


def test_the_free_tier_is_the_accounts(function):
    """The free tier is subtracted once for the whole account, in the order of the logs."""
    look = "the free tier: what one log has taken of it is gone for the next, in any Region"
    prices = {"us-east-1": region(), "eu-south-1": region(dear=True)}
    logs = [
        Log([Line(1000, 1024, fresh.whole(300_000, 500_000))]),
        Log([Line(2000, 1024, fresh.whole(600_000, 900_000))], region="eu-south-1"),
        Log([Line(1000, 512, fresh.whole(300_000, 500_000))], architecture=ARM),
    ]
    what = "Three functions share one free tier. The bill is wrong."
    for requests, gb_seconds in ((700_000, 900_000), (550_000, 3_000_000), (2_000_000, 600_000)):
        expect(function, Month(logs, prices, requests, gb_seconds), what, look)


def test_rounds_once_in_the_end(function):
    """No amount is rounded before the end; there, half a cent is rounded up."""
    look = "where you round: at the end, each of the three by itself, Decimal with ROUND_HALF_UP"
    lines = [Line(100, 128, 1) for _ in range(300)]
    month = Month([Log(lines[:150]), Log(lines[150:])], dear(requests="900.00", gb_second="0.07"))
    expect(function, month, "300 small requests add up. The bill is wrong.", look)
    # A request costs half a cent, and its GB-second, too.
    prices = dear(requests="5000.00", gb_second="0.005")
    for count in halves():
        month = Month([Log([Line(1000, 1024, count)])], prices)
        what = (
            "Requests and duration end in half a cent, and the total does not. The bill is wrong."
        )
        expect(function, month, what, look)


@pytest.mark.extra
def test_adds_up_tiers_over_functions(function):
    """Functions of one Region and architecture share the tiers, and each tier keeps its price."""
    look = "the tiers: only what is above `up_to` has the next price, and functions share them"
    first, second = (fresh.whole(2, 4) * 100_000, fresh.whole(9, 12) * 100_000)
    ends = (first, second)
    prices = {"us-east-1": region(*ends), "eu-south-1": region(*ends, dear=True)}

    def log(gb_seconds, **where):
        return Log([Line(1000, 1024, gb_seconds)], **where)

    part = fresh.whole(20_000, 99_000)
    arm, milan = {"architecture": ARM}, {"region": "eu-south-1"}
    for logs, what in (
        ([log(first + part)], "One function goes into the second tier."),
        ([log(second + part)], "One function goes into the third tier."),
        ([log(first - part), log(2 * part)], "Two functions fill the first tier together."),
        ([log(first), log(first, **arm), log(first, **milan)], "Three first tiers are full."),
    ):
        expect(function, Month(logs, prices), f"{what} The bill is wrong.", look)
    month = Month([log(first + 2 * part)], prices, free_gb_seconds=part)
    what = "The free tier comes off, and what is left goes into the second tier. The bill is wrong."
    expect(function, month, what, look)


@pytest.mark.extra
def test_prices_provisioned_concurrency(function):
    """Provisioned concurrency has prices for keeping and for running, and no free tier."""
    look = "a log with `provisioned`: three prices, no tiers, no free tier, seconds in steps of 300"
    names = ("requests", "duration", "provisioned")

    def kept(lines, seconds):
        more = {"concurrency": fresh.whole(2, 90), "memory_mb": memory, "seconds": seconds}
        return Log(lines, more={"provisioned": more})

    for _ in range(2):
        memory, steps = fresh.whole(512, 3008), fresh.whole(12, 2000)
        lines = [Line(memory_mb=memory), Line(memory_mb=memory)]
        odd = 300 * steps + fresh.whole(1, 299)
        for logs, what in (
            ([kept(lines, 300 * steps)], "It was kept for whole 5 minutes."),
            ([kept(lines, odd)], "It was kept for a part of 5 minutes more."),
            ([kept([], 300 * steps)], "It was kept, and never invoked."),
            ([kept(lines, odd), Log([Line()])], "One function has it, one has not."),
        ):
            month = Month(logs, {"us-east-1": region()}, 200_000, 5000)
            expect(function, month, f"{what} The bill is wrong.", look, names)


@pytest.mark.extra
def test_prices_storage(function):
    """The part of /tmp above 512 MB is billed, for the billed time."""
    look = "`storage_mb`: less 512 MB, in GB of 1,024 MB, times the billed seconds"
    sizes = (512, 513, 10_240, fresh.whole(600, 9000))
    for size, architecture in zip(sizes, (X86, ARM, X86, ARM), strict=True):
        lines = [Line(60_000), Line(30_000)]
        log = Log(lines, more={"storage_mb": size}, architecture=architecture)
        what = f"/tmp has {size} MB. The bill is wrong."
        expect(function, Month([log]), what, look, (*CORE, *EXTRA))


def dear(requests, gb_second):
    """Prices at which few requests cost something."""
    tiers = [{"up_to": FAR, "gb_second": gb_second}, {"gb_second": gb_second}]
    return {"us-east-1": {"requests": requests, X86: {"tiers": tiers}}}


def halves():
    """Odd numbers whose halves, in cents, are rounded down by float or to an even cent."""
    by_float = [n for n in range(1, 999, 2) if f"{n * 0.005:.2f}" != cents(Fraction(n, 200))]
    to_even = [n for n in range(1, 999, 4) if n not in by_float]
    return [*fresh.some_of(by_float, 4), *fresh.some_of(to_even, 2)]
