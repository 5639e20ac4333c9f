"""Who may speak to the cloud, and what a function's role lets it ask."""

from __future__ import annotations

import io
from typing import Any

from .credentials import signature
from .environ import ACCOUNT_ID
from .roles import Roles, describe
from .wsgi import access_key, read_body, region_of, service_of

# What a service calls a call that a role does not allow
DENIED = {"s3": "AccessDenied", "sqs": "AccessDenied", "sns": "AuthorizationError"}


class Gate:
    """Who may speak to the cloud: its owner's keys, from no web page, by a local name."""

    def __init__(self, keys: set[str], roles: Roles) -> None:
        self._keys, self._roles = keys, roles

    def refusal(self, environ: dict[str, Any]) -> tuple[str, str] | None:
        """An error's code and message, or None for a request that may pass."""
        foreign = self.foreign_host(environ)
        if foreign:
            return foreign
        origin = environ.get("HTTP_ORIGIN")
        if origin is not None or environ.get("HTTP_SEC_FETCH_SITE") == "cross-site":
            return "AccessDeniedException", f"The local cloud does not answer web pages ({origin})."
        key_id = access_key(environ)
        if key_id not in self._keys and not self._roles.knows(key_id):
            return (
                "UnrecognizedClientException",
                "The security token included in the request is invalid. "
                "Use the AWS_ACCESS_KEY_ID that this run of the local cloud printed.",
            )
        return self._role_refusal(key_id, environ)

    def _role_refusal(self, key_id: str | None, environ: dict[str, Any]) -> tuple[str, str] | None:
        """What a function's role does not allow, where roles are enforced."""
        if not self._roles.holds(key_id):
            return None
        service = service_of(environ) or ""
        body = b""
        if service != "s3":  # objects may be large, and S3's actions do not need the body
            body = read_body(environ)
            environ["wsgi.input"] = io.BytesIO(body)
        calls = describe(
            service=service,
            region=region_of(environ),
            account=ACCOUNT_ID,
            method=environ["REQUEST_METHOD"],
            path=environ["PATH_INFO"],
            query=environ.get("QUERY_STRING", ""),
            target=environ.get("HTTP_X_AMZ_TARGET", ""),
            body=body,
        )
        message = self._roles.refusal(key_id, calls)
        return (DENIED.get(service, "AccessDeniedException"), message) if message else None

    def foreign_host(self, environ: dict[str, Any]) -> tuple[str, str] | None:
        """The refusal of a request by a name that is not this machine's; holds for APIs too."""
        host = environ.get("HTTP_HOST", "")
        if _is_local(host):
            return None
        return "AccessDeniedException", f"The local cloud does not answer to the host {host!r}."

    def signer(self, environ: dict[str, Any]) -> str | None:
        """The access key that signed a request, if it is one of the owner's."""
        key = signature(environ).key
        return key if key in self._keys or self._roles.knows(key) else None


def _is_local(host: str) -> bool:
    name = host.rsplit(":", 1)[0].lower()
    return name in ("127.0.0.1", "localhost") or name.endswith(
        (".localhost", ".amazonaws.com", ".on.aws")
    )
