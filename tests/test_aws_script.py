"""The `aws` command starts from a folder with a blank in its name, or with a long one."""

from __future__ import annotations

import subprocess
import sys

import pytest

from workshop.aws_script import mend

SOURCE = "import sys\nprint('aws', sys.argv[1:])\n"


@pytest.mark.skipif(sys.platform == "win32", reason="Windows reads no first lines")
@pytest.mark.parametrize("folder", ["my ćwiczenia", "long" * 40])
def test_a_script_that_the_system_cannot_read_is_mended(tmp_path, folder):
    place = tmp_path / folder
    place.mkdir()
    python = place / "python"
    python.symlink_to(sys.executable)
    script = place / "aws"
    script.write_text(f"#!{python}\n{SOURCE}", encoding="utf-8")
    script.chmod(0o755)
    assert mend(script, str(python))
    done = subprocess.run([script, "lambda", "a b"], capture_output=True, text=True)
    assert done.stdout == "aws ['lambda', 'a b']\n", done.stderr
    assert not mend(script, str(python)), "the second time there is nothing to mend"


def test_another_script_is_left_alone(tmp_path):
    script = tmp_path / "aws"
    script.write_text("#!/usr/bin/python3\n" + SOURCE)
    assert not mend(script, "/usr/bin/python3")
    assert script.read_text() == "#!/usr/bin/python3\n" + SOURCE
