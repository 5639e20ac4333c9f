"""What an alarm's actions carry: the message to a topic, the event to a function.

Follows "Notifying users on alarm changes" and "Invoke a Lambda function from an alarm"
(https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/alarms-and-actions-Lambda.html).
`alarm` is as DescribeAlarms has it; `before` is the state that it had: value, reason, reasonData,
timestamp.
"""

from __future__ import annotations

import functools
from datetime import datetime
from typing import Any

from ...base.times import in_milliseconds


def sns_message(
    alarm: dict[str, Any], before: dict[str, Any], account_id: str, region: str
) -> dict[str, Any]:
    """What CloudWatch publishes to a topic."""
    extended = alarm.get("ExtendedStatistic")
    return {
        "AlarmName": alarm["AlarmName"],
        "AlarmDescription": alarm.get("AlarmDescription"),
        "AWSAccountId": account_id,
        "AlarmConfigurationUpdatedTimestamp": in_milliseconds(
            alarm["AlarmConfigurationUpdatedTimestamp"], "+0000"
        ),
        "NewStateValue": alarm["StateValue"],
        "NewStateReason": alarm["StateReason"],
        "StateChangeTime": _time(alarm["StateUpdatedTimestamp"]),
        "Region": region_name(region),
        "AlarmArn": alarm["AlarmArn"],
        "OldStateValue": before["value"],
        "OKActions": alarm["OKActions"],
        "AlarmActions": alarm["AlarmActions"],
        "InsufficientDataActions": alarm["InsufficientDataActions"],
        "Trigger": {
            "MetricName": alarm.get("MetricName"),
            "Namespace": alarm.get("Namespace"),
            "StatisticType": "ExtendedStatistic" if extended else "Statistic",
            **(
                {"ExtendedStatistic": extended}
                if extended
                else {"Statistic": alarm.get("Statistic", "").upper()}
            ),
            "Unit": alarm.get("Unit"),
            "Dimensions": [
                {"value": each["Value"], "name": each["Name"]} for each in alarm["Dimensions"]
            ],
            "Period": alarm.get("Period"),
            "EvaluationPeriods": alarm["EvaluationPeriods"],
            **(
                {"DatapointsToAlarm": alarm["DatapointsToAlarm"]}
                if alarm.get("DatapointsToAlarm")
                else {}
            ),
            "ComparisonOperator": alarm["ComparisonOperator"],
            "Threshold": alarm.get("Threshold"),
            "TreatMissingData": alarm.get("TreatMissingData") or "missing",
            "EvaluateLowSampleCountPercentile": alarm.get("EvaluateLowSampleCountPercentile", ""),
        },
    }


def lambda_event(
    alarm: dict[str, Any], before: dict[str, Any], account_id: str, region: str
) -> dict[str, Any]:
    """What CloudWatch sends to a function that is an alarm's action."""
    stat = alarm.get("ExtendedStatistic") or alarm.get("Statistic")
    metric = {
        "namespace": alarm.get("Namespace"),
        "name": alarm.get("MetricName"),
        "dimensions": {each["Name"]: each["Value"] for each in alarm["Dimensions"]},
    }
    return {
        "source": "aws.cloudwatch",
        "alarmArn": alarm["AlarmArn"],
        "accountId": account_id,
        "time": _time(alarm["StateUpdatedTimestamp"]),
        "region": region,
        "alarmData": {
            "alarmName": alarm["AlarmName"],
            "state": {
                "value": alarm["StateValue"],
                "reason": alarm["StateReason"],
                "reasonData": alarm.get("StateReasonData") or "{}",
                "timestamp": _time(alarm["StateUpdatedTimestamp"]),
            },
            "previousState": {**before, "timestamp": _time(before["timestamp"])},
            "configuration": {
                "description": alarm.get("AlarmDescription"),
                "metrics": [
                    {
                        "id": "m1",
                        "metricStat": {
                            "metric": metric,
                            "period": alarm.get("Period"),
                            "stat": stat,
                        },
                        "returnData": True,
                    }
                ],
            },
        },
    }


def _time(moment: datetime) -> str:
    return in_milliseconds(moment, "+0000")


@functools.lru_cache
def region_name(region: str) -> str:
    """Such as `US East (N. Virginia)`, as botocore knows it."""
    import botocore.session

    for partition in botocore.session.get_session().get_data("endpoints")["partitions"]:
        if region in partition["regions"]:
            return partition["regions"][region]["description"]
    return region
