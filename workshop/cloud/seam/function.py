"""moto's function, with what moto forgets."""

from __future__ import annotations

import uuid
from typing import Any

import moto.awslambda.models as lambda_models

from ..base.times import in_milliseconds
from .network import vpc_config


class Function(lambda_models.LambdaFunction):
    """moto's function, with the settings that moto does not keep."""

    def __init__(self, account_id: str, spec: dict[str, Any], region: str, version: str) -> None:
        self.logging_config = dict(spec.get("LoggingConfig") or {})
        self.recursive_loop = "Terminate"
        self.runtime_management: dict[str, dict[str, str]] = {}  # by version, kept at $LATEST
        self.dead_letter_config = spec.get("DeadLetterConfig")
        self.event_settings: dict[str, dict[str, Any]] = {}  # by qualifier, kept at $LATEST
        self.revision_id = str(uuid.uuid4())
        super().__init__(account_id, spec, region, version)
        self.last_modified = in_milliseconds(zone="+0000")

    def touch(self) -> None:
        """Notes a change: invocations after it get new environments."""
        self.revision_id = str(uuid.uuid4())
        self.last_modified = in_milliseconds(zone="+0000")
        self.code_or_config_updated = True

    def set_version(self, version: int) -> None:
        super().set_version(version)
        self.last_modified = in_milliseconds(zone="+0000")

    def get_configuration(self, on_create: bool = False) -> dict[str, Any]:
        configuration = super().get_configuration(on_create)
        configuration["RevisionId"] = self.revision_id
        configuration["LoggingConfig"] = {
            "LogFormat": self.log_format,
            "LogGroup": self.log_group,
            **{k: v for k, v in self.logging_config.items() if k.endswith("Level")},
        }
        if self.dead_letter_config:
            configuration["DeadLetterConfig"] = self.dead_letter_config
        return configuration

    def update_configuration(self, config_updates: dict[str, Any]) -> dict[str, Any]:
        if "LoggingConfig" in config_updates:
            self.logging_config.update(config_updates["LoggingConfig"] or {})
            if self.log_format == "Text":
                for level in ("ApplicationLogLevel", "SystemLogLevel"):
                    self.logging_config.pop(level, None)
        if "DeadLetterConfig" in config_updates:
            self.dead_letter_config = config_updates["DeadLetterConfig"]
        if "EphemeralStorage" in config_updates:
            self.ephemeral_storage = config_updates["EphemeralStorage"]["Size"]
        if "TracingConfig" in config_updates:
            self.tracing_config = config_updates["TracingConfig"]
        if "KMSKeyArn" in config_updates:
            self.kms_key_arn = config_updates["KMSKeyArn"]
        super().update_configuration(config_updates)
        self.touch()
        return self.get_configuration()

    @property
    def vpc_config(self) -> dict[str, Any] | None:
        """As its configuration shows it: moto names no VPC that exists."""
        return vpc_config(self._vpc_config, self.region) if self._vpc_config else None

    @property
    def log_format(self) -> str:
        """Text or JSON."""
        return self.logging_config.get("LogFormat", "Text")

    @property
    def log_group(self) -> str:
        """Where its log goes."""
        return self.logging_config.get("LogGroup") or f"/aws/lambda/{self.function_name}"
