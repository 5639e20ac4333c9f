"""Bodies in AWS's own chunks (Content-Encoding: aws-chunked), with a signature each or without.

Follows "Signature calculations: transferring a payload in multiple chunks"
(https://docs.aws.amazon.com/AmazonS3/latest/API/sigv4-streaming.html) and "Including trailing
headers" (https://docs.aws.amazon.com/AmazonS3/latest/API/sigv4-streaming-trailers.html).
"""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Callable

from ..base.model import ApiError

UNSIGNED = "STREAMING-UNSIGNED-PAYLOAD-TRAILER"
SIGNED = "STREAMING-AWS4-HMAC-SHA256-PAYLOAD"
KINDS = (UNSIGNED, SIGNED, f"{SIGNED}-TRAILER")
EMPTY = hashlib.sha256(b"").hexdigest()
Sign = Callable[[str], str]


class Chain:
    """The signatures of the chunks: each signs the one before, too.

    `seed` is the request's signature, the first link; `scope` is
    "20261127/us-east-1/s3/aws4_request", and `sign(text)` signs.
    """

    def __init__(self, timestamp: str, scope: str, seed: str, sign: Sign) -> None:
        self._head = f"{timestamp}\n{scope}"
        self._before, self._sign = seed, sign

    def check_chunk(self, chunk: bytes, signature: str) -> None:
        """Raises ApiError."""
        digest = hashlib.sha256(chunk).hexdigest()
        text = f"AWS4-HMAC-SHA256-PAYLOAD\n{self._head}\n{self._before}\n{EMPTY}\n{digest}"
        self._check(text, signature)

    def check_trailer(self, trailer: bytes, signature: str) -> None:
        """Raises ApiError."""
        digest = hashlib.sha256(trailer).hexdigest()
        self._check(f"AWS4-HMAC-SHA256-TRAILER\n{self._head}\n{self._before}\n{digest}", signature)

    def _check(self, text: str, signature: str) -> None:
        if not hmac.compare_digest(self._sign(text).encode(), signature.encode()):
            raise ApiError(
                403,
                "SignatureDoesNotMatch",
                "The signature of a chunk does not match what the local cloud calculated.",
            )
        self._before = signature


def decode(body: bytes, kind: str, signatures: Chain) -> tuple[bytes, dict[str, str]]:
    """The content and the trailing headers, names in small letters. Raises ApiError."""
    chain = signatures if kind != UNSIGNED else None
    content, position = bytearray(), 0
    while True:
        size, signature, position = _chunk_head(body, position)
        chunk = body[position : position + size]
        if len(chunk) < size:
            raise _malformed("IncompleteBody", "it ends within a chunk")
        if chain:
            chain.check_chunk(chunk, signature)
        position += size
        if not size:
            break
        content += chunk
        position += 2  # the line's end
    return bytes(content), _trailers(body[position:], chain)


def _chunk_head(body: bytes, position: int) -> tuple[int, str, int]:
    """A chunk's size, its signature ("" if it has none), and where it begins."""
    end = body.find(b"\r\n", position, position + 300)
    if end < 0:
        raise _malformed("IncompleteBody", "a chunk does not begin with its size")
    size, _, extension = body[position:end].decode("latin-1").partition(";")
    try:
        count = int(size, 16)
    except ValueError:
        raise _malformed("InvalidChunkSizeError", f"{size[:20]!r} is no chunk's size") from None
    if count < 0:
        raise _malformed("InvalidChunkSizeError", "a chunk's size is negative")
    return count, extension.removeprefix("chunk-signature="), end + 2


def _trailers(rest: bytes, chain: Chain | None) -> dict[str, str]:
    lines = [line for line in rest.replace(b"\r\n", b"\n").split(b"\n") if line]
    pairs = [line.decode("latin-1").partition(":")[::2] for line in lines]
    headers = {name.strip().lower(): value.strip() for name, value in pairs}
    signature = headers.pop("x-amz-trailer-signature", None)
    if chain and headers:
        signed = "".join(f"{name}:{value}\n" for name, value in sorted(headers.items()))
        chain.check_trailer(signed.encode("latin-1"), signature or "")
    return headers


def _malformed(code: str, why: str) -> ApiError:
    return ApiError(400, code, f"The request's aws-chunked body is not valid: {why}.")
