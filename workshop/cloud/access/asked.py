"""A signed request, as far as it decides which operation it asks for."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qsl

from ..base.json_text import from_json
from .forms import Form


@dataclass(frozen=True)
class Asked:
    """One request. `path` is decoded, `raw_path` as it was sent; header names in small letters."""

    method: str
    path: str
    query: str = ""
    headers: dict[str, str] = field(default_factory=dict)
    body: bytes = b""
    raw_path: str | None = None
    form: Form | None = None  # a form that was posted to a bucket

    @classmethod
    def of(cls, environ: dict[str, Any], form: Form | None) -> Asked:
        """A WSGI request whose body has been read; it can be read again afterwards."""
        stream = environ["wsgi.input"]
        body = stream.read()
        stream.seek(0)
        headers = {
            name[5:].replace("_", "-").lower(): value
            for name, value in environ.items()
            if name.startswith("HTTP_")
        }
        headers["content-type"] = environ.get("CONTENT_TYPE", "")
        return cls(
            environ["REQUEST_METHOD"],
            environ["PATH_INFO"].encode("latin-1").decode("utf-8", "replace"),
            environ.get("QUERY_STRING", ""),
            headers,
            body,
            environ["RAW_URI"].partition("?")[0],
            form,
        )

    def json(self) -> dict[str, Any]:
        """The body's fields; none if it is no object. Raises ValueError for no JSON."""
        fields = from_json(self.body or b"{}")
        return fields if isinstance(fields, dict) else {}

    def query_fields(self) -> list[tuple[str, str]]:
        """The query string's fields, in order."""
        return parse_qsl(self.query, keep_blank_values=True)

    def form_fields(self) -> list[tuple[str, str]]:
        """The body's fields, read as a form's."""
        return parse_qsl(self.body.decode("utf-8", "replace"), keep_blank_values=True)
