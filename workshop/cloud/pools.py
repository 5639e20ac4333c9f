"""Execution environments, kept by function version: reused, added, retired."""

from __future__ import annotations

import os
import secrets
import threading
import uuid
from collections.abc import Callable
from datetime import datetime, timezone
from pathlib import Path

from .environment import Environment
from .launcher import Launcher
from .model import FunctionVersion
from .package import PackageStore

# Processes that may start at the same time: with more, each only starts slower.
STARTS_AT_ONCE = max(4, 2 * (os.cpu_count() or 1))


class Pool:
    """The environments of one revision of one function version."""

    def __init__(self) -> None:
        self.idle: list[Environment] = []
        self.busy: set[Environment] = set()
        self.retired = False


class Pools:
    """Hands out environments and takes them back.

    Like Lambda, an invocation that waits for a new environment takes one that becomes free.
    """

    def __init__(
        self,
        folder: Path,
        launcher: Launcher,
        credentials: Callable[[FunctionVersion], dict[str, str]],
        guardian,
        limits_cpu: Callable[[], bool] = lambda: False,
    ) -> None:
        self._folder = folder
        self._launcher = launcher
        self._credentials = credentials
        self._guardian = guardian
        self._limits_cpu = limits_cpu
        self._packages = PackageStore(folder / "packages")
        self._pools: dict[tuple[str, str, str], Pool] = {}
        self._closed = False
        self._lock = threading.Lock()
        self._starts = threading.Semaphore(STARTS_AT_ONCE)

    def acquire(self, function: FunctionVersion) -> tuple[Environment, bool]:
        """An environment for one invocation, and whether it is new.

        A new one holds a place among the starting processes until `started` gives it back.
        """
        key = (function.arn, function.version, function.revision)
        while True:
            with self._lock:
                pool = self._pools.setdefault(key, Pool())
                if pool.idle:
                    environment = pool.idle.pop()
                    pool.busy.add(environment)
                    return environment, False
            if self._starts.acquire(timeout=0.05):
                break
        environment = self._make_or_give_up(function, "on-demand")
        with self._lock:
            pool.busy.add(environment)
            closed = self._closed
        if closed:
            environment.close()
        return environment, True

    def make(self, function: FunctionVersion, initialization_type: str) -> Environment:
        """A new environment that belongs to the caller, who closes it.

        It waits for a place among the starting processes, until `started` gives it back.
        """
        self._starts.acquire()
        return self._make_or_give_up(function, initialization_type)

    def started(self) -> None:
        """Gives back the place of a new environment."""
        self._starts.release()

    def release(self, environment: Environment, usable: bool) -> None:
        """Takes an environment back; one that is of no more use is closed."""
        function = environment.function
        key = (function.arn, function.version, function.revision)
        with self._lock:
            pool = self._pools.get(key)
            if pool is not None:
                pool.busy.discard(environment)
            keep = usable and pool is not None and not pool.retired
            if keep:
                pool.idle.append(environment)
        if not keep:
            environment.close()

    def retire(self, arn: str, version: str | None = None) -> None:
        """Ends the environments of a function (or of one version); busy ones when they are done."""
        with self._lock:
            keys = [k for k in self._pools if k[0] == arn and version in (None, k[1])]
            pools = [self._pools.pop(key) for key in keys]
            for pool in pools:
                pool.retired = True
        for pool in pools:
            for environment in pool.idle:
                environment.close()

    def close(self) -> None:
        """Ends every environment, busy or not."""
        with self._lock:
            self._closed = True
            pools, self._pools = list(self._pools.values()), {}
        every = [e for pool in pools for e in [*pool.idle, *pool.busy]]
        threads = [threading.Thread(target=e.close) for e in every]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(timeout=10)

    def _make_or_give_up(self, function: FunctionVersion, initialization_type: str) -> Environment:
        try:
            return self._make(function, initialization_type)
        except BaseException:
            self._starts.release()
            raise

    def _make(self, function: FunctionVersion, initialization_type: str) -> Environment:
        code = self._packages.code(function.code)
        layers = self._packages.layers(function.layers) if function.layers else None
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


def stream_name(function: FunctionVersion) -> str:
    """Such as `2026/11/02/[$LATEST]` and 32 hexadecimal digits: one for each environment."""
    day = datetime.now(timezone.utc).strftime("%Y/%m/%d")
    return f"{day}/[{function.version}]{uuid.uuid4().hex}"
