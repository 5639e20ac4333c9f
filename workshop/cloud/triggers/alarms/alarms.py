"""CloudWatch alarms: evaluates them, and does what they ask for when their state changes.

Follows "Using Amazon CloudWatch alarms"
(https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/AlarmThatSendsEmail.html) for alarms
on one metric with a fixed threshold. AWS looks once a minute, at periods that are over. Here the
period that is not over yet counts too, and alarms are evaluated when CloudWatch is asked and when
the cloud gets idle: a notebook waits for no minute.
"""

from __future__ import annotations

import json
import threading
import time
from typing import Any

from ...access.resource_policy import Source
from ...base.arns import Arn
from ...base.times import utc
from ...functions.sending import Clients, Extras
from ..push.deliveries import Deliveries
from .alarm_messages import lambda_event, region_name, sns_message
from .alarm_states import MORE_PERIODS, Point, decide

PRINCIPAL = "lambda.alarms.cloudwatch.amazonaws.com"
ACTIONS = {
    "ALARM": "AlarmActions",
    "OK": "OKActions",
    "INSUFFICIENT_DATA": "InsufficientDataActions",
}


class Alarms:
    """`ask(service, region)` gives boto3 clients with which asking evaluates no alarm again."""

    def __init__(self, ask: Clients, deliveries: Deliveries, account_id: str) -> None:
        self._ask, self._deliveries, self._account_id = ask, deliveries, account_id
        self._regions: set[str] = set()  # where somebody may have put an alarm
        self._lock = threading.Lock()  # one evaluation at a time, so that each change shows once

    def look_at(self, region: str) -> None:
        """From now on a region may have alarms."""
        self._regions.add(region)

    def evaluate(self) -> int:
        """Brings every alarm up to date; returns how many changed their state."""
        if not self._regions:
            return 0
        with self._lock:
            return sum(self._evaluate_region(region) for region in list(self._regions))

    def changed(self, region: str, name: str, before: dict[str, Any]) -> None:
        """An alarm has another state than before: carries out its actions."""
        found = self._ask("cloudwatch", region).describe_alarms(AlarmNames=[name])
        for alarm in found["MetricAlarms"]:
            if alarm["ActionsEnabled"]:
                for action in alarm[ACTIONS[alarm["StateValue"]]]:
                    self._carry_out(action, alarm, before, region)

    def _evaluate_region(self, region: str) -> int:
        cloudwatch = self._ask("cloudwatch", region)
        found = cloudwatch.describe_alarms(AlarmTypes=["MetricAlarm"])["MetricAlarms"]
        return sum(self._evaluate_alarm(cloudwatch, alarm) for alarm in found if is_simple(alarm))

    def _evaluate_alarm(self, cloudwatch: Any, alarm: dict[str, Any]) -> bool:
        """Whether the alarm's state changed."""
        state = decide(alarm, self._points(cloudwatch, alarm))
        if state is None or state.value == alarm["StateValue"]:
            return False
        try:
            cloudwatch.set_alarm_state(
                AlarmName=alarm["AlarmName"],
                StateValue=state.value,
                StateReason=state.reason,
                StateReasonData=json.dumps(state.data),
            )
        except cloudwatch.exceptions.ResourceNotFound:  # it was deleted meanwhile
            return False
        return True

    def _points(self, cloudwatch: Any, alarm: dict[str, Any]) -> list[Point]:
        """The latest periods that have values, newest last; the last one is not over."""
        period = alarm["Period"]
        count = alarm["EvaluationPeriods"] + MORE_PERIODS
        latest = int(time.time()) // period * period
        starts = [latest - period * number for number in reversed(range(count))]
        asked = {
            "Namespace": alarm["Namespace"],
            "MetricName": alarm["MetricName"],
            "Dimensions": alarm.get("Dimensions", []),
            "StartTime": utc(starts[0]),
            "EndTime": utc(latest + period),
            "Period": period,
        }
        if alarm.get("ExtendedStatistic"):
            asked["ExtendedStatistics"] = [alarm["ExtendedStatistic"]]
            asked["Statistics"] = ["SampleCount"]
        else:
            asked["Statistics"] = [alarm["Statistic"], "SampleCount"]
        if alarm.get("Unit"):
            asked["Unit"] = alarm["Unit"]
        found = {
            int(each["Timestamp"].timestamp()): each
            for each in cloudwatch.get_metric_statistics(**asked)["Datapoints"]
        }
        points = [_point(start, found[start], alarm) for start in starts if start in found]
        return [point for point in points if point]

    def _carry_out(
        self, action: str, alarm: dict[str, Any], before: dict[str, Any], region: str
    ) -> None:
        service = Arn.parse(action).service
        source = Source(PRINCIPAL, alarm["AlarmArn"], self._account_id)
        if service == "lambda":
            event = lambda_event(alarm, before, self._account_id, region)
            self._deliveries.try_to_send(action, event, source)
        elif service == "sns":  # a topic that is gone: AWS says so in the alarm's history
            message = sns_message(alarm, before, self._account_id, region)
            subject = f'{alarm["StateValue"]}: "{alarm["AlarmName"]}" in {region_name(region)}'
            extras = Extras(message={"Subject": subject})
            self._deliveries.try_to_send(action, message, source, extras)
        else:
            self._deliveries.note(f"{alarm['AlarmArn']}: the local cloud can't do {action}")


def is_simple(alarm: dict[str, Any]) -> bool:
    """Whether an alarm is on one metric with a fixed threshold: no metric math, no band."""
    named = alarm.get("MetricName") and alarm.get("Period")
    statistic = alarm.get("Statistic") or alarm.get("ExtendedStatistic")
    return bool(named and statistic and alarm.get("Threshold") is not None)


def _point(start: int, found: dict[str, Any], alarm: dict[str, Any]) -> Point | None:
    extended = alarm.get("ExtendedStatistic")
    value = (
        found.get("ExtendedStatistics", {}).get(extended)
        if extended
        else found.get(alarm["Statistic"])
    )
    return None if value is None else Point(start, value, found["SampleCount"])
