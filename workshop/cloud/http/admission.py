"""Who may speak to the cloud, and what a function's role lets it ask."""

from __future__ import annotations

import re
from typing import Any

from ..access import Asked, Roles, describe
from ..access.authentication import authenticate, form_of
from ..access.calls import Call
from ..access.credentials import KEPT_AS, Signature, signature
from ..base.keys import AccessKey
from ..base.model import ApiError
from ..base.request_line import without_signature
from ..base.variables import ACCOUNT_ID
from ..triggers.gateway.caller import Caller

# What a service calls a call that a role does not allow
DENIED = {"s3": "AccessDenied", "sqs": "AccessDenied", "sns": "AuthorizationError"}
# What moto serves beside AWS's APIs: its own pages, and an instance's metadata
CLOSED = ("/moto-api", "/favicon.ico", "/latest/meta-data", "/latest/api", "/latest/dynamic")
KEY_KEPT_AS = "local_cloud.key"  # in the WSGI environ, of a request that was let in
REGION_IN_NAME = re.compile(r"\.[^./]+\.amazonaws\.com", re.IGNORECASE)
UNKNOWN = (
    "The security token included in the request is invalid. "
    "Use the AWS_ACCESS_KEY_ID that this run of the local cloud printed."
)


class Gate:
    """Who may speak to the cloud: keys of its own, from no web page, by a local name."""

    def __init__(self, owner: AccessKey, polling: AccessKey, roles: Roles) -> None:
        self._owner, self._roles = owner, roles
        self._own = {owner.id: owner, polling.id: polling}

    def admit(self, environ: dict[str, Any]) -> None:
        """Lets a request in: its body is read, and it carries nobody's secrets any more.

        Raises ApiError for one that may not pass, and ConnectionError if the client went away.
        """
        self.check_host(environ)
        _check_page(environ)
        if environ["PATH_INFO"].startswith(CLOSED):
            raise ApiError(403, "AccessDeniedException", "This page is closed, for everybody.")
        key = authenticate(environ, self.find)
        if key is None:
            raise ApiError(403, "UnrecognizedClientException", UNKNOWN)
        if environ["PATH_INFO"].startswith("/_aws/") and key is not self._owner:
            raise ApiError(
                403, "AccessDeniedException", "The local cloud obeys its owner's key only."
            )
        environ[KEY_KEPT_AS] = key
        if self._roles.holds(key):
            self._check_role(key, environ)
        _hide_signature(environ, key)

    def find(self, key_id: str) -> AccessKey | None:
        """A key of this run, by its id."""
        return self._own.get(key_id) or self._roles.find_key(key_id)

    def check_host(self, environ: dict[str, Any]) -> None:
        """Refuses a request by a name that is not this machine's. Raises ApiError."""
        host = environ.get("HTTP_HOST", "")
        if not _is_local(host):
            message = f"The local cloud does not answer to the host {host!r}."
            raise ApiError(403, "AccessDeniedException", message)

    def caller(self, environ: dict[str, Any], service: str) -> Caller | None:
        """Who signed a request to an API or a function URL; None if nobody of this cloud did."""
        try:
            signed = signature(environ)
            key = authenticate(environ, self.find) if signed else None
        except ApiError:
            return None
        if key is None or signed is None or signed.service != service:
            return None
        return Caller(
            access_key=key.shown or key.id,
            arn=key.arn,
            decide=lambda action, resource: self._roles.decide(key, Call(action, resource)),
        )

    def _check_role(self, key: AccessKey, environ: dict[str, Any]) -> None:
        """What a role does not allow, where roles are enforced. Raises ApiError."""
        signed: Signature = environ[KEPT_AS]
        _check_plain(environ, signed)
        asked = Asked.of(environ, form_of(environ))
        calls = describe(signed.service, signed.region, ACCOUNT_ID, asked)
        message = self._roles.refusal(key, calls)
        if message:
            code = DENIED.get(signed.service, "AccessDeniedException")
            raise ApiError(403, code, message)


def key_of(environ: dict[str, Any]) -> AccessKey | None:
    """The key of a request that was let in."""
    return environ.get(KEY_KEPT_AS)


def _check_page(environ: dict[str, Any]) -> None:
    """Refuses what a web page asks for. A link that somebody clicks is no page's request."""
    origin = environ.get("HTTP_ORIGIN")
    site = environ.get("HTTP_SEC_FETCH_SITE", "none")
    clicked = (
        environ["REQUEST_METHOD"] == "GET"
        and environ.get("HTTP_SEC_FETCH_MODE") == "navigate"
        and environ.get("HTTP_SEC_FETCH_DEST", "document") == "document"
    )
    if origin is None and (site in ("none", "same-origin") or clicked):
        return
    message = f"The local cloud does not answer web pages ({origin or site})."
    raise ApiError(403, "AccessDeniedException", message)


def _check_plain(environ: dict[str, Any], signed: Signature) -> None:
    """Refuses, of a call that is held to a role, what moto could take for another call."""
    host = environ.get("HTTP_HOST", "").rsplit(":", 1)[0].lower()
    odd = host not in ("127.0.0.1", "localhost") or environ["RAW_URI"].startswith("//")
    if signed.service != "s3" and REGION_IN_NAME.search(environ["RAW_URI"]):
        odd = True
    if odd:
        raise ApiError(
            403,
            DENIED.get(signed.service, "AccessDeniedException"),
            "A call that is held to a role must go to http://127.0.0.1 and its port, and name no "
            "region in its path. Use the AWS_ENDPOINT_URL of the function's environment.",
        )
    agent = environ.get("HTTP_USER_AGENT", "")
    environ["HTTP_USER_AGENT"] = agent.replace("region/", "region-")  # moto would follow it


def _hide_signature(environ: dict[str, Any], key: AccessKey) -> None:
    """What moto sees of a signature: the region and the service, and a key id that opens nothing.

    moto would choose another account by its header, and write URLs into access logs.
    """
    signed: Signature = environ[KEPT_AS]
    scope = f"{key.shown or key.id}/{signed.date}/{signed.region}/{signed.service}/aws4_request"
    environ["HTTP_AUTHORIZATION"] = (
        f"AWS4-HMAC-SHA256 Credential={scope}, SignedHeaders=host, Signature=verified"
    )
    for name in ("HTTP_X_MOTO_ACCOUNT_ID", "HTTP_X_AMZ_SECURITY_TOKEN"):
        environ.pop(name, None)
    if signed.way in ("url", "old url"):
        environ["QUERY_STRING"] = without_signature(environ["QUERY_STRING"])
        for name in ("RAW_URI", "REQUEST_URI"):
            path, mark, query = environ[name].partition("?")
            environ[name] = path + mark + without_signature(query)


def _is_local(host: str) -> bool:
    name = host.rsplit(":", 1)[0].lower()
    return name in ("127.0.0.1", "localhost") or name.endswith(
        (".localhost", ".amazonaws.com", ".on.aws")
    )
