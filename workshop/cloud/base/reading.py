"""Reads a request's body: as much as is allowed and was sent, whatever its headers say."""

from __future__ import annotations

import io
import threading
import zlib
from collections.abc import Callable
from typing import Any

from .model import ApiError

MB = 1024 * 1024
CHUNK = 256 * 1024  # bytes
BODY_S = 300  # seconds in which a body must have come
# A request's body is held in memory: AWS's limits, and for S3 what a laptop can bear. The AWS CLI
# and boto3 send larger objects in parts.
LARGEST = {"s3": 256 * MB, "lambda": 70 * MB}
LARGEST_OTHER = 20 * MB
HELD_AT_ONCE = 1024 * MB  # of all requests that are served now
DEADLINE = "local_cloud.deadline"  # in the WSGI environ: tells the server until when to wait
HELD = "local_cloud.held"  # in the WSGI environ: the bytes that count for this request


class TooLarge(Exception):
    """The body is over the limit, which is in bytes."""

    def __init__(self, limit: int) -> None:
        super().__init__(f"Request must be smaller than {limit} bytes.")
        self.limit = limit


class _Budget:
    """How many bytes of bodies are held; a crowd of large requests must not fill the memory."""

    def __init__(self) -> None:
        self._held = 0
        self._lock = threading.Lock()

    def take(self, environ: dict[str, Any], count: int) -> None:
        """Raises ApiError (503) where all of it is taken."""
        with self._lock:
            if self._held + count > HELD_AT_ONCE:
                raise ApiError(503, "SlowDown", "Too much is being sent at once. Try again.")
            self._held += count
        environ[HELD] = environ.get(HELD, 0) + count

    def give_back(self, environ: dict[str, Any]) -> None:
        with self._lock:
            self._held -= environ.pop(HELD, 0)


_budget = _Budget()
release = _budget.give_back  # release(environ), when a request has been answered


def largest(service: str | None) -> int:
    """How many bytes a signed request to a service may have."""
    return LARGEST.get(service or "", LARGEST_OTHER)


def read_body(environ: dict[str, Any], limit: int) -> bytes:
    """A request's body, which can be read again afterwards.

    Raises TooLarge over `limit` bytes, ApiError for a length that is no number, and
    ConnectionError if the client went away, or did not send all of it in time.
    """
    length = content_length(environ)
    if length is not None and length > limit:
        raise TooLarge(limit)
    expect: Callable[[float | None], None] = environ.get(DEADLINE, lambda seconds: None)
    expect(BODY_S)
    try:
        body = _read(environ, length, limit)
    except TimeoutError:
        raise ConnectionAbortedError("the body did not come in time") from None
    except (OSError, ValueError) as error:
        if isinstance(error, ConnectionError):
            raise
        raise ApiError(400, "BadRequest", "The request's body has no valid chunks.") from None
    expect(None)
    put_body(environ, body)
    return body


def read_ahead(environ: dict[str, Any], count: int) -> bytes:
    """The first `count` bytes of a body, or all; they can be read again. Raises as read_body."""
    length = content_length(environ)
    stream = environ["wsgi.input"]
    head = _read_up_to(environ, stream, count if length is None else min(count, length), False)
    environ["wsgi.input"] = _Pushed(head, stream)
    return head


def put_body(environ: dict[str, Any], body: bytes) -> None:
    """Makes `body` what is read next."""
    environ["wsgi.input"] = io.BytesIO(body)
    environ["CONTENT_LENGTH"] = str(len(body))
    environ.pop("wsgi.input_terminated", None)
    environ.pop("HTTP_TRANSFER_ENCODING", None)


def content_length(environ: dict[str, Any]) -> int | None:
    """The length that the client announces, None for a chunked body. Raises ApiError."""
    if environ.get("wsgi.input_terminated"):
        return None
    text = environ.get("CONTENT_LENGTH") or "0"
    if not (text.isascii() and text.isdigit() and len(text) < 20):
        raise ApiError(400, "BadRequest", "Content-Length is not a number of bytes.")
    return int(text)


def gunzipped(body: bytes, limit: int) -> bytes:
    """A body that was sent with Content-Encoding: gzip. Raises TooLarge and ApiError."""
    unpack = zlib.decompressobj(wbits=31)
    try:
        text = unpack.decompress(body, limit + 1)
    except zlib.error:
        raise ApiError(400, "BadRequest", "The request's body is not gzip.") from None
    if len(text) > limit:
        raise TooLarge(limit)
    return text


def _read(environ: dict[str, Any], length: int | None, limit: int) -> bytes:
    wanted = limit + 1 if length is None else length
    body = _read_up_to(environ, environ["wsgi.input"], wanted, length is not None)
    if len(body) > limit:
        raise TooLarge(limit)
    return body


def _read_up_to(environ: dict[str, Any], stream: Any, wanted: int, whole: bool) -> bytes:
    """Raises ConnectionResetError if `whole` and less than `wanted` bytes came."""
    body = bytearray()
    while len(body) < wanted:
        part = stream.read(min(wanted - len(body), CHUNK))
        if not part:
            break
        _budget.take(environ, len(part))
        body += part
    if whole and len(body) < wanted:
        raise ConnectionResetError("the client went away")
    return bytes(body)


class _Pushed:
    """A stream with its first bytes put back."""

    def __init__(self, head: bytes, stream: Any) -> None:
        self._head, self._stream = head, stream

    def read(self, count: int) -> bytes:
        if self._head:
            part, self._head = self._head[:count], self._head[count:]
            return part
        return self._stream.read(count)
