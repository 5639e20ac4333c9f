"""Verifies signatures: computes them again with botocore's own signers, and compares.

Follows "Create a signed AWS API request"
(https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_sigv-create-signed-request.html) and,
for presigned URLs, "Authenticating Requests: Using Query Parameters"
(https://docs.aws.amazon.com/AmazonS3/latest/API/sigv4-query-string-auth.html).
"""

from __future__ import annotations

import functools
import hashlib
import hmac
from collections.abc import Iterator
from typing import Any
from urllib.parse import parse_qsl, quote, unquote, unquote_to_bytes

from botocore.auth import UNSIGNED_PAYLOAD, HmacV1QueryAuth, S3SigV4Auth, SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.compat import HTTPHeaders, urlsplit
from botocore.credentials import Credentials

from ..base.keys import AccessKey
from ..base.request_line import HEADERS_KEY, raw_target, split_target
from .credentials import Signature

UNRESERVED = "-_.~"


def payload_hash(environ: dict[str, Any], signature: Signature) -> str | None:
    """What stands for the body in the signature; None where it is the body's own hash."""
    given = environ.get("HTTP_X_AMZ_CONTENT_SHA256")
    if given:
        return given
    return UNSIGNED_PAYLOAD if signature.way == "url" and signature.service == "s3" else None


def is_right(
    environ: dict[str, Any], signature: Signature, key: AccessKey, timestamp: str, payload: str
) -> bool:
    """Whether a request is signed with the key's secret; version 4, in a header or a URL.

    `timestamp`: such as "20261127T120000Z"; `payload`: the body's hash, or what stands for it.
    Clients write some characters of a path or a query string as they are, and sign them encoded.
    """
    method = environ["REQUEST_METHOD"]
    path, query = target(environ)
    if signature.way == "url":
        query = "&".join(p for p in query.split("&") if not p.startswith("X-Amz-Signature="))
    headers = _signed_headers(environ, signature)
    kind = _S3Verifier if signature.service == "s3" else _Verifier
    verifier = kind(key, signature, payload)
    for each in _spellings(path, query):
        request = AWSRequest(method, f"http://local{each}")
        request.headers = headers
        request.context["timestamp"] = timestamp
        text = verifier.string_to_sign(request, verifier.canonical_request(request))
        if hmac.compare_digest(verifier.signature(text, request), signature.value):
            return True
    return False


def is_old_url_right(environ: dict[str, Any], signature: Signature, key: AccessKey) -> bool:
    """The same of a URL that is signed in S3's older way."""
    path, query = target(environ)
    given = dict(parse_qsl(query, keep_blank_values=True))
    sent = {name.lower(): value for name, value in environ[HEADERS_KEY]}
    headers = HTTPHeaders()
    for name, value in {**_amz(given), **sent}.items():
        headers[name] = value
    verifier = _OldVerifier(Credentials(key.id, key.secret, key.token), given.get("Expires", ""))
    split = urlsplit(f"http://local{_bucket_of_host(environ)}{path}?{query}")
    text = verifier.canonical_string(environ["REQUEST_METHOD"], split, headers)
    return hmac.compare_digest(verifier.sign_string(text).encode(), signature.value.encode())


def is_form_right(signature: Signature, key: AccessKey, policy: str) -> bool:
    """The same of a form's policy, signed in either way."""
    if signature.way == "old form":
        right = _OldVerifier(Credentials(key.id, key.secret), "").sign_string(policy)
    else:
        right = sign(key, signature, policy)
    return hmac.compare_digest(right.encode(), signature.value.encode())


def sign(key: AccessKey, signature: Signature, text: str) -> str:
    """Signs a text with a key, for a signature's day, region and service."""
    scope = key.secret, signature.date, signature.region, signature.service
    return hmac.digest(_signing_key(*scope), text.encode(), hashlib.sha256).hex()


def target(environ: dict[str, Any]) -> tuple[str, str]:
    """A request's path and query string, percent-encoded as they were sent."""
    return split_target(raw_target(environ))


class _Verifier(SigV4Auth):
    """botocore's signer, over the headers that the client has chosen."""

    def __init__(self, key: AccessKey, signature: Signature, payload: str) -> None:
        super().__init__(Credentials(key.id, key.secret), signature.service, signature.region)
        self._key, self._signature, self._payload = key, signature, payload

    def headers_to_sign(self, request: AWSRequest) -> HTTPHeaders:
        return request.headers

    def payload(self, request: AWSRequest) -> str:
        return self._payload

    def signature(self, string_to_sign: str, request: AWSRequest) -> str:
        return sign(self._key, self._signature, string_to_sign)


class _S3Verifier(_Verifier, S3SigV4Auth):
    """S3 takes a path as it is."""


class _OldVerifier(HmacV1QueryAuth):
    """botocore's older signer, with the time that stands in the URL."""

    def __init__(self, credentials: Credentials, expires: str) -> None:
        super().__init__(credentials)
        self._date = expires

    def _get_date(self) -> str:
        return self._date


@functools.lru_cache(maxsize=512)
def _signing_key(secret: str, date: str, region: str, service: str) -> bytes:
    """The key of a day, a region and a service: the same for many requests."""
    key = f"AWS4{secret}".encode()
    for part in (date, region, service, "aws4_request"):
        key = hmac.digest(key, part.encode(), hashlib.sha256)
    return key


def _signed_headers(environ: dict[str, Any], signature: Signature) -> HTTPHeaders:
    headers, missing = HTTPHeaders(), set(signature.signed_headers)
    for name, value in environ[HEADERS_KEY]:
        if name.lower() in signature.signed_headers:
            headers[name.lower()] = value
            missing.discard(name.lower())
    for name in missing:
        headers[name] = ""
    return headers


def _spellings(path: str, query: str) -> Iterator[str]:
    """A target as it was sent, and as AWS's rules write it."""
    yield f"{path}?{query}"
    yield f"{_encoded_path(path)}?{_encoded(query)}"


def _encoded_path(path: str) -> str:
    return quote(unquote_to_bytes(path), safe=UNRESERVED + "/")


def _encoded(query: str) -> str:
    pairs = (each.partition("=") for each in query.split("&") if each)
    return "&".join(f"{_quoted(name)}={_quoted(value)}" for name, _, value in pairs)


def _quoted(text: str) -> str:
    return quote(unquote_to_bytes(text), safe=UNRESERVED)


def _amz(query: dict[str, str]) -> dict[str, str]:
    """The x-amz-* headers that the older way puts into the URL."""
    return {k.lower(): value for k, value in query.items() if k.lower().startswith("x-amz-")}


def _bucket_of_host(environ: dict[str, Any]) -> str:
    """What the older way puts before the path where the host names the bucket: "/bucket"."""
    name = environ.get("HTTP_HOST", "").rsplit(":", 1)[0].lower()
    bucket, found, _ = name.partition(".s3")
    return f"/{unquote(bucket)}" if found and name.endswith(".amazonaws.com") else ""
