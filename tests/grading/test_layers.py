"""Layers for learners' functions, made of a library that is installed here."""

from __future__ import annotations

import io
import sys
import zipfile

from workshop.grading.account import Account
from workshop.grading.function import deploy
from workshop.grading.layers import layer_of

VERSION = "import jwt\ndef handler(event, context): return jwt.__version__"


def test_a_layer_is_the_same_each_time_and_has_the_whole_library():
    zipped = layer_of("PyJWT")
    assert zipped == layer_of("PyJWT")
    names = zipfile.ZipFile(io.BytesIO(zipped)).namelist()
    assert "python/jwt/__init__.py" in names
    assert all(name.startswith("python/") and ".pyc" not in name for name in names)


def test_what_a_library_needs_in_this_python_comes_along():
    with zipfile.ZipFile(io.BytesIO(layer_of("pytest"))) as archive:
        names = set(archive.namelist())
    assert {"python/pluggy/__init__.py", "python/iniconfig/__init__.py"} <= names
    with_exceptiongroup = "python/exceptiongroup/__init__.py" in names
    assert with_exceptiongroup is (sys.version_info < (3, 11))


def test_a_function_imports_from_its_layer_and_from_nowhere_else(lab, tmp_path):
    account = Account(lab.cloud.client, lab.cloud.idle)
    (tmp_path / "handler.py").write_text(VERSION, encoding="utf-8")
    layers = {"Layers": [account.layer("PyJWT")]}
    function = deploy(account.client("lambda"), tmp_path, changes=layers)
    assert function.invoke({}).value.startswith("2.")
    bare = lab.create(VERSION)
    assert "No module named 'jwt'" in lab.invoke(bare, {}).value["errorMessage"]
    account.close()
    assert account.client("lambda").list_layers()["Layers"] == []
