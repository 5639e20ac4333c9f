"""moto as a whole: started, asked, and what of it is used without a round trip over HTTP."""

from __future__ import annotations

import functools
import json
from collections.abc import Callable
from typing import Any

import moto.awslambda.models as lambda_models
import moto.core.responses as moto_responses
import moto.core.utils as moto_utils
from flask import request
from moto.core.base_backend import BackendDict
from moto.core.common_models import BaseModel
from moto.core.models import default_user_config
from moto.events.models import EventPattern
from moto.iam.models import iam_backends
from moto.logs.models import logs_backends
from moto.moto_api import recorder
from moto.moto_api._internal.models import moto_api_backend
from moto.moto_server.werkzeug_app import DomainDispatcherApplication, create_backend_app
from yaml import YAMLError

from ..base.model import FunctionVersion, LogEvent
from ..base.regexes import BadRegex
from ..base.variables import ACCOUNT_ID
from . import (
    cloudwatch,
    comparisons,
    dynamodb,
    errors,
    event_settings,
    events,
    function_urls,
    http_apis,
    iot,
    kinesis,
    logs,
    mappings,
    moto_ec2,
    outside,
    rest_apis,
    s3,
    scheduler,
    sns,
    sqs,
)
from .backend import Backend
from .hooks import Hooks, set_hooks

# Each puts its methods in moto's place, however often it is asked to.
PATCHED = (
    cloudwatch,
    comparisons,
    dynamodb,
    event_settings,
    events,
    function_urls,
    http_apis,
    iot,
    kinesis,
    logs,
    mappings,
    outside,
    rest_apis,
    s3,
    scheduler,
    sns,
    sqs,
)
MOST_LOG_EVENTS, MOST_LOG_BYTES = 200_000, 64 * 1024 * 1024  # of one log stream
MOST_HOSTS = 512  # names that are remembered: a client may choose any
ROLE = "lambda-role"
TRUST = {
    "Version": "2012-10-17",
    "Statement": [
        {
            "Effect": "Allow",
            "Principal": {"Service": "lambda.amazonaws.com"},
            "Action": "sts:AssumeRole",
        }
    ],
}


def load_managed_policies() -> None:
    """Lets IAM know AWS's own policies, such as AWSLambdaBasicExecutionRole.

    moto reads 1,500 of them (0.2 s), so this waits for the first request to IAM.
    """
    iam = iam_backends[ACCOUNT_ID]["aws"]
    if not iam.aws_managed_policies:
        default_user_config.setdefault("iam", {})["load_aws_managed_policies"] = True
        iam.aws_managed_policies = iam._init_aws_policies()
        iam.managed_policies.update(iam._init_managed_policies())
        default_user_config["iam"]["load_aws_managed_policies"] = False


def write_logs(function: FunctionVersion, stream: str, events: list[LogEvent]) -> None:
    """Appends to a function's log stream; of one that a flood fills the older half goes."""
    backend = logs_backends[function.account_id][function.region]
    backend.ensure_log_group(function.log_group)
    backend.ensure_log_stream(function.log_group, stream)
    latest, entries = 0, []
    for event in events:  # a batch must be in order; the clocks of two processes may differ
        latest = max(latest, event.timestamp_ms)
        entries.append({"timestamp": latest, "message": event.message})
    backend.put_log_events(function.log_group, stream, entries)
    kept = backend.groups[function.log_group].streams[stream]
    if len(kept.events) > MOST_LOG_EVENTS or kept.stored_bytes > MOST_LOG_BYTES:
        del kept.events[: len(kept.events) // 2]
        kept.stored_bytes = sum(len(event.message) for event in kept.events)


def start(hooks: Hooks) -> None:
    """Puts the subclass in moto's place and empties moto; makes the role `lambda-role`."""
    set_hooks(hooks)
    for each in PATCHED:
        each.install()
    _read_names_once()
    BaseModel.__new__ = staticmethod(_new_model)
    if not isinstance(lambda_models.lambda_backends, _Backends):
        lambda_models.lambda_backends = _Backends(Backend, "lambda")
    moto_api_backend.reset()
    lambda_models.lambda_backends.reset()
    iam_backends[ACCOUNT_ID]["aws"].create_role(
        role_name=ROLE,
        assume_role_policy_document=json.dumps(TRUST),
        path="/",
        permissions_boundary=None,
        description="Made by the local cloud",
        tags=[],
        max_session_duration="3600",
    )


def _read_names_once() -> None:
    """moto looks through a service's class for the names of its methods at every request."""
    if not hasattr(moto_utils.method_names_from_class, "cache_info"):
        cached = functools.cache(moto_utils.method_names_from_class)
        moto_utils.method_names_from_class = moto_responses.method_names_from_class = cached


def _new_model(cls: type[BaseModel], *args: Any, **kwargs: Any) -> BaseModel:
    """In place of moto's, which keeps each object for a page: deleted ones too, with their code."""
    return super(BaseModel, cls).__new__(cls)


def stop() -> None:
    """Forgets the cloud that `start` named."""
    set_hooks(None)


@functools.cache
def application() -> Callable[..., Any]:
    """moto's APIs as a WSGI application; its state is in the backends, which `start` empties."""
    recorder._record_request = lambda *request: None  # it would write requests to files
    return _Dispatcher(_backend_app)


def _backend_app(service: str) -> Any:
    """The application of one service, made when it is first asked."""
    if service == "moto_api":
        return outside.no_pages
    moto_ec2.load(service)
    app = create_backend_app(service)
    outside.install()
    for too_much in (YAMLError, BadRegex, outside.LeftTheCloud):
        app.register_error_handler(too_much, _refused)
    return app


def _refused(error: Exception) -> tuple[str, int, dict[str, str]]:
    """The answer to a request that moto could not read to its end."""
    return errors.validation_error(request.headers.get("Content-Type", ""), str(error))


def matches(pattern: dict[str, Any], event: dict[str, Any]) -> bool:
    """Whether an event matches a pattern of EventBridge, or a filter of a mapping."""
    return EventPattern(None, pattern).matches_event(event)


class _Dispatcher(DomainDispatcherApplication):
    """Finds the service of a host name once; moto would look through its folders every time."""

    def __init__(self, create_app: Callable[[str], Any]) -> None:
        super().__init__(create_app)
        self.get_backend_for_host = functools.lru_cache(MOST_HOSTS)(super().get_backend_for_host)


class _Backends(BackendDict):
    """Tells our backends from moto's."""
