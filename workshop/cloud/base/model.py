"""The words the local cloud speaks: a function as it runs, a request, what came of it."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import Any

LARGEST_RESPONSE = 6_291_556  # bytes that a function may answer: 6 MB and 100 bytes
LARGEST_EVENT = 1024 * 1024  # bytes of an asynchronous one; 256 KB until 2025


class ApiError(Exception):
    """An error that an AWS API answers with: a code, an HTTP status and a message."""

    def __init__(self, status: int, code: str, message: str, **fields: str) -> None:
        super().__init__(message)
        self.status = status
        self.code = code
        self.message = message
        self.fields = fields

    def body(self) -> bytes:
        """The JSON body, as Lambda's API writes it."""
        return json.dumps({"Type": "User", "message": self.message, **self.fields}).encode()


class PortTaken(OSError):
    """The port that was asked for is in use."""

    def __init__(self, port: int) -> None:
        super().__init__(
            f"Port {port} is in use by another program. Choose another one "
            f"(`workshop cloud --port {port + 1}`), or port 0 for any that is free."
        )
        self.port = port


@dataclass(frozen=True)
class FunctionVersion:
    """One version of a function, frozen as it was when the request came."""

    name: str
    version: str
    region: str
    account_id: str
    arn: str  # unqualified
    revision: str  # another one after every change of code or configuration
    runtime: str
    handler: str
    memory_mb: int
    timeout_s: int
    variables: dict[str, str] = field(hash=False)
    code: bytes = field(repr=False, hash=False)
    layers: tuple[bytes, ...] = field(repr=False, hash=False)
    log_group: str
    log_format: str  # "Text" or "JSON"
    application_log_level: str | None
    system_log_level: str | None
    reserved_concurrency: int | None
    role: str = ""  # the execution role's ARN
    recursive_loop: str = "Terminate"  # or "Allow"
    tmp_mb: int = 512  # ephemeral storage: the size of /tmp


@dataclass(frozen=True)
class Request:
    """One invocation's request."""

    request_id: str
    payload: bytes
    invoked_arn: str
    client_context: str | None = None  # JSON, decoded from base64
    trace_id: str = ""
    received_at: float = 0.0  # time.time()


@dataclass(frozen=True)
class EventSettings:
    """How a function's asynchronous events are retried, and where they end (ARNs)."""

    maximum_retries: int = 2
    maximum_age_s: int = 21_600
    on_success: str | None = None
    on_failure: str | None = None
    dead_letter: str | None = None


@dataclass(frozen=True)
class QueueState:
    """What an SQS queue holds for those who poll it."""

    ready: bool  # something can be received now
    delayed_s: float | None  # until the first delayed message is there
    hidden_s: float | None  # until the first message in flight is visible again
    visibility_timeout_s: int
    retention_s: int
    has_dead_letters: bool  # a redrive policy names a dead-letter queue


@dataclass(frozen=True)
class LogEvent:
    """One line, or one record of several lines, of a log stream."""

    timestamp_ms: int
    message: str


@dataclass
class Outcome:
    """What an invocation came to."""

    payload: bytes
    error: bool = False
    logs: list[LogEvent] = field(default_factory=list)

    def tail(self, limit: int = 4096) -> bytes:
        """The last `limit` bytes of the log, as `LogType=Tail` answers."""
        tail = "".join(event.message for event in self.logs).encode()[-limit:]
        return tail.decode("utf-8", "ignore").encode()  # no character is cut in two


@dataclass(frozen=True, slots=True)
class Invocation:
    """What is kept of an invocation for pictures and bills; times are `time.time()` seconds."""

    function_name: str
    request_id: str
    environment_id: str
    cold: bool
    received_at: float
    started_at: float
    ended_at: float
    init_ms: float | None
    duration_ms: float
    billed_ms: int
    memory_size_mb: int
    max_memory_mb: int
    status: str  # "success", "error" or "timeout"


def error_payload(error_type: str, message: str, **more: Any) -> bytes:
    """An error object as Lambda itself writes it (not the runtime)."""
    return json.dumps({"errorType": error_type, "errorMessage": message, **more}).encode()
