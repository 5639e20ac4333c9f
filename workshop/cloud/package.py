"""Deployment packages: unpacked once, read-only, and shared by a version's environments."""

from __future__ import annotations

import contextlib
import hashlib
import io
import stat
import sys
import threading
import zipfile
from importlib.util import find_spec
from pathlib import Path

from .guardian import remove_tree

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
    ours = ("bootstrap.py", "keeper.py", "private_tmp.py")
    files = {name: HERE / "runtime" / name for name in ours}
    for name in RUNTIME_PACKAGES:
        spec = find_spec(name)
        if spec is None or spec.origin is None:
            raise RuntimeError(f"the package {name} is missing: run `make lab` again")
        origin = Path(spec.origin)
        path = origin.parent if origin.name == "__init__.py" else origin
        files[path.name] = path
    native = find_spec("runtime_client")
    origin = native.origin if native else None
    client = Path(origin) if origin else HERE / "runtime" / "runtime_client.py"
    files[client.name] = client
    return files


class PackageStore:
    """Unpacks code and layers under one folder, each content once."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._lock = threading.Lock()

    def code(self, zipped: bytes) -> Path:
        """The folder with a function's code."""
        return self._unpacked("task", (zipped,))

    def layers(self, layers: tuple[bytes, ...]) -> Path:
        """The folder with a function's layers, merged in their order, as at /opt."""
        return self._unpacked("opt", layers)

    def _unpacked(self, kind: str, zips: tuple[bytes, ...]) -> Path:
        digest = hashlib.sha256(b"".join(hashlib.sha256(each).digest() for each in zips))
        target = self._folder / f"{kind}-{digest.hexdigest()[:16]}"
        with self._lock:
            if target.exists():
                return target
            partial = target.with_suffix(".partial")
            remove_tree(str(partial))
            partial.mkdir(parents=True)
            for each in zips:
                unpack(each, partial)
            partial.rename(target)
            make_read_only(target)
        return target


def unpack(zipped: bytes, target: Path) -> None:
    """Unpacks a zip, with the permission bits that it carries.

    Raises zipfile.BadZipFile if it is none.
    """
    with zipfile.ZipFile(io.BytesIO(zipped)) as archive:
        for info in archive.infolist():
            path = Path(archive.extract(info, target))
            mode = info.external_attr >> 16
            if mode and not info.is_dir():
                with contextlib.suppress(OSError):
                    path.chmod(stat.S_IMODE(mode) | stat.S_IWUSR)


def make_read_only(folder: Path) -> None:
    """Takes the right to write from everything below `folder`."""
    for path in [*folder.rglob("*"), folder]:
        mode = path.stat().st_mode
        path.chmod(mode & ~(stat.S_IWUSR | stat.S_IWGRP | stat.S_IWOTH))


def link_runtime(target: Path) -> Path:
    """Makes a folder that holds what /var/runtime holds, by links where the system has them."""
    target.mkdir(parents=True)
    for name, path in runtime_files().items():
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
