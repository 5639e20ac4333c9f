"""Who signed a request, and for which service and region: in its header, its URL or its form.

Follows "Authenticating Requests (AWS Signature Version 4)"
(https://docs.aws.amazon.com/AmazonS3/latest/API/sig-v4-authenticating-requests.html).
"""

from __future__ import annotations

import io
import re
from typing import Any, NamedTuple
from urllib.parse import parse_qs

HEADER = re.compile(r"Credential=([^,\s]+)")
FORM_FIELD = re.compile(rb'name="(x-amz-credential|AWSAccessKeyId)"\r\n\r\n([^\r]+)\r\n', re.I)
LARGEST_FORM = 100 * 1024 * 1024  # bytes
KEPT_AS = "local_cloud.credential"


class Credential(NamedTuple):
    """A credential's parts; None for what it doesn't say."""

    key: str | None = None
    region: str | None = None
    service: str | None = None


def credential(environ: dict[str, Any]) -> Credential:
    """The credential of a WSGI request."""
    if KEPT_AS not in environ:
        environ[KEPT_AS] = _from_header(environ) or _from_url(environ) or _from_form(environ)
    return environ[KEPT_AS] or Credential()


def signature(environ: dict[str, Any]) -> Credential:
    """The same, of a request whose body may have been read: a form is not looked at."""
    return _from_header(environ) or _from_url(environ) or Credential()


def _from_header(environ: dict[str, Any]) -> Credential | None:
    found = HEADER.search(environ.get("HTTP_AUTHORIZATION", ""))
    return _parse(found[1]) if found else None


def _from_url(environ: dict[str, Any]) -> Credential | None:
    """Of a presigned URL, in the newer or the older way of signing."""
    query = parse_qs(environ.get("QUERY_STRING", ""))
    if "X-Amz-Credential" in query:
        return _parse(query["X-Amz-Credential"][0])
    if "AWSAccessKeyId" in query:
        return Credential(query["AWSAccessKeyId"][0], None, "s3")
    return None


def _from_form(environ: dict[str, Any]) -> Credential | None:
    """Of a form that is posted to a bucket; the form can still be read afterwards."""
    length = int(environ.get("CONTENT_LENGTH") or 0)
    if (
        environ["REQUEST_METHOD"] != "POST"
        or not environ.get("CONTENT_TYPE", "").startswith("multipart/form-data")
        or length > LARGEST_FORM
    ):
        return None
    body = environ["wsgi.input"].read(length)
    environ["wsgi.input"] = io.BytesIO(body)
    found = FORM_FIELD.search(body)
    if not found:
        return None
    value = found[2].decode(errors="replace")
    return _parse(value)._replace(service="s3") if "/" in value else Credential(value, None, "s3")


def _parse(text: str) -> Credential:
    """`KEY/20261124/us-east-1/s3/aws4_request`, cut short or not."""
    parts = text.split("/")
    known = parts[2:4] if len(parts) >= 4 else [None, None]
    return Credential(parts[0], *known)
