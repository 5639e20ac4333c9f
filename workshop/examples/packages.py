"""Deployment packages of one source file, in memory."""

from __future__ import annotations

import io
import zipfile


def package(source: str, name: str = "handler.py") -> bytes:
    """A deployment package: a zip file, in memory, with one source file in it.

    The file is executable, as Lambda wants the `bootstrap` of a custom runtime.
    """
    info = zipfile.ZipInfo(name)
    info.external_attr = 0o755 << 16
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        archive.writestr(info, source, zipfile.ZIP_DEFLATED)
    return buffer.getvalue()
