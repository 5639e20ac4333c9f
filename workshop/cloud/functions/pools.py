"""Execution environments, kept by function version: reused, added, retired, ended when idle."""

from __future__ import annotations

import functools
import os
import secrets
import threading
import time
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from ..base.closing import end_all
from ..base.model import ApiError, FunctionVersion
from ..base.problems import Problems
from ..sandbox.environment import Environment
from ..sandbox.launcher import Launcher
from ..sandbox.package import PackageStore
from .loglines import stream_name

# Processes that may start at the same time: with more, each only starts slower.
STARTS_AT_ONCE = max(4, 2 * (os.cpu_count() or 1))

Key = tuple[str, str, str]  # a function's ARN, version and revision


@dataclass
class Pool:
    """The environments of one revision of one function version."""

    # With the time since when each is idle. The last one used is used next, so that the others
    # grow old: the oldest is at the start.
    idle: deque[tuple[Environment, float]] = field(default_factory=deque)
    busy: set[Environment] = field(default_factory=set)
    wanted: int = 0  # invocations that look for an environment

    @property
    def is_empty(self) -> bool:
        """Whether nobody needs it."""
        return not (self.idle or self.busy or self.wanted)


class Pools:
    """Hands out environments and takes them back.

    Like Lambda, an invocation that waits for a new environment takes one that becomes free.
    `now()` is the time, in seconds, by which environments are idle.
    """

    def __init__(
        self,
        folder: Path,
        launcher: Launcher,
        credentials: Callable[[FunctionVersion], dict[str, str]],
        guardian,
        limits_cpu: Callable[[], bool],
        problems: Problems,
        now: Callable[[], float] = time.monotonic,
    ) -> None:
        self._folder = folder
        self._launcher = launcher
        self._credentials = credentials
        self._guardian, self._problems = guardian, problems
        self._limits_cpu, self._now = limits_cpu, now
        self._packages = PackageStore(folder / "packages")
        self._unpacked: dict[Environment, list[Path]] = {}  # what each environment uses
        self._pools: dict[Key, Pool] = {}
        self._closed = False
        self._lock = threading.Lock()
        self._starts = threading.Semaphore(STARTS_AT_ONCE)

    def acquire(self, function: FunctionVersion) -> tuple[Environment, bool]:
        """An environment for one invocation, and whether it is new. Raises ApiError when closed.

        A new one holds a place among the starting processes until `started` gives it back.
        """
        key = _key(function)
        with self._lock:
            pool = self._pools.setdefault(key, Pool())
            pool.wanted += 1
        try:
            while True:
                if environment := self._take_idle(pool):
                    return environment, False
                if self._starts.acquire(timeout=0.05):
                    return self._make(function, "on-demand", pool), True
        finally:
            with self._lock:
                pool.wanted -= 1
                self._forget_if_empty(key)

    def make(self, function: FunctionVersion, initialization_type: str) -> Environment:
        """A new environment that belongs to the caller, who calls `end` with it.

        It waits for a place among the starting processes, until `started` gives it back.
        """
        self._starts.acquire()
        return self._make(function, initialization_type)

    def started(self) -> None:
        """Gives back the place of a new environment."""
        self._starts.release()

    def release(self, environment: Environment, usable: bool) -> None:
        """Takes an environment back; one that is of no more use is ended."""
        key = _key(environment.function)
        with self._lock:
            pool = self._pools.get(key)
            keep = usable and pool is not None and environment in pool.busy
            if pool is not None:
                pool.busy.discard(environment)
                if keep:
                    pool.idle.append((environment, self._now()))
                self._forget_if_empty(key)
        if not keep:
            self.end(environment)

    def end(self, environment: Environment) -> None:
        """Closes an environment, and gives back the packages that it used."""
        try:
            environment.close()
        finally:
            with self._lock:
                unpacked = self._unpacked.pop(environment, [])
            for folder in unpacked:
                self._packages.release(folder)

    def end_idle(self, longer_than_s: float) -> int:
        """Ends the environments that had nothing to do for so long; returns how many."""
        limit = self._now() - longer_than_s
        old: list[Environment] = []
        with self._lock:
            for key, pool in list(self._pools.items()):
                while pool.idle and pool.idle[0][1] <= limit:
                    old.append(pool.idle.popleft()[0])
                self._forget_if_empty(key)
        self._end_all(old)
        return len(old)

    def retire(self, arn: str, version: str | None = None) -> None:
        """Ends the environments of a function (or of one version); busy ones when they are done."""
        with self._lock:
            keys = [k for k in self._pools if k[0] == arn and version in (None, k[1])]
            pools = [self._pools.pop(key) for key in keys]
            idle = [environment for pool in pools for environment, _ in pool.idle]
            for pool in pools:  # somebody may still wait for one of them
                pool.idle.clear()
        for environment in idle:
            self.end(environment)

    def close(self) -> None:
        """Ends every environment, busy or not, also those that `make` gave; none is made again."""
        with self._lock:
            self._closed = True
            self._pools.clear()
            environments = list(self._unpacked)
        self._end_all(environments)

    def _take_idle(self, pool: Pool) -> Environment | None:
        with self._lock:
            self._check_open()
            if not pool.idle:
                return None
            environment, _ = pool.idle.pop()
            pool.busy.add(environment)
            return environment

    def _check_open(self) -> None:
        if self._closed:
            raise ApiError(500, "ServiceException", "The local cloud was closed.")

    def _forget_if_empty(self, key: Key) -> None:
        pool = self._pools.get(key)
        if pool is not None and pool.is_empty:
            del self._pools[key]

    def _end_all(self, environments: list[Environment]) -> None:
        ends = [functools.partial(self.end, each) for each in environments]
        end_all("ending an environment", ends, self._problems)

    def _make(
        self, function: FunctionVersion, initialization_type: str, pool: Pool | None = None
    ) -> Environment:
        """A new environment, or the place among the starting ones is given back."""
        unpacked: list[Path] = []
        try:
            environment = self._new(function, initialization_type, unpacked)
            with self._lock:
                self._unpacked[environment] = unpacked
                if pool is not None:
                    pool.busy.add(environment)
                closed = self._closed
        except BaseException:
            self._starts.release()
            for folder in unpacked:
                self._packages.release(folder)
            raise
        if closed:  # its INIT will say so
            self.end(environment)
        return environment

    def _new(
        self, function: FunctionVersion, initialization_type: str, unpacked: list[Path]
    ) -> Environment:
        """Adds to `unpacked` what must be released when the environment has ended."""
        code, layers = self._packages.code(function.code), None
        unpacked.append(code)
        if function.layers:
            layers = self._packages.layers(function.layers)
            unpacked.append(layers)
        environ = self._credentials(function) | {
            "AWS_LAMBDA_LOG_STREAM_NAME": stream_name(function),
            "AWS_LAMBDA_INITIALIZATION_TYPE": initialization_type,
        }
        folder = self._folder / "environments" / secrets.token_hex(8)
        return Environment(
            function,
            self._launcher,
            code,
            layers,
            folder,
            environ,
            self._guardian,
            self._limits_cpu(),
        )


def _key(function: FunctionVersion) -> Key:
    return function.arn, function.version, function.revision
