"""Bodies in JSON: text as it is, other bytes in base64."""

from __future__ import annotations

import base64
import re

TEXT_TYPE = re.compile(r"text/.*|application/(json|xml|javascript|.*\+json|.*\+xml)", re.IGNORECASE)


def media_type(content_type: str | None) -> str:
    """A Content-Type's media type, without its parameters."""
    return (content_type or "").partition(";")[0].strip().lower()


def is_text(content_type: str | None) -> bool:
    """Whether HTTP APIs and function URLs hand on such a body as text; a form's they don't."""
    return bool(TEXT_TYPE.fullmatch(media_type(content_type)))


def matches_media_type(kind: str, patterns: list[str]) -> bool:
    """Whether a media type is one of a REST API's binary media types, such as `image/*`."""
    for pattern in patterns:
        main, _, sub = pattern.lower().partition("/")
        found_main, _, found_sub = kind.partition("/")
        if main in ("*", found_main) and sub in ("*", found_sub):
            return True
    return False


def encoded_body(body: bytes, is_binary: bool) -> tuple[str | None, bool]:
    """An event's `body` and `isBase64Encoded`."""
    if not body:
        return None, False
    if is_binary:
        return base64.b64encode(body).decode(), True
    return body.decode("utf-8", "replace"), False
