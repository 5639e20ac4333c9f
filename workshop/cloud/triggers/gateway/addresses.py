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
from urllib.parse import urlsplit

HOST = re.compile(
    r"(?P<id>[a-z0-9]+)\.(?P<service>execute-api|lambda-url)\.(?P<region>[a-z0-9-]+)"
    r"\.(?:amazonaws\.com|on\.aws|localhost)",
    re.IGNORECASE,
)
PATH = re.compile(r"/_aws/(?P<service>execute-api|lambda-url)/(?P<id>[A-Za-z0-9]+)(?P<rest>/.*)?")
DOMAINS = {"execute-api": "amazonaws.com", "lambda-url": "on.aws"}


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
