"""What a request is signed with: the key's id, the scope, the signature, in header, URL or form.

Follows "Authenticating Requests (AWS Signature Version 4)"
(https://docs.aws.amazon.com/AmazonS3/latest/API/sig-v4-authenticating-requests.html) and
"Signing and authenticating REST requests" of the older way
(https://docs.aws.amazon.com/AmazonS3/latest/userguide/RESTAuthentication.html).
"""

from __future__ import annotations

import re
from typing import Any, Literal, NamedTuple
from urllib.parse import parse_qs

from ..base.model import ApiError
from .forms import Form

ALGORITHM = "AWS4-HMAC-SHA256"
HEADER = re.compile(
    rf"{ALGORITHM}\s+Credential=(?P<credential>[^,\s]+)\s*,\s*"
    r"SignedHeaders=(?P<headers>[^,\s]+)\s*,\s*Signature=(?P<signature>[0-9a-f]{64})"
)
SCOPE = re.compile(
    r"(?P<key>[\w=+.@-]{1,128})/(?P<date>\d{8})/(?P<region>[a-z0-9-]{1,40})"
    r"/(?P<service>[a-z0-9_-]{1,60})/aws4_request"
)
KEPT_AS = "local_cloud.signature"


class Signature(NamedTuple):
    """What a request says of its signature."""

    way: Literal["header", "url", "form", "old url", "old form"]
    key: str
    value: str
    region: str = "us-east-1"
    service: str = "s3"
    date: str = ""  # of the scope, such as "20261127"
    signed_headers: tuple[str, ...] = ()
    token: str | None = None

    @property
    def is_form(self) -> bool:
        """Whether it signs a form's policy, and not the request."""
        return self.way in ("form", "old form")


def signature(environ: dict[str, Any]) -> Signature | None:
    """A request's signature, in its header or URL. Raises ApiError for one that can't be read.

    A form's is known after `of_form` has found it.
    """
    if KEPT_AS not in environ:
        environ[KEPT_AS] = _from_header(environ) or _from_url(environ)
    return environ[KEPT_AS]


def of_form(form: Form) -> Signature | None:
    """The signature of a form."""
    fields = form.fields
    token = fields.get("x-amz-security-token")
    if "x-amz-credential" in fields:
        scope = _scope(fields["x-amz-credential"])
        if scope["service"] != "s3":
            raise _incomplete(fields["x-amz-credential"])
        value = fields.get("x-amz-signature", "")
        return Signature("form", value=value, token=token, **scope)
    if "awsaccesskeyid" in fields:
        value = fields.get("signature", "")
        return Signature("old form", fields["awsaccesskeyid"], value, token=token)
    return None


def _from_header(environ: dict[str, Any]) -> Signature | None:
    header = environ.get("HTTP_AUTHORIZATION", "")
    if not header.startswith("AWS"):
        return None
    found = HEADER.fullmatch(header.strip())
    if not found:
        raise _incomplete(header)
    return Signature(
        "header",
        value=found["signature"],
        signed_headers=tuple(found["headers"].lower().split(";")),
        token=environ.get("HTTP_X_AMZ_SECURITY_TOKEN"),
        **_scope(found["credential"]),
    )


def _from_url(environ: dict[str, Any]) -> Signature | None:
    """Of a presigned URL, in the newer or the older way of signing."""
    query = parse_qs(environ.get("QUERY_STRING", ""), keep_blank_values=True)

    def value(name: str) -> str | None:
        return query[name][0] if len(query.get(name, [])) == 1 else None

    if value("X-Amz-Credential"):
        if value("X-Amz-Algorithm") != ALGORITHM:
            raise _unsupported()
        return Signature(
            "url",
            value=value("X-Amz-Signature") or "",
            signed_headers=tuple((value("X-Amz-SignedHeaders") or "").lower().split(";")),
            token=value("X-Amz-Security-Token"),
            **_scope(value("X-Amz-Credential") or ""),
        )
    if value("AWSAccessKeyId") and value("Signature"):
        return Signature(
            "old url",
            value("AWSAccessKeyId") or "",
            value("Signature") or "",
            token=value("x-amz-security-token"),
        )
    return None


def _scope(credential: str) -> dict[str, Any]:
    """The parts of `KEY/20261124/us-east-1/s3/aws4_request`. Raises ApiError."""
    found = SCOPE.fullmatch(credential)
    if not found:
        raise _incomplete(credential)
    return found.groupdict()


def _incomplete(text: str) -> ApiError:
    if not text.startswith(ALGORITHM) and text.startswith("AWS"):
        return _unsupported()
    return ApiError(
        403,
        "IncompleteSignatureException",
        "The Authorization header or the URL is no complete signature: it takes a Credential with "
        "key, date, region, service and aws4_request, SignedHeaders, and a Signature.",
    )


def _unsupported() -> ApiError:
    message = f"The authorization mechanism you have provided is not supported. Use {ALGORITHM}."
    return ApiError(400, "InvalidRequest", message)
