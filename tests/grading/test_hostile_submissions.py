"""Submissions that would have the grader read, wait for or hold what it must not: all are refused.

What is refused is the learner's to fix: NotReady, with the name of what is wrong.
"""

from __future__ import annotations

import errno
import io
import os
import shutil
import socket
import stat
import tempfile
import zipfile
from pathlib import Path

import pytest
from support import STAGES, submission

from workshop.grading import submission as reading
from workshop.grading.function import Function, Unreadable, deploy
from workshop.grading.package import LARGEST_SOURCE, pack
from workshop.grading.patience import NeverEnds
from workshop.grading.report import is_stub
from workshop.grading.reset import reset
from workshop.grading.settings import read_settings
from workshop.grading.submission import MB, NotReady, read_file
from workshop.paths import repository

STAGE = STAGES[0]
HANDLER = "def handler(event, context):\n    return event\n"
NEEDS_LINKS = pytest.mark.skipif(os.name == "nt", reason="Windows asks for a right to make links")
NEEDS_PIPES = pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="there are no named pipes here")


@pytest.fixture
def folder(tmp_path) -> Path:
    """A stage's folder with a handler that is right."""
    target = tmp_path / "exercises" / STAGE.name
    target.mkdir(parents=True)
    (target / "handler.py").write_text(HANDLER)
    return target


def names(package: bytes) -> list[str]:
    with zipfile.ZipFile(io.BytesIO(package)) as archive:
        return archive.namelist()


def refused(folder: Path, *words: str) -> None:
    """It cannot be deployed, for the reason that is named, and it is not taken for the stub."""
    with pytest.raises(NotReady) as caught:
        pack(folder)
    for word in words:
        assert word in str(caught.value)
    assert not is_stub(STAGE, folder.parent)


# Links


@NEEDS_LINKS
def test_a_handler_that_is_a_link_to_the_solution(folder):
    (folder / "handler.py").unlink()
    (folder / "handler.py").symlink_to(repository() / "solutions" / STAGE.name / "handler.py")
    refused(folder, "handler.py is a link", "Replace it with a copy")


@NEEDS_LINKS
@pytest.mark.parametrize("target", ["/etc/passwd", "/etc", "no/such/file", "handler.py", "."])
def test_a_link_anywhere(folder, target):
    (folder / "data").mkdir()
    (folder / "data" / "taken").symlink_to(target)
    refused(folder, "data/taken is a link")


@NEEDS_LINKS
def test_a_stage_folder_that_is_a_link(folder):
    shutil.rmtree(folder)
    folder.symlink_to(repository() / "solutions" / STAGE.name)
    refused(folder, f"{STAGE.name} is a link")
    with pytest.raises(NotReady, match="is a link"):
        read_settings(folder)


@NEEDS_LINKS
def test_settings_that_are_a_link(folder):
    (folder / "function.json").symlink_to("/etc/passwd")
    with pytest.raises(NotReady, match=r"function\.json is a link"):
        read_settings(folder)


@NEEDS_LINKS
def test_an_exercises_folder_may_be_a_link_since_the_grader_names_it(folder, tmp_path):
    (tmp_path / "link").symlink_to(folder.parent)
    assert names(pack(tmp_path / "link" / STAGE.name)) == ["handler.py"]


@NEEDS_LINKS
def test_where_nothing_can_be_opened_through_a_folder(folder, monkeypatch):
    """As on Windows: the paths are looked at instead."""
    monkeypatch.setattr(reading, "THROUGH_FOLDERS", False)
    (folder / "data").mkdir()
    (folder / "data" / "a.txt").write_text("a")
    (folder / "function.json").write_text('{"Timeout": 5}')
    assert names(pack(folder)) == ["data/a.txt", "handler.py"]
    assert read_settings(folder) == {"Timeout": 5}
    (folder / "data" / "taken").symlink_to("/etc")
    refused(folder, "data/taken is a link")
    (folder / "data").rename(folder.parent / "data")
    (folder / "data").symlink_to(folder.parent / "data")
    refused(folder, "data is a link")


@NEEDS_LINKS
@pytest.mark.parametrize("what", ["file", "folder"])
def test_a_link_that_takes_the_place_of_what_was_looked_at(folder, monkeypatch, what):
    """The name is looked at first, and opened then: in between somebody swaps it."""
    (folder / "data").mkdir()
    (folder / "data" / "file.txt").write_text("mine")
    swapped = folder / "data" if what == "folder" else folder / "data" / "file.txt"
    secret = folder.parent / "secret"
    secret.mkdir()
    (secret / "file.txt").write_text("the grader's")
    really = os.open

    def swap_and_open(path, flags, **more):
        if path == swapped.name and not swapped.is_symlink():
            swapped.rename(folder.parent / "gone")
            swapped.symlink_to(secret if what == "folder" else secret / "file.txt")
        return really(path, flags, **more)

    monkeypatch.setattr(os, "open", swap_and_open)
    refused(folder, "cannot be read")


# Pipes, sockets, devices


@NEEDS_PIPES
@pytest.mark.parametrize("name", ["handler.py", "function.json", "data.txt"])
def test_a_pipe_keeps_nobody_waiting(folder, name):
    (folder / name).unlink(missing_ok=True)
    os.mkfifo(folder / name)
    with pytest.raises(NotReady, match=f"{name} is a pipe, not a file"):
        read_settings(folder)
        pack(folder)
    assert not is_stub(STAGE, folder.parent)


@NEEDS_PIPES
def test_a_pipe_that_takes_a_files_place(folder, monkeypatch):
    really = os.open

    def swap_and_open(path, flags, **more):
        if path == "handler.py":
            (folder / path).unlink()
            os.mkfifo(folder / path)
        return really(path, flags, **more)

    monkeypatch.setattr(os, "open", swap_and_open)
    refused(folder, "handler.py changed while it was read")


@pytest.mark.skipif(not hasattr(socket, "AF_UNIX"), reason="there are no Unix sockets here")
def test_a_socket():
    with tempfile.TemporaryDirectory() as short, socket.socket(socket.AF_UNIX) as listener:
        folder = Path(short) / STAGE.name
        folder.mkdir()
        (folder / "handler.py").write_text(HANDLER)
        listener.bind(str(folder / "s"))
        refused(folder, "s is a socket, not a file")


def test_a_device(folder):
    (folder / "handler.py").unlink()
    try:
        os.mknod(folder / "handler.py", stat.S_IFCHR | 0o666, os.makedev(1, 5))
    except (AttributeError, OSError) as error:
        pytest.skip(f"no device can be made here: {error}")
    refused(folder, "handler.py is a device, not a file")


def test_a_handler_that_is_a_folder(folder):
    (folder / "handler.py").unlink()
    (folder / "handler.py").mkdir()
    refused(folder, "There is no handler.py")


def test_a_stage_folder_that_is_a_file(folder):
    shutil.rmtree(folder)
    folder.write_text("x")
    refused(folder, f"{STAGE.name} is a file, not a folder")


# Too much


@pytest.mark.skipif(os.name == "nt", reason="Windows keeps the whole space for such a file")
def test_a_file_with_a_hole_of_100_gb(folder):
    try:
        with (folder / "hole").open("wb") as file:
            file.truncate(100 * 1024 * MB)
    except OSError as error:
        pytest.skip(f"no such file can be made here: {error}")
    refused(folder, "hole is too large: 102,400 MB, and 10 MB is the limit")


def test_files_that_are_too_much_together(folder):
    for number in range(3):
        with (folder / f"part-{number}").open("wb") as file:
            file.truncate(9 * MB)
    refused(folder, "Together, the files are larger than 25 MB")


def test_too_many_files(folder):
    for number in range(reading.MOST_FILES):
        (folder / str(number)).touch()
    refused(folder, "more than 2,000 files and folders")


def test_folders_that_are_too_deep(folder):
    (folder / "/".join("d" * 30)).mkdir(parents=True)
    refused(folder, "11 folders deep; 10 is the limit")


def test_a_source_that_is_too_large(folder):
    (folder / "handler.py").write_bytes(b"x\n" * LARGEST_SOURCE)
    refused(folder, "handler.py is too large: 512 KB, and 256 KB is the limit")


def test_a_file_that_grows_is_read_as_it_was_opened(folder, monkeypatch):
    look = os.fstat

    def look_and_grow(descriptor):
        status = look(descriptor)
        with (folder / "handler.py").open("ab") as file:
            file.write(b"#" * MB)
        return status

    monkeypatch.setattr(os, "fstat", look_and_grow)
    assert read_file(folder, "handler.py", 100) == HANDLER.encode()


# Names, dates, rights


def test_a_name_that_is_not_utf_8(folder):
    try:
        os.close(os.open(os.fsencode(folder) + b"/caf\xe9.txt", os.O_CREAT | os.O_WRONLY))
    except (OSError, UnicodeError) as error:
        pytest.skip(f"the file system takes no such name: {error}")
    refused(folder, "caf\\udce9.txt", "is not UTF-8", "Rename")


@NEEDS_LINKS
def test_a_name_that_a_terminal_would_obey(folder):
    (folder / "\x1b[2Jx\ny").symlink_to("/")
    refused(folder, "\\x1b[2Jx\\ny is a link")


def test_a_file_dated_1970_is_packed_and_dates_change_nothing(folder):
    package = pack(folder)
    os.utime(folder / "handler.py", (0, 0))
    assert pack(folder) == package
    assert names(package) == ["handler.py"]


@pytest.mark.skipif(os.name == "nt", reason="Windows has no such permissions")
def test_permissions_are_0644_or_0755(folder):
    (folder / "tool.sh").write_text("#!/bin/sh\n")
    (folder / "tool.sh").chmod(0o6711)
    with zipfile.ZipFile(io.BytesIO(pack(folder))) as archive:
        modes = {info.filename: info.external_attr >> 16 for info in archive.infolist()}
    assert modes == {"handler.py": stat.S_IFREG | 0o644, "tool.sh": stat.S_IFREG | 0o755}


def test_hidden_files_caches_and_settings_stay_out_whatever_they_are(folder):
    (folder / ".git").mkdir()
    (folder / ".git" / "config").write_text("x")
    (folder / "function.json").write_text("{}")
    (folder / "data").mkdir()
    (folder / "data" / "a.txt").write_text("a")
    if os.name != "nt":
        (folder / ".#handler.py").symlink_to("somebody@host.1234")  # Emacs, while a file is edited
        (folder / "__pycache__").symlink_to("/")
    assert names(pack(folder)) == ["data/a.txt", "handler.py"]


@pytest.mark.skipif(
    os.name == "nt" or getattr(os, "geteuid", lambda: 0)() == 0, reason="root may read everything"
)
def test_a_file_that_nobody_may_read(folder):
    (folder / "handler.py").chmod(0)
    refused(folder, "handler.py cannot be read", "Make it readable, and check again")


def test_a_lack_of_descriptors_is_not_the_learners_fault(folder, monkeypatch):
    def lacks(*args, **kwargs):
        raise OSError(errno.EMFILE, "Too many open files")

    monkeypatch.setattr(os, "scandir", lacks)
    with pytest.raises(OSError, match="Too many open files"):
        pack(folder)


# Sources that Python cannot read


@pytest.mark.parametrize(
    ("source", "words"),
    [
        ("x = " + "-" * 100_000 + "1", "nested too deeply"),
        ("x = f" + "()" * 60_000, "nested too deeply"),
        ("x = a" + ".b" * 100_000, "nested too deeply"),
        ("x = " + "[" * 5000, "syntax error in line 1"),
        ("x = " + "1" * 200_000 + "$", "syntax error in line 1"),
        ("if 1:\n" + "\tx = 1\n" * 3 + "    y = 2\n", "syntax error in line 5"),
        ("x = 1\0", "not Python source"),
        ("# coding: nonsense\n", "not Python source"),
        ("# coding: rot13\n", "not Python source"),
        ("# coding: hex\n6162\n", "not Python source"),
        ("# coding: undefined\n", "not Python source"),
        ("\x1b[2J\u202e = \x9b1", "syntax error in line 1"),
    ],
)
def test_a_source_that_python_cannot_read(folder, source, words):
    (folder / "handler.py").write_text(source, encoding="utf-8")
    with pytest.raises(NotReady) as caught:
        pack(folder)
    said = str(caught.value)
    assert words in said
    assert len(said) < 600
    assert not set(said) & set("\x1b\u202e\x9b\0")


@pytest.mark.parametrize(
    "content", [b"x = '\xff'", b"\xff\xfex\0=\0001\0", b"# coding: ascii\n\xe9"]
)
def test_bytes_that_are_no_text(folder, content):
    (folder / "handler.py").write_bytes(content)
    refused(folder, "handler.py")


def test_warnings_of_python_are_not_printed(folder, recwarn, capfd):
    (folder / "handler.py").write_text(HANDLER + 'x = "\\d" is 1\nassert (1, 2)\n')
    pack(folder)
    assert [str(each.message) for each in recwarn] == []
    assert capfd.readouterr() == ("", "")


# function.json


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"[" * 100_000, "function.json is too large"),
        (b'{"A":' * 5_000 + b"1" + b"}" * 5_000, "nested too deeply"),
        (b'{"A":' * 21 + b"1" + b"}" * 21, "nested too deeply"),
        (b'{"Timeout": 3, "Timeout": 900}', "has Timeout twice"),
        (b'{"A": {"\\u001b": 1, "\\u001b": 2}}', "has \\x1b twice"),
        (b'{"Timeout": NaN}', "NaN is not a JSON value"),
        (b'{"Timeout": -Infinity}', "-Infinity is not a JSON value"),
        (b'{"Description": "\\ud800"}', "\\ud800 contains half a character"),
        (b'{"Environment": {"Variables": {"\\udfff": "x"}}}', "contains half a character"),
        (b'{"Environment": {"Variables": {"A": "a\\u0000b"}}}', "\\u0000. Remove it"),
        (b'{"Description": "\xff"}', "is not JSON"),
        (b'{"Timeout": ' + b"1" * 5_000 + b"x}", "is not JSON"),
        (b'{"Timeout": 3,\n}', "Is there a comma before `}`?"),
        (b'{"Layers": ["a", ]}', "Is there a comma before `]`?"),
        (b'{"Timeout": 3\n"MemorySize": 256}', "Is a comma missing"),
        (b"{'Timeout': 3}", "Strings need double quotes"),
        (b"\x1b", "is not JSON"),
        (b"", "is not JSON"),
        (b"null", "must hold an object"),
        (b'{"FunctionName": "x"}', "the workshop chooses FunctionName"),
        (b'{"Role": "arn:aws:iam::123456789012:role/admin"}', "the workshop chooses Role"),
        (b'{"Code": {"S3Bucket": "x"}}', "the workshop chooses Code"),
        (b'{"Runtime": "nodejs22.x"}', "Runtime is nodejs22.x, but handler.py is Python"),
        (b'{"Description": "${NOTHING}"}', "stands for nothing"),
    ],
)
def test_settings_that_cannot_be_sent(folder, content, words):
    (folder / "function.json").write_bytes(content)
    with pytest.raises(NotReady) as caught:
        read_settings(folder)
    assert words in str(caught.value)
    assert not set(str(caught.value)) & set("\x1b\0")


def test_settings_as_windows_writes_them(folder):
    (folder / "function.json").write_bytes(b'\xef\xbb\xbf{"Timeout": 5}\r\n')
    assert read_settings(folder) == {"Timeout": 5}


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        ('{"Timeout": "3"}', "wrong type"),
        ('{"Timeout": 3.0}', "wrong type"),
        ('{"Timeout": 1e400}', "wrong type"),
        ('{"Timeout": null}', "wrong type"),
        ('{"Timeout": 1' + "0" * 400 + "}", "AWS refuses"),
        ('{"Environment": []}', "wrong type"),
        ('{"Environment": {"Variables": []}}', "wrong type"),
        ('{"Environment": {"Variables": {"A": {"B": {}}}}}', "write numbers and JSON in quotes"),
        ('{"VpcConfig": 3}', "wrong type"),
        ('{"Layers": {"a": 1}}', "wrong type"),
        ('{"ReservedConcurrentExecutions": -1}', "AWS refuses ReservedConcurrentExecutions"),
        ('{"ReservedConcurrentExecutions": [1]}', "AWS refuses ReservedConcurrentExecutions"),
        ('{"Runtime": "python9.9"}', "AWS refuses"),
        ('{"Runtime": 3}', "wrong type"),
        ('{"MemorySize": 1}', "AWS refuses"),
        ('{"Environment": {"Variables": {"AWS_REGION": "x"}}}', "AWS_REGION"),
        ('{"Environment": {"Variables": {"1 2": "x"}}}', "AWS refuses"),
        ('{"Environment": {"Variables": {"A": "' + "x" * 5_000 + '"}}}', "AWS refuses"),
        ('{"Layers": ["arn:aws:lambda:us-east-1:123456789012:layer:none:1"]}', "AWS refuses"),
        ('{"memory": 3}', "a setting that AWS does not know"),
    ],
)
def test_settings_that_aws_refuses(lab, folder, settings, words):
    (folder / "function.json").write_text(settings)
    with pytest.raises(NotReady) as caught:
        deploy(lab.client, folder)
    assert words in str(caught.value)
    assert lab.client.list_functions()["Functions"] == []


# Answers


class Answering:
    """A Lambda client whose function answers with these bytes."""

    def __init__(self, payload: bytes, **more: str) -> None:
        self._answer = {"Payload": io.BytesIO(payload), **more}

    def invoke(self, **arguments):
        return {**self._answer, "ResponseMetadata": {"RequestId": "1"}}


@pytest.mark.parametrize("payload", [b"\xff", b"", b"{", b'"\\ud8', b"1" * 6_000])
def test_an_answer_that_is_no_json_is_none(payload):
    result = Function(Answering(payload), "f").invoke({})
    assert result.error is None
    assert result.value is None or isinstance(result.value, int)


@pytest.mark.parametrize(
    ("payload", "words"),
    [
        (b"[" * 100_000 + b"]" * 100_000, "nested too deeply"),
        (b'"' + b"x" * 7_000_000 + b'"', "larger than 7,000,000 bytes"),
    ],
)
def test_an_answer_that_cannot_be_read(payload, words):
    with pytest.raises(Unreadable, match=words):
        Function(Answering(payload), "f").invoke({})


@pytest.mark.parametrize(
    ("payload", "error"),
    [
        (b"[1]", {"errorMessage": "an error that is not an object: [1]"}),
        (b"null", {"errorMessage": "an error that is not an object: null"}),
        (b"\xff", {"errorMessage": "an error that is not an object: null"}),
        (b"{}", {}),
        (
            b'{"errorType": 5, "errorMessage": {"a": null}, "stackTrace": 3}',
            {"errorType": "5", "errorMessage": '{"a": null}', "stackTrace": 3},
        ),
    ],
)
def test_an_error_is_an_object_whatever_the_function_reports(payload, error):
    assert Function(Answering(payload, FunctionError="Unhandled"), "f").invoke({}).error == error


def test_an_invocation_that_does_not_end_is_given_up():
    from botocore.exceptions import ReadTimeoutError

    class Waiting:
        def invoke(self, **arguments):
            raise ReadTimeoutError(endpoint_url="http://127.0.0.1")

    with pytest.raises(NeverEnds, match="The function did not answer within 60 s"):
        Function(Waiting(), "f").invoke({})


# workshop reset


@NEEDS_LINKS
def test_reset_writes_through_no_link(tmp_path):
    exercises = submission(tmp_path / "exercises", STAGE)
    handler, outside = exercises / STAGE.name / "handler.py", tmp_path / "outside"
    for target in (outside, tmp_path / "missing"):
        outside.write_text("mine")
        handler.unlink()
        handler.symlink_to(target)
        said = reset(STAGE, exercises)
        assert any("your handler.py is kept" in line for line in said)
        assert outside.read_text() == "mine"
        assert not (tmp_path / "missing").exists()
    shutil.move(exercises / STAGE.name, outside.with_name("elsewhere"))
    (exercises / STAGE.name).symlink_to(outside.with_name("elsewhere"))
    (outside.with_name("elsewhere") / "handler.py").write_text("mine")
    assert f"your {STAGE.name} is kept as" in reset(STAGE, exercises)[0]
    assert is_stub(STAGE, exercises)
    assert (outside.with_name("elsewhere") / "handler.py").read_text() == "mine"


def test_reset_where_a_file_is_in_the_way(tmp_path):
    (tmp_path / STAGE.name).write_text("x")
    assert "is kept as" in reset(STAGE, tmp_path)[0]
    assert is_stub(STAGE, tmp_path)
