"""The keys of functions, their roles, and the answer to a call that a role does not allow."""

from __future__ import annotations

import secrets
import threading
from collections.abc import Callable
from dataclasses import dataclass

from ..model import ApiError, FunctionVersion
from .calls import Call
from .policy import Decision, decide
from .role import Role


@dataclass(frozen=True)
class Caller:
    """The session in which a function's code runs."""

    role_arn: str
    function_name: str

    @property
    def arn(self) -> str:
        """As AWS names it in its errors."""
        account, role = self.role_arn.split(":")[4], self.role_arn.rpartition("/")[2]
        return f"arn:aws:sts::{account}:assumed-role/{role}/{self.function_name}"


class Roles:
    """Gives each function an access key id of its own, and asks its role's policies.

    `find(role_arn)` gives a role, or None; `enforced()` says whether roles count.
    """

    def __init__(self, find: Callable[[str], Role | None], enforced: Callable[[], bool]) -> None:
        self._find, self._enforced = find, enforced
        self._keys: dict[Caller, str] = {}
        self._callers: dict[str, Caller] = {}
        self._lock = threading.Lock()

    def key_id(self, function: FunctionVersion) -> str:
        """The access key id that a function's processes get."""
        caller = Caller(function.role, function.name)
        with self._lock:
            if caller not in self._keys:
                self._keys[caller] = "LSIA" + secrets.token_hex(8).upper()
                self._callers[self._keys[caller]] = caller
            return self._keys[caller]

    def knows(self, key_id: str | None) -> bool:
        """Whether it is a function's."""
        return key_id in self._callers

    def holds(self, key_id: str | None) -> bool:
        """Whether a call with this key is held to a role."""
        return self._enforced() and self.knows(key_id)

    def refusal(self, key_id: str | None, calls: list[Call]) -> str | None:
        """AWS's message for the first call that a function's role does not allow, or None."""
        if not self.holds(key_id):
            return None
        caller = self._callers[key_id or ""]
        for call in calls:
            decision = self._decide(caller.role_arn, call)
            if decision is not Decision.ALLOWED:
                return access_denied(caller.arn, call, decision)
        return None

    def allows(self, role_arn: str, call: Call) -> bool:
        """Whether a role allows what Lambda does with it; all is where roles don't count."""
        return not self._enforced() or self._decide(role_arn, call) is Decision.ALLOWED

    def _decide(self, role_arn: str, call: Call) -> Decision:
        role = self._find(role_arn)
        return decide(list(role.policies) if role else [], call.action, call.resource)

    def check(self, function: FunctionVersion, call: Call) -> None:
        """For what Lambda itself does with a function's role. Raises ApiError, 403."""
        message = self.refusal(self.key_id(function), [call])
        if message:
            raise ApiError(403, "AccessDeniedException", message)


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
