"""Zip files that come from outside: read with bounds before anything is written.

"Lambda quotas" (https://docs.aws.amazon.com/lambda/latest/dg/gettingstarted-limits.html): 50 MB in
a request, 250 MB unzipped with the layers. The other bounds keep a zip from being more than it
seems.
"""

from __future__ import annotations

import io
import sys
import zipfile
import zlib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from ..base.model import ApiError

LARGEST_ZIP = 50 * 1024 * 1024  # bytes in a request
LARGEST_UNZIPPED = 262_144_000  # bytes, layers included
MOST_ENTRIES = 65_535  # files and folders; a zip without the 64-bit extension holds as many
LONGEST_NAME = 512  # bytes of a path
LONGEST_PART = 255  # bytes of a file's or a folder's name
DEEPEST = 64  # folders within each other
CHUNK = 1 << 20
ENTRY = b"PK\x01\x02"  # begins each entry of a zip's directory
ENCRYPTED, UTF_8 = 0x1, 0x800  # flags of an entry
METHODS = (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED)
FILE, LINK, KIND = 0o100000, 0o120000, 0o170000  # of st_mode
RIGHTS = 0o777  # setuid and the like are dropped
BROKEN = (zipfile.BadZipFile, zlib.error, EOFError, OSError, ValueError, RuntimeError)


@dataclass(frozen=True)
class Listing:
    """What a zip says it holds: its files in their order, its folders, and bytes in all."""

    files: tuple[str, ...]
    folders: frozenset[str]
    size: int


def check_package(zipped: bytes, layers: tuple[bytes, ...] = ()) -> None:
    """Checks a function's code: what is in it, and its size with its layers. Raises ApiError."""
    check_zip(zipped)
    check_layers(zipped, layers)


def check_zip(zipped: bytes) -> None:
    """Reads a zip from end to end, and writes nothing. Raises ApiError, in AWS's words."""
    if not zipped:
        raise _invalid("Uploaded file must be a non-empty zip")
    listing = read_listing(zipped)
    if not listing.files and not listing.folders:
        raise _invalid("Uploaded file must be a non-empty zip")
    if listing.size > LARGEST_UNZIPPED:
        raise _too_large()
    for _, chunks in contents(zipped):
        for _chunk in chunks:
            pass


def check_layers(zipped: bytes, layers: tuple[bytes, ...]) -> None:
    """Checks code and layers, each of which was checked by itself, together. Raises ApiError."""
    listings = [read_listing(each) for each in layers]
    if sum(each.size for each in listings) + read_listing(zipped).size > LARGEST_UNZIPPED:
        raise _too_large()
    files = {name for each in listings for name in each.files}
    both = files & frozenset().union(*(each.folders for each in listings))
    if both:
        raise _invalid(f"A layer has a file where another has a folder: {min(both)}")


def check_upload(size: int) -> None:
    """Checks the size of a zip that came within a request. Raises ApiError."""
    if size > LARGEST_ZIP:
        raise ApiError(
            413,
            "RequestEntityTooLargeException",
            f"A zip file in a request has at most {LARGEST_ZIP} bytes. Upload a larger one to S3.",
        )


def read_listing(zipped: bytes) -> Listing:
    """What a zip's directory says. Raises ApiError if it may not be unpacked."""
    with _opened(zipped) as archive:
        return _listing(archive)


def contents(zipped: bytes) -> Iterator[tuple[zipfile.ZipInfo, Iterator[bytes]]]:
    """Each entry of a zip, with what is in it, in chunks. Raises ApiError while it goes.

    Of each entry no more is read than the directory says; if that is wrong, so is the zip.
    """
    with _opened(zipped) as archive:
        _listing(archive)
        for info in archive.infolist():
            yield info, _chunks(archive, info)


def entry_name(info: zipfile.ZipInfo) -> str:
    """An entry's path, in the form `a/b`. Raises ApiError if it may not be written."""
    name = _decoded(info)
    path = PurePosixPath(name)
    size = len(name.encode("utf-8", "surrogatepass"))
    if not path.parts or path.is_absolute() or ".." in path.parts or "\0" in info.orig_filename:
        raise _unreadable(f"the name {name!r} leads out of the package")
    if size > LONGEST_NAME or any(len(part.encode()) > LONGEST_PART for part in path.parts):
        raise _unreadable(f"the name {name[:40]!r}... is too long")
    if len(path.parts) > DEEPEST:
        raise _unreadable(f"the name {name[:40]!r}... has more than {DEEPEST} folders")
    if sys.platform == "win32" and set(name) & set('<>:"|?*\\'):
        raise _unreadable(f"Windows takes no file of the name {name!r}")
    return "/".join(path.parts)


def unpack(zipped: bytes, target: Path) -> None:
    """Unpacks a zip, with the permission bits that it carries, but none to write.

    Raises ApiError; what was written until then stays.
    """
    for info, chunks in contents(zipped):
        path = target / entry_name(info)
        if info.is_dir():
            path.mkdir(parents=True, exist_ok=True)
            continue
        path.parent.mkdir(parents=True, exist_ok=True)
        if path.exists():  # an earlier layer's, which may not be written to
            path.chmod(0o600)
            path.unlink()
        with path.open("wb") as file:
            for chunk in chunks:
                file.write(chunk)
        path.chmod((_rights(info) or path.stat().st_mode & RIGHTS) & ~0o222)


def _rights(info: zipfile.ZipInfo) -> int:
    return (info.external_attr >> 16) & RIGHTS


def _opened(zipped: bytes) -> zipfile.ZipFile:
    if zipped.count(ENTRY) > MOST_ENTRIES:  # before there is an object for each
        raise _unreadable(f"it has more than {MOST_ENTRIES} entries")
    try:
        return zipfile.ZipFile(io.BytesIO(zipped))
    except (*BROKEN, UnicodeError) as error:
        raise _unreadable(str(error)) from None


def _listing(archive: zipfile.ZipFile) -> Listing:
    files: dict[str, str] = {}  # as the file system tells them apart, and as they are written
    folders: dict[str, str] = {}
    size = 0
    for info in archive.infolist():
        _check_kind(info)
        name = entry_name(info)
        if info.is_dir():
            folders[_same(name)] = name
        elif _same(name) in files:
            raise _unreadable(f"{name} is there twice")
        else:
            files[_same(name)] = name
            size += info.file_size
        for parent in _parents(name):
            folders[_same(parent)] = parent
        if len(files) + len(folders) > MOST_ENTRIES:
            raise _unreadable(f"it has more than {MOST_ENTRIES} files and folders")
    both = files.keys() & folders.keys()
    if both:
        raise _unreadable(f"{min(both)} is a file and a folder")
    return Listing(tuple(files.values()), frozenset(folders.values()), size)


def _check_kind(info: zipfile.ZipInfo) -> None:
    kind = (info.external_attr >> 16) & KIND
    if info.flag_bits & ENCRYPTED:
        raise _unreadable(f"{info.filename} is encrypted")
    if info.compress_type not in METHODS:
        raise _unreadable(f"{info.filename} is compressed by another method than deflate")
    if kind == LINK:
        raise _unreadable(f"{info.filename} is a link, which the local cloud does not unpack")
    if kind not in (0, FILE) and not info.is_dir():
        raise _unreadable(f"{info.filename} is no regular file")


def _chunks(archive: zipfile.ZipFile, info: zipfile.ZipInfo) -> Iterator[bytes]:
    if info.is_dir():
        return
    read = 0
    try:
        with archive.open(info) as file:
            while chunk := file.read(CHUNK):
                read += len(chunk)
                yield chunk
    except BROKEN as error:
        raise _unreadable(f"{info.filename}: {error}") from None
    if read != info.file_size:
        raise _unreadable(f"{info.filename} has another size than the zip says")


def _parents(name: str) -> Iterable[str]:
    parts = name.split("/")[:-1]
    return ("/".join(parts[:count]) for count in range(1, len(parts) + 1))


def _same(name: str) -> str:
    """The name as the file system compares it: macOS and Windows take `A.py` for `a.py`."""
    return name.casefold() if sys.platform in ("darwin", "win32") else name


def _decoded(info: zipfile.ZipInfo) -> str:
    """The name in UTF-8: zip on Linux writes it so, but does not always say it."""
    name = info.filename
    if info.flag_bits & UTF_8 or name.isascii():
        return name
    try:
        return name.encode("cp437").decode()
    except UnicodeError:
        raise _unreadable(f"the name {name!r} is not in UTF-8") from None


def _unreadable(reason: str) -> ApiError:
    return _invalid(
        "Could not unzip uploaded file. Please check your file, then try to upload again. "
        f"({reason.encode('ascii', 'backslashreplace').decode()})"
    )


def _too_large() -> ApiError:
    return _invalid(f"Unzipped size must be smaller than {LARGEST_UNZIPPED} bytes")


def _invalid(message: str) -> ApiError:
    return ApiError(400, "InvalidParameterValueException", message)
