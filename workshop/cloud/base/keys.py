"""Access keys: what they are signed with, and whom they stand for."""

from __future__ import annotations

import secrets
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from .variables import ACCOUNT_ID

ROOT_ARN = f"arn:aws:iam::{ACCOUNT_ID}:root"


@dataclass(frozen=True)
class AccessKey:
    """One access key of this run of the local cloud.

    `arn`: the caller's, as AWS names it in its errors. A key with a `role_arn` is held to that
    role's policies, one with `policies` to those; one with neither may do everything. With a
    `limit`, the session policy of AssumeRole, it may do only what that allows as well. `shown` is
    the key id that others may see: it opens nothing.
    """

    id: str
    secret: str = field(repr=False)
    token: str | None = field(default=None, repr=False)
    arn: str = ROOT_ARN
    role_arn: str | None = None
    policies: tuple[dict[str, Any], ...] | None = None
    limit: dict[str, Any] | None = None
    expires_at: float | None = None  # time.time(); None: as long as the cloud runs
    shown: str = ""

    @property
    def is_held(self) -> bool:
        """Whether it stands for a role or a user, and not for the cloud's owner."""
        return self.role_arn is not None or self.policies is not None

    @property
    def is_expired(self) -> bool:
        """Whether its session has ended."""
        return self.expires_at is not None and self.expires_at < time.time()


FindKey = Callable[[str], AccessKey | None]


def owners_key(prefix: str) -> AccessKey:
    """A new key that may do everything."""
    return AccessKey(_key_id(prefix), secrets.token_urlsafe(30), shown=_key_id("AKIA"))


def session_key(arn: str, role_arn: str) -> AccessKey:
    """A new key of a session of a role; its parts are random, and none follows from another."""
    return AccessKey(
        _key_id("LSIA"),
        secrets.token_urlsafe(30),
        secrets.token_urlsafe(120),
        arn=arn,
        role_arn=role_arn,
        shown=_key_id("ASIA"),
    )


def _key_id(prefix: str) -> str:
    return prefix + secrets.token_hex(8).upper()  # 20 characters, as on AWS
