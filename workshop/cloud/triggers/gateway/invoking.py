"""Runs the function behind an API or a function URL, and waits for its answer."""

from __future__ import annotations

import json
import re
import threading
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from ...access.resource_policy import Source, Statement, allows, denied
from ...base.arns import Arn
from ...base.model import ApiError, FunctionVersion, Outcome, Request

LONGEST_INIT = 10  # seconds that an execution environment may take to start
STAGE_VARIABLE = re.compile(r"\$\{stageVariables\.(\w+)\}")
FUNCTION_ARN = re.compile(r"arn:aws:lambda:[a-z0-9-]+:\d{12}:function:[\w:$.-]+")


class IntegrationTimeout(Exception):
    """The function takes longer than the gateway waits; it goes on running."""


@dataclass(frozen=True)
class Functions:
    """Invokes functions: the parts of the cloud that it takes.

    `find(region, name, qualifier)` gives a function and its ARN as it was asked for,
    `statements(arn)` its policy, `run(function, request)` invokes, `new_request` makes ids, and
    `note(problem)` keeps what AWS tells in an API's execution log at most.
    """

    find: Callable[[str, str, str | None], tuple[FunctionVersion, str]]
    statements: Callable[[str], list[Statement]]
    run: Callable[[FunctionVersion, Request], Outcome]
    new_request: Callable[[bytes, str, str | None], Request]
    note: Callable[[str], None]

    def no_authorizer(self, kind: str) -> None:
        """Notes that a route asks for an authorizer: it is closed here rather than open."""
        self.note(
            f"The local cloud runs no authorizer ({kind}): use NONE or AWS_IAM, or try on AWS."
        )

    def allow(self, arn: str, source: Source, action: str) -> bool:
        """Whether the function's policy lets a source do `action`. Raises ApiError (404)."""
        _, invoked_arn = self.find(Arn.parse(arn).region, arn, None)
        if allows(self.statements(invoked_arn), source, invoked_arn, action):
            return True
        self.note(f"function URL: {denied(source, invoked_arn, action).message}")
        return False

    def invoke(self, arn: str, event: Any, source: Source | None, timeout_s: float) -> Outcome:
        """Invokes a function for a source that its policy must allow (None: nobody is asked).

        Raises ApiError where Lambda refuses the call, and IntegrationTimeout.
        """
        function, invoked_arn = self.find(Arn.parse(arn).region, arn, None)
        if source and not allows(self.statements(invoked_arn), source, invoked_arn):
            refusal = denied(source, invoked_arn)
            self.note(f"{source.arn or source.principal}: {refusal.message}")
            raise refusal
        payload = json.dumps(event, ensure_ascii=False, separators=(",", ":")).encode()
        request = self.new_request(payload, invoked_arn, None)
        if function.timeout_s + LONGEST_INIT < timeout_s:
            return self.run(function, request)
        return self._run_for(function, request, timeout_s)

    def _run_for(self, function: FunctionVersion, request: Request, timeout_s: float) -> Outcome:
        came: list[Outcome | Exception] = []

        def run() -> None:
            try:
                came.append(self.run(function, request))
            except Exception as error:
                came.append(error)

        thread = threading.Thread(target=run, name="integration", daemon=True)
        thread.start()
        thread.join(timeout_s)
        if not came:
            raise IntegrationTimeout
        if isinstance(came[0], Exception):
            raise came[0]
        return came[0]


def function_arn(uri: str, variables: dict[str, str]) -> str:
    """The function of an integration's URI, its stage variables filled in. Raises ApiError."""
    filled = STAGE_VARIABLE.sub(lambda found: variables.get(found[1], ""), uri)
    found = FUNCTION_ARN.search(filled)
    if not found:
        raise ApiError(404, "ResourceNotFoundException", f"Invalid function in {filled}")
    return found[0]
