"""Invocations as a notebook measures them."""

from __future__ import annotations

from workshop.cloud import Invocation


def invocation(memory_mb, milliseconds, init=None, status="success"):
    """One of so many milliseconds, `init` before them if it was a cold start."""
    return Invocation(
        *("f", "id", "environment", init is not None, 0.0, 0.0, milliseconds / 1000, init),
        duration_ms=milliseconds - 0.5,
        billed_ms=milliseconds + int(init or 0),
        memory_size_mb=memory_mb,
        max_memory_mb=40,
        status=status,
    )
