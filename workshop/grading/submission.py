"""Reads what a learner hands in: regular files, and no more of them than a function needs.

Somebody else wrote a submission, so nothing in it is trusted. A link could show the grader's own
files, a pipe could keep it waiting for ever, a device or a hole could fill its memory. Each of
them is refused by its name. No link is followed, not even one that takes a folder's place while
the folder is read; on Windows, where making links is a right, only one that is there before.
"""

from __future__ import annotations

import contextlib
import errno
import itertools
import os
import stat
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from .words import visible

KB, MB = 1024, 1024 * 1024
# AWS takes a package of 50 MB in a request, 250 MB once it is unzipped
# (https://docs.aws.amazon.com/lambda/latest/dg/gettingstarted-limits.html). An exercise has some
# KB, and a grader holds a package ten times while it sends it: half of that is plenty.
MOST_FILES = 2_000  # files and folders
DEEPEST = 10  # folders in folders
LARGEST_FILE = 10 * MB
LARGEST_SUBMISSION = 25 * MB  # all files, before they are zipped
LEFT_OUT = {"__pycache__", "function.json"}  # and hidden names, which are of editors and of git

READ = os.O_RDONLY | getattr(os, "O_BINARY", 0)  # Windows would change the ends of lines
READ |= getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_NONBLOCK", 0)  # a pipe would wait
FOLDER = READ | getattr(os, "O_DIRECTORY", 0)
# Where the system can reach a file through an open folder, nobody can swap the folder meanwhile.
THROUGH_FOLDERS = {os.open, os.stat} <= os.supports_dir_fd and os.scandir in os.supports_fd
THE_MACHINES_FAULT = (errno.EMFILE, errno.ENFILE, errno.ENOMEM)
KINDS = {
    stat.S_IFDIR: "a folder",
    stat.S_IFIFO: "a pipe",
    stat.S_IFSOCK: "a socket",
    stat.S_IFCHR: "a device",
    stat.S_IFBLK: "a device",
}

Place = int | Path  # an open folder's descriptor, or its path where the system has none


class NotReady(AssertionError):
    """The learner's folder cannot be deployed; the message says what to do about it."""


@dataclass(frozen=True)
class File:
    """A file of a submission; `name` is its path in the stage's folder, with slashes."""

    name: str
    content: bytes
    executable: bool


def read_folder(folder: Path) -> list[File]:
    """Every file of a stage's folder that belongs into its package, sorted by name.

    `function.json`, `__pycache__` and hidden names (`.git`, an editor's files) do not belong there.
    The folder that holds `folder` is the grader's choice, and may be reached through links.

    Raises NotReady for a folder that is missing, too large or unreadable, and for a link, a pipe
    or a device in it.
    """
    reading = _Reading()
    with _stage(folder) as place:
        reading.folder(place, ())
    return sorted(reading.files, key=lambda file: file.name)


def read_file(folder: Path, name: str, limit: int) -> bytes | None:
    """One file of a stage's folder, None if there is none; `limit` is in bytes.

    Raises NotReady as `read_folder` does.
    """
    with _stage(folder) as place:
        if name not in _names(place, folder.name):
            return None
        return _read(place, name, name, limit)[0]


class _Reading:
    """What has been read so far, so that all of it together stays within the limits."""

    def __init__(self) -> None:
        self.files: list[File] = []
        self._entries = 0
        self._bytes = 0

    def folder(self, place: Place, inner: tuple[str, ...]) -> None:
        """Reads an open folder, and the folders in it; `inner` is the way to it."""
        if len(inner) > DEEPEST:
            raise NotReady(f"{_shown(inner)} is {len(inner)} folders deep; {DEEPEST} is the limit.")
        names = _names(place, _shown(inner) if inner else "the folder")
        self._entries += len(names)
        if self._entries > MOST_FILES:
            raise NotReady(
                f"There are more than {MOST_FILES:,} files and folders. "
                "Remove what the function does not need."
            )
        for name in names:
            if name not in LEFT_OUT and not name.startswith("."):
                self._entry(place, name, (*inner, name))

    def _entry(self, place: Place, name: str, inner: tuple[str, ...]) -> None:
        shown = _shown(inner)
        if stat.S_ISDIR(_status(place, name, shown).st_mode):
            with _entered(place, name, shown) as below:
                self.folder(below, inner)
            return
        content, executable = _read(place, name, shown, LARGEST_FILE)
        self._bytes += len(content)
        if self._bytes > LARGEST_SUBMISSION:
            raise NotReady(
                f"Together, the files are larger than {size(LARGEST_SUBMISSION)}. "
                "Remove what the function does not need."
            )
        self.files.append(File("/".join(inner), content, executable))


@contextlib.contextmanager
def _stage(folder: Path) -> Iterator[Place]:
    """A stage's folder, opened. Raises NotReady if there is none."""
    folder = Path(os.path.abspath(folder))  # noqa: PTH100 - resolve() would follow links
    if not os.path.lexists(folder):
        raise NotReady(
            f"The folder {folder.name} is missing. `workshop reset {folder.name}` restores it."
        )
    if not THROUGH_FOLDERS:
        with _entered(folder.parent, folder.name, folder.name) as place:
            yield place
        return
    with _readable(folder.parent.name):
        parent = os.open(folder.parent, os.O_RDONLY)
    try:
        with _entered(parent, folder.name, folder.name) as place:
            yield place
    finally:
        os.close(parent)


@contextlib.contextmanager
def _entered(place: Place, name: str, shown: str) -> Iterator[Place]:
    """The folder of this name in an open folder, opened. Raises NotReady if it is none."""
    mode = _status(place, name, shown).st_mode
    if not stat.S_ISDIR(mode):
        raise NotReady(f"{shown} is {KINDS.get(stat.S_IFMT(mode), 'a file')}, not a folder.")
    if isinstance(place, Path):
        yield place / name
        return
    with _readable(shown):
        opened = os.open(name, FOLDER, dir_fd=place)
    try:
        yield opened
    finally:
        os.close(opened)


def _names(place: Place, shown: str) -> list[str]:
    """The names in an open folder, one more than the limit at most. Raises NotReady."""
    with _readable(shown), os.scandir(place) as entries:
        names = [entry.name for entry in itertools.islice(entries, MOST_FILES + 1)]
    for name in names:
        try:
            name.encode()
        except UnicodeEncodeError:
            raise NotReady(
                f"The name {visible(name)} in {shown} is not UTF-8. Rename the file."
            ) from None
    return names


def _status(place: Place, name: str, shown: str) -> os.stat_result:
    """What an entry of an open folder is. Raises NotReady for a link."""
    with _readable(shown):
        if isinstance(place, Path):
            status = (place / name).lstat()
        else:
            status = os.stat(name, dir_fd=place, follow_symlinks=False)
    if stat.S_ISLNK(status.st_mode) or _is_junction(status):
        raise NotReady(
            f"{shown} is a link, and links are not followed. "
            "Replace it with a copy of what it leads to."
        )
    return status


def _is_junction(status: os.stat_result) -> bool:
    """Whether it is one of Windows' links between folders."""
    junction = getattr(stat, "IO_REPARSE_TAG_MOUNT_POINT", None)
    return junction is not None and getattr(status, "st_reparse_tag", 0) == junction


def _read(place: Place, name: str, shown: str, limit: int) -> tuple[bytes, bool]:
    """A regular file, as far as it is long when it is opened, and whether it is executable.

    Raises NotReady for anything else, and for more than `limit` bytes.
    """
    mode = _status(place, name, shown).st_mode
    if not stat.S_ISREG(mode):
        raise NotReady(f"{shown} is {KINDS.get(stat.S_IFMT(mode), 'no file')}, not a file.")
    with _readable(shown):
        if isinstance(place, Path):
            opened = os.open(place / name, READ)
        else:
            opened = os.open(name, READ, dir_fd=place)
        with os.fdopen(opened, "rb") as file:
            now = os.fstat(opened)
            if not stat.S_ISREG(now.st_mode):
                raise NotReady(f"{shown} changed while it was read. Check again.")
            if now.st_size > limit:
                raise NotReady(
                    f"{shown} is too large: {size(now.st_size)}, and {size(limit)} is the limit."
                )
            content = file.read(now.st_size)
    return content, bool(now.st_mode & stat.S_IXUSR)


@contextlib.contextmanager
def _readable(shown: str) -> Iterator[None]:
    """Says of a file that cannot be read which one it is."""
    try:
        yield
    except OSError as error:
        if error.errno in THE_MACHINES_FAULT:
            raise
        raise NotReady(
            f"{shown} cannot be read ({error.strerror}). Make it readable, and check again."
        ) from None


def _shown(inner: tuple[str, ...]) -> str:
    """A path within the submission, in words that fit on a line."""
    return visible("/".join(inner)).replace("\n", "\\n")


def size(count: int) -> str:
    """Bytes in words, such as `12.5 MB`."""
    if count < MB:
        return f"{count / KB:.0f} KB"
    return f"{count / MB:,.1f} MB".replace(".0 MB", " MB")
