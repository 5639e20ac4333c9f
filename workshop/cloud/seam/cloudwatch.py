"""moto's CloudWatch: knows the metrics of functions and queues, and answers for one as AWS does.

AWS takes each combination of dimensions as a metric of its own, counts periods from whole minutes,
and knows percentiles. moto mixes a metric with those that have more dimensions, counts periods
from the first value, and has no percentiles.
"""

from __future__ import annotations

import math
from datetime import datetime, timedelta, timezone
from typing import Any

from moto.cloudwatch.exceptions import InvalidParameterCombination, InvalidParameterValue
from moto.cloudwatch.metric_data_expression_parser import parse_expression
from moto.cloudwatch.models import (
    Alarm,
    CloudWatchBackend,
    MetricAggregatedDatum,
    MetricDatumBase,
    Statistics,
)
from moto.cloudwatch.responses import CloudWatchResponse
from moto.core.common_models import CloudWatchMetricProvider
from moto.core.responses import ActionResult

from ..functions.metrics import NAMESPACE, Datum
from .hooks import hooks_or_none
from .sqs import queue_metrics

SIMPLE = {
    "SampleCount": Statistics.calc_sample_count,
    "Sum": Statistics.calc_sum,
    "Average": lambda found: found.calc_sum() / found.calc_sample_count(),
    "Minimum": lambda found: found.minimum,
    "Maximum": lambda found: found.maximum,
}
_put_metric_alarm = CloudWatchBackend.put_metric_alarm
_get_metric_data = CloudWatchBackend.get_metric_data
_update_state = Alarm.update_state


def install() -> None:
    """Puts the functions of this module in moto's place; does nothing more the second time."""
    CloudWatchBackend.put_metric_alarm = put_metric_alarm
    CloudWatchBackend.get_metric_data = get_metric_data
    CloudWatchBackend.get_filtered_metrics = get_filtered_metrics
    CloudWatchResponse.get_metric_statistics = get_metric_statistics
    Alarm.update_state = update_state


class LambdaMetrics(CloudWatchMetricProvider):
    """What moto asks for the metrics of AWS's own services; it finds the class by itself."""

    @staticmethod
    def get_cloudwatch_metrics(account_id: str, region: str) -> list[MetricDatumBase]:
        """Lambda's metrics of the running cloud, one datum a minute."""
        hooks = hooks_or_none()
        return [_Datum(NAMESPACE, each) for each in hooks.metrics.data(region)] if hooks else []


class QueueMetrics(CloudWatchMetricProvider):
    """The same for the queues of SQS."""

    @staticmethod
    def get_cloudwatch_metrics(account_id: str, region: str) -> list[MetricDatumBase]:
        """The metrics of every queue, one datum a minute."""
        return [_Datum("AWS/SQS", each) for each in queue_metrics(account_id, region)]


class _Datum(MetricAggregatedDatum):
    def __init__(self, namespace: str, datum: Datum) -> None:
        super().__init__(
            namespace=namespace,
            name=datum.name,
            min_stat=datum.minimum,
            max_stat=datum.maximum,
            sample_count=datum.count,
            sum_stat=datum.sum,
            dimensions=[{"Name": name, "Value": value} for name, value in datum.dimensions],
            timestamp=datetime.fromtimestamp(datum.minute, timezone.utc).replace(tzinfo=None),
            unit=datum.unit,
        )
        self.values = datum.values


def get_metric_statistics(self: CloudWatchResponse) -> ActionResult:
    """GetMetricStatistics, of exactly the metric that was asked for."""
    names = [*self._get_param("Statistics", []), *self._get_param("ExtendedStatistics", [])]
    if not names:
        raise InvalidParameterCombination("Must specify either Statistics or ExtendedStatistics")
    start, end = self._get_param("StartTime"), self._get_param("EndTime")
    period = self._get_int_param("Period")
    if start >= end:
        raise InvalidParameterValue(
            "The parameter StartTime must be less than the parameter EndTime."
        )
    found = read(
        self.cloudwatch_backend,
        self._get_param("Namespace"),
        self._get_param("MetricName"),
        self._get_param("Dimensions", []),
        self._get_param("Unit"),
    )
    periods = _periods(found, start, end, period)
    points = [_point(time, data, names) for time, data in periods]
    return ActionResult({"Label": self._get_param("MetricName"), "Datapoints": points})


def get_metric_data(
    self: CloudWatchBackend,
    queries: list[dict[str, Any]],
    start_time: datetime,
    end_time: datetime,
    scan_by: str = "TimestampAscending",
) -> list[dict[str, Any]]:
    """GetMetricData: metrics here, expressions over them by moto's own parser."""
    if any(str(query.get("Expression", "")).startswith("SELECT") for query in queries):
        return _get_metric_data(self, queries, start_time, end_time, scan_by)
    _get_metric_data(self, [], start_time, end_time, scan_by)  # checks the times
    metrics = {
        query["Id"]: _series(self, query, start_time, end_time)
        for query in queries
        if "MetricStat" in query
    }
    answers = []
    for query in queries:
        answer = metrics.get(query["Id"])
        if answer is None:
            values, timestamps = parse_expression(query["Expression"], list(metrics.values()))
            answer = _answer(query, query["Id"], list(values), list(timestamps))
        if query.get("ReturnData", True):
            answers.append(answer)
    if scan_by == "TimestampDescending":
        for answer in answers:
            answer["values"] = answer["values"][::-1]
            answer["timestamps"] = answer["timestamps"][::-1]
    return answers


def get_filtered_metrics(
    self: CloudWatchBackend, metric_name: str, namespace: str, dimensions: list[dict[str, str]]
) -> list[MetricDatumBase]:
    """ListMetrics: each metric once, which moto does for those with one dimension only."""
    found: dict[Any, MetricDatumBase] = {}
    for datum in self.get_all_metrics():
        if datum.filter(namespace, metric_name, dimensions):
            key = datum.namespace, datum.name, frozenset(_named(datum))
            found.setdefault(key, datum)
    return list(found.values())


def put_metric_alarm(self: CloudWatchBackend, name: str, **spec: Any) -> Alarm:
    """A new alarm knows nothing yet; one that is changed keeps its state."""
    before = self.alarms.get(name)
    alarm = _put_metric_alarm(self, name=name, **spec)
    if before is None:
        alarm.state_value = "INSUFFICIENT_DATA"
    else:
        alarm.state_value, alarm.state_reason = before.state_value, before.state_reason
        alarm.state_reason_data, alarm.history = before.state_reason_data, before.history
    return alarm


def update_state(self: Alarm, reason: str, reason_data: str, state_value: str) -> None:
    """An alarm's new state, of which those hear who carry out its actions."""
    before = {
        "value": self.state_value,
        "reason": self.state_reason,
        "reasonData": self.state_reason_data,
        "timestamp": self.state_updated_timestamp,
    }
    _update_state(self, reason, reason_data, state_value)
    hooks = hooks_or_none()
    if hooks and before["value"] != state_value:
        hooks.alarms.changed(self.region_name, self.name, before)


def read(
    backend: CloudWatchBackend,
    namespace: str,
    name: str,
    dimensions: list[dict[str, str]],
    unit: str | None,
) -> list[MetricDatumBase]:
    """The data of one metric: of its namespace, its name, and just these dimensions."""
    wanted = {(each["Name"], each["Value"]) for each in dimensions}
    return [
        datum
        for datum in backend.get_all_metrics()
        if (datum.namespace, datum.name) == (namespace, name)
        and _named(datum) == wanted
        and unit in (None, datum.unit)
    ]


def _named(datum: MetricDatumBase) -> set[tuple[Any, Any]]:
    return {(each.name, each.value) for each in datum.dimensions}


def _periods(
    found: list[MetricDatumBase], start: datetime, end: datetime, period: int
) -> list[tuple[datetime, list[MetricDatumBase]]]:
    """The data by period, oldest first, without empty ones; from a whole minute on."""
    start = _plain(start)
    start -= timedelta(seconds=start.second % min(period, 60), microseconds=start.microsecond)
    by_period: dict[int, list[MetricDatumBase]] = {}
    for datum in found:
        if start <= _plain(datum.timestamp) < _plain(end):
            number = int((_plain(datum.timestamp) - start).total_seconds()) // period
            by_period.setdefault(number, []).append(datum)
    return [(start + timedelta(seconds=n * period), by_period[n]) for n in sorted(by_period)]


def _series(
    backend: CloudWatchBackend, query: dict[str, Any], start: datetime, end: datetime
) -> dict[str, Any]:
    stat = query["MetricStat"]
    metric = stat["Metric"]
    found = read(
        backend,
        metric["Namespace"],
        metric["MetricName"],
        metric.get("Dimensions", []),
        stat.get("Unit"),
    )
    points = [
        (time, _statistic(data, stat["Stat"]))
        for time, data in _periods(found, start, end, int(stat["Period"]))
    ]
    points = [(time, value) for time, value in points if value is not None]
    label = f"{metric['MetricName']} {stat['Stat']}"
    return _answer(query, label, [value for _, value in points], [time for time, _ in points])


def _answer(
    query: dict[str, Any], label: str, values: list[Any], timestamps: list[datetime]
) -> dict[str, Any]:
    return {
        "id": query["Id"],
        "label": query.get("Label") or label,
        "values": values,
        "timestamps": timestamps,
        "status_code": "Complete",
    }


def _point(time: datetime, data: list[MetricDatumBase], names: list[str]) -> dict[str, Any]:
    values = {name: _statistic(data, name) for name in names}
    values = {name: value for name, value in values.items() if value is not None}
    point: dict[str, Any] = {k: v for k, v in values.items() if k in SIMPLE}
    extended = {k: v for k, v in values.items() if k not in SIMPLE}
    if extended:
        point["ExtendedStatistics"] = extended
    return {"Timestamp": time, "Unit": data[0].unit, **point}


def _statistic(data: list[MetricDatumBase], name: str) -> float | None:
    """Sum, Average, Minimum, Maximum, SampleCount, or a percentile such as p95 or p99.9."""
    if name in SIMPLE:
        found = Statistics([name], data[0].timestamp)
        found.metric_data = data
        return SIMPLE[name](found)
    try:
        share = float(name.removeprefix("p")) / 100
    except ValueError:
        return None  # a trimmed mean or the like
    values = sorted(v for each in data for v in getattr(each, "values", None) or _value(each))
    return values[max(0, math.ceil(share * len(values)) - 1)] if values else None


def _value(datum: MetricDatumBase) -> list[float]:
    value = getattr(datum, "value", None)
    return [] if value is None else [value]


def _plain(time: datetime) -> datetime:
    """In UTC, without saying so: moto has both kinds."""
    return time.astimezone(timezone.utc).replace(tzinfo=None) if time.tzinfo else time
