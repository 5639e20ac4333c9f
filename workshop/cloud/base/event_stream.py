"""What InvokeWithResponseStream answers: messages in AWS's event-stream encoding.

Follows "Invoking a response streaming enabled function using Lambda function URLs and API"
(https://docs.aws.amazon.com/lambda/latest/dg/config-rs-invoke-furls.html) and the encoding that
Amazon Transcribe documents (https://docs.aws.amazon.com/transcribe/latest/dg/event-stream.html).
AWS's Python runtimes do not stream, so that AWS sends their whole result at its end; here in pieces
of one message each.
"""

from __future__ import annotations

import base64
import json
import struct
import zlib

from .model import Outcome

LARGEST_CHUNK = 1024 * 1024  # bytes; a message may have 16 MB
STRING = 7  # a header's type


def streamed(outcome: Outcome, with_log: bool) -> bytes:
    """An invocation's outcome: its payload in chunks, then how it ended."""
    payload = outcome.payload
    chunks = [
        payload[start : start + LARGEST_CHUNK] for start in range(0, len(payload), LARGEST_CHUNK)
    ]
    messages = [_message("PayloadChunk", "application/octet-stream", each) for each in chunks]
    complete = {}
    if outcome.error:
        complete = {"ErrorCode": "Unhandled", "ErrorDetails": payload.decode("utf-8", "replace")}
    if with_log:
        complete["LogResult"] = base64.b64encode(outcome.tail()).decode()
    end = _message("InvokeComplete", "application/json", json.dumps(complete).encode())
    return b"".join([*messages, end])


def _message(event: str, content_type: str, payload: bytes) -> bytes:
    """Lengths and their checksum, headers, payload, and the checksum of all that."""
    headers = b"".join(
        _header(name, value)
        for name, value in (
            (":message-type", "event"),
            (":event-type", event),
            (":content-type", content_type),
        )
    )
    lengths = struct.pack(">II", 16 + len(headers) + len(payload), len(headers))
    message = lengths + struct.pack(">I", zlib.crc32(lengths)) + headers + payload
    return message + struct.pack(">I", zlib.crc32(message))


def _header(name: str, value: str) -> bytes:
    text = value.encode()
    return bytes([len(name)]) + name.encode() + struct.pack(">BH", STRING, len(text)) + text
