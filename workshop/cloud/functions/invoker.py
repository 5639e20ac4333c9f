"""Invocations: what runs now, and concurrency with its limits."""

from __future__ import annotations

import time
import uuid

from ..base.activity import Activity
from ..base.arns import unqualified
from ..base.json_text import from_json
from ..base.model import ApiError, FunctionVersion, Outcome, Request
from ..base.problems import Problems, described
from ..base.tracing import current, next_trace
from .invocation import run
from .lender import Lender
from .records import Records
from .runtime_names import check_runs_here

LARGEST_SYNCHRONOUS = 6 * 1024 * 1024  # bytes


class Invoker:
    """Runs requests in environments that it borrows, and has `records` keep what came of them."""

    def __init__(
        self, lender: Lender, records: Records, activity: Activity, problems: Problems
    ) -> None:
        self._lender, self._records = lender, records
        self._activity, self._problems = activity, problems

    def synchronous(self, function: FunctionVersion, request: Request) -> Outcome:
        """RequestResponse: waits for the outcome. Raises ApiError when throttled."""
        check_size(request.payload, LARGEST_SYNCHRONOUS, "RequestResponse")
        check_runs_here(function)
        return self.run(function, request)

    def run(self, function: FunctionVersion, request: Request) -> Outcome:
        """Runs a request of any size.

        Raises ApiError: 429 when throttled, 500 for what is no fault of the function's.
        """
        what = f"{function.name} running"
        self._activity.begin(what)
        try:
            with self._lender.lease(function, request.invoked_arn) as lease:
                done = run(lease, request)
                self._records.keep(lease, request, done)
            return done.outcome
        except ApiError as error:
            if error.status == 429:
                self._records.throttled(function, request.invoked_arn)
            else:
                self._problems.failed(f"invocation of {function.name}", error)
            raise
        except Exception as error:
            self._problems.failed(f"invocation of {function.name}", error)
            raise ApiError(
                500,
                "ServiceException",
                f"The local cloud could not run {function.name}: {described(error)}",
            ) from error
        finally:
            self._activity.end(what)

    def close(self) -> None:
        """Ends every environment."""
        self._lender.close()


def check_size(payload: bytes, limit: int, kind: str) -> None:
    """Raises ApiError, 413, for a payload over `limit` bytes."""
    if len(payload) > limit:
        raise ApiError(
            413,
            "RequestTooLargeException",
            f"{len(payload)} byte payload is too large for the {kind} invocation type "
            f"(limit {limit} bytes)",
        )


def new_request(payload: bytes, invoked_arn: str, client_context: str | None) -> Request:
    """A request with ids of its own, in the trace that this thread follows.

    Raises ApiError if the payload is not JSON.
    """
    payload = payload or b"{}"
    try:
        from_json(payload)
    except ValueError as error:
        raise ApiError(
            400,
            "InvalidRequestContentException",
            "Could not parse request body into json: Could not parse payload into json: "
            f"{str(error)[:200]}",
        ) from None
    trace = next_trace(current(), unqualified(invoked_arn))
    return Request(str(uuid.uuid4()), payload, invoked_arn, client_context, trace, time.time())
