"""Provisioned concurrency: environments of a version that are initialised ahead of requests.

Follows "Configuring provisioned concurrency for a function"
(https://docs.aws.amazon.com/lambda/latest/dg/provisioned-concurrency.html). A configuration stands
on a version or on an alias, and what it asks for is allocated to the version, or to the two
versions of an alias with weights.
"""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

from ..base.activity import Activity
from ..base.arns import Arn
from ..base.model import ApiError, FunctionVersion, LogEvent
from ..base.problems import Problems
from ..base.times import in_seconds
from ..base.workers import Workers
from ..sandbox.environment import Environment
from .invocation import initialise_ahead
from .lease import Lease
from .pools import STARTS_AT_ONCE, Pools

INIT_FAILED = "FUNCTION_ERROR_INIT_FAILURE"

LogWriter = Callable[[FunctionVersion, str, list[LogEvent]], None]


@dataclass(frozen=True)
class Versions:
    """How versions are found; both raise ApiError.

    `find(region, name, version)` gives one and its ARN, `shares(region, name, qualifier)` those
    behind a qualifier, with the part of the requests that each gets.
    """

    find: Callable[[str, str, str], tuple[FunctionVersion, str]]
    shares: Callable[[str, str, str], dict[str, float]]


@dataclass
class Config:
    """What was asked for a version or an alias."""

    arn: str  # the function's, unqualified
    qualifier: str
    requested: int
    modified: str


@dataclass
class Reserve:
    """The environments that one version got."""

    function: FunctionVersion
    wanted: int = 0
    starting: int = 0
    failed: bool = False
    idle: list[Environment] = field(default_factory=list)
    busy: set[Environment] = field(default_factory=set)
    opening: set[Environment] = field(default_factory=set)  # in their INIT
    fresh: dict[Environment, float] = field(default_factory=dict)  # INIT's ms, until first used

    @property
    def allocated(self) -> int:
        """Environments that are initialised, whether or not they work at present."""
        return len(self.idle) + len(self.busy)


class Provisioned:
    """Keeps configurations and their environments."""

    def __init__(
        self,
        pools: Pools,
        versions: Versions,
        write_logs: LogWriter,
        activity: Activity,
        problems: Problems,
    ) -> None:
        self._pools, self._versions = pools, versions
        self._write_logs, self._activity = write_logs, activity
        self._configs: dict[tuple[str, str], Config] = {}
        self._reserves: dict[tuple[str, str], Reserve] = {}
        self._workers = Workers(STARTS_AT_ONCE, "provisioned concurrency", problems)
        self._closed = False
        self._lock = threading.RLock()

    def put(self, arn: str, qualifier: str, requested: int) -> Config:
        """Asks for environments, and returns before they are there."""
        now = in_seconds(zone="+0000")
        config = Config(arn, qualifier, requested, now)
        with self._lock:
            self._configs[arn, qualifier] = config
            for version in self._counts(config):
                if reserve := self._reserves.get((arn, version)):
                    reserve.failed = False  # it is tried again
        self.allocate(arn)
        return config

    def get(self, arn: str, qualifier: str) -> Config | None:
        """The configuration of exactly this version or alias."""
        return self._configs.get((arn, qualifier))

    def of_function(self, arn: str) -> list[Config]:
        """Every configuration of a function."""
        return [config for config in list(self._configs.values()) if config.arn == arn]

    def delete(self, arn: str, qualifier: str) -> None:
        """Takes a configuration away and ends its environments."""
        self._configs.pop((arn, qualifier), None)
        self.allocate(arn)

    def retire(self, arn: str, version: str | None) -> None:
        """A function, or one of its versions, was deleted."""
        for config in self.of_function(arn):
            if version in (None, config.qualifier):
                self._configs.pop((arn, config.qualifier), None)
        self.allocate(arn)

    def totals(self, region: str) -> dict[str, int]:
        """What is provisioned in all, by the function's ARN."""
        found: dict[str, int] = {}
        for config in list(self._configs.values()):
            if Arn.parse(config.arn).region == region:
                found[config.arn] = found.get(config.arn, 0) + config.requested
        return found

    def describe(self, config: Config) -> dict[str, Any]:
        """A configuration and how far it is, as the API answers it."""
        with self._lock:
            reserves = [
                self._reserves[config.arn, version]
                for version in self._counts(config)
                if (config.arn, version) in self._reserves
            ]
            allocated = min(config.requested, sum(each.allocated for each in reserves))
            failed = any(each.failed for each in reserves)
        status = "READY" if allocated >= config.requested else "IN_PROGRESS"
        described = {
            "RequestedProvisionedConcurrentExecutions": config.requested,
            "AvailableProvisionedConcurrentExecutions": allocated,
            "AllocatedProvisionedConcurrentExecutions": allocated,
            "Status": "FAILED" if failed else status,
            "LastModified": config.modified,
        }
        return {**described, "StatusReason": INIT_FAILED} if failed else described

    def allocate(self, arn: str) -> None:
        """Starts and ends environments until every version of a function has what it shall."""
        with self._lock:
            wanted: dict[str, int] = {}
            for config in self.of_function(arn):
                for version, count in self._counts(config).items():
                    wanted[version] = wanted.get(version, 0) + count
            for version, count in wanted.items():
                self._reserve(arn, version).wanted = count
            ended: list[Environment] = []
            for (owner, version), reserve in list(self._reserves.items()):
                if owner == arn:
                    reserve.wanted = wanted.get(version, 0)
                    ended += self._fit(reserve)
                    if not reserve.wanted:
                        del self._reserves[owner, version]
        self._end(ended)

    @contextlib.contextmanager
    def lease(self, function: FunctionVersion) -> Iterator[Lease | None]:
        """A free environment for an invocation, or None.

        Another one is started in the place of one that cannot serve again.
        """
        lease = self._take(function)
        try:
            yield lease
        finally:
            if lease:
                self._take_back(lease)

    def _take(self, function: FunctionVersion) -> Lease | None:
        with self._lock:
            reserve = self._reserves.get((function.arn, function.version))
            if reserve is None or not reserve.idle:
                return None
            environment = reserve.idle.pop()
            reserve.busy.add(environment)
            ahead_ms = reserve.fresh.pop(environment, None)
        return Lease(environment, provisioned=True, ahead_ms=ahead_ms)

    def _take_back(self, lease: Lease) -> None:
        environment, function = lease.environment, lease.environment.function
        ended: list[Environment] = []
        usable = lease.usable and environment.freeze()
        with self._lock:
            reserve = self._reserves.get((function.arn, function.version))
            keep = False
            if reserve is not None:
                fits = reserve.allocated <= reserve.wanted
                keep = usable and fits and environment in reserve.busy
                reserve.busy.discard(environment)
                if keep:
                    reserve.idle.append(environment)
                ended = self._fit(reserve)
        self._end(ended if keep else [*ended, environment])

    def in_use(self, function: FunctionVersion) -> tuple[int, int] | None:
        """How many of a version's environments work, and of how many; None if it has none."""
        reserve = self._reserves.get((function.arn, function.version))
        return (len(reserve.busy), reserve.wanted) if reserve and reserve.wanted else None

    def close(self) -> None:
        """Starts no more environments; those that there are end with the pools."""
        with self._lock:
            self._closed = True
            self._configs.clear()
            self._reserves.clear()
        self._workers.close()

    def _counts(self, config: Config) -> dict[str, int]:
        """How many environments each version behind a configuration shall have."""
        arn = Arn.parse(config.arn)
        try:
            shares = self._versions.shares(arn.region, arn.name, config.qualifier)
        except ApiError:  # it was deleted
            return {}
        counts = {version: round(config.requested * share) for version, share in shares.items()}
        main = next(iter(shares))
        counts[main] += config.requested - sum(counts.values())
        return {version: count for version, count in counts.items() if count > 0}

    def _reserve(self, arn: str, version: str) -> Reserve:
        if (arn, version) not in self._reserves:
            function, _ = self._versions.find(Arn.parse(arn).region, Arn.parse(arn).name, version)
            self._reserves[arn, version] = Reserve(function)
        return self._reserves[arn, version]

    def _fit(self, reserve: Reserve) -> list[Environment]:
        """Starts what is missing; takes out and returns what is too much."""
        missing = reserve.wanted - reserve.allocated - reserve.starting
        if not reserve.failed and not self._closed:
            for _ in range(missing):
                self._begin_start(reserve)
        surplus = max(0, reserve.allocated - reserve.wanted)
        ended = [reserve.idle.pop() for _ in range(min(surplus, len(reserve.idle)))]
        for environment in ended:
            reserve.fresh.pop(environment, None)
        return ended if reserve.wanted else [*ended, *reserve.opening]

    def _begin_start(self, reserve: Reserve) -> None:
        reserve.starting += 1
        self._activity.begin(_what(reserve))
        try:
            self._workers.submit(self._start, reserve)
        except BaseException:
            reserve.starting -= 1
            self._activity.end(_what(reserve))
            raise

    def _end(self, environments: list[Environment]) -> None:
        for environment in environments:
            self._pools.end(environment)

    def _start(self, reserve: Reserve) -> None:
        environment: Environment | None = None
        took_ms: float | None = None
        try:
            with self._pools.starting(reserve.function) as environment:
                took_ms, log = self._initialise(environment, reserve)
            if log:
                self._write_logs(reserve.function, environment.log_stream, log)
        finally:
            try:
                self._started(reserve, environment, took_ms)
            finally:
                self._activity.end(_what(reserve))

    def _initialise(
        self, environment: Environment, reserve: Reserve
    ) -> tuple[float | None, list[LogEvent]]:
        """How long INIT took, in milliseconds, or None if it failed; and its log, if wanted."""
        with self._lock:
            reserve.opening.add(environment)
            given_up = self._closed or not reserve.wanted
        if given_up:
            self._pools.end(environment)
        took_ms, log = initialise_ahead(environment)
        return took_ms, [] if given_up else log

    def _started(
        self, reserve: Reserve, environment: Environment | None, took_ms: float | None
    ) -> None:
        """Counts a new environment in, or ends one that failed or that nobody wants any more."""
        with self._lock:
            reserve.starting -= 1
            reserve.opening.discard(environment)
            reserve.failed = reserve.failed or took_ms is None
            fits = not self._closed and reserve.allocated < reserve.wanted
            if environment is not None and took_ms is not None and fits:
                reserve.idle.append(environment)
                reserve.fresh[environment] = took_ms
                return
        if environment is not None:
            self._pools.end(environment)


def _what(reserve: Reserve) -> str:
    return f"{reserve.function.name}:{reserve.function.version} provisioned concurrency"
