"""What every push trigger does at last: asks the function's policy, and queues the event."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from ...access.resource_policy import Source, Statement, allows, denied
from ...base.json_text import to_json
from ...base.model import ApiError, FunctionVersion, Request
from ...base.problems import Problems, described


class Deliveries:
    """Hands events to functions.

    `find(region, name, qualifier)` gives a function and its ARN as it was asked for,
    `statements(arn)` its policy, `submit(function, request)` queues, `new_request` makes ids.
    What could not be delivered is noted in `problems`.
    """

    def __init__(
        self,
        find: Callable[[str, str, str | None], tuple[FunctionVersion, str]],
        statements: Callable[[str], list[Statement]],
        submit: Callable[[FunctionVersion, Request], None],
        new_request: Callable[[bytes, str, str | None], Request],
        problems: Problems,
    ) -> None:
        self._find, self._statements = find, statements
        self._submit, self._new_request = submit, new_request
        self.problems = problems

    def find(self, function_arn: str) -> FunctionVersion:
        """The function, whoever may invoke it. Raises ApiError, 404."""
        return self._find(function_arn.split(":")[3], function_arn, None)[0]

    def check(self, function_arn: str, source: Source) -> FunctionVersion:
        """The function, if `source` may invoke it. Raises ApiError (403 or 404)."""
        function, arn = self._find(function_arn.split(":")[3], function_arn, None)
        if not allows(self._statements(arn), source, arn):
            raise denied(source, arn)
        return function

    def send(self, function_arn: str, event: Any, source: Source) -> None:
        """Queues an event (JSON values) for a function.

        Raises ApiError if the function is gone, may not be invoked by the source, or the event
        is too large; what the source does then is its own business.
        """
        function = self.check(function_arn, source)
        payload = to_json(event)
        self._submit(function, self._new_request(payload, function_arn, None))

    def try_to_send(self, function_arn: str, event: Any, source: Source) -> ApiError | None:
        """Like send, for sources that go on when a target fails; keeps and returns the error."""
        name = source.arn or source.principal
        try:
            self.send(function_arn, event, source)
        except ApiError as error:
            self.note(f"{name}: {error.message}")
            return error
        except Exception as error:  # the cloud's own fault
            self.problems.failed(f"{name}: delivery to {function_arn}", error)
            return ApiError(500, "ServiceException", described(error))
        return None

    def note(self, problem: str) -> None:
        """Keeps what AWS would show in a metric at most, and says it on standard error."""
        self.problems.note(problem)
