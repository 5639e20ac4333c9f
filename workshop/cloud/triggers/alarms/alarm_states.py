"""What state an alarm is in, and why, in CloudWatch's words.

Follows "Configuring how CloudWatch alarms treat missing data"
(https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/alarms-and-missing-data.html).
"""

from __future__ import annotations

import operator
from dataclasses import dataclass
from typing import Any

from ...base.times import in_milliseconds, utc

MORE_PERIODS = 2  # that are looked at in the place of missing ones, beside the evaluation periods
OPERATORS = {
    "GreaterThanThreshold": (operator.gt, "greater than"),
    "GreaterThanOrEqualToThreshold": (operator.ge, "greater than or equal to"),
    "LessThanThreshold": (operator.lt, "less than"),
    "LessThanOrEqualToThreshold": (operator.le, "less than or equal to"),
}


@dataclass(frozen=True)
class Point:
    """A period of the metric that has a value: its start, and of how many samples that is."""

    start: int
    value: float
    samples: float = 0


@dataclass(frozen=True)
class State:
    """OK, ALARM or INSUFFICIENT_DATA, the reason in words, and the reason's data."""

    value: str
    reason: str
    data: dict[str, Any]


def decide(alarm: dict[str, Any], points: list[Point]) -> State | None:
    """The state by the latest periods that have values, newest last; None where it stays.

    `alarm` is as DescribeAlarms has it.
    """
    if alarm["ComparisonOperator"] not in OPERATORS:
        return None  # a band: anomaly detection
    periods = alarm["EvaluationPeriods"]
    needed = alarm.get("DatapointsToAlarm") or periods
    treat = alarm.get("TreatMissingData") or "missing"
    known = points[-periods:]
    missing = periods - len(known)
    crosses, _ = OPERATORS[alarm["ComparisonOperator"]]
    breaching = [point for point in known if crosses(point.value, alarm["Threshold"])]
    data = _data(alarm, known)
    if treat == "missing":
        if not known:
            return State("INSUFFICIENT_DATA", _unknown(periods), data)
        needed = min(needed, len(known))
        missing_count = 0
    else:
        missing_count = missing if treat == "breaching" else 0
    if len(breaching) + missing_count >= needed:
        return State("ALARM", _reason(alarm, breaching, known, True), data)
    if treat == "ignore" and len(breaching) + missing >= needed:
        return None
    others = [point for point in known if point not in breaching]
    return State("OK", _reason(alarm, others, known, False), data)


def _reason(alarm: dict[str, Any], counted: list[Point], known: list[Point], alarming: bool) -> str:
    """`counted` are the data points that led to the state."""
    if not known:
        missing, treat = alarm["EvaluationPeriods"], alarm.get("TreatMissingData", "")
        how = {"breaching": "Breaching", "notBreaching": "NonBreaching"}.get(treat, "Ignored")
        periods = f"{missing} period{_s(missing)}"
        were = "were" if missing > 1 else "was"
        return (
            f"Threshold Crossed: no datapoints were received for {periods} and "
            f"{missing} missing datapoint{_s(missing)} {were} treated as [{how}]."
        )
    values = ", ".join(f"{float(point.value)} ({_when(point.start)})" for point in counted)
    were = "were" if len(counted) > 1 else "was"
    words = f"{were} {'' if alarming else 'not '}{OPERATORS[alarm['ComparisonOperator']][1]}"
    threshold = f"the threshold ({float(alarm['Threshold'])})"
    if not alarm.get("DatapointsToAlarm"):
        number = f"{len(counted)} datapoint{_s(len(counted))}"
        return f"Threshold Crossed: {number} [{values}] {words} {threshold}."
    needed = alarm["DatapointsToAlarm"]
    way = "OK -> ALARM" if alarming else "ALARM -> OK"
    return (
        f"Threshold Crossed: {len(counted)} out of the last {alarm['EvaluationPeriods']} "
        f"datapoints [{values}] {words} {threshold} "
        f"(minimum {needed} datapoint{_s(needed)} for {way} transition)."
    )


def _unknown(periods: int) -> str:
    were = "were" if periods > 1 else "was"
    return f"Insufficient Data: {periods} datapoint{_s(periods)} {were} unknown."


def _data(alarm: dict[str, Any], known: list[Point]) -> dict[str, Any]:
    data: dict[str, Any] = {
        "version": "1.0",
        "queryDate": in_milliseconds(zone="+0000"),
    }
    if known:
        data["startDate"] = in_milliseconds(known[0].start, "+0000")
    return data | {
        "statistic": alarm.get("Statistic") or alarm.get("ExtendedStatistic"),
        "period": alarm["Period"],
        "recentDatapoints": [float(point.value) for point in known],
        "threshold": float(alarm["Threshold"]),
        "evaluatedDatapoints": [
            {
                "timestamp": in_milliseconds(point.start, "+0000"),
                "sampleCount": float(point.samples),
                "value": float(point.value),
            }
            for point in reversed(known)
        ],
    }


def _when(start: int) -> str:
    return f"{utc(start):%d/%m/%y %H:%M:%S}"


def _s(count: int) -> str:
    return "s" if count > 1 else ""
