"""Lends execution environments: the one protocol by which invocations get theirs."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator

from ..base.model import FunctionVersion
from .concurrency import Concurrency
from .lease import Lease
from .pools import Pools
from .provisioned import Provisioned


class Lender:
    """Lends a provisioned environment where one is free, or else one of the pools."""

    def __init__(self, provisioned: Provisioned, pools: Pools, concurrency: Concurrency) -> None:
        self._provisioned, self._pools, self._concurrency = provisioned, pools, concurrency

    @contextlib.contextmanager
    def lease(self, function: FunctionVersion, resource: str) -> Iterator[Lease]:
        """An environment, and a place within the concurrency of the ARN that was invoked.

        Raises ApiError, 429, when throttled.
        """
        with contextlib.ExitStack() as stack:
            ready = stack.enter_context(self._provisioned.lease(function))
            place = self._concurrency.place(function, resource, ready is not None)
            load = stack.enter_context(place)
            lease = ready or stack.enter_context(self._pools.lease(function))
            lease.load, lease.in_use = load, self._provisioned.in_use(function)
            yield lease

    def close(self) -> None:
        """Ends every environment."""
        self._provisioned.close()
        self._pools.close()
