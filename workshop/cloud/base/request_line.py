"""A request's target and headers as the client sent them, which WSGI does not tell."""

from __future__ import annotations

from typing import Any
from urllib.parse import quote, urlsplit

HEADERS_KEY = "workshop.headers"  # in the WSGI environ: the headers with the client's case
PRINTABLE = "".join(map(chr, range(33, 127)))

# What a signature adds to a URL's query string
OF_SIGNATURES = {
    "x-amz-algorithm",
    "x-amz-credential",
    "x-amz-date",
    "x-amz-expires",
    "x-amz-security-token",
    "x-amz-signature",
    "x-amz-signedheaders",
    "awsaccesskeyid",
    "expires",
    "signature",
}


def raw_target(environ: dict[str, Any]) -> str:
    """The request line's target; WSGI holds its UTF-8 as if it were Latin-1."""
    return environ["RAW_URI"].encode("latin-1").decode("utf-8")


def split_target(target: str) -> tuple[str, str]:
    """The path and the query string of a request line's target, percent-encoded."""
    if target.startswith(("http://", "https://")):  # as sent to a proxy
        parts = urlsplit(target)
        path, query = parts.path or "/", parts.query
    else:
        path, _, query = target.partition("?")
    return _ascii(path), _ascii(query)


def without_signature(query: str) -> str:
    """A query string without what a presigned URL adds to it."""
    return "&".join(
        each for each in query.split("&") if each.partition("=")[0].lower() not in OF_SIGNATURES
    )


def _ascii(text: str) -> str:
    """Percent-encodes the bytes that a client should have encoded."""
    return quote(text, safe=PRINTABLE, encoding="latin-1")
