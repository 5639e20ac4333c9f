"""Where an API or a function URL is reached on this machine.

AWS gives each a host name of its own. Here a request for one comes in any of three forms:

- with AWS's host name in its Host header;
- to `{id}.execute-api.{region}.localhost` or `{id}.lambda-url.{region}.localhost`, names that
  browsers and most systems resolve to this machine by themselves;
- to a path that every client can reach: `/_aws/execute-api/{id}/...`, `/_aws/lambda-url/{id}/...`.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote, urlsplit

HOST = re.compile(
    r"(?P<id>[a-z0-9]+)\.(?P<service>execute-api|lambda-url)\.(?P<region>[a-z0-9-]+)"
    r"\.(?:amazonaws\.com|on\.aws|localhost)",
    re.IGNORECASE,
)
PATH = re.compile(r"/_aws/(?P<service>execute-api|lambda-url)/(?P<id>[A-Za-z0-9]+)(?P<rest>/.*)?")
DOMAINS = {"execute-api": "amazonaws.com", "lambda-url": "on.aws"}
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


@dataclass(frozen=True)
class Address:
    """What a request is for: an API or a function URL, and the path below it."""

    service: str  # "execute-api" or "lambda-url"
    id: str
    region: str | None  # None: the address doesn't say
    path: str  # as the client sent it, percent-encoded; of APIs with the stage


def find_address(host: str, target: str) -> Address | None:
    """The address of a request, by its Host header and its target's path; None for AWS's APIs."""
    found = HOST.fullmatch(host.rsplit(":", 1)[0])
    if found:
        return Address(found["service"].lower(), found["id"].lower(), found["region"], target)
    found = PATH.fullmatch(target)
    if found:
        return Address(found["service"], found["id"].lower(), None, found["rest"] or "/")
    return None


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


def domain_name(service: str, id: str, region: str) -> str:
    """AWS's host name of an API or a function URL."""
    return f"{id}.{service}.{region}.{DOMAINS[service]}"


def local_url(url: str, endpoint_url: str | None) -> str:
    """Turns the URL of an API or a function URL on AWS into that of a local cloud.

    A URL comes back as it is where `endpoint_url` is None (the real AWS), or where it is none
    of AWS's. The local one needs no name to be resolved: it starts with `endpoint_url`.
    """
    parts = urlsplit(url)
    found = HOST.fullmatch(parts.hostname or "")
    if not endpoint_url or not found:
        return url
    query = f"?{parts.query}" if parts.query else ""
    base = f"{endpoint_url.rstrip('/')}/_aws/{found['service'].lower()}/{found['id'].lower()}"
    return base + parts.path + query
