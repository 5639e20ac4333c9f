"""A function of the checks' own that stands in for a service, and misbehaves as it may."""

from __future__ import annotations

import os
from pathlib import Path

from .account import Account
from .function import ROLE, deploy
from .web import open_url, reachable


def stand_in(account: Account, folder: Path, source: str, **variables: str) -> str:
    """The endpoint of a function with this handler.py; `folder` is an empty one.

    The learner's function reaches it through AWS_ENDPOINT_URL_SQS and the like.
    """
    (folder / "handler.py").write_text(source, encoding="utf-8")
    role, client = os.environ.get("WORKSHOP_ROLE_ARN", ROLE), account.client("lambda")
    function = deploy(client, folder, role, variables, changes={"Timeout": 30})
    account.later(function.delete)
    return reachable(open_url(account, function), client)
