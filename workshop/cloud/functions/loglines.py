"""The lines that Lambda itself writes to a function's log, as text or as JSON.

They follow "Viewing CloudWatch logs for Lambda functions"
(https://docs.aws.amazon.com/lambda/latest/dg/monitoring-cloudwatchlogs-view.html) and
"Configuring advanced logging controls" (monitoring-cloudwatchlogs-advanced.html).
"""

from __future__ import annotations

import hashlib
import json
import math
import re
import sys
import time
import uuid
from dataclasses import dataclass
from typing import Any

from ..base.model import FunctionVersion, LogEvent
from ..base.times import in_milliseconds, utc

SYSTEM_LEVELS = {"DEBUG": 0, "INFO": 1, "WARN": 2}


@dataclass(frozen=True)
class Report:
    """The figures of a REPORT line; times in milliseconds."""

    request_id: str
    duration_ms: float
    init_ms: float | None
    max_memory_mb: int
    status: str  # "success", "error" or "timeout"
    error_type: str | None = None
    ahead: bool = False  # INIT came before the request: provisioned concurrency

    @property
    def billed_ms(self) -> int:
        """Since 1 August 2025 INIT is billed with the duration, rounded up to 1 ms together.

        Provisioned concurrency pays for INIT by its own price.
        """
        init_ms = 0.0 if self.ahead else self.init_ms or 0.0
        return math.ceil(round(self.duration_ms + init_ms, 2))


class LogLines:
    """Writes the platform's lines for one function version."""

    def __init__(self, function: FunctionVersion, initialization_type: str = "on-demand") -> None:
        self._function = function
        self._initialization_type = initialization_type
        self._json = function.log_format == "JSON"
        self._level = SYSTEM_LEVELS[function.system_log_level or "INFO"]

    def init_start(self) -> list[LogEvent]:
        """INIT_START: a new execution environment begins."""
        version = runtime_version(self._function.runtime)
        arn = runtime_version_arn(self._function)
        record = {
            "initializationType": self._initialization_type,
            "phase": "init",
            "runtimeVersion": version,
            "runtimeVersionArn": arn,
            "functionName": self._function.name,
            "functionVersion": self._function.version,
        }
        text = f"INIT_START Runtime Version: {version}\tRuntime Version ARN: {arn}\n"
        return self._line("INFO", "platform.initStart", record, text)

    def init_report(self, init_ms: float, phase: str, status: str, error_type: str | None):
        """INIT_REPORT: written when INIT failed; `phase` is "init" or "invoke".

        Provisioned concurrency writes it always.
        """
        text = f"INIT_REPORT Init Duration: {init_ms:.2f} ms"
        if status != "success":
            text += f"\tPhase: {phase}\tStatus: {status}"
        if error_type:
            text += f"\tError Type: {error_type}"
        record = {
            "initializationType": self._initialization_type,
            "phase": phase,
            "status": status,
            "metrics": {"durationMs": round(init_ms, 3)},
        }
        if error_type:
            record["errorType"] = error_type
        return self._line("INFO", "platform.initReport", record, text + "\n")

    def start(self, request_id: str) -> list[LogEvent]:
        """START: an invocation begins."""
        version = self._function.version
        record = {"requestId": request_id, "version": version}
        text = f"START RequestId: {request_id} Version: {version}\n"
        return self._line("INFO", "platform.start", record, text)

    def end(self, report: Report) -> list[LogEvent]:
        """END and REPORT (as text), or platform.report (as JSON)."""
        if self._json:
            return self._json_report(report)
        return [
            _event(f"END RequestId: {report.request_id}\n"),
            _event(self._text_report(report)),
        ]

    def _text_report(self, report: Report) -> str:
        fields = [
            f"REPORT RequestId: {report.request_id}",
            f"Duration: {report.duration_ms:.2f} ms",
            f"Billed Duration: {report.billed_ms} ms",
            f"Memory Size: {self._function.memory_mb} MB",
            f"Max Memory Used: {report.max_memory_mb} MB",
        ]
        if report.init_ms is not None:
            fields.append(f"Init Duration: {report.init_ms:.2f} ms")
        if report.status == "success":
            fields.append("")  # a tab follows the last field
        else:
            fields.append(f"Status: {report.status}")
            if report.error_type:
                fields.append(f"Error Type: {report.error_type}")
        return "\t".join(fields) + "\n"

    def _json_report(self, report: Report) -> list[LogEvent]:
        metrics = {
            "durationMs": round(report.duration_ms, 3),
            "billedDurationMs": report.billed_ms,
            "memorySizeMB": self._function.memory_mb,
            "maxMemoryUsedMB": report.max_memory_mb,
        }
        if report.init_ms is not None:
            metrics["initDurationMs"] = round(report.init_ms, 3)
        record = {"requestId": report.request_id, "metrics": metrics, "status": report.status}
        if report.error_type:
            record["errorType"] = report.error_type
        level = "INFO" if report.status == "success" else "WARN"
        return self._line(level, "platform.report", record, "")

    def _line(self, level: str, kind: str, record: dict[str, Any], text: str) -> list[LogEvent]:
        if not self._json:
            return [_event(text)]
        if SYSTEM_LEVELS[level] < self._level:
            return []
        body = {"time": in_milliseconds(), "type": kind, "record": record}
        return [_event(json.dumps(body) + "\n")]


def runtime_version(runtime: str) -> str:
    """Such as `python:3.14.v11`; here the last part is the patch version of your own Python.

    AWS's of the others are `nodejs:22.v11` and `provided:al2023.v16`.
    """
    name, version = re.match(r"([a-z]*)\.?(.*)", runtime).groups()  # type: ignore[union-attr]
    return f"{name}:{version.removesuffix('.x')}.v{sys.version_info.micro}"


def runtime_version_arn(function: FunctionVersion) -> str:
    """An ARN in AWS's form; its digest is made from the runtime's name."""
    digest = hashlib.sha256(function.runtime.encode()).hexdigest()
    return f"arn:aws:lambda:{function.region}::runtime:{digest}"


def stream_name(function: FunctionVersion) -> str:
    """Such as `2026/11/02/[$LATEST]` and 32 hexadecimal digits: one for each environment."""
    return f"{utc():%Y/%m/%d}/[{function.version}]{uuid.uuid4().hex}"


def _event(message: str) -> LogEvent:
    return LogEvent(int(time.time() * 1000), message)
