"""Requests that are signed by hand, as tests of the gate and of HTTP APIs need them."""

from __future__ import annotations

import http.client
import json
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

from botocore.auth import S3SigV4Auth, SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials


@dataclass
class Reply:
    """An HTTP answer."""

    status: int
    headers: dict[str, str]
    body: bytes

    @property
    def value(self) -> Any:
        """The body, from JSON."""
        return json.loads(self.body)


def owner(lab) -> Credentials:
    """The credentials of the cloud's owner."""
    variables = lab.cloud.environ()
    return Credentials(variables["AWS_ACCESS_KEY_ID"], variables["AWS_SECRET_ACCESS_KEY"])


def sign(
    keys: Credentials,
    method: str,
    url: str,
    service: str,
    body: bytes = b"",
    headers: dict[str, str] | None = None,
) -> dict[str, str]:
    """The headers of a request, with its signature."""
    request = AWSRequest(method, url, data=body, headers=headers or {})
    signer = S3SigV4Auth if service == "s3" else SigV4Auth
    signer(keys, service, "us-east-1").add_auth(request)
    return dict(request.headers.items())


def send(method: str, url: str, headers: dict[str, str], body: bytes = b"") -> Reply:
    """Sends a request as it is: no redirects, no headers but Host and Content-Length on top."""
    parts = urlsplit(url)
    connection = http.client.HTTPConnection(parts.netloc, timeout=60)
    path = parts.path + (f"?{parts.query}" if parts.query else "")
    connection.putrequest(method, path, skip_host="Host" in headers, skip_accept_encoding=True)
    for name, value in {"Content-Length": str(len(body)), **headers}.items():
        connection.putheader(name, value)
    connection.endheaders(body)
    answer = connection.getresponse()
    reply = Reply(answer.status, {k.lower(): v for k, v in answer.getheaders()}, answer.read())
    connection.close()
    return reply


def ask(
    lab,
    method: str,
    path: str,
    service: str,
    body: bytes = b"",
    headers: dict[str, str] | None = None,
    keys: Credentials | None = None,
) -> Reply:
    """Signs a request to the cloud, as its owner if nobody else is named, and sends it."""
    url = path if path.startswith("http") else lab.cloud.endpoint_url + path
    return send(method, url, sign(keys or owner(lab), method, url, service, body, headers), body)
