"""Deployment packages of one source file, in memory."""

from __future__ import annotations

import io
import zipfile


def package(source: str, name: str = "handler.py") -> bytes:
    """A deployment package: a zip file, in memory, with one source file in it."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr(name, source)
    return buffer.getvalue()
