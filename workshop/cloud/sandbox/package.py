"""Deployment packages: unpacked once, read-only, and shared by a version's environments."""

from __future__ import annotations

import contextlib
import hashlib
import stat
import sys
import threading
import uuid
from collections import OrderedDict
from dataclasses import dataclass, field
from importlib.util import find_spec
from pathlib import Path

from .guardian import remove_tree
from .zips import unpack

# What AWS puts under /var/runtime: its runtime client and boto3, with what these two need.
RUNTIME_PACKAGES = (
    "awslambdaric",
    "snapshot_restore_py",
    "simplejson",
    "boto3",
    "botocore",
    "s3transfer",
    "jmespath",
    "dateutil",
    "six",
    "urllib3",
)
HERE = Path(__file__).parent


def runtime_files() -> dict[str, Path]:
    """What /var/runtime holds: a name, and the file or folder that is installed here."""
    ours = ("bootstrap.py", "keeper.py", "private_tmp.py", "other_languages.py", "nodejs.mjs")
    files = {name: HERE / "runtime" / name for name in ours}
    for name in RUNTIME_PACKAGES:
        spec = find_spec(name)
        if spec is None or spec.origin is None:
            raise RuntimeError(f"the package {name} is missing: run `make lab` again")
        origin = Path(spec.origin)
        path = origin.parent if origin.name == "__init__.py" else origin
        files[path.name] = path
        if path == origin and spec.cached and Path(spec.cached).exists():  # not compiled each time
            files[f"__pycache__/{Path(spec.cached).name}"] = Path(spec.cached)
    native = find_spec("runtime_client")
    built = native.origin if native else None
    client = Path(built) if built else HERE / "runtime" / "runtime_client.py"
    files[client.name] = client
    return files


@dataclass
class _Package:
    """One unpacked folder: how many use it, and the lock of whoever unpacks it."""

    path: Path
    users: int = 0
    lock: threading.Lock = field(default_factory=threading.Lock)


class PackageStore:
    """Unpacks code and layers under one folder, each content once.

    Every call of `code` or `layers` is one use of the folder it gives, until `release` gives it
    back. A folder without a use stays while it is among the `kept` used last, so that deploying
    the same code again unpacks nothing; then it is removed.
    """

    def __init__(self, folder: Path, kept: int = 8) -> None:
        self._folder, self._kept = folder, kept
        self._packages: OrderedDict[str, _Package] = OrderedDict()  # used last: at the end
        self._lock = threading.Lock()

    def code(self, zipped: bytes) -> Path:
        """The folder with a function's code, for one environment; `release` it afterwards."""
        return self._take("task", (zipped,))

    def layers(self, layers: tuple[bytes, ...]) -> Path:
        """The folder with a function's layers, merged in their order, as at /opt; likewise."""
        return self._take("opt", layers)

    def release(self, path: Path) -> None:
        """Ends one use of a folder that `code` or `layers` gave."""
        with self._lock:
            package = self._packages.get(path.name)
            if package is None or package.users == 0:
                return
            package.users -= 1
            removed = self._drop_old()
        for folder in removed:
            _remove(folder)

    def _take(self, kind: str, zips: tuple[bytes, ...]) -> Path:
        digest = hashlib.sha256(b"".join(hashlib.sha256(each).digest() for each in zips))
        name = f"{kind}-{digest.hexdigest()[:16]}"
        with self._lock:
            package = self._packages.setdefault(name, _Package(self._folder / name))
            self._packages.move_to_end(name)
            package.users += 1
        try:
            with package.lock:
                if not package.path.exists():
                    _unpack_all(zips, package.path)
        except BaseException:
            self.release(package.path)
            raise
        return package.path

    def _drop_old(self) -> list[Path]:
        """Forgets what has had no use for longest; what is to be removed then has another name.

        So whoever wants the same content again, while the old folder goes, unpacks it anew.
        """
        unused = [name for name, package in self._packages.items() if package.users == 0]
        removed = []
        for name in unused[: max(0, len(unused) - self._kept)]:
            path = self._packages.pop(name).path
            with contextlib.suppress(OSError):  # Windows, while somebody looks at it: it stays
                removed.append(path.rename(path.with_name(f"{name}-{uuid.uuid4().hex}.removed")))
        return removed


def _unpack_all(zips: tuple[bytes, ...], target: Path) -> None:
    """Unpacks one zip over the other; the folder has its name only when all are there."""
    partial = target.with_suffix(".partial")
    try:
        partial.mkdir(parents=True)
        for each in zips:
            unpack(each, partial)
        partial.rename(target)
    except BaseException:
        _remove(partial)
        raise
    make_read_only(target)


def make_read_only(folder: Path) -> None:
    """Takes the right to write from every folder below `folder`; its files have none."""
    for path in [*(each for each in folder.rglob("*") if each.is_dir()), folder]:
        path.chmod(path.stat().st_mode & ~(stat.S_IWUSR | stat.S_IWGRP | stat.S_IWOTH))


def _remove(folder: Path) -> None:
    if sys.platform == "win32":  # which removes no file that may not be written to
        for path in folder.rglob("*"):
            path.chmod(0o600)
    remove_tree(str(folder))


def link_runtime(target: Path) -> Path:
    """Makes a folder that holds what /var/runtime holds, by links where the system has them."""
    target.mkdir(parents=True)
    for name, path in runtime_files().items():
        (target / name).parent.mkdir(exist_ok=True)
        _link(path.resolve(), target / name)
    return target


def _link(source: Path, link: Path) -> None:
    try:
        link.symlink_to(source, target_is_directory=source.is_dir())
    except OSError:  # Windows without the right to make links
        if source.is_dir():
            if sys.platform == "win32":
                import _winapi

                _winapi.CreateJunction(str(source), str(link))
        else:
            link.write_bytes(source.read_bytes())
