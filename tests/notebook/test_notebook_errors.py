"""What a cell shows that ran before, or whose kernel was restarted: what to do, in a few lines."""

from __future__ import annotations

import pytest
from IPython.core.interactiveshell import InteractiveShell

from workshop.notebook import errors

CREATE = """
import boto3
boto3.client("iam").create_role(RoleName="station-role", AssumeRolePolicyDocument="{}")
"""


def said(shell: InteractiveShell, code: str, capsys: pytest.CaptureFixture[str]) -> str:
    """What a cell prints; it must count as failed, so that Run All stops or goes on by its tag."""
    capsys.readouterr()
    assert not shell.run_cell(code).success
    return capsys.readouterr().out


def test_what_is_there_already_says_so_in_three_lines(shell, capsys):
    assert shell.run_cell(CREATE).success
    came = said(shell, CREATE, capsys)
    assert came.splitlines() == [
        "EntityAlreadyExistsException: Role with name station-role already exists.",
        *errors.GO_ON.splitlines(),
    ]


def test_a_name_that_is_gone_says_what_to_run(shell, capsys):
    came = said(shell, "no_such_client.invoke()", capsys)
    assert came.splitlines() == [
        "NameError: name 'no_such_client' is not defined",
        *errors.RUN_ABOVE.splitlines(),
    ]


@pytest.mark.parametrize(
    ("code", "word"),
    [
        ('boto3.client("lambda").get_function(FunctionName="none")', "ResourceNotFoundException"),
        ("1 / 0", "ZeroDivisionError"),
    ],
)
def test_other_errors_keep_their_traceback(shell, capsys, code, word):
    came = said(shell, f"import boto3\n{code}", capsys)
    assert "Traceback" in came
    assert word in came
    assert errors.GO_ON not in came
