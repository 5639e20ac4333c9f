"""The examples that AWS publishes beside its prices, computed again from workshop/prices.toml.

They stand at https://aws.amazon.com/lambda/pricing/, for US East (N. Virginia), and were read in
November 2026. Two more examples of that page cannot be met to the cent: "Tenant Isolation" rounds
$333.334 up to $333.34, and the first one on Kafka counts 60 million requests where it says 30.
"""

from __future__ import annotations

import json
from decimal import ROUND_HALF_UP, Decimal

import pytest

from workshop.cloud import LocalCloud
from workshop.examples.invoke import account_of
from workshop.grading.function import deploy
from workshop.paths import repository
from workshop.prices import OTHER, TABLE, Bill, price_list

MILLION = 1_000_000
REGION = "us-east-1"


@pytest.fixture(scope="module")
def bill():
    """The solution of stage 11, as a function that runs."""
    with LocalCloud() as cloud:
        client = account_of(cloud).client("lambda")
        folder = repository() / "solutions" / "stage_11_pricing"
        function = deploy(client, folder, changes={"Handler": "handler.bill"})
        yield lambda event: function.invoke(event).value


def log(requests, billed_ms, memory_mb, architecture="x86_64", **more):
    """So many requests, all alike."""
    message = (
        f"REPORT RequestId: 8e1f\tDuration: {billed_ms - 0.5:.2f} ms\tBilled Duration: {billed_ms} "
        f"ms\tMemory Size: {memory_mb} MB\tMax Memory Used: {memory_mb // 2} MB\t\n"
    )
    return {
        "function": "f",
        "region": REGION,
        "architecture": architecture,
        "events": [{"message": message, "times": requests}],
        **more,
    }


def kept(concurrency, hours, memory_mb):
    """Provisioned concurrency for so long."""
    seconds = hours * 3600
    return {"concurrency": concurrency, "memory_mb": memory_mb, "seconds": seconds}


VEHICLES = 10_000 * 24 * 31
LAUNCH = [
    log(500_000, 100, 1536, provisioned=kept(100, 8, 1536)),
    log(2_500_000, 120, 1536),
]
CYBER_MONDAY = log(2 * MILLION, 280, 4096, provisioned=kept(7, 24, 4096))
PUBLISHED = {
    # Amounts as the page has them. The third is whether the free tier comes off.
    "mobile backend": ([log(3 * MILLION, 120, 1536)], "2.33 0.40 2.73", True),
    "telemetry": ([log(VEHICLES, 2000, 1024)], "248.00 1.49 249.49", False),
    "support tickets": (
        [log(6 * MILLION, 280, 4096, storage_mb=2048)],
        "105.33 1.00 106.41",
        True,
    ),
    "launch": (LAUNCH, "1.56 0.40 19.96", True),
    "Cyber Monday": ([CYBER_MONDAY], "21.78 0.40 32.26", False),
    "claims, arm64": (
        [log(MILLION, 30_000, 1024, "arm64"), log(MILLION, 2000, 1024, "arm64")],
        "421.34 0.20 421.54",
        True,
    ),
    "web content": ([log(3 * MILLION, 500, 1536)], "30.83 0.40 31.23", True),
    "market data": ([log(30 * MILLION, 1000, 1024)], "500.00 6.00 506.00", False),
}


@pytest.mark.parametrize("name", PUBLISHED)
def test_the_solution_bills_as_aws_does(bill, name):
    """Where the page names parts (launch: $0.73 and $0.83), their sum is meant."""
    logs, said, free = PUBLISHED[name]
    prices = price_list(REGION)
    if not free:
        prices["free"] = {"requests": 0, "gb_seconds": 0}
    made = bill({"prices": prices, "logs": logs})
    assert " ".join(made[key] for key in ("duration", "requests", "total")) == said


def test_the_solution_bills_what_is_kept_as_aws_does(bill):
    for logs, provisioned in ((LAUNCH, "18.00"), ([CYBER_MONDAY], "10.08")):
        event = {"prices": price_list(REGION), "logs": logs}
        assert bill(event)["provisioned"] == provisioned


@pytest.mark.parametrize(
    ("name", "amount", "said"),
    [
        ("snapstart_cache", 24 * 31 * 3600, "4.03"),
        ("snapstart_restore", VEHICLES // 100, "10.40"),
        ("streamed_gb", Decimal("976.56"), "7.81"),
        ("kafka_poller_hour", 800, "148.00"),
        ("kafka_poller_hour", 720, "133.20"),
        ("sqs_poller_hour", 8000, "74.00"),
    ],
)
def test_the_other_prices_give_what_aws_says(name, amount, said):
    assert (OTHER[name] * amount).quantize(Decimal("0.01"), ROUND_HALF_UP) == Decimal(said)


def test_the_workshops_own_bill_is_that_of_the_page():
    seconds = Decimal(3 * MILLION * 120) / 1000
    paid = Bill(3 * MILLION, seconds * 1536 / 1024).after_the_free_tier()
    assert round(paid.for_duration, 2) == Decimal("2.33")
    assert round(paid.total, 2) == Decimal("2.73")


def test_provisioned_concurrency_pays_from_60_percent_of_use_on():
    """The page says so of no number: kept / (on demand - its own duration) is 0.6."""
    for architecture in ("x86_64", "arm64"):
        prices = TABLE["regions"][REGION][architecture]
        on_demand = Decimal(prices["tiers"][0]["gb_second"])
        saved = on_demand - Decimal(prices["provisioned_duration"])
        assert round(Decimal(prices["provisioned"]) / saved, 3) == Decimal("0.600")


def test_the_example_of_the_stage_has_the_prices_of_the_table():
    event = repository() / "exercises" / "stage_11_pricing" / "event.json"
    prices = json.loads(event.read_text(encoding="utf-8"))["prices"]
    regions = {name: for_a_bill(table) for name, table in TABLE["regions"].items()}
    assert prices == {"free": TABLE["free"], "regions": regions}


def for_a_bill(region):
    """What the example has of a Region: what the core of the exercise needs."""
    architectures = {
        name: {"tiers": region[name]["tiers"]} for name in ("x86_64", "arm64") if name in region
    }
    return {"requests": region["requests"], **architectures}
