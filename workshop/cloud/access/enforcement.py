"""The keys of functions, their roles, and the answer to a call that a role does not allow."""

from __future__ import annotations

import threading
from collections.abc import Callable

from ..base.keys import AccessKey, session_key
from ..base.model import ApiError, FunctionVersion
from ..base.variables import ACCOUNT_ID
from .calls import Call
from .policy import Decision, Document, decide
from .role import Role

# Whoever has a key may ask whose it is
# (https://docs.aws.amazon.com/STS/latest/APIReference/API_GetCallerIdentity.html)
FREE = {"sts:GetCallerIdentity"}

KEPT_KEYS = 2_000  # of functions: each is some hundred bytes


class Roles:
    """Gives each function an access key of its own, and asks its role's policies.

    `find(role_arn)` gives a role, or None; `enforced()` says whether roles count; `issued(key_id)`
    gives a key that IAM or STS has made, or None.
    """

    def __init__(
        self,
        find: Callable[[str], Role | None],
        enforced: Callable[[], bool],
        issued: Callable[[str], AccessKey | None] = lambda key_id: None,
    ) -> None:
        self._find, self._enforced, self._issued = find, enforced, issued
        self._sessions: dict[tuple[str, str], AccessKey] = {}  # by role and function
        self._by_id: dict[str, AccessKey] = {}
        self._lock = threading.Lock()

    def key(self, function: FunctionVersion) -> AccessKey:
        """The access key that a function's processes get: one for each function and role."""
        which = function.role, function.arn
        with self._lock:
            if which not in self._sessions:
                key = session_key(_session_arn(function.role, function.name), function.role)
                self._sessions[which] = self._by_id[key.id] = key
                if len(self._sessions) > KEPT_KEYS:  # the oldest function's: it is deleted, or idle
                    del self._by_id[self._sessions.pop(next(iter(self._sessions))).id]
            return self._sessions[which]

    def find_key(self, key_id: str) -> AccessKey | None:
        """A function's key, or one that IAM or STS has made, by its id."""
        return self._by_id.get(key_id) or self._issued(key_id)

    def holds(self, key: AccessKey) -> bool:
        """Whether a call with this key is held to a role's or a user's policies."""
        return key.is_held and self._enforced()

    def refusal(self, key: AccessKey, calls: list[Call] | None) -> str | None:
        """AWS's message for the first call that a key's policies do not allow, or None.

        `calls` is None for a request of which nobody knows what it asks for: that is refused.
        """
        if not self.holds(key):
            return None
        if calls is None:
            return (
                f"User: {key.arn} is not authorized to perform this call: the local cloud cannot "
                "tell which IAM action it takes, and roles are enforced."
            )
        for call in calls:
            decision = self.decide(key, call)
            if decision is not Decision.ALLOWED:
                return access_denied(key.arn, call, decision)
        return None

    def allows(self, role_arn: str, call: Call) -> bool:
        """Whether a role allows what Lambda does with it; all is where roles don't count."""
        if not self._enforced():
            return True
        return decide(self._documents(role_arn), call.action, call.resource) is Decision.ALLOWED

    def check(self, function: FunctionVersion, call: Call) -> None:
        """For what Lambda itself does with a function's role. Raises ApiError, 403."""
        message = self.refusal(self.key(function), [call])
        if message:
            raise ApiError(403, "AccessDeniedException", message)

    def decide(self, key: AccessKey, call: Call) -> Decision:
        """What a key's policies say of one call; the owner's key may do everything."""
        if not self.holds(key) or call.action in FREE:
            return Decision.ALLOWED
        documents = list(key.policies or ())
        if key.role_arn is not None:
            documents += self._documents(key.role_arn)
        decision = decide(documents, call.action, call.resource)
        if call.action == "sts:AssumeRole" and not self._is_trusted(key, call.resource):
            return Decision.NOT_ALLOWED
        if decision is Decision.ALLOWED and key.limit is not None:
            return decide([key.limit], call.action, call.resource)
        return decision

    def _is_trusted(self, key: AccessKey, role_arn: str) -> bool:
        """Whether a role's trust policy lets a caller assume it."""
        role = self._find(role_arn)
        return role is not None and role.trusts_caller(key.arn, key.role_arn)

    def _documents(self, role_arn: str) -> list[Document]:
        role = self._find(role_arn)
        return list(role.policies) if role else []


def _session_arn(role_arn: str, session: str) -> str:
    """A session of a role, as AWS names it in its errors."""
    return f"arn:aws:sts::{ACCOUNT_ID}:assumed-role/{role_arn.rpartition('/')[2]}/{session}"


def access_denied(caller: str, call: Call, decision: Decision) -> str:
    """The words of AWS's AccessDenied errors.

    Follows "Troubleshoot access denied error messages"
    (https://docs.aws.amazon.com/IAM/latest/UserGuide/troubleshoot_access-denied.html).
    """
    why = (
        "with an explicit deny in an identity-based policy"
        if decision is Decision.DENIED
        else f"because no identity-based policy allows the {call.action} action"
    )
    return (
        f"User: {caller} is not authorized to perform: {call.action} "
        f"on resource: {call.resource} {why}"
    )
