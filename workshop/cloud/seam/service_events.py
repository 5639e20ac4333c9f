"""Events that AWS's own services put on the default event bus."""

from __future__ import annotations

from typing import Any

from moto.events.models import events_backends

from ..environ import ACCOUNT_ID


def put_service_event(region: str, entry: dict[str, Any]) -> None:
    """Puts an entry of PutEvents whose source is AWS's own, which users may not put."""
    events_backends[ACCOUNT_ID][region].put_events([entry])
