"""The IPython extension: one local cloud for the kernel, magics, and errors in a line or two."""

from __future__ import annotations

import os
from typing import Any

import boto3

from .. import aws_script
from ..cloud import LocalCloud
from ..cloud.base.variables import NO_CLOUD, scrub, use_cloud
from . import errors, magics

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
    magics.register(ipython)
    errors.register(ipython)
    print(
        "The local cloud is running. In this notebook, boto3 talks to it, and to no AWS account.\n"
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


def running_cloud() -> LocalCloud:
    """The kernel's cloud. Raises RuntimeError, and says what to do, where there is none."""
    if _cloud is None:
        raise RuntimeError(NO_CLOUD)
    return _cloud


def _put_commands_on_path() -> None:
    """Lets `!aws` and `!workshop` work in a cell: they lie beside this Python."""
    aws_script.main()
    os.environ["PATH"] = str(aws_script.beside()) + os.pathsep + os.environ.get("PATH", "")
