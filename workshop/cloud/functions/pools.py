"""Execution environments, kept by function version: reused, added, retired, ended when idle."""

from __future__ import annotations

import contextlib
import functools
import os
import secrets
import threading
import time
from collections import deque
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

from ..base.closing import end_all
from ..base.memory import give_back_memory
from ..base.model import ApiError, FunctionVersion
from ..base.problems import Problems
from ..sandbox.environment import Environment, Host
from ..sandbox.launch import Launch
from ..sandbox.package import PackageStore
from .lease import Lease
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
    `credentials(function)` gives variables; `now()` is the time, in seconds, by which environments
    are idle.
    """

    def __init__(
        self,
        host: Host,
        credentials: Callable[[FunctionVersion], dict[str, str]],
        problems: Problems,
        now: Callable[[], float] = time.monotonic,
    ) -> None:
        self._host, self._credentials = host, credentials
        self._problems, self._now = problems, now
        self._packages = PackageStore(host.folder / "packages")
        self._unpacked: dict[Environment, contextlib.ExitStack] = {}  # packages that each uses
        self._pools: dict[Key, Pool] = {}
        self._closed = False
        self._lock = threading.Lock()
        self._starts = threading.Semaphore(STARTS_AT_ONCE)

    @contextlib.contextmanager
    def lease(self, function: FunctionVersion) -> Iterator[Lease]:
        """An environment for one invocation. Raises ApiError when closed.

        A new one holds a place among the starting processes until its `started` gives it back.
        """
        lease = self._take(function)
        try:
            yield lease
        finally:
            lease.started()
            self._take_back(lease)

    @contextlib.contextmanager
    def starting(self, function: FunctionVersion) -> Iterator[Environment]:
        """A new environment ahead of requests, with a place among the starting processes.

        It stays the caller's, who calls `end` with it.
        """
        with self._starts:
            yield self._make(function, "provisioned-concurrency")

    def end(self, environment: Environment) -> None:
        """Closes an environment, and gives back the packages that it used."""
        try:
            environment.close()
        finally:
            with self._lock:
                packages = self._unpacked.pop(environment, None)
            if packages:
                packages.close()

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
        if old:
            give_back_memory()
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

    def _take(self, function: FunctionVersion) -> Lease:
        key = _key(function)
        with self._lock:
            pool = self._pools.setdefault(key, Pool())
            pool.wanted += 1
        try:
            while True:
                if environment := self._take_idle(pool):
                    return Lease(environment)
                if self._starts.acquire(timeout=0.05):
                    return self._begin(function, pool)
        finally:
            with self._lock:
                pool.wanted -= 1
                self._forget_if_empty(key)

    def _take_idle(self, pool: Pool) -> Environment | None:
        with self._lock:
            self._check_open()
            if not pool.idle:
                return None
            environment, _ = pool.idle.pop()
            pool.busy.add(environment)
            return environment

    def _begin(self, function: FunctionVersion, pool: Pool) -> Lease:
        """A new environment, where a place among the starting processes is taken."""
        with contextlib.ExitStack() as place:
            place.callback(self._starts.release)
            environment = self._make(function, "on-demand", pool)
            return Lease(environment, is_new=True, started=place.pop_all().close)

    def _take_back(self, lease: Lease) -> None:
        environment = lease.environment
        key = _key(environment.function)
        usable = lease.usable and environment.freeze()
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
        with contextlib.ExitStack() as packages:
            launch = self._launch(function, initialization_type, packages)
            environment = Environment(launch, self._host)
            with self._lock:
                self._unpacked[environment] = packages.pop_all()
                if pool is not None:
                    pool.busy.add(environment)
                closed = self._closed
        if closed:  # its INIT will say so
            self.end(environment)
        return environment

    def _launch(
        self, function: FunctionVersion, initialization_type: str, packages: contextlib.ExitStack
    ) -> Launch:
        """Adds to `packages` what must be released when the environment has ended."""
        code, layers = self._packages.code(function.code), None
        packages.callback(self._packages.release, code)
        if function.layers:
            layers = self._packages.layers(function.layers)
            packages.callback(self._packages.release, layers)
        environ = self._credentials(function) | {
            "AWS_LAMBDA_LOG_STREAM_NAME": stream_name(function),
            "AWS_LAMBDA_INITIALIZATION_TYPE": initialization_type,
        }
        folder = self._host.folder / "environments" / secrets.token_hex(8)
        return Launch(function, code, layers, folder, environ)


def _key(function: FunctionVersion) -> Key:
    return function.arn, function.version, function.revision
