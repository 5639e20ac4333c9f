"""Function URLs.

Follows "Invoking Lambda function URLs"
(https://docs.aws.amazon.com/lambda/latest/dg/urls-invocation.html) and "Control access to Lambda
function URLs" (https://docs.aws.amazon.com/lambda/latest/dg/urls-auth.html).
"""

from __future__ import annotations

from typing import Any

from ...access.policy import Decision
from ...access.resource_policy import INVOKE, Source
from ...base.answer import Answer
from ...base.model import ApiError
from ...base.variables import ACCOUNT_ID
from . import payload_v2
from .addresses import domain_name
from .answer import message
from .apis import FunctionUrl
from .caller import Caller
from .cors import Cors
from .invoking import Functions
from .request import HttpRequest, Routed
from .results import MalformedResult, answer_v2

INVOKE_URL = "lambda:InvokeFunctionUrl"
FORBIDDEN = (
    "Forbidden. For troubleshooting Function URL authorization issues, see: "
    "https://docs.aws.amazon.com/lambda/latest/dg/urls-auth.html"
)
ANYBODY = "anonymous"  # the account of a caller whom nobody asked for a signature
LONGEST = 900 + 20  # seconds: a function URL waits as long as its function may run


def serve(url: FunctionUrl, request: HttpRequest, functions: Functions) -> Answer:
    """Answers a request, whatever comes of it."""
    cors = Cors.of_function_url(url.cors)
    answer = cors.preflight(request) if cors else None
    if answer is None:
        answer = _answer(url, request, functions)
        if cors:
            cors.add(request, answer)
    answer.headers["x-amzn-RequestId"] = request.request_id
    return answer


def _answer(url: FunctionUrl, request: HttpRequest, functions: Functions) -> Answer:
    try:
        caller = request.signed.caller() if url.auth_type == "AWS_IAM" else None
        if not _may_invoke(url, caller, functions):
            return _error(403, FORBIDDEN, "AccessDeniedException")
        outcome = functions.invoke(url.function_arn, _event(url, request, caller), None, LONGEST)
    except ApiError as refusal:
        return _refused(refusal)
    if outcome.error:
        return _failed()
    try:
        answer = answer_v2(outcome.payload, "application/json")
    except MalformedResult as problem:
        functions.note(f"{url.function_arn}: malformed response for a function URL: {problem}")
        return _failed()
    answer.headers["X-Amzn-Trace-Id"] = request.trace
    return answer


def _may_invoke(url: FunctionUrl, caller: Caller | None, functions: Functions) -> bool:
    """Whether both actions are allowed (since October 2025): to the caller, or to everybody.

    With AWS_IAM the caller's own policies say so, or the function's policy names the caller; in
    one account either does, unless the caller's own policies deny it.
    """
    arn = url.function_arn
    if url.auth_type != "AWS_IAM":
        everybody = Source("*", url_auth_type="NONE")
        return all(functions.allow(arn, everybody, action) for action in (INVOKE_URL, INVOKE))
    if caller is None:
        return False
    named = Source(caller.arn, url_auth_type="AWS_IAM")
    for action in (INVOKE_URL, INVOKE):
        decision = caller.decide(action, arn)
        allowed = decision is Decision.ALLOWED or functions.allow(arn, named, action)
        if decision is Decision.DENIED or not allowed:
            return False
    return True


def _event(url: FunctionUrl, request: HttpRequest, caller: Caller | None) -> dict[str, Any]:
    domain = domain_name("lambda-url", url.url_id, url.region)
    routed = Routed(domain, request.path, "$default", "$default")
    account_id = ACCOUNT_ID if caller else ANYBODY
    return payload_v2.event(request, routed, request.request_id, caller, account_id)


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
