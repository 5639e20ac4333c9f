"""CORS where the gateway answers for it: HTTP APIs and function URLs.

Follows "Configure CORS for HTTP APIs in API Gateway"
(https://docs.aws.amazon.com/apigateway/latest/developerguide/http-api-cors.html) and "Configuring
cross-origin resource sharing (CORS)" of function URLs
(https://docs.aws.amazon.com/lambda/latest/dg/urls-configuration.html).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from .answer import Answer
from .request import HttpRequest

NAMES = {
    "access-control-allow-origin",
    "access-control-allow-credentials",
    "access-control-allow-headers",
    "access-control-allow-methods",
    "access-control-expose-headers",
    "access-control-max-age",
}


@dataclass(frozen=True)
class Cors:
    """A CORS configuration."""

    origins: tuple[str, ...]
    methods: tuple[str, ...]
    headers: tuple[str, ...]
    exposed: tuple[str, ...]
    credentials: bool
    max_age: int | None

    @classmethod
    def read(cls, config: dict[str, Any] | None) -> Cors | None:
        """A configuration of either service (their keys differ in case); None if there is none."""
        if not config:
            return None
        values = {name[:1].lower() + name[1:]: value for name, value in config.items()}
        return cls(
            tuple(values.get("allowOrigins") or ()),
            tuple(values.get("allowMethods") or ()),
            tuple(values.get("allowHeaders") or ()),
            tuple(values.get("exposeHeaders") or ()),
            bool(values.get("allowCredentials")),
            values.get("maxAge"),
        )

    def preflight(self, request: HttpRequest) -> Answer | None:
        """The gateway's answer to a preflight request; None for any other request."""
        if request.method != "OPTIONS" or request.header("origin") is None:
            return None
        if request.header("access-control-request-method") is None:
            return None
        headers = self._for_origin(request)
        if headers:
            headers += _if_any("access-control-allow-methods", self.methods)
            headers += _if_any("access-control-allow-headers", self.headers)
            if self.max_age is not None:
                headers.append(("access-control-max-age", str(self.max_age)))
        return Answer(204, headers)

    def add(self, request: HttpRequest, answer: Answer) -> None:
        """Puts the configured headers into an answer, in place of the function's own."""
        answer.drop(NAMES)
        headers = self._for_origin(request)
        if headers:
            answer.headers += headers + _if_any("access-control-expose-headers", self.exposed)

    def _for_origin(self, request: HttpRequest) -> list[tuple[str, str]]:
        """Nothing for a request of no origin, or of one that is not allowed."""
        origin = request.header("origin")
        if origin is None or not any(_allows(each, origin) for each in self.origins):
            return []
        any_origin = "*" in self.origins and not self.credentials
        headers = [("access-control-allow-origin", "*" if any_origin else origin)]
        if self.credentials:
            headers.append(("access-control-allow-credentials", "true"))
        return headers


def _allows(pattern: str, origin: str) -> bool:
    if pattern in ("*", "http://*", "https://*"):
        return origin.startswith(pattern[:-1])
    return pattern.rstrip("/").lower() == origin.lower()


def _if_any(name: str, values: tuple[str, ...]) -> list[tuple[str, str]]:
    return [(name, ",".join(values))] if values else []
