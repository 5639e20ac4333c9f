"""What the checks run with: the learner's folder, an AWS to deploy to, the deployed function.

pytest checks                            grades exercises/
pytest checks --exercises solutions      grades the solutions
pytest checks -k stage_01                one stage
pytest checks --endpoint-url URL         against another AWS endpoint
"""

from __future__ import annotations

import functools
import os
from pathlib import Path
from typing import Any

import pytest
from botocore.config import Config

from workshop.cloud import LocalCloud
from workshop.cloud.base.variables import scrub
from workshop.grading import fresh
from workshop.grading.account import Account
from workshop.grading.endpoint import clients, idle_of
from workshop.grading.function import ROLE, Function
from workshop.grading.function import deploy as deploy_folder
from workshop.grading.patience import WAIT_S
from workshop.grading.plugin import Outcomes
from workshop.paths import MissingFolder, exercises_folder

PLUGIN = "workshop-outcomes"
KEYS = ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN")


def pytest_configure(config):
    config.option.tbstyle = "no" if config.option.tbstyle == "auto" else config.option.tbstyle
    config.pluginmanager.register(Outcomes(), PLUGIN)
    config.pluginmanager.register(fresh.Seeded(), "workshop-fresh")
    try:
        exercises_folder(config.getoption("--exercises"))
    except MissingFolder as error:
        raise pytest.UsageError(str(error)) from None


@pytest.hookimpl(tryfirst=True)
def pytest_terminal_summary(terminalreporter):
    """Prints each failure's message, which `--tb=no` would leave out."""
    for kind in ("failed", "error"):
        for report in terminalreporter.getreports(kind):
            terminalreporter.section(report.nodeid.split("::")[-1], sep="-")
            terminalreporter.write_line(str(report.longrepr))


@pytest.fixture(scope="session")
def aws(pytestconfig):
    """A boto3 client of each service asked for, and what waits until AWS is idle (or None).

    They are the local cloud's, or those of the endpoint that was named.
    """
    url = pytestconfig.getoption("--endpoint-url")
    if url:
        yield clients(url), idle_of(url)
        return
    before = dict(os.environ)
    scrub(os.environ)
    with LocalCloud() as cloud:
        # Whoever makes a client without keys finds none here, and no way to a real account.
        os.environ.update({k: v for k, v in cloud.environ().items() if k not in KEYS})
        pytestconfig.pluginmanager.get_plugin(PLUGIN).patience.invocations = cloud.invocations
        client = functools.partial(cloud.client, config=Config(read_timeout=WAIT_S))
        yield functools.cache(client), functools.partial(cloud.idle, WAIT_S)
    os.environ.clear()
    os.environ.update(before)


@pytest.fixture(scope="module")
def account(aws, pytestconfig):
    """Where a check file makes its resources; elsewhere they are deleted after its checks."""
    client, idle = aws
    made = Account(client, idle)
    yield made
    if pytestconfig.getoption("--endpoint-url"):  # a local cloud of our own ends, with all in it
        made.close()


@pytest.fixture(scope="module")
def folder(request, pytestconfig) -> Path:
    """The learner's folder of the stage."""
    stage = request.path.parent.name
    return exercises_folder(pytestconfig.getoption("--exercises")) / stage


@pytest.fixture(scope="module")
def values() -> dict[str, str]:
    """What the placeholders in function.json stand for, by name; a check file may override it."""
    return {}


@pytest.fixture(scope="module")
def deploy(account, folder, values, pytestconfig):
    """Deploys the learner's function: `deploy(VARIABLE="value", ...)`, as often as wanted.

    The keywords are environment variables beside those of function.json. `changes`, as in
    `deploy({"Timeout": 30})`, win over its other settings.
    """

    def deploy_with(changes: dict[str, Any] | None = None, /, **variables: str) -> Function:
        role = os.environ.get("WORKSHOP_ROLE_ARN", ROLE)
        client = account.client("lambda")
        deployed = deploy_folder(client, folder, role, variables, values, changes)
        account.later(deployed.delete)
        pytestconfig.pluginmanager.get_plugin(PLUGIN).deployed.add(folder.name)
        return deployed

    return deploy_with


@pytest.fixture(scope="module")
def function(deploy) -> Function:
    """The stage's function, deployed once for its checks."""
    return deploy()
