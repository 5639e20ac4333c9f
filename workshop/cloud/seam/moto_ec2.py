"""moto.ec2 and moto.ssm, imported in a third of the time and less.

moto.ec2 asks boto3 for the regions in three new sessions, and each reads the description of EC2,
3 MB, anew: here one session answers. moto.ssm imports moto.ec2 for Run Command only: a stand-in
gets it when that is called.
"""

from __future__ import annotations

import contextlib
import importlib
import sys
import threading
import types
from collections.abc import Iterator
from typing import Any

import boto3

from ..base.clients import session

_importing = threading.Lock()


def load(service: str) -> None:
    """Imports what moto is about to use for a service, if it is one of the two."""
    with _importing:
        if service == "ec2" and "moto.ec2" not in sys.modules:
            with _one_session():
                importlib.import_module("moto.ec2")
        elif service == "ssm" and not {"moto.ec2", "moto.ssm"} & sys.modules.keys():
            with _without_ec2():
                importlib.import_module("moto.ssm.models")


@contextlib.contextmanager
def _one_session() -> Iterator[None]:
    """Every `boto3.Session()` is the same one, while moto.ec2 is imported."""
    original, shared = boto3.Session, session()

    def same(*args: Any, **kwargs: Any) -> Any:
        return original(*args, **kwargs) if args or kwargs else shared

    boto3.Session = same
    try:
        yield
    finally:
        boto3.Session = original


@contextlib.contextmanager
def _without_ec2() -> Iterator[None]:
    """A stand-in for moto.ec2, while moto.ssm is imported."""
    stand_in = types.ModuleType("moto.ec2")
    stand_in.ec2_backends = _Later()
    sys.modules["moto.ec2"] = stand_in
    try:
        yield
    finally:
        del sys.modules["moto.ec2"]


class _Later:
    """The backends of EC2, imported when one is asked for."""

    def __getitem__(self, account_id: str) -> Any:
        load("ec2")
        return importlib.import_module("moto.ec2").ec2_backends[account_id]
