"""Who signed a request to an API or a function URL, as its event shows it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from ...access.policy import Decision
from ...base.variables import ACCOUNT_ID


@dataclass(frozen=True)
class Caller:
    """A caller whose signature was verified.

    `access_key` opens nothing: a function that gets it in its event must not be able to use it.
    `decide(action, resource)` asks the caller's own policies.
    """

    access_key: str
    arn: str
    decide: Callable[[str, str], Decision]

    def may(self, action: str, resource: str) -> bool:
        """Whether the caller's own policies allow an action."""
        return self.decide(action, resource) is Decision.ALLOWED

    @property
    def user_id(self) -> str:
        """The account's number for its owner, `ROLE:SESSION` for a session of a role."""
        return ":".join(self.arn.split("/")[1:]) or ACCOUNT_ID


class Signed:
    """A request's signature, which is verified where somebody asks for the caller."""

    SERVICES = {"execute-api": "execute-api", "lambda-url": "lambda"}  # as signatures name them

    def __init__(
        self,
        environ: dict[str, Any],
        find: Callable[[dict[str, Any], str], Caller | None],
        kind: str,
    ) -> None:
        self._environ, self._find, self._service = environ, find, self.SERVICES[kind]

    def caller(self) -> Caller | None:
        """Who signed the request; None if nobody whom this cloud knows did."""
        return self._find(self._environ, self._service)
