"""What every push trigger does at last: asks a function's policy and queues the event, or sends it
to another target.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError

from ...access.resource_policy import Source, Statement, allows, denied
from ...base.arns import Arn
from ...base.json_text import to_json
from ...base.model import ApiError, FunctionVersion
from ...base.problems import Problems, described
from ...functions.sending import PLAIN, Extras, Sender, as_api_error


class Deliveries:
    """Hands events to functions, and to what else `sender` reaches.

    `find(region, name, qualifier)` gives a function and its ARN as it was asked for,
    `statements(arn)` its policy, `put(function, arn, payload)` queues an event for it. What could
    not be delivered is noted in `problems`.
    """

    def __init__(
        self,
        find: Callable[[str, str, str | None], tuple[FunctionVersion, str]],
        statements: Callable[[str], list[Statement]],
        put: Callable[[FunctionVersion, str, bytes], None],
        sender: Sender,
        problems: Problems,
    ) -> None:
        self._find, self._statements, self._put = find, statements, put
        self._sender, self.problems = sender, problems

    def find(self, function_arn: str) -> tuple[FunctionVersion, str]:
        """The function and its ARN, whoever may invoke it. Raises ApiError, 404."""
        return self._find(Arn.parse(function_arn).region, function_arn, None)

    def check(self, function_arn: str, source: Source) -> FunctionVersion:
        """The function, if `source` may invoke it. Raises ApiError (403 or 404)."""
        function, arn = self.find(function_arn)
        if not allows(self._statements(arn), source, arn):
            raise denied(source, arn)
        return function

    def send(self, target: str, event: Any, source: Source, extras: Extras = PLAIN) -> None:
        """Queues an event (JSON values) for a function, or sends it (or a text) to another target.

        Raises ApiError if the function is gone, may not be invoked by the source, or the event
        is too large, and botocore's errors; what the source does then is its own business.
        """
        if Arn.parse(target).service == "lambda":
            self._put(self.check(target, source), target, to_json(event))
        else:
            body = event if isinstance(event, str) else to_json(event).decode()
            self._sender.send(target, body, extras)

    def try_to_send(
        self, target: str, event: Any, source: Source, extras: Extras = PLAIN
    ) -> ApiError | None:
        """Like send, for sources that go on when a target fails; keeps and returns the error."""
        name = source.arn or source.principal
        try:
            self.send(target, event, source, extras)
        except ApiError as error:
            self.note(f"{name}: {error.message}")
            return error
        except (BotoCoreError, ClientError, ValueError) as error:
            self.note(f"{name}: {target}: {error}")
            return as_api_error(error)
        except Exception as error:  # the cloud's own fault
            self.problems.failed(f"{name}: delivery to {target}", error)
            return ApiError(500, "ServiceException", described(error))
        return None

    def note(self, problem: str) -> None:
        """Keeps what AWS would show in a metric at most, and says it on standard error."""
        self.problems.note(problem)
