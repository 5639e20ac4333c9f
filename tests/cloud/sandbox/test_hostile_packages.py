"""Deployment packages and layers that were made to do harm, or are just wrong."""

from __future__ import annotations

import base64
import io
import os
import stat
import struct
import sys
import threading
import zipfile
from pathlib import Path

import pytest
from botocore.exceptions import ClientError

from workshop.cloud.base.model import ApiError
from workshop.cloud.sandbox import zips
from workshop.cloud.sandbox.package import PackageStore

UNREADABLE = "Could not unzip uploaded file. Please check your file, then try to upload again."
HANDLER = "def handler(event, context): return event"


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


def made(*entries, compression=zipfile.ZIP_DEFLATED) -> bytes:
    """A zip with a handler and more entries: (name or ZipInfo, what is in it)."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", compression) as archive:
        for name, text in [("handler.py", HANDLER), *entries]:
            archive.writestr(name, text)
    return buffer.getvalue()


def with_mode(name: str, mode: int) -> zipfile.ZipInfo:
    info = zipfile.ZipInfo(name)
    info.external_attr = mode << 16
    return info


def changed(zipped: bytes, old: bytes, new: bytes) -> bytes:
    assert old in zipped
    return zipped.replace(old, new)


def overlapping() -> bytes:
    """A zip whose directory names one entry's data under many names."""
    zipped = made(("data", "x" * 1000))
    at = zipped.rindex(b"PK\x01\x02")
    end = zipped.index(b"PK\x05\x06")
    directory = zipped[zipped.index(b"PK\x01\x02") : end]
    entry, more = zipped[at:end], b""
    for number in range(50):
        more += changed(entry, b"data", b"da%02d" % number)
    tail = struct.pack("<4s4H2LH", b"PK\x05\x06", 0, 0, 52, 52, len(directory + more), end, 0)
    start = struct.pack("<L", end - len(directory))
    return zipped[:end] + more + tail[:16] + start + tail[20:]


def lying_about_sizes() -> bytes:
    """A zip that holds more than it says."""
    zipped = made(("data", "x" * 100_000))
    return changed(zipped, struct.pack("<L", 100_000), struct.pack("<L", 10))


def of_bad_data() -> bytes:
    zipped = bytearray(made(("data", os.urandom(5000))))
    zipped[zipped.index(b"data") + 100] ^= 0xFF
    return bytes(zipped)


def encrypted() -> bytes:
    zipped = bytearray(made(("data", "x")))
    zipped[zipped.rindex(b"PK\x01\x02") + 8] |= 1
    return bytes(zipped)


def not_utf_8() -> bytes:
    """A name of the byte 0xFF, said to be UTF-8."""
    zipped = made(("\u00e9.py", ""))
    return changed(zipped, "\u00e9".encode(), b"\xff\xff")


WRONG = {
    "no zip": lambda: b"nothing",
    "cut off": lambda: made(("data", "x" * 5000))[:-30],
    "corrupt data": of_bad_data,
    "encrypted": encrypted,
    "bzip2": lambda: made(("data", "x" * 100), compression=zipfile.ZIP_BZIP2),
    "lzma": lambda: made(("data", "x" * 100), compression=zipfile.ZIP_LZMA),
    "dot dot": lambda: made(("../outside.py", "")),
    "dot dot within": lambda: made(("a/../../outside.py", "")),
    "absolute": lambda: made(("/tmp/outside.py", "")),
    "NUL": lambda: changed(made(("aXb.py", "")), b"aXb.py", b"a\0b.py"),
    "not UTF-8": not_utf_8,
    "long name": lambda: made(("a" * 300, "")),
    "long path": lambda: made(("/".join(["a" * 200] * 4), "")),
    "deep": lambda: made(("a/" * 100 + "a", "")),
    "the same name twice": lambda: made(("a.py", "1"), ("b.py", "2")).replace(b"b.py", b"a.py"),
    "file and folder": lambda: made(("a", "1"), ("a/b", "2")),
    "link": lambda: made((with_mode("link", stat.S_IFLNK | 0o777), "/etc/passwd")),
    "device": lambda: made((with_mode("device", stat.S_IFCHR | 0o666), "")),
    "overlapping": overlapping,
    "wrong size": lying_about_sizes,
    "too many": lambda: made() + zips.ENTRY * 70_000,
    "too many folders": lambda: made(*((f"{n}/" * 50 + "a", "") for n in range(2000))),
}


@pytest.mark.parametrize("kind", WRONG)
def test_a_wrong_zip_is_refused_and_leaves_nothing(kind, store, tmp_path):
    zipped = WRONG[kind]()
    with pytest.raises(ApiError) as caught:
        zips.check_package(zipped)
    assert caught.value.code == "InvalidParameterValueException"
    assert UNREADABLE in caught.value.message
    with pytest.raises(ApiError):
        store.code(zipped)
    assert not [path for path in tmp_path.rglob("*") if path.name != "packages"]


def test_a_bomb_is_refused_before_it_is_unpacked():
    with pytest.raises(ApiError, match="Unzipped size must be smaller than 262144000 bytes"):
        zips.check_package(large(251))


def test_an_empty_zip_is_refused():
    buffer = io.BytesIO()
    zipfile.ZipFile(buffer, "w").close()
    for zipped in (b"", buffer.getvalue()):
        with pytest.raises(ApiError, match="Uploaded file must be a non-empty zip"):
            zips.check_package(zipped)


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no such rights")
def test_rights_are_kept_but_setuid_and_writing(store):
    script, plain = with_mode("run.sh", stat.S_IFREG | 0o6777), with_mode("plain.py", 0o644)
    folder = store.code(made((script, "#!/bin/sh"), (plain, "")))
    assert stat.S_IMODE((folder / "run.sh").stat().st_mode) == 0o555
    assert stat.S_IMODE((folder / "plain.py").stat().st_mode) == 0o444
    assert stat.S_IMODE(folder.stat().st_mode) & 0o222 == 0


def test_names_outside_ascii_are_unpacked(store):
    folder = store.code(made(("data/", ""), ("data/caf\u00e9.txt", "1")))
    assert (folder / "data" / "caf\u00e9.txt").read_text() == "1"


def test_layers_are_merged_and_a_later_one_wins(store):
    folder = store.layers((made(("python/a.py", "1")), made(("python/a.py", "2"))))
    assert (folder / "python" / "a.py").read_text() == "2"


def test_a_file_of_one_layer_can_not_be_a_folder_of_another():
    layers = (made(("python", "1")), made(("python/a.py", "2")))
    with pytest.raises(ApiError, match="file where another has a folder: python"):
        zips.check_package(made(), layers)


def publish(lab, zipped: bytes, name: str = "layer") -> str:
    return lab.client.publish_layer_version(LayerName=name, Content={"ZipFile": zipped})[
        "LayerVersionArn"
    ]


def large(megabytes: int) -> bytes:
    buffer = io.BytesIO()
    with (
        zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED, compresslevel=1) as archive,
        archive.open("large.bin", "w") as file,
    ):
        for _ in range(megabytes):
            file.write(bytes(1024 * 1024))
    return buffer.getvalue()


@pytest.mark.parametrize("kind", ["corrupt data", "encrypted", "file and folder", "link"])
def test_the_api_refuses_a_wrong_zip(lab, kind):
    zipped = WRONG[kind]()
    name = lab.create()
    for call in (
        lambda: lab.create(Code={"ZipFile": zipped}),
        lambda: lab.client.update_function_code(FunctionName=name, ZipFile=zipped),
        lambda: publish(lab, zipped),
    ):
        with pytest.raises(ClientError) as caught:
            call()
        assert caught.value.response["ResponseMetadata"]["HTTPStatusCode"] == 400
        assert UNREADABLE in caught.value.response["Error"]["Message"]
    assert lab.invoke(name, 7).value == 7
    assert lab.client.list_layers()["Layers"] == []


def test_code_and_layers_together_have_a_largest_size(lab, monkeypatch):
    monkeypatch.setattr(zips, "LARGEST_UNZIPPED", 10_000_000)
    with pytest.raises(ClientError, match="Unzipped size must be smaller"):
        publish(lab, large(24))
    half, more = publish(lab, large(6), "half"), publish(lab, large(6), "more")
    name = lab.create(Layers=[half])
    for call in (
        lambda: lab.create(Layers=[half, more]),
        lambda: lab.client.update_function_configuration(FunctionName=name, Layers=[half, more]),
        lambda: lab.client.update_function_code(FunctionName=name, ZipFile=large(6)),
    ):
        with pytest.raises(ClientError, match="Unzipped size must be smaller"):
            call()
    configuration = lab.client.get_function_configuration(FunctionName=name)
    assert [each["Arn"] for each in configuration["Layers"]] == [half]
    assert lab.invoke(name, 7).value == 7


def test_a_zip_in_a_request_has_a_largest_size(lab, monkeypatch):
    monkeypatch.setattr(zips, "LARGEST_ZIP", 100_000)
    random = base64.b64encode(os.urandom(100_000)).decode()
    with pytest.raises(ClientError) as caught:
        lab.create(Code={"ZipFile": made(("data", random))})
    assert caught.value.response["Error"]["Code"] == "RequestEntityTooLargeException"
