"""The `aws` command is the workshop's, and starts from a folder with a blank in its name, too."""

from __future__ import annotations

import subprocess
import sys

import pytest

from workshop.aws_script import beside, first_lines, install, is_installed

AWSCLI = "#!/usr/bin/python3\nimport awscli.clidriver\nawscli.clidriver.main()\n"
SOURCE = "import sys\nprint('aws', sys.argv[1:])\n"


@pytest.mark.skipif(sys.platform == "win32", reason="Windows reads no first lines")
@pytest.mark.parametrize("folder", ["plain", "my ćwiczenia", "long" * 40])
def test_every_system_can_read_the_first_lines(tmp_path, folder):
    place = tmp_path / folder
    place.mkdir()
    python = place / "python"
    python.symlink_to(sys.executable)
    script = place / "aws"
    script.write_bytes(first_lines(str(python)) + SOURCE.encode())
    script.chmod(0o755)
    done = subprocess.run([script, "lambda", "a b"], capture_output=True, text=True)
    assert done.stdout == "aws ['lambda', 'a b']\n", done.stderr


def test_awscli_s_own_scripts_are_replaced_once(tmp_path):
    for name in ("aws", "aws.cmd"):
        (tmp_path / name).write_text(AWSCLI, encoding="utf-8")
    assert install(tmp_path, sys.executable)
    assert "awscli.clidriver" not in (tmp_path / "aws").read_text(encoding="utf-8")
    assert "-m workshop.aws_cli %*" in (tmp_path / "aws.cmd").read_text(encoding="utf-8")
    assert not install(tmp_path, sys.executable), "the second time there is nothing to do"


@pytest.mark.skipif(sys.platform == "win32", reason="Windows runs aws.cmd")
def test_the_script_runs_the_workshop_s_command(tmp_path):
    script = tmp_path / "aws"
    script.write_text(AWSCLI, encoding="utf-8")
    script.chmod(0o755)
    install(tmp_path, sys.executable)
    done = subprocess.run([script, "sqs", "list-queues"], capture_output=True, text=True)
    assert done.returncode == 255
    assert "there is no local cloud yet" in done.stderr


def test_where_there_is_no_aws_nothing_is_made(tmp_path):
    assert not install(tmp_path, sys.executable)
    assert list(tmp_path.iterdir()) == []


def test_the_one_beside_this_python_is_the_workshop_s():
    assert is_installed(), f"`python -m workshop.aws_script` replaces {beside() / 'aws'}"
