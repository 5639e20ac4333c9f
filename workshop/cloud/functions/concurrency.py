"""The account's concurrency, and how much of it each function may use.

Follows "Understanding Lambda function scaling"
(https://docs.aws.amazon.com/lambda/latest/dg/lambda-concurrency.html) and "Configuring reserved
concurrency" (configuration-concurrency.html).
"""

from __future__ import annotations

import contextlib
import threading
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

from ..base.arns import Arn
from ..base.model import ApiError, FunctionVersion

DEFAULT_LIMIT = 1000  # concurrent executions in a region

ByFunction = Callable[[str], dict[str, int]]  # region to {function's ARN: concurrency}


@dataclass(frozen=True)
class Load:
    """How many invocations run at this moment, the one that enters included."""

    account: int
    function: int
    resource: int  # as it was invoked: by its name, a version or an alias
    unreserved: int
    claimed: int  # what on-demand invocations of other functions can't have


class Concurrency:
    """Lets invocations in, or throttles them.

    `reserved(region)` and `provisioned(region)` say what functions were given, by their ARN.
    """

    def __init__(self, limit: int, reserved: ByFunction, provisioned: ByFunction) -> None:
        self.limit, self.minimum = limit, minimum_unreserved(limit)
        self._reserved, self._provisioned = reserved, provisioned
        self._running: Counter[tuple[str, str]] = Counter()
        self._on_demand: Counter[str] = Counter()  # by the function's ARN
        self._lock = threading.Lock()

    @contextlib.contextmanager
    def place(self, function: FunctionVersion, resource: str, provisioned: bool) -> Iterator[Load]:
        """A place for one invocation; one with a provisioned environment has its own already.

        `resource` is the ARN that was invoked. Raises ApiError, 429.
        """
        running, arn = _keys(function, resource), function.arn
        with self._lock:
            reserved, allocated = self._shares(function.region)
            if not provisioned:
                self._check(function, reserved, allocated)
                self._on_demand[arn] += 1
            for key in running:
                self._running[key] += 1
            account, of_function, of_resource = (self._running[key] for key in running)
            unreserved = self._unreserved_running(function.region, reserved)
        try:
            yield Load(account, of_function, of_resource, unreserved, unreserved + allocated)
        finally:
            with self._lock:
                for key in running:
                    _one_less(self._running, key)
                if not provisioned:
                    _one_less(self._on_demand, arn)

    def unreserved(self, region: str) -> int:
        """What is left to functions without a share of their own."""
        return self.limit - self._shares(region)[1]

    def left_without(self, arn: str, region: str) -> int:
        """The same, if one function had no share."""
        shares = {**self._provisioned(region), **self._reserved(region)}
        return self.limit - sum(shares.values()) + shares.get(arn, 0)

    def _check(self, function: FunctionVersion, reserved: dict[str, int], allocated: int) -> None:
        if function.reserved_concurrency is not None:
            own = function.reserved_concurrency - self._provisioned(function.region).get(
                function.arn, 0
            )
            if self._on_demand[function.arn] >= own:
                raise throttled("ReservedFunctionConcurrentInvocationLimitExceeded")
        elif self._unreserved_running(function.region, reserved) >= self.limit - allocated:
            raise throttled("ConcurrentInvocationLimitExceeded")

    def _shares(self, region: str) -> tuple[dict[str, int], int]:
        """Reserved concurrency by function, and all that is reserved or provisioned."""
        reserved = self._reserved(region)
        provisioned = self._provisioned(region)  # lies within the reserved, where there is any
        return reserved, sum({**provisioned, **reserved}.values())

    def _unreserved_running(self, region: str, reserved: dict[str, int]) -> int:
        return sum(
            count
            for arn, count in self._on_demand.items()
            if arn not in reserved and Arn.parse(arn).region == region
        )


def minimum_unreserved(limit: int) -> int:
    """What must stay unreserved: 100, or a tenth of a limit that was made small to teach with.

    AWS has 100, and refuses every reservation in an account whose limit is not above it.
    """
    return max(1, min(100, limit // 10))


def throttled(reason: str) -> ApiError:
    """The error of a caller that came over a limit of concurrency."""
    return ApiError(429, "TooManyRequestsException", "Rate Exceeded.", Reason=reason)


def _one_less(counter: Counter[Any], key: Any) -> None:
    counter[key] -= 1
    if not counter[key]:
        del counter[key]


def _keys(function: FunctionVersion, resource: str) -> tuple[tuple[str, str], ...]:
    return ("account", function.region), ("function", function.arn), ("resource", resource)
