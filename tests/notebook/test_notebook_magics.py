"""`%check`, `%hint` and `%progress` in a notebook."""

from __future__ import annotations

import pytest


def test_magics_speak_as_the_commands(shell, capfd, monkeypatch, tmp_path):
    monkeypatch.setenv("WORKSHOP_STATE", str(tmp_path))
    shell.run_line_magic("hint", "01")
    assert capfd.readouterr().out.startswith("Hint 1 of ")
    shell.run_line_magic("progress", "")
    assert "exercises done" in capfd.readouterr().out
    shell.run_line_magic("hint", "77")
    assert "There is no stage '77'" in capfd.readouterr().err


@pytest.mark.parametrize(
    ("magic", "line", "example"),
    [
        ("hint", "", "%hint 01"),
        ("hint", "01 02", "%hint 01"),
        ("hint", "'01", "%hint 01"),
        ("progress", "01", "%progress"),
        ("check", "--nonsense", "%check 01"),
    ],
)
def test_a_wrong_magic_shows_a_right_one(shell, capfd, magic, line, example):
    shell.run_line_magic(magic, line)
    said = capfd.readouterr()
    assert said.err == f"Write it like this, for example: {example}\n"
    assert said.out == ""


def test_a_magic_takes_a_comment(shell, capfd, monkeypatch, tmp_path):
    monkeypatch.setenv("WORKSHOP_STATE", str(tmp_path))
    shell.run_line_magic("hint", "01  # stuck")
    assert capfd.readouterr().out.startswith("Hint 1 of ")
