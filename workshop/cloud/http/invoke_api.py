"""Lambda's Invoke and InvokeWithResponseStream, over HTTP.

Follows "Invoke" (https://docs.aws.amazon.com/lambda/latest/api/API_Invoke.html).
"""

from __future__ import annotations

import base64
import json
import re
from collections.abc import Iterable
from typing import Any
from urllib.parse import parse_qs, unquote

from ..base.event_stream import streamed
from ..base.json_text import from_json
from ..base.model import ApiError, Outcome
from ..functions.asynchronous import AsynchronousQueue
from ..functions.invoker import Invoker, new_request
from ..functions.loops import LoopGuard
from ..seam import find_function
from .wsgi import StartResponse, body_of, region_of, respond

INVOKE = re.compile(r"/2015-03-31/functions/([^/]+)/invocations/?")
STREAM = re.compile(r"/2021-11-15/functions/([^/]+)/response-streaming-invocations/?")


class InvokeApi:
    """Answers invocations of each kind."""

    def __init__(self, invoker: Invoker, queue: AsynchronousQueue, loops: LoopGuard) -> None:
        self._invoker, self._queue, self._loops = invoker, queue, loops

    def function_name(self, environ: dict[str, Any]) -> str | None:
        """The function that a request invokes (name or ARN), None for another request."""
        path = environ["PATH_INFO"]
        found = INVOKE.fullmatch(path) or STREAM.fullmatch(path)
        return unquote(found[1]) if found and environ["REQUEST_METHOD"] == "POST" else None

    def answer(
        self, name: str, environ: dict[str, Any], start_response: StartResponse
    ) -> Iterable[bytes]:
        body = body_of(environ)
        try:
            return self._answer(name, body, environ, start_response)
        except ApiError as error:
            headers = [("x-amzn-ErrorType", error.code)]
            if error.status == 429:
                headers.append(("Retry-After", "1"))
            return respond(start_response, error.status, headers, error.body())

    def _answer(
        self, name: str, body: bytes, environ: dict[str, Any], start_response: StartResponse
    ) -> Iterable[bytes]:
        query = parse_qs(environ.get("QUERY_STRING", ""))
        qualifier = query.get("Qualifier", [None])[0]
        function, invoked_arn = find_function(region_of(environ), name, qualifier)
        kind = environ.get("HTTP_X_AMZN_INVOCATION_TYPE") or environ.get(
            "HTTP_X_AMZ_INVOCATION_TYPE", "RequestResponse"
        )
        context = _client_context(environ.get("HTTP_X_AMZ_CLIENT_CONTEXT"))
        request = new_request(body, invoked_arn, context)
        headers = [
            ("x-amzn-RequestId", request.request_id),
            ("X-Amzn-Trace-Id", request.trace_id.partition(";")[0]),
        ]
        if kind == "DryRun":
            return respond(start_response, 204, headers, b"")
        if kind == "Event":
            self._queue.submit(function, request)
            return respond(start_response, 202, headers, b"")
        if kind != "RequestResponse":
            raise ApiError(
                400,
                "InvalidParameterValueException",
                f"Value '{kind}' at 'invocationType' failed to satisfy constraint: Member must "
                "satisfy enum value set: [Event, RequestResponse, DryRun]",
            )
        self._loops.check(function, request)
        outcome = self._invoker.synchronous(function, request)
        headers.append(("X-Amz-Executed-Version", function.version))
        if STREAM.fullmatch(environ["PATH_INFO"]):
            with_log = environ.get("HTTP_X_AMZ_LOG_TYPE") == "Tail"
            headers.append(("Content-Type", "application/vnd.amazon.eventstream"))
            return respond(start_response, 200, headers, streamed(outcome, with_log))
        headers += _outcome_headers(outcome, environ.get("HTTP_X_AMZ_LOG_TYPE") == "Tail")
        return respond(start_response, 200, headers, outcome.payload)


def _client_context(header: str | None) -> str | None:
    """The client context's JSON, in ASCII, since it becomes a header. Raises ApiError."""
    if not header:
        return None
    try:
        return json.dumps(from_json(base64.b64decode(header, validate=True)))
    except (ValueError, RecursionError):
        raise ApiError(
            400,
            "InvalidRequestContentException",
            "Client context must be a valid Base64-encoded JSON object.",
        ) from None


def _outcome_headers(outcome: Outcome, with_log: bool) -> list[tuple[str, str]]:
    headers = []
    if outcome.error:
        headers.append(("X-Amz-Function-Error", "Unhandled"))
    if with_log:
        headers.append(("X-Amz-Log-Result", base64.b64encode(outcome.tail()).decode()))
    return headers
