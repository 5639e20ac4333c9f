"""Function URLs.

Follows "Invoking Lambda function URLs"
(https://docs.aws.amazon.com/lambda/latest/dg/urls-invocation.html) and "Control access to Lambda
function URLs" (https://docs.aws.amazon.com/lambda/latest/dg/urls-auth.html).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from ...access.resource_policy import INVOKE, Source
from ...base.answer import Answer
from ...base.model import ApiError
from . import payload_v2
from .addresses import domain_name
from .answer import message
from .apis import FunctionUrl
from .caller import Caller, Signed
from .cors import Cors
from .invoking import Functions
from .request import HttpRequest
from .results import MalformedResult, answer_v2

INVOKE_URL = "lambda:InvokeFunctionUrl"
FORBIDDEN = (
    "Forbidden. For troubleshooting Function URL authorization issues, see: "
    "https://docs.aws.amazon.com/lambda/latest/dg/urls-auth.html"
)
LONGEST = 900 + 20  # seconds: a function URL waits as long as its function may run


@dataclass(frozen=True)
class UrlCall:
    """One request; `path` as it was sent."""

    url: FunctionUrl
    request: HttpRequest
    path: str
    trace: str
    signed: Signed


def serve(call: UrlCall, functions: Functions) -> Answer:
    """Answers a request, whatever comes of it."""
    cors = Cors.of_function_url(call.url.cors)
    answer = cors.preflight(call.request) if cors else None
    if answer is None:
        answer = _answer(call, functions)
        if cors:
            cors.add(call.request, answer)
    answer.headers["x-amzn-RequestId"] = call.request.request_id
    return answer


def _answer(call: UrlCall, functions: Functions) -> Answer:
    try:
        caller = call.signed.caller() if call.url.auth_type == "AWS_IAM" else None
        if not _may_invoke(call, caller, functions):
            return _error(403, FORBIDDEN, "AccessDeniedException")
        outcome = functions.invoke(call.url.function_arn, _event(call, caller), None, LONGEST)
    except ApiError as refusal:
        return _refused(refusal)
    if outcome.error:
        return _failed()
    try:
        answer = answer_v2(outcome.payload, "application/json")
    except MalformedResult as problem:
        arn = call.url.function_arn
        functions.note(f"{arn}: malformed response for a function URL: {problem}")
        return _failed()
    answer.headers["X-Amzn-Trace-Id"] = call.trace
    return answer


def _may_invoke(call: UrlCall, caller: Caller | None, functions: Functions) -> bool:
    """Whether both actions are allowed (since October 2025): to the caller, or to everybody.

    With AWS_IAM the caller's own policies say so, or the function's policy names the caller; in
    one account either does.
    """
    arn = call.url.function_arn
    if call.url.auth_type != "AWS_IAM":
        everybody = Source("*", url_auth_type="NONE")
        return all(functions.allow(arn, everybody, action) for action in (INVOKE_URL, INVOKE))
    if caller is None:
        return False
    named = Source(caller.arn, url_auth_type="AWS_IAM")
    return all(
        caller.may(action, arn) or functions.allow(arn, named, action)
        for action in (INVOKE_URL, INVOKE)
    )


def _event(call: UrlCall, caller: Caller | None) -> dict[str, Any]:
    return payload_v2.event(
        call.request,
        domain=domain_name("lambda-url", call.url.url_id, call.url.region),
        route_key="$default",
        stage="$default",
        raw_path=call.path,
        request_id=call.request.request_id,
        trace=call.trace,
        authorizer=payload_v2.iam_authorizer(caller) if caller else None,
    )


def _refused(refusal: ApiError) -> Answer:
    if refusal.status == 429:
        answer = Answer(refusal.body(), 429, content_type="application/json")
        answer.headers["x-amzn-ErrorType"] = refusal.code
        return answer
    if refusal.status == 413:
        return _error(413, refusal.message, refusal.code)
    if refusal.status == 404:
        return _error(403, FORBIDDEN, "AccessDeniedException")
    return _failed()


def _failed() -> Answer:
    return Answer(b"Internal Server Error", 502, content_type="application/json")


def _error(status: int, text: str, kind: str) -> Answer:
    answer = message(status, text, key="Message")
    answer.headers["x-amzn-ErrorType"] = kind
    return answer
