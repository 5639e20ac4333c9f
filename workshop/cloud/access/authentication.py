"""Who asks: finds a request's key, verifies its signature, and reads its body.

`refusals.py` has what AWS answers where it is wrong.
"""

from __future__ import annotations

import functools
import hashlib
import hmac
import time
from typing import Any
from urllib.parse import parse_qs

from ..base.keys import AccessKey, FindKey
from ..base.model import ApiError
from ..base.reading import TooLarge, gunzipped, largest, put_body, read_ahead, read_body
from ..base.request_line import HEADERS_KEY
from . import chunks, signing
from .credentials import KEPT_AS, Signature, of_form, signature
from .forms import LARGEST_FIELDS, Form, check_policy, check_size, is_form, read_form
from .refusals import QUERY_SERVICES, invalid, too_large, wrong
from .signing_time import TIMESTAMP, check_time, moment_of

FORM_KEPT_AS = "local_cloud.form"
GIVEN_OUT_BY_MOTO = "AKIAIOSFODNN7EXAMPLE"  # the same, with the same secret, to whoever asks


def authenticate(environ: dict[str, Any], find: FindKey) -> AccessKey | None:
    """The key that a request is signed with, its signature verified; None for none or another's.

    The body has been read and can be read again: decoded, where it came in AWS's chunks or
    compressed. Raises ApiError, and ConnectionError if the client went away.
    """
    signed = signature(environ)
    if signed is None and is_form(environ):
        return _authenticate_form(environ, find)
    if signed is None:
        return None
    key = find_key(signed, find)
    if key is None:
        return None
    check_session(signed, key)
    if signed.way == "old url":
        _check_old_url(environ, signed, key)
        _read(environ, signed)
    else:
        _check(environ, signed, key)
    return key


def find_key(signed: Signature, find: FindKey) -> AccessKey | None:
    """The key of a signature, None for one that this cloud does not know. Raises ApiError."""
    if signed.key == GIVEN_OUT_BY_MOTO:
        raise ApiError(
            403,
            "InvalidClientTokenId",
            "The local cloud has no sessions of GetSessionToken and GetFederationToken. Use the "
            "keys that this run of the local cloud printed, or those of AssumeRole.",
        )
    return find(signed.key)


def check_session(signed: Signature, key: AccessKey) -> None:
    """Raises ApiError unless the session token is the key's own, and still good."""
    if not hmac.compare_digest((signed.token or "").encode(), (key.token or "").encode()):
        code = "InvalidToken" if signed.service == "s3" else "UnrecognizedClientException"
        raise ApiError(403, code, "The security token included in the request is invalid.")
    if key.is_expired:
        code = (
            "ExpiredToken" if signed.service in ("s3", *QUERY_SERVICES) else "ExpiredTokenException"
        )
        raise ApiError(403, code, "The security token included in the request is expired")


def _check(environ: dict[str, Any], signed: Signature, key: AccessKey) -> None:
    """A signature of version 4, in a header or a URL. The body is read where it must be."""
    moment = moment_of(environ, signed)
    check_time(environ, signed, moment)
    _check_signed_headers(environ, signed)
    stands_for = signing.payload_hash(environ, signed)
    if stands_for is None:
        payload = hashlib.sha256(_read(environ, signed)).hexdigest()
    else:
        payload = stands_for
    timestamp = moment.strftime(TIMESTAMP)
    if not signing.is_right(environ, signed, key, timestamp, payload):
        raise wrong(signed.service)
    if stands_for is not None:
        _check_body(environ, signed, key, timestamp, stands_for)
    _unzip(environ, signed)


def _check_body(
    environ: dict[str, Any], signed: Signature, key: AccessKey, timestamp: str, payload: str
) -> None:
    """Holds a body against its hash, and takes it out of AWS's chunks."""
    body = _read(environ, signed)
    if payload in chunks.KINDS:
        scope = f"{signed.date}/{signed.region}/{signed.service}/aws4_request"
        sign = functools.partial(signing.sign, key, signed)
        chain = chunks.Chain(timestamp, scope, signed.value, sign)
        content, trailers = chunks.decode(body, payload, chain)
        _put_content(environ, content, trailers)
    elif payload.startswith("STREAMING-"):
        raise ApiError(400, "NotImplemented", f"The local cloud reads no {payload} bodies.")
    elif payload != "UNSIGNED-PAYLOAD" and payload != hashlib.sha256(body).hexdigest():
        if signed.service != "s3":
            raise wrong(signed.service)
        raise ApiError(
            400,
            "XAmzContentSHA256Mismatch",
            "The provided 'x-amz-content-sha256' header does not match what was computed.",
        )


def _put_content(environ: dict[str, Any], content: bytes, trailers: dict[str, str]) -> None:
    """The request as if it had come in one piece."""
    announced = environ.pop("HTTP_X_AMZ_DECODED_CONTENT_LENGTH", str(len(content)))
    if announced != str(len(content)):
        raise ApiError(
            400,
            "IncompleteBody",
            "The body has another length than x-amz-decoded-content-length says.",
        )
    put_body(environ, content)
    environ["HTTP_X_AMZ_CONTENT_SHA256"] = "UNSIGNED-PAYLOAD"
    encodings = [each.strip() for each in environ.get("HTTP_CONTENT_ENCODING", "").split(",")]
    environ["HTTP_CONTENT_ENCODING"] = ",".join(e for e in encodings if e != "aws-chunked")
    if not environ["HTTP_CONTENT_ENCODING"]:
        del environ["HTTP_CONTENT_ENCODING"]
    for name, value in trailers.items():
        if name.startswith("x-amz-checksum-"):
            environ[f"HTTP_{name.upper().replace('-', '_')}"] = value


def _unzip(environ: dict[str, Any], signed: Signature) -> None:
    """SDKs compress some requests; what decides on a request must see what moto sees."""
    if signed.service == "s3" or environ.get("HTTP_CONTENT_ENCODING") != "gzip":
        return
    del environ["HTTP_CONTENT_ENCODING"]
    limit = largest(signed.service)
    try:
        put_body(environ, gunzipped(environ["wsgi.input"].read(), limit))
    except TooLarge as error:
        raise too_large(signed.service, error) from None


def _read(environ: dict[str, Any], signed: Signature) -> bytes:
    try:
        return read_body(environ, largest(signed.service))
    except TooLarge as error:
        raise too_large(signed.service, error) from None


def _check_signed_headers(environ: dict[str, Any], signed: Signature) -> None:
    """The host and each x-amz-* header must be signed, or somebody could change them."""
    if "host" not in signed.signed_headers:
        raise invalid(signed.service, "'Host' must be a 'SignedHeader' in the AWS Authorization.")
    for name, _ in environ[HEADERS_KEY]:
        if name.lower().startswith("x-amz-") and name.lower() not in signed.signed_headers:
            if signed.service == "s3":
                message = "There were headers present in the request which were not signed"
                raise ApiError(403, "AccessDenied", f"{message}: {name}")
            raise invalid(
                signed.service, f"'{name}' must be a 'SignedHeader' in the AWS Authorization."
            )


def _check_old_url(environ: dict[str, Any], signed: Signature, key: AccessKey) -> None:
    expires = parse_qs(environ.get("QUERY_STRING", "")).get("Expires", [""])[0]
    if not (expires.isascii() and expires.isdigit() and len(expires) < 15):
        message = "Query-string authentication requires the Signature, Expires and AWSAccessKeyId "
        raise ApiError(403, "AccessDenied", message + "parameters")
    if int(expires) < time.time():
        raise ApiError(403, "AccessDenied", "Request has expired")
    if not signing.is_old_url_right(environ, signed, key):
        raise wrong("s3")


def _authenticate_form(environ: dict[str, Any], find: FindKey) -> AccessKey | None:
    """The key of a form that is posted to a bucket: checked before its file is read."""
    kind = environ["CONTENT_TYPE"]
    form = read_form(kind, read_ahead(environ, LARGEST_FIELDS))
    signed = of_form(form)
    key = find_key(signed, find) if signed else None
    if signed is None or key is None:
        return None
    environ[KEPT_AS] = signed
    check_session(signed, key)
    if not signing.is_form_right(signed, key, form.fields.get("policy", "")):
        raise wrong("s3")
    check_policy(form, environ["PATH_INFO"].strip("/") or _bucket(environ))
    whole = read_form(kind, _read(environ, signed))
    if whole.fields != form.fields:
        raise ApiError(400, "MalformedPOSTRequest", "The form's file must be its last field.")
    check_size(whole)
    environ[FORM_KEPT_AS] = whole
    return key


def form_of(environ: dict[str, Any]) -> Form | None:
    """The form that a request has posted, once `authenticate` has read it."""
    return environ.get(FORM_KEPT_AS)


def _bucket(environ: dict[str, Any]) -> str:
    return environ.get("HTTP_HOST", "").partition(".")[0]
