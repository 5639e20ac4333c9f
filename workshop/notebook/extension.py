"""The IPython extension: one local cloud for the kernel, and the magic `%check`."""

from __future__ import annotations

import os
import shlex
import sys
from typing import Any

import boto3

from .. import aws_script
from ..cloud import LocalCloud
from ..cloud.base.variables import scrub, use_cloud

_cloud: LocalCloud | None = None


def load_ipython_extension(ipython: Any) -> None:
    """Starts the local cloud, unless this kernel already has one."""
    global _cloud
    if _cloud is None:
        scrub(os.environ)
        _cloud = LocalCloud().start()
        use_cloud(os.environ, _cloud.environ())
        boto3.DEFAULT_SESSION = None  # after a reload it would keep the keys of the cloud before
        _put_commands_on_path()
    ipython.push({"cloud": _cloud})
    ipython.register_magic_function(check, "line")
    print(
        "The local cloud runs. In this notebook boto3 speaks to it, and to no AWS account.\n"
        f"account {_cloud.account_id}, Region {_cloud.region}"
    )


def unload_ipython_extension(ipython: Any) -> None:
    """Closes the local cloud, so that `%reload_ext workshop.notebook` begins with an empty one.

    A client that is made in between finds no account, and says so.
    """
    global _cloud
    if _cloud is not None:
        _cloud.close()
        _cloud = None
    scrub(os.environ)
    boto3.DEFAULT_SESSION = None


def check(line: str) -> None:
    """`%check 01` grades a stage, as `workshop check 01` does in a terminal."""
    from ..cli import main

    try:
        main(["check", *shlex.split(line)])
    except SystemExit:
        print("Write the stage's number behind it, for example: %check 01", file=sys.stderr)


def _put_commands_on_path() -> None:
    """Lets `!aws` and `!workshop` work in a cell: they lie beside this Python."""
    aws_script.main()
    os.environ["PATH"] = str(aws_script.beside()) + os.pathsep + os.environ.get("PATH", "")
