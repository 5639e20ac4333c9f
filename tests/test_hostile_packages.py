"""Deployment packages and layers that were made to do harm, or are just wrong."""

from __future__ import annotations

import io
import threading
import zipfile
from pathlib import Path

import pytest

from workshop.cloud.package import PackageStore


def zipped(**files: str) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        for name, text in files.items():
            archive.writestr(f"{name}.py", text)
    return buffer.getvalue()


@pytest.fixture
def store(tmp_path: Path) -> PackageStore:
    return PackageStore(tmp_path / "packages", kept=2)


def folders(tmp_path: Path) -> list[str]:
    return sorted(path.name for path in (tmp_path / "packages").iterdir())


def test_what_is_released_goes_when_newer_ones_are_kept(store, tmp_path):
    paths = [store.code(zipped(handler=f"N = {number}")) for number in range(5)]
    assert len(folders(tmp_path)) == 5
    for path in paths:
        store.release(path)
    assert folders(tmp_path) == sorted(path.name for path in paths[-2:])


def test_what_is_in_use_stays_whatever_comes_after(store, tmp_path):
    used = store.layers((zipped(layer="X = 1"),))
    store.layers((zipped(layer="X = 1"),))
    store.release(used)
    for number in range(5):
        store.release(store.code(zipped(handler=f"N = {number}")))
    assert (used / "layer.py").read_text() == "X = 1"
    assert len(folders(tmp_path)) == 3
    store.release(used)
    store.release(used)  # once too often does no harm
    assert len(folders(tmp_path)) == 2


def test_what_is_wanted_again_is_unpacked_again(store):
    first = store.code(zipped(handler="N = 0"))
    store.release(first)
    for number in range(1, 4):
        store.release(store.code(zipped(handler=f"N = {number}")))
    assert not first.exists()
    assert (store.code(zipped(handler="N = 0")) / "handler.py").read_text() == "N = 0"


def test_many_environments_of_one_package_at_once_get_it_whole(tmp_path):
    store = PackageStore(tmp_path / "packages", kept=0)
    package = zipped(**{f"module_{number}": "X = 1" for number in range(50)})
    wrong: list[str] = []

    def use() -> None:
        for _ in range(10):
            path = store.code(package)
            try:
                if len(list(path.iterdir())) != 50:
                    wrong.append("not all files are there")
            except OSError as error:
                wrong.append(str(error))
            store.release(path)

    threads = [threading.Thread(target=use) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(timeout=60)
    assert wrong == []
    assert folders(tmp_path) == []
