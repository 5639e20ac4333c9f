"""CORS where the gateway answers for it: HTTP APIs and function URLs.

Follows "Configure CORS for HTTP APIs in API Gateway"
(https://docs.aws.amazon.com/apigateway/latest/developerguide/http-api-cors.html) and "Configuring
cross-origin resource sharing (CORS)" of function URLs
(https://docs.aws.amazon.com/lambda/latest/dg/urls-configuration.html).

Where the function sends CORS headers as well, an HTTP API drops them; a function URL adds its own,
so that browsers complain of "multiple values": a classic mistake, and kept as it is on AWS.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from ...base.answer import Answer
from .request import HttpRequest

NAMES = (
    "access-control-allow-origin",
    "access-control-allow-credentials",
    "access-control-allow-headers",
    "access-control-allow-methods",
    "access-control-expose-headers",
    "access-control-max-age",
)


@dataclass(frozen=True)
class Cors:
    """A CORS configuration; `of_url`: of a function URL."""

    of_url: bool
    origins: tuple[str, ...]
    methods: tuple[str, ...]
    headers: tuple[str, ...]
    exposed: tuple[str, ...]
    credentials: bool
    max_age: int | None

    @classmethod
    def of_http_api(cls, config: dict[str, Any] | None) -> Cors | None:
        """An HTTP API's configuration, None if there is none."""
        return cls._read(config, False)

    @classmethod
    def of_function_url(cls, config: dict[str, Any] | None) -> Cors | None:
        """A function URL's configuration, None if there is none."""
        return cls._read(config, True)

    @classmethod
    def _read(cls, config: dict[str, Any] | None, of_url: bool) -> Cors | None:
        """The two services write their keys in different case."""
        if not config:
            return None
        values = {name[:1].lower() + name[1:]: value for name, value in config.items()}
        return cls(
            of_url,
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
        return Answer(status=204, headers=headers)

    def add(self, request: HttpRequest, answer: Answer) -> None:
        """Puts the configured headers into an answer."""
        if not self.of_url:
            for name in NAMES:
                answer.headers.remove(name)
        headers = self._for_origin(request)
        if headers:
            for pair in headers + _if_any("access-control-expose-headers", self.exposed):
                answer.headers.add(*pair)

    def _for_origin(self, request: HttpRequest) -> list[tuple[str, str]]:
        """Nothing for a request of no origin, or of one that is not allowed."""
        origin = request.header("origin")
        if origin is None or not any(_allows(each, origin) for each in self.origins):
            return []
        any_origin = "*" in self.origins and not self.credentials and not self.of_url
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
