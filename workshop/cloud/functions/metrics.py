"""Lambda's metrics, as CloudWatch shows them in the namespace AWS/Lambda.

Follows "Types of metrics for Lambda functions"
(https://docs.aws.amazon.com/lambda/latest/dg/monitoring-metrics-types.html). An invocation only
notes its figures; they are added up, minute by minute, when somebody asks.
"""

from __future__ import annotations

import random
import threading
import time
from array import array
from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass, field

from ..base.arns import Arn
from ..base.model import FunctionVersion

NAMESPACE = "AWS/Lambda"
KEPT_SERIES = 20_000  # minutes of metrics; the oldest go first
KEPT_VALUES = 500  # of one metric in one minute, for percentiles
MOST_NOTED = 1_000  # invocations, before their figures are added up
MILLISECONDS = ("Duration", "AsyncEventAge", "IteratorAge")
ACCOUNT_ONLY = ("UnreservedConcurrentExecutions", "ClaimedAccountConcurrency")

Dimensions = tuple[tuple[str, str], ...]  # sorted by name
Value = float | tuple[float, float, float]  # the same everywhere, or of account, function, resource


@dataclass(slots=True)
class Datum:
    """What came of one metric in one minute."""

    name: str
    dimensions: Dimensions
    minute: int  # seconds since 1970, a multiple of 60
    unit: str
    count: int = 0
    sum: float = 0.0
    minimum: float = float("inf")
    maximum: float = float("-inf")
    # Some of them, where there were many: an array takes a quarter of a list's memory.
    values: array[float] = field(default_factory=lambda: array("d"))

    def add(self, value: float) -> None:
        """Takes one value in."""
        self.count += 1
        self.sum += value
        self.minimum, self.maximum = min(self.minimum, value), max(self.maximum, value)
        if self.unit != "Milliseconds":
            return
        if len(self.values) < KEPT_VALUES:
            self.values.append(value)
        elif (place := random.randrange(self.count)) < KEPT_VALUES:
            self.values[place] = value  # so that each value had the same chance to be kept


@dataclass(frozen=True, slots=True)
class _Noted:
    at: float
    region: str
    resource: str  # such as `name`, `name:3` or `name:live`
    version: str
    values: Mapping[str, Value]


class Metrics:
    """Notes figures at next to no cost, and gives them by the minute."""

    def __init__(self) -> None:
        self._noted: deque[_Noted] = deque()
        self._series: dict[tuple[str, int, str, Dimensions], Datum] = {}
        self._lock = threading.Lock()

    def note(
        self,
        function: FunctionVersion,
        invoked_arn: str,
        values: Mapping[str, Value],
        at: float | None = None,
    ) -> None:
        """Notes figures of a function as it was invoked, such as {"Errors": 1}, at a time."""
        resource = Arn.parse(invoked_arn).resource.partition(":")[2]
        self._noted.append(
            _Noted(at or time.time(), function.region, resource, function.version, values)
        )
        if len(self._noted) > MOST_NOTED:
            self._add_up()

    def data(self, region: str) -> list[Datum]:
        """Every metric of a region, minute by minute."""
        self._add_up()
        with self._lock:
            return [datum for key, datum in self._series.items() if key[0] == region]

    def _add_up(self) -> None:
        with self._lock:
            while self._noted:
                noted = self._noted.popleft()
                for name, value in noted.values.items():
                    self._add(noted, name, value)
            for key in list(self._series)[: max(0, len(self._series) - KEPT_SERIES)]:
                del self._series[key]

    def _add(self, noted: _Noted, name: str, value: Value) -> None:
        minute = int(noted.at) // 60 * 60
        account, function, resource = value if isinstance(value, tuple) else (value,) * 3
        self._one(noted.region, minute, name, (), account)
        if name in ACCOUNT_ONLY:
            return
        function_name, _, qualifier = noted.resource.partition(":")
        by_function = ("FunctionName", function_name)
        by_resource = ("Resource", noted.resource)
        self._one(noted.region, minute, name, (by_function,), function)
        self._one(noted.region, minute, name, (by_function, by_resource), resource)
        if qualifier and qualifier != "$LATEST" and not qualifier.isdigit():  # an alias
            by_version = ("ExecutedVersion", noted.version)
            self._one(noted.region, minute, name, (by_version, by_function, by_resource), resource)

    def _one(
        self, region: str, minute: int, name: str, dimensions: Dimensions, value: float
    ) -> None:
        key = region, minute, name, dimensions
        if key not in self._series:
            self._series[key] = Datum(name, dimensions, minute, unit(name))
        self._series[key].add(value)


def unit(name: str) -> str:
    """A metric's unit in CloudWatch's words."""
    if name in MILLISECONDS:
        return "Milliseconds"
    return "None" if name == "ProvisionedConcurrencyUtilization" else "Count"
