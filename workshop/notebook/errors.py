"""Errors of a cell that mean "it ran before" or "run the cells above", said in a line or two."""

from __future__ import annotations

from typing import Any

from botocore.exceptions import ClientError

# What AWS's services answer to a second create.
THERE_ALREADY = {
    "BucketAlreadyExists",
    "BucketAlreadyOwnedByYou",
    "EntityAlreadyExists",
    "InvalidGroup.Duplicate",
    "ParameterAlreadyExists",
    "ResourceConflictException",
    "ResourceInUseException",
}
GO_ON = (
    "The cell ran before, and what it creates already exists: go on with the next cell. For an\n"
    "empty cloud, choose Restart Kernel in the menu Kernel, and run the cells from the top."
)
RUN_ABOVE = (
    "If you restarted the kernel, run the cells above first: Run All Above Selected Cell in the\n"
    "menu Run."
)


def register(ipython: Any) -> None:
    """Has a notebook show these errors so."""
    ipython.set_custom_exc((ClientError, NameError), _show)


def _show(
    shell: Any, kind: type[BaseException], error: Any, trace: Any, tb_offset: int | None = None
) -> None:
    """Shows an error of a cell: in two or three lines if there is advice, else as IPython does."""
    advice = advice_for(error)
    if advice:
        error._render_traceback_ = lambda: [f"{kind.__name__}: {_message(error)}", advice]
    shell.showtraceback((kind, error, trace), tb_offset=tb_offset)


def _message(error: Any) -> str:
    """What is wrong, without botocore's words around AWS's own."""
    return error.response["Error"]["Message"] if isinstance(error, ClientError) else str(error)


def advice_for(error: Exception) -> str | None:
    """What to do about an error, if it is one of those that mean it."""
    if isinstance(error, NameError):
        return RUN_ABOVE
    if isinstance(error, ClientError):
        code = error.response["Error"]["Code"]
        is_create = error.operation_name.startswith(("Create", "Add", "Put"))
        return GO_ON if is_create and code in THERE_ALREADY else None
    return None
