"""The access keys that moto's IAM and STS have made, as the local cloud verifies them."""

from __future__ import annotations

from datetime import timezone
from typing import Any

from moto.iam.models import iam_backends
from moto.sts.models import sts_backends

from ..base.keys import AccessKey
from ..base.variables import ACCOUNT_ID
from .roles import document, documents


def find_access_key(key_id: str) -> AccessKey | None:
    """A user's active key, or one of AssumeRole's, by its id; None if there is none."""
    return _of_user(key_id) or _of_session(key_id)


def _of_user(key_id: str) -> AccessKey | None:
    iam = iam_backends[ACCOUNT_ID]["aws"]
    for user in list(iam.users.values()):
        for key in user.access_keys:
            if key.access_key_id == key_id and key.status == "Active":
                return AccessKey(
                    key_id,
                    key.secret_access_key,
                    arn=user.arn,
                    policies=_policies(iam, user),
                )
    return None


def _policies(iam: Any, user: Any) -> tuple[dict[str, Any], ...]:
    """A user's policies, and those of the groups that it is in."""
    groups = [group for group in iam.groups.values() if user in group.users]
    return tuple(document for each in [user, *groups] for document in documents(each))


def _of_session(key_id: str) -> AccessKey | None:
    session = sts_backends[ACCOUNT_ID]["aws"].get_assumed_role_from_access_key(key_id)
    if session is None:
        return None
    return AccessKey(
        key_id,
        session.secret_access_key,
        session.session_token,
        arn=session.arn,
        role_arn=session.role_arn,
        limit=document(session.policy) if session.policy else None,
        expires_at=session.expiration.replace(tzinfo=timezone.utc).timestamp(),
    )
