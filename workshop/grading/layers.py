"""Layers for learners' functions: a library that is installed here, as Lambda wants it."""

from __future__ import annotations

import io
import zipfile
from importlib.metadata import distribution

DATED = (1980, 1, 1, 0, 0, 0)  # the first day of zip files: the same files give the same layer


def layer_of(name: str) -> bytes:
    """A layer, zipped, with an installed library that is all Python, such as "PyJWT".

    Lambda puts the folder `python` of a layer into Python's path
    (https://docs.aws.amazon.com/lambda/latest/dg/python-layers.html).
    """
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        for file in sorted(distribution(name).files or ()):
            if file.suffix != ".pyc" and ".." not in file.parts:  # there are scripts, elsewhere
                info = zipfile.ZipInfo(f"python/{file.as_posix()}", DATED)
                info.external_attr = 0o644 << 16
                archive.writestr(info, file.read_binary(), zipfile.ZIP_DEFLATED)
    return buffer.getvalue()
