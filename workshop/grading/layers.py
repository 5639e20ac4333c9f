"""Layers for learners' functions: a library that is installed here, as Lambda wants it."""

from __future__ import annotations

import io
import zipfile
from importlib.metadata import Distribution, distribution

from packaging.requirements import Requirement

DATED = (1980, 1, 1, 0, 0, 0)  # the first day of zip files: the same files give the same layer


def layer_of(name: str) -> bytes:
    """A layer, zipped, with an installed library that is all Python, such as "PyJWT".

    What the library needs in this Python is in it, too: before 3.11, PyJWT imports another one.

    Lambda puts the folder `python` of a layer into Python's path
    (https://docs.aws.amazon.com/lambda/latest/dg/python-layers.html).
    """
    files = [file for each in _with_what_it_needs(name) for file in each.files or ()]
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        for file in sorted(files):
            if file.suffix != ".pyc" and ".." not in file.parts:  # there are scripts, elsewhere
                info = zipfile.ZipInfo(f"python/{file.as_posix()}", DATED)
                info.external_attr = 0o644 << 16
                archive.writestr(info, file.read_binary(), zipfile.ZIP_DEFLATED)
    return buffer.getvalue()


def _with_what_it_needs(name: str) -> list[Distribution]:
    """A library and what its metadata says that it needs here, once each."""
    found: dict[str, Distribution] = {}
    waiting = [name]
    while waiting:
        each = distribution(waiting.pop())
        if each.name not in found:
            found[each.name] = each
            wanted = [Requirement(line) for line in each.requires or ()]
            here = [one for one in wanted if not one.marker or one.marker.evaluate({"extra": ""})]
            waiting += [one.name for one in here]
    return list(found.values())
