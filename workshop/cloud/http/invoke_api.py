"""Lambda's Invoke and InvokeWithResponseStream, over HTTP.

Follows "Invoke" (https://docs.aws.amazon.com/lambda/latest/api/API_Invoke.html).
"""

from __future__ import annotations

import base64
import json
import re
from urllib.parse import unquote

from ..base.answer import Answer
from ..base.event_stream import streamed
from ..base.json_text import from_json
from ..base.model import ApiError, Outcome
from ..base.parameters import invalid
from ..functions.asynchronous import AsynchronousQueue
from ..functions.invoker import Invoker, new_request
from ..functions.loops import LoopGuard
from ..seam import find_function
from .requests import SignedRequest, json_answer

INVOKE = re.compile(r"/2015-03-31/functions/([^/]+)/invocations/?")
STREAM = re.compile(r"/2021-11-15/functions/([^/]+)/response-streaming-invocations/?")


class InvokeApi:
    """Answers invocations of each kind."""

    def __init__(self, invoker: Invoker, queue: AsynchronousQueue, loops: LoopGuard) -> None:
        self._invoker, self._queue, self._loops = invoker, queue, loops

    def answer(self, request: SignedRequest) -> Answer | None:
        """The function's answer; None for another request. Raises ApiError."""
        if request.service != "lambda" or request.method != "POST":
            return None
        streams = STREAM.fullmatch(request.path)
        found = streams or INVOKE.fullmatch(request.path)
        return self._invoke(unquote(found[1]), request, bool(streams)) if found else None

    def _invoke(self, name: str, request: SignedRequest, streams: bool) -> Answer:
        asked = request.headers
        qualifier = request.args.get("Qualifier") if request.query_string else None
        function, arn = find_function(request.region, name, qualifier or None)
        kind = asked.get("X-Amzn-Invocation-Type") or asked.get(
            "X-Amz-Invocation-Type", "RequestResponse"
        )
        context = _client_context(asked.get("X-Amz-Client-Context"))
        invocation = new_request(request.body, arn, context)
        headers = [
            ("x-amzn-RequestId", invocation.request_id),
            ("X-Amzn-Trace-Id", invocation.trace_id.partition(";")[0]),
        ]
        if kind == "DryRun":
            return json_answer(b"", 204, *headers)
        if kind == "Event":
            self._queue.submit(function, invocation)
            return json_answer(b"", 202, *headers)
        if kind != "RequestResponse":
            raise invalid(
                f"Value '{kind}' at 'invocationType' failed to satisfy constraint: Member must "
                "satisfy enum value set: [Event, RequestResponse, DryRun]"
            )
        self._loops.check(function, invocation)
        outcome = self._invoker.synchronous(function, invocation)
        headers.append(("X-Amz-Executed-Version", function.version))
        with_log = asked.get("X-Amz-Log-Type") == "Tail"
        if streams:
            headers.append(("Content-Type", "application/vnd.amazon.eventstream"))
            return Answer(streamed(outcome, with_log), headers=headers)
        return json_answer(outcome.payload, 200, *headers, *_outcome_headers(outcome, with_log))


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
