"""What the notebooks load: the extension, the magic, the bill, the timeline."""

from __future__ import annotations

import os
from decimal import Decimal

import boto3
import matplotlib
import pytest
from IPython.core.interactiveshell import InteractiveShell
from support import stubs

from workshop.cloud import Invocation
from workshop.cloud.base.variables import no_account
from workshop.notebook import deploy_exercise, extension, log_events, print_bill, timeline
from workshop.prices import Bill, bill, gb_seconds


def invocation(environment: str, received: float, start: float, end: float, init=None):
    """An invocation, times in seconds."""
    return Invocation(
        *("f", "id", environment, init is not None, received, start, end, init),
        duration_ms=(end - start) * 1000,
        billed_ms=int((end - start) * 1000 + (init or 0)),
        memory_size_mb=1024,
        max_memory_mb=40,
        status="success",
    )


@pytest.fixture
def shell(monkeypatch):
    """An IPython with the workshop loaded, as after `%load_ext workshop.notebook`."""
    before = dict(os.environ)
    monkeypatch.setattr(boto3, "DEFAULT_SESSION", None)
    os.environ["AWS_PROFILE"] = "work"
    shell = InteractiveShell()
    extension.load_ipython_extension(shell)
    yield shell
    extension.unload_ipython_extension(shell)
    assert dict(os.environ) == no_account(os.environ)
    assert not {"AWS_PROFILE", "AWS_ACCESS_KEY_ID"} & set(os.environ)
    os.environ.clear()
    os.environ.update(before)


def test_loading_points_boto3_at_the_local_cloud(shell, capsys):
    assert "AWS_PROFILE" not in os.environ
    cloud = shell.user_ns["cloud"]
    assert boto3.client("lambda").meta.endpoint_url == cloud.endpoint_url
    assert boto3.client("sts").get_caller_identity()["Account"] == "123456789012"
    extension.load_ipython_extension(shell)
    assert shell.user_ns["cloud"] is cloud, "loaded twice, it stays the same cloud"


def test_reloading_begins_with_an_empty_cloud(shell):
    boto3.client("s3").create_bucket(Bucket="before")
    extension.unload_ipython_extension(shell)
    extension.load_ipython_extension(shell)
    assert boto3.client("s3").list_buckets()["Buckets"] == []


def test_check_magic_speaks_as_the_command(shell, capfd, tmp_path, monkeypatch):
    monkeypatch.setenv("WORKSHOP_EXERCISES", str(stubs(tmp_path)))
    shell.run_line_magic("check", "01")
    assert "it is meant to fail" in capfd.readouterr().out
    shell.run_line_magic("check", "77")
    assert "There is no stage '77'" in capfd.readouterr().err
    shell.run_line_magic("check", "--nonsense")
    assert "for example: %check 01" in capfd.readouterr().err


def test_deploy_exercise_says_what_to_mend(shell, tmp_path, monkeypatch, capsys):
    monkeypatch.setenv("WORKSHOP_EXERCISES", str(tmp_path))
    assert deploy_exercise("01") is None
    assert "stage_01_hello_lambda is missing" in capsys.readouterr().out
    monkeypatch.setenv("WORKSHOP_EXERCISES", "solutions")
    fare = deploy_exercise("01", CITY="Washington")
    settings = boto3.client("lambda").get_function_configuration(FunctionName=fare.name)
    assert settings["Environment"]["Variables"] == {"CITY": "Washington"}
    ride = {"ride_id": "R", "started_at": "2026-05-04T08:00Z", "ended_at": "2026-05-04T08:10Z"}
    result = fare.invoke({**ride, "rider": "casual", "bike": "electric"})
    assert result.value["fare_cents"] == 250
    messages = log_events(boto3.client("logs"), f"/aws/lambda/{fare.name}")
    assert messages[-1].startswith("REPORT")


def test_bill_of_a_thousand_requests():
    """1,000 requests at 1,024 MB, 1 s each, x86."""
    total = bill([(1000, 1024)] * 1000)
    assert total.gb_seconds == 1000
    assert total.for_requests == Decimal("0.0002")
    assert total.for_duration == Decimal("0.0166667000")


def test_bill_of_known_examples():
    """Worked out by hand: 3 million requests of 120 ms at 512 MB are 180,000 GB-seconds."""
    example = Bill(3_000_000, 3_000_000 * gb_seconds(120, 512))
    assert example.gb_seconds == 180_000
    assert round(example.for_duration, 2) == Decimal("3.00")
    assert example.for_requests == Decimal("0.60")


@pytest.mark.parametrize("architecture", ["x86_64", "arm64"])
def test_tiers(architecture):
    """8 billion GB-seconds: the first tier in full, the rest in the second."""
    first = {"x86_64": 6_000_000_000, "arm64": 7_500_000_000}[architecture]
    prices = {
        "x86_64": (Decimal("0.0000166667"), Decimal("0.0000150000")),
        "arm64": (Decimal("0.0000133334"), Decimal("0.0000120001")),
    }[architecture]
    whole = Bill(0, Decimal(8_000_000_000), architecture).for_duration
    assert whole == first * prices[0] + (8_000_000_000 - first) * prices[1]
    third = Bill(0, Decimal(20_000_000_000), architecture).for_duration
    assert whole < third < 20_000_000_000 * prices[0]


def test_printed_bill(capsys):
    print_bill([invocation("a", 0, 0.1, 1.1, init=100.0), invocation("a", 2, 2, 3)])
    said = capsys.readouterr().out
    assert "requests                             2" in said
    assert "2,100 ms" in said
    assert "19 September 2026" in said


def test_timeline_draws_a_row_for_each_environment():
    import matplotlib.pyplot as plt

    matplotlib.use("Agg")
    plt.close("all")
    timeline(
        [
            invocation("a", 0.0, 0.1, 0.4, init=90.0),
            invocation("b", 0.0, 0.2, 0.5, init=80.0),
            invocation("a", 0.6, 0.6, 0.9),
        ]
    )
    (axes,) = plt.gcf().axes
    assert [label.get_text() for label in axes.get_yticklabels()] == [
        "environment 1",
        "environment 2",
    ]
    widths = sorted(round(bar.get_width(), 2) for bar in axes.patches if bar.get_width())
    assert widths == [0.08, 0.09, 0.3, 0.3, 0.3]
    plt.close("all")


def test_timeline_of_nothing(capsys):
    timeline([])
    assert "Nothing ran yet" in capsys.readouterr().out
