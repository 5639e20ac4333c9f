"""Gives a plain process a /tmp of its own: Python's calls with a path below /tmp go elsewhere.

What C libraries open themselves, such as a database of sqlite3, is not reached.
"""

import builtins
import functools
import io
import os

ONE_PATH = (
    "access chdir chmod chown lchown listdir listxattr lstat mkdir mkfifo mknod open readlink "
    "remove rmdir scandir stat statvfs truncate unlink utime getxattr setxattr removexattr chflags"
)
TWO_PATHS = "link rename replace symlink"


def install(folder, left):
    """Sends every path below /tmp to `folder`, but for those below a folder of `left`."""

    def moved(path):
        try:
            text = os.fsdecode(path)
        except TypeError:  # a descriptor
            return path
        if text != "/tmp" and not text.startswith("/tmp/") or text.startswith(left):
            return path
        target = folder + text[4:]
        return os.fsencode(target) if isinstance(path, bytes) else target

    def one(call):
        @functools.wraps(call)
        def with_path(path=None, *args, **kwargs):
            return call(moved(path), *args, **kwargs)

        return with_path

    def two(call):
        @functools.wraps(call)
        def with_paths(src, dst, *args, **kwargs):
            return call(moved(src), moved(dst), *args, **kwargs)

        return with_paths

    open_anywhere = io.open

    @functools.wraps(open_anywhere)
    def open_file(file, *args, **kwargs):
        return open_anywhere(moved(file), *args, **kwargs)

    builtins.open = io.open = open_file
    for names, change in ((ONE_PATH, one), (TWO_PATHS, two)):
        for name in names.split():
            if hasattr(os, name):
                replace(name, change(getattr(os, name)))


def replace(name, call):
    """Puts a call in the place of one of os's, in the sets that say what it can do, too."""
    known = getattr(os, name)
    for which in ("supports_dir_fd", "supports_fd", "supports_follow_symlinks"):
        if known in getattr(os, which):
            getattr(os, which).add(call)
    setattr(os, name, call)
